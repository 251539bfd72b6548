// The head of a CBOR item (RFC 8949 section 3): a major type and an argument in the fewest bytes.
//
// Shared by rooms that write a few fixed arrays and must not depend on the whole codec (ipld/dag_cbor.h), which uses
// it too.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace rz::cbor {

enum class Major : std::uint8_t {
  unsigned_int = 0,
  negative_int = 1,
  bytes = 2,
  text = 3,
  array = 4,
  map = 5,
  tag = 6,
};

inline void put_head(Bytes& out, Major major, std::uint64_t argument) {
  const auto type = static_cast<std::uint8_t>(static_cast<std::uint8_t>(major) << 5);
  int width = 0;  // Bytes of argument after the first.
  if (argument < 24) {
    out.push_back(static_cast<std::uint8_t>(type | argument));
    return;
  }
  if (argument <= 0xff) {
    out.push_back(type | 24);
    width = 1;
  } else if (argument <= 0xffff) {
    out.push_back(type | 25);
    width = 2;
  } else if (argument <= 0xffffffff) {
    out.push_back(type | 26);
    width = 4;
  } else {
    out.push_back(type | 27);
    width = 8;
  }
  for (int shift = (width - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(argument >> shift));
}

inline void put_uint(Bytes& out, std::uint64_t value) { put_head(out, Major::unsigned_int, value); }
inline void put_array(Bytes& out, std::uint64_t count) { put_head(out, Major::array, count); }
inline void put_bytes(Bytes& out, ByteView view) {
  put_head(out, Major::bytes, view.size());
  append(out, view);
}
inline void put_text(Bytes& out, std::string_view text) {
  put_head(out, Major::text, text.size());
  append(out, as_bytes(text));
}

}  // namespace rz::cbor
