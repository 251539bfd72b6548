// The limits of the block formats. They are constants of the format: what one replica takes, every replica takes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rz::ipld {

inline constexpr std::size_t block_bytes_max = std::size_t{8} << 20;
inline constexpr std::uint32_t depth_max = 128;

struct Limits {
  std::size_t bytes_max = block_bytes_max;    // Of the whole input. Beyond it: too_large.
  std::uint32_t depth_max = ipld::depth_max;  // Of lists and maps inside each other. Beyond it: too_deep.
};

}  // namespace rz::ipld
