// One run: whole pods under a scenario, with every check on; then the faults end, and the pod must come to rest.
//
// People write proofs: words of their own, never erased, in documents kept for that. What a device was told of such a
// word (local: on its disk; pod: on another's too) is a promise that the end of the run is held to.
#pragma once

#include <functional>
#include <string>

#include "sim/scenario.h"

namespace rz::sim {

struct RunOptions {
  std::size_t actions_max = ~std::size_t{0};     // Only so many of the scenario's.
  std::function<void(const std::string&)> tell;  // Each action, and what came of it; none: nobody listens.
};

struct RunResult {
  bool ok = false;
  std::string why;     // What did not hold.
  Hash256 trace_hash;  // Over every frame that was sent, and when: equal runs have equal ones.
  double simulated_s = 0;
  std::uint64_t frames = 0;
  std::uint64_t proofs = 0;  // Words that somebody was promised, and that were looked for at the end.
};

RunResult run(const Scenario& scenario, const RunOptions& options = {});

// The least of the scenario's actions, found by leaving out ever smaller parts, with which it still fails; `tries` runs
// at most. A scenario that does not fail comes back as it is.
Scenario shrink(Scenario scenario, std::size_t tries, const std::function<void(std::size_t left)>& progress = {});

}  // namespace rz::sim
