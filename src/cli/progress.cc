#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace rz::cli {

namespace {

constexpr auto shown_after = std::chrono::seconds(1);
constexpr auto drawn_every = std::chrono::milliseconds(100);
constexpr std::size_t bar_width = 30;

}  // namespace

Progress::Progress(std::string what, bool quiet)
    : what_(std::move(what)),
      shown_allowed_(!quiet && ::isatty(STDERR_FILENO) == 1),
      began_(std::chrono::steady_clock::now()) {}

void Progress::step(std::size_t done, std::size_t total) {
  const auto now = std::chrono::steady_clock::now();
  if (!shown_allowed_ || total == 0 || now - began_ < shown_after || now - drawn_ < drawn_every) return;
  drawn_ = now;
  shown_ = true;
  std::string bar;
  for (std::size_t i = 0; i < bar_width; ++i) bar += i < done * bar_width / total ? "█" : "░";
  std::fprintf(stderr, "\r%s %s %zu of %zu ", what_.c_str(), bar.c_str(), done, total);
  std::fflush(stderr);
}

void Progress::end() {
  if (std::exchange(shown_, false)) std::fprintf(stderr, "\r\x1b[K");
}

Result<std::string> read_stdin(std::size_t bytes_max) {
  std::string content;
  char buffer[16384];
  for (;;) {
    const std::size_t got = std::fread(buffer, 1, sizeof buffer, stdin);
    if (got == 0) break;
    content.append(buffer, got);
    if (content.size() > bytes_max) {
      return fail(ErrorCode::limit_exceeded, words("standard input is larger than ", bytes_max, " bytes"));
    }
  }
  if (std::ferror(stdin) != 0) return fail(ErrorCode::store_io, "standard input can't be read");
  return content;
}

}  // namespace rz::cli
