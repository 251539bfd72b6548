#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace rz::cli {

Exit exit_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_reachable:
    case ErrorCode::transport_timeout:
    case ErrorCode::transport_io:
      return Exit::unreachable;
    case ErrorCode::unknown_outcome:
      return Exit::unknown;
    case ErrorCode::bad_argument:
    case ErrorCode::bad_hex:
    case ErrorCode::limit_exceeded:
    case ErrorCode::pod_read_only:
    case ErrorCode::export_malformed:
    case ErrorCode::export_cut_short:
      return Exit::refused;
    default:
      break;
  }
  const auto number = static_cast<std::uint16_t>(error.code);
  // What the codecs, the codes and the identity refuse is input that was no good; the rest went wrong here.
  const bool input = (number >= 300 && number < 400) || (number >= 700 && number < 800);
  return input ? Exit::refused : Exit::failed;
}

bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

Style Style::for_stdout() {
  const char* no_color = std::getenv("NO_COLOR");
  return Style(stdout_is_terminal() && (no_color == nullptr || *no_color == '\0'));
}

std::string Style::wrap(const char* code, std::string_view text) const {
  if (!enabled_ || text.empty()) return std::string(text);
  return words("\x1b[", code, "m", text, "\x1b[0m");
}

namespace {

// Characters on screen, about: code points, without the escapes of colours.
std::size_t width(std::string_view text) {
  std::size_t count = 0;
  bool escape = false;
  for (const char c : text) {
    if (c == '\x1b') escape = true;
    if (!escape && (static_cast<unsigned char>(c) & 0xc0) != 0x80) ++count;
    if (escape && c == 'm') escape = false;
  }
  return count;
}

}  // namespace

std::string table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows,
                  const Style& style) {
  std::vector<std::size_t> widths;
  for (const std::string& cell : head) widths.push_back(width(cell));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  const auto line = [&](const std::vector<std::string>& cells, bool dim) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += cells[i];
      if (i + 1 < cells.size()) out += std::string(widths[i] - width(cells[i]) + 2, ' ');
    }
    text += (dim ? style.dim(out) : out) + "\n";
  };
  line(head, true);
  for (const auto& row : rows) line(row, false);
  return text;
}

std::string ago(std::uint64_t then_ms, std::uint64_t now_ms) {
  const bool past = then_ms <= now_ms;
  const std::uint64_t seconds = (past ? now_ms - then_ms : then_ms - now_ms) / 1000;
  if (seconds < 5) return "just now";
  const std::pair<std::uint64_t, const char*> units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
  for (const auto& [size, name] : units) {
    if (seconds < size) continue;
    const std::uint64_t count = seconds / size;
    const std::string amount = words(count, " ", name, count == 1 ? "" : "s");
    return past ? amount + " ago" : "in " + amount;
  }
  return "just now";
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return words(bytes, " B");
  const char* units[] = {"kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1000; value >= 1000 && unit < 3; ++unit) value /= 1000;
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f %s", value, units[unit]);
  return buffer;
}

std::string dot(std::string_view state) {
  if (state == "committed") return "●";
  if (state == "pod") return "◑";
  if (state == "local") return "◔";
  return "○";
}

}  // namespace rz::cli
