// Limits of the formats: part of them, checked before anything is allocated. Raising one is a new version.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rz::log {

inline constexpr std::size_t parents_max = 256;
inline constexpr std::size_t body_bytes_max = 512 * 1024 - 1;  // "Under 512 KiB".
inline constexpr std::size_t header_bytes_max = 12 * 1024;     // 256 parents take 10.5 KiB.
inline constexpr std::uint64_t events_per_seal_max = 1024;
inline constexpr std::uint64_t bytes_per_seal_max = 1024 * 1024;
inline constexpr std::size_t text_bytes_max = 1024;        // A name, a kind, an address in a control body.
inline constexpr std::size_t small_bytes_max = 16 * 1024;  // An opaque byte string in a control body.
inline constexpr std::size_t list_items_max = 8192;        // Heads, events, wraps ... in one control body.
inline constexpr std::size_t right_bytes_max = 64;         // A right's or an operation's name.
inline constexpr std::size_t predecessors_max = 8;         // Of an operation in the identity chain.
inline constexpr std::size_t wrapped_key_bytes = 80;       // A 32-byte key in a sealed box.
inline constexpr std::size_t genesis_bytes_max = 20 * 1024;
inline constexpr std::size_t about_type_bytes_max = 256;
inline constexpr std::size_t co_signatures_max = 256;
inline constexpr std::size_t head_tree_leaves_max = 1 << 20;
inline constexpr std::size_t feed_heads_max = 65536;
inline constexpr std::size_t voters_max = 1024;
inline constexpr std::size_t run_events_max = 4096;            // In one encoded feed run.
inline constexpr std::size_t run_bytes_max = 4 * 1024 * 1024;  // Of one encoded feed run.

}  // namespace rz::log
