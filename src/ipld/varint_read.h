// Varints as this room reads them: from an offset, with an error that says which one was wrong; and codes in words.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/varint.h"

namespace rz::ipld {

// The varint at `at`; `what` is for the message. Errors: truncated, bad_varint.
inline Result<Varint> read_varint(ByteView bytes, std::size_t at, std::string_view what) {
  Varint out;
  switch (get_varint(bytes.subspan(at), out)) {
    case VarintState::complete:
      return out;
    case VarintState::truncated:
      return fail_at(ErrorCode::truncated, bytes.size(), words(what, " is cut short"));
    case VarintState::not_minimal:
      return fail_at(ErrorCode::bad_varint, at, words(what, " is not in its shortest form"));
    case VarintState::too_long:
      break;
  }
  return fail_at(ErrorCode::bad_varint, at, words(what, " has more than 63 bits"));
}

// "0x7b": a code of the multicodec table that has no name here.
inline std::string code_text(std::uint64_t code) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, code, 16).ptr;
  return "0x" + std::string(digits, end);
}

// The inverse. None where `text` is not of that form or has more than 63 bits.
inline std::optional<std::uint64_t> parse_code_text(std::string_view text) {
  if (!text.starts_with("0x") || text.size() < 3) return std::nullopt;
  std::uint64_t code = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data() + 2, end, code, 16);
  if (failure != std::errc() || stop != end || code >> 63 != 0) return std::nullopt;
  return code;
}

}  // namespace rz::ipld
