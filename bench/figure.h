// How a benchmark prints a figure, beside its rival's from the same run: a JSON line, which bench/figures.py gathers
// over several runs and shows.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace rz::bench {

enum class Better { less, more };

struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  std::string rival = {};  // As its program names itself; empty: none.
  double rival_value = 0;
  Better better = Better::less;
};

class Printer {
 public:
  Printer(int /*argc*/, char** /*argv*/) {}

  void print(const Figure& figure) const {
    std::printf(R"({"name": "%s", "value": %.6g, "unit": "%s", "better": "%s")", figure.name.c_str(), figure.value,
                figure.unit.c_str(), figure.better == Better::less ? "less" : "more");
    if (!figure.rival.empty()) {
      std::printf(R"(, "rival": "%s", "rival_value": %.6g)", figure.rival.c_str(), figure.rival_value);
    }
    std::printf("}\n");
    std::fflush(stdout);
  }
};

// This thread's time on a processor: what a computation costs, whatever else the machine does.
struct CpuClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<CpuClock>;
  static constexpr bool is_steady = true;

  static time_point now() {
    timespec at{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return time_point(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
  }
};

// The value below which `part` of the samples lie; sorts them.
inline double quantile(std::vector<double>& samples, double part) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  return samples[std::min(samples.size() - 1, static_cast<std::size_t>(part * static_cast<double>(samples.size())))];
}

}  // namespace rz::bench
