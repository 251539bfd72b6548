// What people type or scan: join codes, join links, the paper key's words, DIDs. What parses is written back as one
// text that parses to the same.
#include "base/assert.h"
#include "crypto/sha256.h"
#include "identity/did.h"
#include "identity/join_link.h"
#include "identity/paper.h"
#include "log/genesis.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  const auto text = as_text(ByteView(data, size));
  if (const auto code = identity::parse_join_code(text)) {
    RZ_ASSERT(identity::parse_join_code(identity::format_join_code(*code)) == *code);
  }
  if (const auto link = identity::parse_join_link(text)) {
    const auto written = identity::format_join_link(*link);
    RZ_ASSERT(written.has_value());
    RZ_ASSERT(identity::parse_join_link(*written) == *link);
  }
  if (const auto invitation = identity::parse_join_invitation(text)) RZ_ASSERT(!invitation->secret.hex().empty());
  if (const auto did = identity::parse_did(text)) RZ_ASSERT(log::did_text(*did) == text);
  if (const auto paper = identity::PaperKey::parse(text)) {
    std::string written;
    for (const auto& word : paper->to_words()) written += word + " ";
    const auto again = identity::PaperKey::parse(written);
    RZ_ASSERT(again.has_value());
    RZ_ASSERT(again->seed().equals(paper->seed()));
  }
  return 0;
}
