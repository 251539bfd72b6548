// How a benchmark prints a figure, beside its rival's from the same run.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
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

  // Below 1 is ahead of the rival.
  double ratio() const { return better == Better::less ? value / rival_value : rival_value / value; }
};

class Printer {
 public:
  Printer(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) json_ = json_ || std::strcmp(argv[i], "--json") == 0;
  }

  void print(const Figure& figure) const {
    if (json_) {
      std::printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"", figure.name.c_str(), figure.value,
                  figure.unit.c_str());
      if (!figure.rival.empty()) {
        std::printf(", \"rival\": \"%s\", \"rival_value\": %.6g, \"ratio\": %.4g", figure.rival.c_str(),
                    figure.rival_value, figure.ratio());
      }
      std::printf("}\n");
    } else {
      std::printf("%-44s %12.5g %-8s", figure.name.c_str(), figure.value, figure.unit.c_str());
      if (!figure.rival.empty()) {
        std::printf("  %s: %.5g, ratio %.3g", figure.rival.c_str(), figure.rival_value, figure.ratio());
      }
      std::printf("\n");
    }
    std::fflush(stdout);
  }

 private:
  bool json_ = false;
};

// The value below which `part` of the samples lie; sorts them.
inline double quantile(std::vector<double>& samples, double part) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  return samples[std::min(samples.size() - 1, static_cast<std::size_t>(part * static_cast<double>(samples.size())))];
}

}  // namespace rz::bench
