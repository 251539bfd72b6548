// What somebody types, pastes or scans from the sheet of paper, read back: words, DID, addresses, in any order.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "identity/paper.h"
#include "ipld/multiaddr.h"
#include "log/ids.h"

namespace rz::identity {

inline constexpr std::size_t paper_sheet_bytes_max = paper_text_bytes_max;
inline constexpr std::size_t paper_sheet_addresses_max = 16;

struct PaperReading {
  PaperKey key;
  std::optional<log::Did> did;             // None: only the words were given.
  std::vector<ipld::Multiaddr> addresses;  // In their order, nothing twice.
};

// The inverse of format_paper_sheet, and forgiving as PaperKey::parse: what begins with "did:" is the DID, what begins
// with "/" an address, a line that ends in ":" or begins with "#" is a heading, and all else is the words. Errors:
// those of PaperKey::parse (offsets in `text`), parse_did and Multiaddr::parse; limit_exceeded; did_malformed where two
// DIDs differ.
Result<PaperReading> parse_paper_sheet(std::string_view text);

}  // namespace rz::identity
