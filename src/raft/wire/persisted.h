// What of a member survives a crash: the records that wire/log_store.h writes and reads back.
#pragma once

#include <optional>
#include <vector>

#include "raft/wire/message.h"

namespace rz::raft {

// What a crash must not undo. Persist before acting on it: a vote is a promise.
struct HardState {
  Generation generation;
  Term term;
  std::optional<NodeId> vote;  // For whom, in this term.
  friend bool operator==(const HardState&, const HardState&) = default;
};

// Where the log begins from now on. Persist the fields; delete entries at or before base.index, and, unless
// `keeps_later`, all entries after it too.
struct LogStart {
  EntryId base;
  Configuration configuration;  // As of `base`.
  bool keeps_later = false;
};

// What the store and the promise file gave back at start.
struct PersistedState {
  HardState hard_state;
  std::optional<SnapshotRecord> snapshot;
  EntryId base;                      // Just before the first entry kept.
  Configuration base_configuration;  // As of `base`.
  std::vector<Entry> entries;        // Intact ones, consecutive from base.index + 1.
  Index applied;                     // What the application has durably applied; 0 if it starts from the snapshot.
  Index covered;                     // Up to which cuts' pasts are known to be durable here; 0 if not known.
  // Identifiers of entries after the last intact one that this member is known to have persisted, in index order. Not
  // empty means damaged: the member neither votes nor leads until it holds them, or the cluster has committed past
  // them.
  std::vector<EntryId> lost;
  // Intact entries after the first lost one, in index order: kept for whoever lacks them.
  std::vector<Entry> stranded;
};

// Errors: raft_bad_state where the parts contradict each other.
Status check_persisted(const PersistedState& state);

}  // namespace rz::raft
