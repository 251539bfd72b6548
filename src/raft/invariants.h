// What must hold of one member after every step, for simulators and tests: they run both checks after each step, in
// every build. What must hold between members (election safety, log matching, ...) is the checker's in
// testing/cluster.h.
#pragma once

#include "raft/raft.h"

namespace rz::raft {

// What of a member's state a step may only change in certain ways.
struct StateMark {
  HardState hard_state;
  Role role = Role::follower;
  std::optional<NodeId> leader;
  Index commit;
  EntryId last;
  EntryId base;
  bool damaged = false;
};

StateMark mark_of(const Raft& raft);

// Errors: internal, naming the invariant.
//   1. The configuration in force is valid.
//   2. What is committed is in the log, or below its base.
//   3. The log's entries continue each other from its base.
//   4. Only an undamaged voter campaigns or leads (a leader that removes itself leads to the end of that change).
//   5. A leader's log holds only entries of its own or earlier terms.
//   6. The snapshot covers the base, and lies within the log.
Status check_state(const Raft& raft);

// Errors: internal, naming the invariant.
//   1. Generations only change to winners; within one, terms never fall.
//   2. Within a term, a vote is never changed or withdrawn.
//   3. Within a generation, the commit index never falls, unless damage was found.
//   4. A leader only appends (dissertation 3.2), within its term.
//   5. Nobody becomes a leader without having been a candidate, unless it founds a generation.
Status check_change(const StateMark& before, const Raft& after);

}  // namespace rz::raft
