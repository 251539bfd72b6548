#include "document/utf8.h"

#include <cstring>

namespace rz::document::utf8 {
namespace {

// Bytes of the sequence at the front of `text`, or 0 where it is malformed.
std::size_t sequence_bytes(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;   // Overlong.
  if (lead == 0xed && byte(1) >= 0xa0) return 0;  // Surrogate.
  if (lead == 0xf0 && byte(1) < 0x90) return 0;   // Overlong.
  if (lead == 0xf4 && byte(1) >= 0x90) return 0;  // Past U+10FFFF.
  return size;
}

// Of eight bytes, how many begin a code point.
std::size_t starts_in_word(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  // A continuation byte has its top bit set and the next one clear.
  const std::uint64_t continuations = word >> 7 & ~(word >> 6) & 0x0101010101010101;
  return 8 - static_cast<std::size_t>((continuations * 0x0101010101010101) >> 56);
}

}  // namespace

bool is_valid(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t size = sequence_bytes(text.substr(at));
    if (size == 0) return false;
    at += size;
  }
  return true;
}

std::size_t count(std::string_view text) {
  std::size_t starts = 0;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) starts += starts_in_word(text.data() + at);
  for (; at < text.size(); ++at) starts += is_continuation(text[at]) ? 0 : 1;
  return starts;
}

std::size_t offset_of(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  while (at + 8 <= text.size()) {
    const std::size_t starts = starts_in_word(text.data() + at);
    if (starts > index) break;
    index -= starts;
    at += 8;
  }
  for (; at < text.size(); ++at) {
    if (is_continuation(text[at])) continue;
    if (index == 0) return at;
    --index;
  }
  return at;
}

}  // namespace rz::document::utf8
