#include "identity/paper_sheet.h"

#include <algorithm>

#include "identity/did.h"

namespace rz::identity {

namespace {

constexpr std::string_view spaces = " \t\r\n\v\f";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(spaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) + 1 - begin);
}

bool is_heading(std::string_view line) {
  const std::string_view trimmed = trim(line);
  return trimmed.starts_with('#') || trimmed.ends_with(':');
}

// What is no word is blanked out, so that the offsets of what is left stay those of the whole text.
void blank(std::string& text, std::size_t begin, std::size_t size) {
  std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(begin), size, ' ');
}

}  // namespace

Result<PaperReading> parse_paper_sheet(std::string_view text) {
  if (text.size() > paper_sheet_bytes_max) return fail(ErrorCode::limit_exceeded, "far too long for a paper key");
  std::string words_only(text);
  std::optional<log::Did> did;
  std::vector<ipld::Multiaddr> addresses;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t line_end = std::min(text.find('\n', at), text.size());
    if (is_heading(text.substr(at, line_end - at))) {
      blank(words_only, at, line_end - at);
      at = line_end + 1;
      continue;
    }
    for (std::size_t begin = text.find_first_not_of(spaces, at); begin < line_end;) {
      const std::size_t end = std::min(text.find_first_of(spaces, begin), line_end);
      const std::string_view token = text.substr(begin, end - begin);
      if (token.starts_with("did:")) {
        RZ_TRY(const log::Did named, parse_did(token));
        if (did && *did != named) return fail_at(ErrorCode::did_malformed, begin, "two different DIDs on one paper");
        did = named;
        blank(words_only, begin, token.size());
      } else if (token.starts_with('/')) {
        if (addresses.size() == paper_sheet_addresses_max) {
          return fail_at(ErrorCode::limit_exceeded, begin, "too many addresses on one paper");
        }
        RZ_TRY(ipld::Multiaddr address, ipld::Multiaddr::parse(token));
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
          addresses.push_back(std::move(address));
        }
        blank(words_only, begin, token.size());
      }
      begin = std::min(text.find_first_not_of(spaces, end), text.size());
    }
    at = line_end + 1;
  }
  auto key = PaperKey::parse(words_only);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(words_only.data()), words_only.size()});
  if (!key) return std::unexpected(std::move(key).error());
  return PaperReading{*std::move(key), did, std::move(addresses)};
}

}  // namespace rz::identity
