// The head of one CBOR item, as DAG-CBOR allows it. Inside this room only.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace rz::ipld::dag_cbor {

inline constexpr std::uint8_t major_simple = 7;  // false, true, null and floats; the others are cbor::Major.
inline constexpr std::uint8_t info_uint8 = 24;
inline constexpr std::uint8_t info_uint64 = 27;
inline constexpr std::uint8_t info_indefinite = 31;

inline std::uint64_t big_endian(const std::uint8_t* from) {
  std::uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

struct ItemHead {
  std::uint8_t major = 0;
  std::uint8_t info = 0;
  std::uint64_t argument = 0;  // Of major 7 the bits of the float, where info is info_uint64.
};

// What is wrong with a head; `ok` where nothing is.
enum class HeadFault : std::uint8_t { ok, truncated, not_minimal, indefinite, reserved };

// Reads a head at `at` and moves `at` behind it. The argument is minimal, except in major 7, where it is no number:
// there the caller looks at info.
inline HeadFault read_head(const std::uint8_t*& at, const std::uint8_t* end, ItemHead& head) {
  if (at == end) return HeadFault::truncated;
  const std::uint8_t first = *at;
  head.major = static_cast<std::uint8_t>(first >> 5);
  head.info = first & 0x1f;
  if (head.info < info_uint8) {
    head.argument = head.info;
    ++at;
    return HeadFault::ok;
  }
  if (head.info > info_uint64) return head.info == info_indefinite ? HeadFault::indefinite : HeadFault::reserved;
  const std::size_t width = std::size_t{1} << (head.info - info_uint8);
  const auto left = static_cast<std::size_t>(end - at);
  if (left >= 9) [[likely]] {
    // Without a branch on the width, which no processor predicts in a list of numbers.
    head.argument = big_endian(at + 1) >> (64 - 8 * width);
  } else {
    if (left < 1 + width) return HeadFault::truncated;
    head.argument = 0;
    for (std::size_t i = 0; i < width; ++i) head.argument = head.argument << 8 | at[1 + i];
  }
  // Arguments under these fit a shorter head.
  constexpr std::uint64_t below_of[] = {info_uint8, 0x100, 0x10000, 0x100000000};
  const std::uint64_t below = below_of[head.info - info_uint8];
  if (head.argument < below && head.major != major_simple) return HeadFault::not_minimal;
  at += 1 + width;
  return HeadFault::ok;
}

struct Complaint {
  ErrorCode code = ErrorCode::internal;
  const char* message = "";
};

inline Complaint complaint_of(HeadFault fault) {
  switch (fault) {
    case HeadFault::truncated:
      return {ErrorCode::truncated, "the head of an item is cut short"};
    case HeadFault::not_minimal:
      return {ErrorCode::not_minimal, "a shorter head would do"};
    case HeadFault::indefinite:
      return {ErrorCode::indefinite_length, "indefinite lengths are not allowed"};
    case HeadFault::reserved:
      return {ErrorCode::reserved_head, "additional information 28 to 30"};
    case HeadFault::ok:
      break;
  }
  return {};
}

// What is wrong with an item of major 7 that is not false, true, null or a 64-bit float.
inline Complaint complaint_of_simple(const ItemHead& head) {
  if (head.info == 25 || head.info == 26) return {ErrorCode::float_width, "floats have 64 bits"};
  if (head.info == 23) return {ErrorCode::bad_simple, "undefined"};
  return {ErrorCode::bad_simple, "a simple value other than false, true and null"};
}

inline bool is_finite_float(std::uint64_t bits) { return (bits >> 52 & 0x7ff) != 0x7ff; }

}  // namespace rz::ipld::dag_cbor
