// Folds stream zero into an IdentityState: a function of the event set, of the removals' head trees, and, only where
// the identity is contested, of what this device stayed with. No clock, no order of arrival (docs/decisions/0040,
// 0041).
//
// How: each event is judged by its own past alone (`Standing`, the identity as its author saw it), so its validity
// never changes again. Then the chained operations that are valid anywhere form a tree; one path of it counts, and says
// who is removed; what lies in C folds into the state.
//
// Invariants: 1. two graphs with the same events give the same state; 2. a key once removed is never in the pod again;
// 3. an event outside C has no effect; 4. cloud peers have no effect and pull nothing into C.
#pragma once

#include "identity/state.h"
#include "log/graph.h"

namespace rz::identity {

// What this device follows where two operations contradict each other.
struct Stance {
  std::vector<EventId> stayed_with;  // Chained operations that counted here before: the last state's `chain`, stored.
};

struct FoldResult {
  IdentityState state;
  std::vector<bool> effect;  // By the graph's index: the event is an identity operation that counts.
  std::vector<bool> in_c;    // By the graph's index.
};

// `graph` is stream zero's. A head tree that `cuts` lacks makes its removal wait (state.missing_cuts).
FoldResult fold_identity(const log::EventGraph& graph, const RemovalCuts& cuts, const Stance& stance);

}  // namespace rz::identity
