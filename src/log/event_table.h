// The columns under an EventGraph: about 110 bytes an event, ids found by an open-addressed index, chains as lists of
// indices. Knows how events hang together, not whether they may.
//
// Invariants: 1. a row's prev, parents and admission have smaller indices; 2. a chain's events are consecutive: each
// names the one before as prev; 3. a new chain begins with seq 0, or where a feed forks; 4. rows never change, but for
// the flag that says whether the body is here.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "log/frontier.h"
#include "log/header.h"
#include "log/seal.h"

namespace rz::log {

inline constexpr std::uint32_t index_none = 0xffffffff;

using ChainIndex = std::uint32_t;

struct Chain {
  FeedName feed;
  std::uint64_t first_seq = 0;
  EventId origin_id;                  // What the first event names as prev.
  std::uint32_t origin = index_none;  // The same, if it is an event of this stream.
  ChainIndex root_chain = 0;          // The chain with the feed's seq 0 (after a fork: of this branch of it).
  std::uint32_t branch = index_none;  // The branch event whose branch the feed belongs to.
  std::vector<std::uint32_t> events;  // By position.
  std::vector<std::uint32_t> joins;   // Positions whose event has parents, ascending.
  struct Sealed {
    std::uint32_t position = 0;
    crypto::Signature signature;
  };
  std::vector<Sealed> seals;  // Ascending by position; thinned out.
};

struct EventRow {
  EventId id;
  BodyHash body;
  UnixMs time;
  ChainIndex chain = 0;
  std::uint32_t position = 0;  // In its chain.
  std::uint32_t depth = 0;
  std::uint32_t own = 0;
  std::uint32_t parents_begin = 0;
  std::uint32_t epoch = 0;  // In epochs_.
  std::uint32_t size : 20 = 0;
  std::uint32_t is_control : 1 = 0;
  std::uint32_t body_here : 1 = 0;
  std::uint32_t has_child : 1 = 0;  // Some event of the graph names it.
};
static_assert(body_bytes_max < (1u << 20));

class EventTable {
 public:
  std::uint32_t size() const { return static_cast<std::uint32_t>(rows_.size()); }
  const EventRow& row(std::uint32_t index) const { return rows_[index]; }
  const Chain& chain(ChainIndex index) const { return chains_[index]; }
  const Chain& chain_of(std::uint32_t index) const { return chains_[rows_[index].chain]; }
  const std::vector<Chain>& chains() const { return chains_; }
  const EpochId& epoch(std::uint32_t index) const { return epochs_[rows_[index].epoch]; }
  std::uint32_t find(const EventId& id) const;
  std::span<const std::uint32_t> parents(std::uint32_t index) const;

  // The feed's event before, across the start of a forked chain; index_none for seq 0.
  std::uint32_t prev(std::uint32_t index) const;
  // What `prev` names if it is in this stream at all: an admission too.
  std::uint32_t causal_prev(std::uint32_t index) const;

  // Chains of a feed, or of an author, in order of appearance.
  std::span<const ChainIndex> chains_of(const FeedName& feed) const;
  std::span<const ChainIndex> chains_of(const AuthorKey& author) const;

  struct Insertion {
    const EventId* id = nullptr;
    const Header* header = nullptr;
    std::uint32_t prev = index_none;  // Event that `prev` names: the feed's, or the admission.
    std::span<const std::uint32_t> parents;
    std::uint32_t branch = index_none;  // For seq 0.
    bool body_here = false;
  };
  // The caller has checked everything. The id is not in the table.
  std::uint32_t insert(const Insertion& insertion);

  void set_body_here(std::uint32_t index, bool here) { rows_[index].body_here = here; }
  // Keeps the signature, thinning out older ones. The signature has been verified.
  void add_seal(std::uint32_t index, const crypto::Signature& signature);

  std::size_t memory_bytes() const;

 private:
  void set_order(EventRow& row, const Insertion& insertion) const;
  bool may_have_more(const AuthorKey& author, std::uint32_t own) const;
  std::uint32_t greatest_own_elsewhere(const AuthorKey& author, const Insertion& insertion) const;
  ChainIndex chain_for(const Insertion& insertion);
  void add_to_index(std::uint32_t index);
  void grow_index();

  std::vector<EventRow> rows_;
  std::vector<std::uint32_t> parents_;
  std::vector<Chain> chains_;
  std::vector<EpochId> epochs_;
  std::map<EpochId, std::uint32_t> epoch_numbers_;
  std::map<FeedName, std::vector<ChainIndex>> chains_of_feed_;
  std::map<AuthorKey, std::vector<ChainIndex>> chains_of_author_;
  std::vector<std::uint32_t> slots_;  // Open addressing, linear probing, a power of two; index_none: empty.
};

// closure(of) without closure(without): calls visit(index) from the greatest index down. The cost is that of what
// differs, times the logarithm of its width.
template <class Visit>
void visit_difference(const EventTable& table, std::span<const std::uint32_t> of,
                      std::span<const std::uint32_t> without, Visit&& visit);

// How much of each chain lies in a past: the number of its events, by ChainIndex. A past is a prefix of every chain.
using ChainCounts = std::vector<std::uint32_t>;
// Adds the past of `heads` (themselves included). The cost is that of the joins in what is added, not of its events.
void add_past(const EventTable& table, ChainCounts& counts, std::span<const std::uint32_t> heads);
inline bool holds(const EventTable& table, const ChainCounts& counts, std::uint32_t index) {
  const EventRow& row = table.row(index);
  return row.chain < counts.size() && row.position < counts[row.chain];
}

bool is_in_past(const EventTable& table, std::uint32_t ancestor, std::uint32_t of);

}  // namespace rz::log

#include "log/event_table_walk.h"
