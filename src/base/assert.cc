#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace rz {
namespace {

// fputs, not printf: the WebAssembly build should not carry a formatter for a message nobody should ever see.
void put_number(std::int64_t value) {
  char digits[24];
  char* end = digits + sizeof digits;
  *--end = '\0';
  const bool negative = value < 0;
  std::uint64_t rest = negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  do {
    *--end = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (negative) *--end = '-';
  std::fputs(end, stderr);
}

void put_place(const char* file, int line) {
  std::fputs(" at ", stderr);
  std::fputs(file, stderr);
  std::fputs(":", stderr);
  put_number(line);
  std::fputs("\n", stderr);
}

}  // namespace

void assertion_failed(const char* kind, const char* expression, const char* file, int line) {
  std::fputs("rhizome: ", stderr);
  std::fputs(kind, stderr);
  std::fputs(" failed: ", stderr);
  std::fputs(expression, stderr);
  put_place(file, line);
  std::abort();
}

void comparison_failed(const char* expression, std::int64_t left, std::int64_t right, const char* file, int line) {
  std::fputs("rhizome: assertion failed: ", stderr);
  std::fputs(expression, stderr);
  std::fputs(" (", stderr);
  put_number(left);
  std::fputs(" against ", stderr);
  put_number(right);
  std::fputs(")", stderr);
  put_place(file, line);
  std::abort();
}

}  // namespace rz
