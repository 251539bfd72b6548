// The log in memory: runs of shared entries above a base (dissertation 3.5, 5.1).
//
// Invariants
//   1. Runs are not empty, their indices consecutive, the first is base.index + 1.
//   2. Every entry's `prev` is the hash of the one before it, the first's is base.hash.
// A run costs 32 bytes beside its entries: entries are never copied in, only shared.
#pragma once

#include <optional>
#include <vector>

#include "raft/wire/types.h"

namespace rz::raft {

class Log {
 public:
  explicit Log(const EntryId& base = {}) : base_(base) {}

  // What lies just before the first entry.
  const EntryId& base() const { return base_; }
  Index last_index() const { return runs_.empty() ? base_.index : runs_.back().entries.last_index(); }
  EntryId last() const { return runs_.empty() ? base_ : id_of(runs_.back().entries.back()); }
  // Null where the index is at or before the base, or after the end.
  const Entry* find(Index index) const;
  // Of the base too.
  std::optional<EntryId> id_at(Index index) const;
  bool has(const EntryId& id) const;
  // The last entry at or before `index` whose (generation, term) is at most `than`'s; the base if there is none.
  EntryId last_not_after(Index index, const EntryId& than) const;

  // `entries` continue the log: first index and hash fit.
  void append(Entries entries);
  // Drops the entries at or after `begin`, which lies above the base.
  void truncate_from(Index begin);
  // Moves the base up to an entry of the log.
  void compact_to(Index index);
  void reset(const EntryId& base);

  // What the entries up to `index` cost, of all that this log ever held: for differences. No entry is walked that is
  // not in the run of `index`.
  std::uint64_t cost_to(Index index) const;

  // A run that starts at `begin` and costs at most `bytes_max`, but has at least one entry; across runs it is copied
  // together, payloads shared. Empty at the end of the log.
  Entries slice(Index begin, std::size_t bytes_max) const;
  // Appends the runs of [begin, end) to `out`.
  void collect(Index begin, Index end, std::vector<Entries>& out) const;

 private:
  struct Run {
    Entries entries;
    std::uint64_t cost_end = 0;  // As cost_to(entries.last_index()).
  };
  std::size_t run_of(Index index) const;

  EntryId base_;
  std::uint64_t base_cost_ = 0;
  std::vector<Run> runs_;
};

}  // namespace rz::raft
