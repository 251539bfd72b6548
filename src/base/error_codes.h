// The one table of error codes. A code is a promise to every caller in every language (it is the C ABI): numbers are
// never reused, never renumbered. Each room has a range of a hundred.
//
// RZ_ERROR_CODES(X) expands X(name, number, what it means, in words a person reads).
#pragma once

#include <cstdint>
#include <string_view>

// clang-format off
#define RZ_ERROR_CODES(X) \
  /* base: 1 to 99 */ \
  X(internal,            1, "a bug of ours was noticed and contained") \
  X(bad_hex,             2, "not hexadecimal") \
  X(limit_exceeded,      3, "larger than a limit of the format") \
  X(unknown_outcome,     4, "it is not known whether this took effect") \
  X(unsupported,         5, "known, but not offered here") \
  X(bad_argument,        6, "an argument is out of range") \
  X(not_found,           7, "there is no such thing") \
  /* crypto: 100 to 199 */ \
  /* store: 200 to 299 */ \
  /* ipld: 300 to 399 */ \
  /* raft: 400 to 499 */ \
  /* log: 500 to 599 */ \
  /* net: 600 to 699 */ \
  /* identity: 700 to 799 */ \
  /* document: 800 to 899 */ \
  /* view: 900 to 999 */ \
  /* sync: 1000 to 1099 */ \
  /* market: 1100 to 1199 */ \
  /* pod: 1200 to 1299 */ \
  /* host: 1300 to 1399 */ \
  /* cli: 1400 to 1499 */
// clang-format on

namespace rz {

enum class ErrorCode : std::uint16_t {
#define RZ_ERROR_ENUM(name, number, text) name = number,
  RZ_ERROR_CODES(RZ_ERROR_ENUM)
#undef RZ_ERROR_ENUM
};

// The code's name as written in the table ("bad_hex"); "unknown" for a number that is not in it.
std::string_view name_of(ErrorCode code);

// The code's meaning in words.
std::string_view meaning_of(ErrorCode code);

}  // namespace rz
