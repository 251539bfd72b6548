// What counts, kept up to date while a stream grows: the same answer as `what_counts`, at the cost of what is new.
//
// Most streams only ever grow by events of devices that stand, with operations that say nothing about rights; for those
// the verdict of an event follows from its author and from what it names. Whatever is more than that (a grant, an
// accept, something that lets a quarantined event in) is evaluated as a whole.
#pragma once

#include "log/counts.h"

namespace rz::log {

class RunningCounts {
 public:
  // Brings the counts up to the graph, which has only grown since. `facts_changed`: the facts are not those of the last
  // call. Returns the verdicts of before, where others than new ones may have changed; none: they stand.
  std::optional<std::vector<Verdict>> update(const EventGraph& graph, const IdentityFacts& facts, bool facts_changed);

  const Counts& counts() const { return counts_; }
  // How often the whole was evaluated: for tests and benches.
  std::uint64_t evaluations() const { return evaluations_; }

 private:
  bool look_at_controls(const EventGraph& graph);
  bool extend(const EventGraph& graph, const IdentityFacts& facts);

  Counts counts_;
  std::size_t controls_seen_ = 0;
  bool is_plain_ = true;  // No control event so far says anything about rights, branches or what others mean.
  std::uint64_t evaluations_ = 0;
};

}  // namespace rz::log
