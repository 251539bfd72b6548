// A cut: the heads of the streams that changed, with a time: the only thing that is ever ordered (docs/formats/cut.md).
// An entry carries the root of its head tree; the list travels beside it, once.
//
// Coverage folds the cuts in their order: what lies in some cut's past, and the effective time of each event.
#pragma once

#include <span>
#include <vector>

#include "base/tick.h"
#include "log/graph.h"
#include "log/head_tree.h"

namespace rz::log {

struct Cut {
  UnixMs time;     // Of the entry that holds it; never decreases along the entries.
  HeadList heads;  // Changed streams only.
  friend bool operator==(const Cut&, const Cut&) = default;
};

Bytes encode_cut(const Cut& cut);        // [version, time, head list]
Result<Cut> decode_cut(ByteView block);  // Strict. Errors: cut_version, those of the DAG-CBOR reader, list_order.

// A leader's proposal from what it has: every stream whose frontier differs from `last`.
HeadList changed_heads(std::span<const EventGraph* const> graphs, const HeadList& last);

// The last heads of every stream after `cut`: what a head list over all streams holds.
void merge_heads(HeadList& all, const HeadList& cut);

// What the cuts so far hold of one stream.
class Coverage {
 public:
  explicit Coverage(const EventGraph& graph) : graph_(&graph) {}

  // In the order of the entries. Heads of other streams are passed over. Errors: not_found (a head is not admitted),
  // cut_time (before the last).
  Status add(const Cut& cut);

  bool covers(EventIndex event) const;
  // How many events the cuts hold.
  std::uint32_t covered_count() const { return covered_; }
  // What none of them holds, ascending. The cost is that of what it finds.
  std::vector<EventIndex> beyond() const;
  std::size_t cut_count() const { return times_.size(); }
  // The first cut that holds the event, by number from 0.
  std::optional<std::uint32_t> first_cut(EventIndex event) const;

  // eff(e) = max(time, eff of prev and parents), clamped to the times of the cut before and the cut that first holds
  // it. What no cut holds is clamped from below only. Never decreases along causality.
  UnixMs effective_time(EventIndex event) const;

  // The events with effective time <= at: causally closed; as a mask by index.
  std::vector<bool> at(UnixMs at) const;

 private:
  const EventGraph* graph_;
  std::vector<UnixMs> times_;
  std::vector<std::uint32_t> first_cut_;  // By index; none_ where no cut holds it.
  std::vector<EventIndex> heads_;
  std::uint32_t covered_ = 0;
  mutable std::vector<UnixMs> effective_;  // By index, for a prefix that can't change any more.
};

}  // namespace rz::log
