// Limits of the pod snapshot's format: part of it, checked before anything is allocated (docs/formats/snapshot.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace rz::view {

inline constexpr std::size_t block_bytes_max = std::size_t{1} << 20;
inline constexpr std::size_t node_items_max = 256;     // Entries, children or chunks of one node.
inline constexpr unsigned depth_max = 16;              // Levels of a tree.
inline constexpr std::size_t inline_bytes_max = 2048;  // A longer value is cut into chunks.
inline constexpr std::size_t chunk_bytes_min = 4096;   // But for the last one.
inline constexpr std::size_t chunk_bytes_max = 65536;
inline constexpr std::size_t chunk_window_bytes = 64;  // What decides whether a chunk ends.
inline constexpr std::uint64_t value_bytes_max = std::uint64_t{256} << 20;
inline constexpr std::size_t root_bytes_max = 256 * 1024;
inline constexpr std::size_t part_bytes_max = 256 * 1024;  // Of the operations: about so much a block.
inline constexpr std::size_t parts_max = 16384;
inline constexpr std::size_t removals_max = 1024;
inline constexpr std::size_t seals_max = 16384;

}  // namespace rz::view
