// The identity as the author of one event saw it: what the event's own past says. Internal to identity/fold.h.
//
// A Standing only grows along causality (sets and maps to which is added), and a merge of two is their union; what
// follows from it (who is established, which path of the chain counts) is computed when it changes. So an event's
// validity, judged by the Standing of its past, never changes again, whatever else arrives.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "identity/chain.h"
#include "log/graph.h"

namespace rz::identity {

// One event that named a device's key. The genesis counts as one without an index.
struct Admission {
  EventId id;
  DeviceKind kind = DeviceKind::personal;
  crypto::BoxPublicKey box;
  std::string name;
  std::optional<AuthorKey> added_by;
  UnixMs added_at;
  // The recovery or rotation on which this key stands, directly or through who added it: without it, it was never
  // added.
  std::optional<EventIndex> via;
  friend bool operator==(const Admission&, const Admission&) = default;
};

struct Standing {
  std::map<AuthorKey, std::vector<Admission>> admissions;  // Of each key ascending by id.
  std::map<AuthorKey, std::set<AuthorKey>> confirmations;  // Who signed for whom.
  std::set<AuthorKey> established;
  std::map<AuthorKey, std::set<EventIndex>> suspensions;
  std::set<EventIndex> lifted;  // Suspensions.
  std::map<AuthorKey, std::set<EventIndex>> cloud_removals;
  std::set<EventIndex> chain;  // Valid operations of the chain.
  std::set<EventIndex> vetoed;
  bool needs_upgrade = false;
  ChainPath path;  // Follows from chain and vetoed.

  // The admission that counts on this path: the one with the smallest id. None: no device on this path.
  const Admission* admission(const AuthorKey& key) const { return admission(key, path); }
  const Admission* admission(const AuthorKey& key, const ChainPath& on) const;
  bool is_removed(const AuthorKey& key, const ChainPath& on) const;
  // In the pod and personal, on that path.
  bool may_speak(const AuthorKey& key, const ChainPath& on) const;
  bool may_speak(const AuthorKey& key) const { return may_speak(key, path); }
  bool is_established(const AuthorKey& key, const ChainPath& on) const;
  std::set<AuthorKey> established_on(const ChainPath& on) const;
  bool is_suspended(const AuthorKey& key) const;
  // Was this key ever named by anything?
  bool knows(const AuthorKey& key) const { return admissions.contains(key); }

  // Establishes whoever has a majority of the established, until nobody is new. All that have it at once come in
  // together, so that the order of looking does not matter.
  void settle();

  friend bool operator==(const Standing& a, const Standing& b);
};

using StandingRef = std::shared_ptr<const Standing>;

// What the genesis alone says.
Standing genesis_standing(const log::IdentityGenesis& genesis, const Did& did);

// The union. `path` is left as `a` has it: the caller resolves it anew.
void unite(Standing& a, const Standing& b);

}  // namespace rz::identity
