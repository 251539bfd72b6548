// How the commands speak: to a person on a terminal, or to a program by --json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace rz::cli {

// Exit codes, a promise to scripts.
enum class Exit : int { done = 0, failed = 1, usage = 2, refused = 3, unreachable = 4, unknown = 5 };

Exit exit_of(const Error& error);

// Colours only on a terminal, never with NO_COLOR.
class Style {
 public:
  explicit Style(bool enabled) : enabled_(enabled) {}
  static Style for_stdout();
  std::string bold(std::string_view text) const { return wrap("1", text); }
  std::string dim(std::string_view text) const { return wrap("2", text); }
  std::string green(std::string_view text) const { return wrap("32", text); }
  std::string yellow(std::string_view text) const { return wrap("33", text); }
  std::string red(std::string_view text) const { return wrap("31", text); }

 private:
  std::string wrap(const char* code, std::string_view text) const;
  bool enabled_;
};

// A table with aligned columns; widths count characters, not bytes.
std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows,
                  const Style& style);

// "2 minutes ago", "just now", "in 10 minutes".
std::string ago(std::uint64_t then_ms, std::uint64_t now_ms);
// "1.4 MB".
std::string bytes_text(std::uint64_t bytes);
// The dot that fills: ○ visible, ◔ local, ◑ pod, ● committed.
std::string dot(std::string_view state);

// Is standard output (input) a terminal?
bool stdout_is_terminal();
bool stdin_is_terminal();

}  // namespace rz::cli
