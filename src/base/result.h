// Results and errors: how a failure crosses a room's border.
//
// `Result<T>` is a value or an `Error`. Bad input is an error, never an assertion (base/assert.h); no exception leaves
// a room. Pass an error on with RZ_TRY.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error_codes.h"

namespace rz {

struct [[nodiscard]] Error {
  static constexpr std::uint64_t offset_none = ~std::uint64_t{0};

  ErrorCode code = ErrorCode::internal;
  std::string message;                 // What was wrong, for a person: one clause, no full stop.
  std::uint64_t offset = offset_none;  // Where in the input, in bytes, if the error is about a place in it.

  // "bad_hex at byte 3: not a hexadecimal digit".
  std::string to_string() const;
};

template <class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

inline std::unexpected<Error> fail(ErrorCode code, std::string_view message) {
  return std::unexpected(Error{code, std::string(message)});
}

inline std::unexpected<Error> fail_at(ErrorCode code, std::uint64_t offset, std::string_view message) {
  return std::unexpected(Error{code, std::string(message), offset});
}

// Joins the parts of a message: text, or an integer in decimal.
template <class... Parts>
std::string words(const Parts&... parts) {
  std::string joined;
  auto add = [&joined](const auto& part) {
    if constexpr (std::is_integral_v<std::remove_cvref_t<decltype(part)>>) {
      joined += std::to_string(part);
    } else {
      joined += std::string_view(part);
    }
  };
  (add(parts), ...);
  return joined;
}

}  // namespace rz

#define RZ_CONCAT_INNER(a, b) a##b
#define RZ_CONCAT(a, b) RZ_CONCAT_INNER(a, b)

// RZ_TRY(declaration, expression): binds the value of a Result, or returns its error from the enclosing function.
//   RZ_TRY(const auto cid, Cid::decode(bytes));
#define RZ_TRY(declaration, ...) RZ_TRY_INNER(RZ_CONCAT(rz_result_, __LINE__), declaration, __VA_ARGS__)
#define RZ_TRY_INNER(result, declaration, ...)         \
  auto result = (__VA_ARGS__);                         \
  if (!result) [[unlikely]]                            \
    return std::unexpected(std::move(result).error()); \
  declaration = *std::move(result)

// RZ_CHECK(expression): returns the error of a Status (or of any Result whose value is not wanted).
#define RZ_CHECK(...)                                            \
  do {                                                           \
    if (auto rz_status = (__VA_ARGS__); !rz_status) [[unlikely]] \
      return std::unexpected(std::move(rz_status).error());      \
  } while (false)
