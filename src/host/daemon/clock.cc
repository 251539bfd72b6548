#include "host/daemon/clock.h"

#include <time.h>

#include <chrono>

namespace rz::host {

pod::Now now() {
  timespec boot{};
#ifdef CLOCK_BOOTTIME
  clock_gettime(CLOCK_BOOTTIME, &boot);
#else
  clock_gettime(CLOCK_MONOTONIC, &boot);
#endif
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return {Tick{static_cast<std::uint64_t>(boot.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(boot.tv_nsec) / 1000},
          UnixMs{static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(wall).count())}};
}

}  // namespace rz::host
