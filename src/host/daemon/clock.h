// The clocks of this machine: the one place that asks them.
#pragma once

#include "pod/pod.h"

namespace rz::host {

// Monotonic and counting sleep (CLOCK_BOOTTIME), so that a code expires while the lid is shut; and the wall clock.
pod::Now now();

}  // namespace rz::host
