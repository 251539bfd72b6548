// UTF-8 (RFC 3629) as the document needs it: is it valid, how many code points, where is the n-th.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rz::document::utf8 {

inline bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// No overlong forms, surrogates or code points past U+10FFFF.
bool is_valid(std::string_view text);

// Code points in valid UTF-8.
std::size_t count(std::string_view text);

// The byte at which code point `index` of valid UTF-8 begins; text.size() if there are no more.
std::size_t offset_of(std::string_view text, std::size_t index);

}  // namespace rz::document::utf8
