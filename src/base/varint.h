// Unsigned varint (multiformats/unsigned-varint): seven bits a byte, least significant first, at most nine bytes
// (63 bits), minimal: a trailing zero byte is refused.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace rz {

inline void put_varint(Bytes& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

struct Varint {
  std::uint64_t value = 0;
  std::size_t size_bytes = 0;  // How many bytes it took; 0 where there is none.
};

enum class VarintState : std::uint8_t { complete, truncated, not_minimal, too_long };

// Reads one from the front of `from`. Anything but `complete` leaves `out` zero. `truncated` means more bytes may help.
inline VarintState get_varint(ByteView from, Varint& out) {
  out = {};
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    if (i == from.size()) return VarintState::truncated;
    value |= static_cast<std::uint64_t>(from[i] & 0x7f) << (7 * i);
    if ((from[i] & 0x80) != 0) continue;
    if (i > 0 && from[i] == 0) return VarintState::not_minimal;
    out = {value, i + 1};
    return VarintState::complete;
  }
  return VarintState::too_long;
}

}  // namespace rz
