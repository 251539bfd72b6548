#include "ipld/utf8.h"

#include <cstring>

#include "base/assert.h"

namespace rz::ipld {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080;

bool is_continuation(std::uint8_t byte) { return (byte & 0xc0) == 0x80; }

// The length of the well-formed sequence at the front of `from`, 0 where there is none (RFC 3629 section 4: the second
// byte's range depends on the first, which excludes overlong forms, surrogates and what lies above U+10FFFF).
std::size_t sequence_length(ByteView from) {
  const std::uint8_t lead = from[0];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (from.size() < length) return 0;
  std::uint8_t second_min = 0x80;
  std::uint8_t second_max = 0xbf;
  if (lead == 0xe0) second_min = 0xa0;
  if (lead == 0xed) second_max = 0x9f;
  if (lead == 0xf0) second_min = 0x90;
  if (lead == 0xf4) second_max = 0x8f;
  if (from[1] < second_min || from[1] > second_max) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (!is_continuation(from[i])) return 0;
  }
  return length;
}

template <class Word>
Word load(const std::uint8_t* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Most text is ASCII and short: whole words, the last one overlapping the one before it.
bool is_ascii(ByteView bytes) {
  const std::uint8_t* const begin = bytes.data();
  const std::size_t size = bytes.size();
  if (size >= 8) {
    std::uint64_t bits = load<std::uint64_t>(begin + size - 8);
    for (std::size_t at = 0; at + 8 < size; at += 8) bits |= load<std::uint64_t>(begin + at);
    return (bits & high_bits) == 0;
  }
  if (size >= 4) {
    const std::uint32_t bits = load<std::uint32_t>(begin) | load<std::uint32_t>(begin + size - 4);
    return (bits & static_cast<std::uint32_t>(high_bits)) == 0;
  }
  return size == 0 || ((begin[0] | begin[size / 2] | begin[size - 1]) & 0x80) == 0;
}

}  // namespace

std::optional<std::size_t> find_bad_utf8(ByteView bytes) {
  if (is_ascii(bytes)) return std::nullopt;
  std::size_t at = 0;
  while (at < bytes.size()) {
    while (bytes.size() - at >= 8 && (load<std::uint64_t>(bytes.data() + at) & high_bits) == 0) at += 8;
    if (at == bytes.size()) break;
    const std::size_t length = sequence_length(bytes.subspan(at));
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

Status check_utf8(ByteView bytes, std::uint64_t base_offset) {
  if (const auto bad = find_bad_utf8(bytes)) {
    return fail_at(ErrorCode::invalid_utf8, base_offset + *bad, "ill-formed UTF-8");
  }
  return {};
}

std::size_t code_point_count(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += !is_continuation(static_cast<std::uint8_t>(c));
  return count;
}

void put_code_point(std::string& out, char32_t code_point) {
  RZ_REQUIRE(code_point < 0x110000 && (code_point < 0xd800 || code_point > 0xdfff));
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(static_cast<std::uint8_t>(byte))); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
    put(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3f));
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  }
}

}  // namespace rz::ipld
