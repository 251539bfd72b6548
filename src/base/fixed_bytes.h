// Byte strings of a fixed length, one type a meaning, so that a stream's id can't be passed where an author's is meant.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "base/bytes.h"

namespace rz {

// `Tag` is any (incomplete) type; it only keeps meanings apart. Ordered as memcmp orders. Zero by default.
template <class Tag, std::size_t N>
struct FixedBytes {
  static constexpr std::size_t size_bytes = N;

  std::array<std::uint8_t, N> bytes{};

  // Errors: bad_argument where the length is not N.
  static Result<FixedBytes> from(ByteView view) {
    if (view.size() != N) return fail(ErrorCode::bad_argument, words("expected ", N, " bytes, got ", view.size()));
    FixedBytes value;
    std::copy(view.begin(), view.end(), value.bytes.begin());
    return value;
  }

  constexpr ByteView view() const { return {bytes.data(), N}; }
  constexpr MutableByteView mutable_view() { return {bytes.data(), N}; }
  std::string hex() const { return to_hex(view()); }
  // The first eight hexadecimal digits: enough for a person, never for a program.
  std::string brief() const { return to_hex(view().first(N < 4 ? N : 4)); }
  constexpr bool is_zero() const {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
  }

  friend bool operator==(const FixedBytes& a, const FixedBytes& b) {
    return std::memcmp(a.bytes.data(), b.bytes.data(), N) == 0;
  }
  friend std::strong_ordering operator<=>(const FixedBytes& a, const FixedBytes& b) {
    return std::memcmp(a.bytes.data(), b.bytes.data(), N) <=> 0;
  }
};

// A SHA-256 digest of something not told apart further.
struct Hash256Tag;
using Hash256 = FixedBytes<Hash256Tag, 32>;

}  // namespace rz

// Hashes and keys are already uniform: their first word will do. Unordered containers must never reach an output.
template <class Tag, std::size_t N>
  requires(N >= sizeof(std::size_t))
struct std::hash<rz::FixedBytes<Tag, N>> {
  std::size_t operator()(const rz::FixedBytes<Tag, N>& value) const noexcept {
    std::size_t word;
    std::memcpy(&word, value.bytes.data(), sizeof word);
    return word;
  }
};
