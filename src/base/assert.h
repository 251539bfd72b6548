// Assertions: for our own bugs, on in release. What comes from outside is an error (base/result.h), never an assertion.
//
//   RZ_REQUIRE(cond)        the caller broke the contract
//   RZ_ASSERT(cond)         we did
//   RZ_ASSERT_CMP(a, <, b)  the same, and prints both numbers
#pragma once

#include <cstdint>
#include <type_traits>

namespace rz {

// Prints the failure to stderr and aborts; never returns.
[[noreturn]] void assertion_failed(const char* kind, const char* expression, const char* file, int line);
[[noreturn]] void comparison_failed(const char* expression, std::int64_t left, std::int64_t right, const char* file,
                                    int line);

}  // namespace rz

#define RZ_ASSERT(condition) \
  ((condition) ? (void)0 : ::rz::assertion_failed("assertion", #condition, __FILE__, __LINE__))
#define RZ_REQUIRE(condition) \
  ((condition) ? (void)0 : ::rz::assertion_failed("requirement", #condition, __FILE__, __LINE__))
#define RZ_ASSERT_CMP(left, op, right)                                                                    \
  (((left)op(right)) ? (void)0                                                                            \
                     : ::rz::comparison_failed(#left " " #op " " #right, static_cast<std::int64_t>(left), \
                                               static_cast<std::int64_t>(right), __FILE__, __LINE__))
