// Judges the identity operations of stream zero one by one, each by its own past. Internal to identity/fold.h.
#pragma once

#include <vector>

#include "identity/standing.h"

namespace rz::identity {

class Judge {
 public:
  explicit Judge(const log::EventGraph& graph);

  // Judges every event of the graph, in its order.
  void run();

  const log::EventGraph& graph() const { return graph_; }
  const log::IdentityGenesis& genesis() const { return genesis_; }
  const ChainTable& chain() const { return chain_; }
  const std::vector<bool>& valid() const { return valid_; }  // By index.
  const std::set<EventIndex>& vetoed() const { return vetoed_; }

  // What the past of an event that named `events` would say; resolved without preference, settled.
  StandingRef standing_over(const std::vector<EventIndex>& events) const;
  // Who was established before the chained operation.
  std::set<AuthorKey> established_before(EventIndex operation) const;

 private:
  // The event under judgement.
  struct Case {
    EventIndex event;
    AuthorKey author;
    const log::Operation* operation;
    const Standing* past;
  };

  StandingRef past_of(EventIndex event) const;
  void judge(EventIndex event);
  bool admit(Standing& next, const Case& c, const log::AddDevice& add, std::optional<AuthorKey> by,
             std::optional<EventIndex> via) const;

  // Each says whether the operation is valid and changes `next`, a copy of the past, accordingly.
  bool apply(Standing& next, const Case& c, const log::AddDevice& add);
  bool apply(Standing& next, const Case& c, const log::ConfirmDevice& confirm);
  bool apply(Standing& next, const Case& c, const log::SuspendDevice& suspend);
  bool apply(Standing& next, const Case& c, const log::LiftSuspension& lift);
  bool apply(Standing& next, const Case& c, const log::RemoveDevice& remove);
  bool apply(Standing& next, const Case& c, const log::RotateKeys& rotate);
  bool apply(Standing& next, const Case& c, const log::SetPolicy& policy);
  bool apply(Standing& next, const Case& c, const log::SetServices& services);
  bool apply(Standing& next, const Case& c, const log::Recover& recover);
  bool apply(Standing& next, const Case& c, const log::Veto& veto);
  bool apply(Standing& next, const Case& c, const log::FoundGeneration& generation);
  bool apply(Standing& next, const Case& c, const log::NameDevice& named);
  bool apply(Standing& next, const Case& c, const log::Unknown& unknown);
  template <class Other>
  bool apply(Standing&, const Case&, const Other&) {
    return false;  // Of any stream, epochs say: what_counts judges those.
  }

  // The author and whoever co-signed rightly.
  std::set<AuthorKey> signers_of(const Case& c) const;
  bool paper_signed(const Case& c, const Hash256& recovery_hash) const;
  bool has_majority(const Case& c, const ChainPath& on, std::size_t at_least = 1) const;
  // Checks a chained operation's predecessors and authority, and the path it builds on. None: invalid.
  struct Step {
    ChainNode node;
    ChainPath path;
  };
  std::optional<Step> step_of(const Case& c) const;
  bool extend_chain(Standing& next, const Case& c, Step step);
  void resolve(Standing& standing) const;

  const log::EventGraph& graph_;
  log::IdentityGenesis genesis_;
  StandingRef first_;
  std::vector<StandingRef> standings_;  // By index: after the event.
  std::vector<bool> valid_;
  ChainTable chain_;
  std::set<EventIndex> vetoed_;
};

}  // namespace rz::identity
