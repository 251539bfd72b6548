// The order and the linearisation.
//
// The order compares (depth, author, own, event hash). It extends causality, and no author alone can inflate it. The
// linearisation goes cut by cut; within a cut stream by stream by id; within a stream by the order. After the last cut
// comes, provisionally, what no cut holds yet, in the same way.
#pragma once

#include <span>
#include <vector>

#include "log/cut.h"
#include "log/graph.h"

namespace rz::log {

// Whether a comes before b; of concurrent writes to one register the last wins.
bool before(const EventGraph& graph, EventIndex a, EventIndex b);

// `events` in the order. Runs of one author are moved whole: cost of the order of runs, not events.
std::vector<EventIndex> sorted_by_order(const EventGraph& graph, std::span<const EventIndex> events);

// An event of one of several streams.
struct Placed {
  std::uint32_t stream = 0;  // Position in the linearisation's streams, which are ascending by id.
  EventIndex event;
  friend bool operator==(Placed, Placed) = default;
};

// The linearisation of some streams, kept up to date. Cuts and events come in as they are known; what changes is said
// by the position from which a view must refold.
//
// Invariants: [0, settled()) never changes again; each event of each graph that was added is in it once.
class Linearisation {
 public:
  // `streams`: any order, distinct. They outlive this.
  explicit Linearisation(std::vector<const EventGraph*> streams);

  const std::vector<Placed>& events() const { return events_; }
  std::size_t settled() const { return settled_; }
  const std::vector<const EventGraph*>& streams() const { return streams_; }

  // Takes in what the graphs admitted since the last call. Returns the first position that changed (events().size()
  // before, if they only came at the end).
  std::size_t refresh();

  // The next cut: what is new in its past becomes settled. Heads must be admitted; streams not in this linearisation
  // are passed over. Returns the first position that changed. Errors: not_found.
  Result<std::size_t> add_cut(const HeadList& heads);

 private:
  std::size_t insert_provisional(std::uint32_t stream, const std::vector<EventIndex>& sorted);

  std::vector<const EventGraph*> streams_;
  std::vector<std::uint32_t> seen_;                 // Of each graph, how many events were taken in.
  std::vector<std::vector<EventIndex>> cut_heads_;  // Of each stream, in the last cut that holds it.
  std::vector<Placed> events_;
  std::size_t settled_ = 0;
};

// The whole of it at once.
Result<Linearisation> linearise(std::vector<const EventGraph*> streams, std::span<const HeadList> cuts);

}  // namespace rz::log
