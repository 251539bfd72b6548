// A bar for what takes longer than a second, on standard error, where a person looks on.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/result.h"

namespace rz::cli {

class Progress {
 public:
  // `quiet`: never shown (--json).
  Progress(std::string what, bool quiet);
  ~Progress() { end(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step(std::size_t done, std::size_t total);
  // Takes it off the screen again.
  void end();

 private:
  std::string what_;
  bool shown_allowed_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point drawn_{};
};

// All of standard input. Errors: limit_exceeded.
Result<std::string> read_stdin(std::size_t bytes_max);

}  // namespace rz::cli
