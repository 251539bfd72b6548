// UTF-8, strictly as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
//
// Every text that enters through a decoder of this room has passed `check_utf8`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace rz::ipld {

// The offset of the first byte of the first ill-formed sequence; none where all of `bytes` is well formed.
std::optional<std::size_t> find_bad_utf8(ByteView bytes);

inline bool is_utf8(ByteView bytes) { return !find_bad_utf8(bytes); }

// Errors: invalid_utf8 at the offset of the ill-formed sequence, `base_offset` added.
Status check_utf8(ByteView bytes, std::uint64_t base_offset = 0);

// How many code points `text` holds. `text` must be well formed; otherwise the count is of its lead bytes.
std::size_t code_point_count(std::string_view text);

// Appends the code point (below 0x110000 and no surrogate: the caller's contract).
void put_code_point(std::string& out, char32_t code_point);

}  // namespace rz::ipld
