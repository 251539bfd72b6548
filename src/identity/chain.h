// The chain of decisive operations (remove a personal device, rotate, set policy, recover): each names its predecessor,
// so those that are valid form a tree, of which one path counts. Internal to identity/fold.h.
//
// At a fork: a branch in which the paper key speaks goes before one in which it doesn't, because whoever names a
// predecessor endorses all before it; so the paper key keeps a rival by following it. A paper operation that names
// several predecessors follows what they have in common and replaces them. A vetoed recovery falls with all that
// follows it. If more than one is left, the identity is contested: the path ends before the fork,
// or goes on where this device stayed (docs/decisions/0041).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "identity/state.h"

namespace rz::identity {

using log::EventIndex;

struct ChainNode {
  std::optional<EventIndex> parent;    // None: the genesis.
  std::vector<EventIndex> sets_aside;  // Of a paper operation with several predecessors: it replaces all of these.
  bool paper = false;                  // The paper key signed it.
  const log::Operation* operation = nullptr;
  std::set<AuthorKey> signers;  // Devices, for evidence.
};

// Every operation of the chain that is valid by its own past.
using ChainTable = std::map<EventIndex, ChainNode>;

// One way from the genesis, and what it says.
struct ChainPath {
  std::vector<EventIndex> operations;       // In order.
  std::map<AuthorKey, EventIndex> removed;  // By removal or rotation.
  Hash256 recovery_hash;                    // In force at its end.
  crypto::BoxPublicKey recovery_box;
  const Bytes* policy = nullptr;              // None: the default.
  std::vector<EventIndex> rivals;             // Not empty: contested at the end, or where this device stayed.
  std::optional<EventIndex> contested_after;  // With rivals; none: the genesis.

  bool holds(EventIndex operation) const;
  std::optional<EventIndex> tip() const;
  bool is_contested() const { return !rivals.empty(); }
};

// The path that counts among the operations `alive` without those `vetoed`. `stayed` says which rival this device
// stayed with, if any; null: nobody stays, as when an event is judged by its past.
struct Preference {
  virtual ~Preference() = default;
  virtual bool stayed_with(EventIndex operation) const = 0;
};
ChainPath resolve_chain(const ChainTable& table, const std::set<EventIndex>& alive, const std::set<EventIndex>& vetoed,
                        const log::IdentityGenesis& genesis, const Preference* preference);

// The path that ends with `tip` (none: the empty one), whatever its rivals.
ChainPath path_to(const ChainTable& table, std::optional<EventIndex> tip, const log::IdentityGenesis& genesis);

// The last operation on the ways to all of `operations`, themselves left out; none: the genesis.
std::optional<EventIndex> common_predecessor(const ChainTable& table, const std::vector<EventIndex>& operations);

// What a chained operation names as predecessors; none for an operation that can't be one.
const std::vector<EventId>* predecessors_of(const log::Operation& operation);
std::vector<EventId>* predecessors_of(log::Operation& operation);

}  // namespace rz::identity
