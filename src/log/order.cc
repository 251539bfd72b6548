#include "log/order.h"

#include <algorithm>

namespace rz::log {
namespace {

// Consecutive events of one chain with equal depth: sorted as one.
struct Run {
  std::uint32_t depth = 0;
  const AuthorKey* author = nullptr;
  std::uint32_t own_first = 0;
  std::uint32_t own_last = 0;
  std::size_t begin = 0;  // In the list of events.
  std::size_t end = 0;
};

bool run_before(const Run& a, const Run& b) {
  if (a.depth != b.depth) return a.depth < b.depth;
  if (const auto order = *a.author <=> *b.author; order != 0) return order < 0;
  return a.own_first < b.own_first;
}

// The events of one chain one after the other, so that runs are found in one pass.
std::vector<EventIndex> by_chain(const EventGraph& graph, std::span<const EventIndex> events) {
  std::vector<EventIndex> grouped(events.begin(), events.end());
  std::sort(grouped.begin(), grouped.end());
  std::vector<std::pair<std::uint64_t, EventIndex>> keyed;  // Chain and position, packed.
  keyed.reserve(grouped.size());
  for (const EventIndex event : grouped) keyed.emplace_back(graph.chain_place(event), event);
  if (!std::is_sorted(keyed.begin(), keyed.end())) std::sort(keyed.begin(), keyed.end());
  for (std::size_t i = 0; i < keyed.size(); ++i) grouped[i] = keyed[i].second;
  return grouped;
}

std::vector<Run> runs_of(const EventGraph& graph, const std::vector<EventIndex>& grouped) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < grouped.size(); ++i) {
    const std::uint32_t depth = graph.depth(grouped[i]);
    const std::uint32_t own = graph.own(grouped[i]);
    const bool continues =
        i > 0 && graph.chain_place(grouped[i]) == graph.chain_place(grouped[i - 1]) + 1 && runs.back().depth == depth;
    if (continues) {
      runs.back().own_last = own;
      runs.back().end = i + 1;
    } else {
      runs.push_back({depth, &graph.author(grouped[i]), own, own, i, i + 1});
    }
  }
  return runs;
}

}  // namespace

bool before(const EventGraph& graph, EventIndex a, EventIndex b) {
  if (graph.depth(a) != graph.depth(b)) return graph.depth(a) < graph.depth(b);
  if (const auto order = graph.author(a) <=> graph.author(b); order != 0) return order < 0;
  if (graph.own(a) != graph.own(b)) return graph.own(a) < graph.own(b);
  return graph.id(a) < graph.id(b);
}

std::vector<EventIndex> sorted_by_order(const EventGraph& graph, std::span<const EventIndex> events) {
  const std::vector<EventIndex> grouped = by_chain(graph, events);
  std::vector<Run> runs = runs_of(graph, grouped);
  std::sort(runs.begin(), runs.end(), run_before);
  std::vector<EventIndex> sorted;
  sorted.reserve(grouped.size());
  for (std::size_t i = 0; i < runs.size();) {
    // Runs of one author and depth may overlap in own (two feeds, a fork): those are sorted event by event.
    std::size_t next = i + 1;
    std::uint32_t own_last = runs[i].own_last;
    while (next < runs.size() && runs[next].depth == runs[i].depth && *runs[next].author == *runs[i].author &&
           runs[next].own_first <= own_last) {
      own_last = std::max(own_last, runs[next++].own_last);
    }
    const auto from = static_cast<std::ptrdiff_t>(sorted.size());
    for (std::size_t run = i; run < next; ++run) {
      sorted.insert(sorted.end(), grouped.begin() + static_cast<std::ptrdiff_t>(runs[run].begin),
                    grouped.begin() + static_cast<std::ptrdiff_t>(runs[run].end));
    }
    if (next > i + 1) {
      std::sort(sorted.begin() + from, sorted.end(),
                [&graph](EventIndex a, EventIndex b) { return before(graph, a, b); });
    }
    i = next;
  }
  return sorted;
}

Linearisation::Linearisation(std::vector<const EventGraph*> streams) : streams_(std::move(streams)) {
  std::sort(streams_.begin(), streams_.end(),
            [](const EventGraph* a, const EventGraph* b) { return a->stream() < b->stream(); });
  seen_.resize(streams_.size(), 0);
  cut_heads_.resize(streams_.size());
  refresh();
}

std::size_t Linearisation::refresh() {
  std::size_t changed = events_.size();
  for (std::uint32_t stream = 0; stream < streams_.size(); ++stream) {
    const EventGraph& graph = *streams_[stream];
    std::vector<EventIndex> added;
    for (; seen_[stream] < graph.size(); ++seen_[stream]) added.push_back(EventIndex{seen_[stream]});
    if (!added.empty()) changed = std::min(changed, insert_provisional(stream, sorted_by_order(graph, added)));
  }
  return changed;
}

// Merges sorted events of one stream into the provisional part. A single late event is found by binary search; the rest
// moves once.
std::size_t Linearisation::insert_provisional(std::uint32_t stream, const std::vector<EventIndex>& sorted) {
  const EventGraph& graph = *streams_[stream];
  const auto comes_before = [&](const Placed& a, const Placed& b) {
    if (a.stream != b.stream) return a.stream < b.stream;
    return before(graph, a.event, b.event);
  };
  std::vector<Placed> placed;
  placed.reserve(sorted.size());
  for (const EventIndex event : sorted) placed.push_back({stream, event});
  const auto provisional = events_.begin() + static_cast<std::ptrdiff_t>(settled_);
  // Only events of this stream are compared by the order: the others stand before or after all of them.
  const auto at = std::upper_bound(provisional, events_.end(), placed.front(), comes_before);
  const std::size_t position = static_cast<std::size_t>(at - events_.begin());
  std::vector<Placed> tail(events_.begin() + static_cast<std::ptrdiff_t>(position), events_.end());
  events_.resize(position + tail.size() + placed.size());
  std::merge(tail.begin(), tail.end(), placed.begin(), placed.end(),
             events_.begin() + static_cast<std::ptrdiff_t>(position), comes_before);
  return position;
}

Result<std::size_t> Linearisation::add_cut(const HeadList& heads) {
  std::size_t changed = refresh();
  std::vector<std::vector<EventIndex>> cut(streams_.size());
  for (const StreamHeads& of_stream : heads) {
    const auto found =
        std::lower_bound(streams_.begin(), streams_.end(), of_stream.stream,
                         [](const EventGraph* graph, const StreamId& id) { return graph->stream() < id; });
    if (found == streams_.end() || (*found)->stream() != of_stream.stream) continue;
    auto& indices = cut[static_cast<std::size_t>(found - streams_.begin())];
    for (const EventId& id : of_stream.heads) {
      const auto index = (*found)->find(id);
      if (!index) return fail(ErrorCode::not_found, words("head ", id.brief(), " of a cut"));
      indices.push_back(*index);
    }
  }
  std::vector<Placed> settling;
  std::vector<std::vector<bool>> settles(streams_.size());
  for (std::uint32_t stream = 0; stream < streams_.size(); ++stream) {
    if (cut[stream].empty()) continue;
    const EventGraph& graph = *streams_[stream];
    const auto added = graph.difference(cut[stream], cut_heads_[stream]);
    cut_heads_[stream] = graph.merge(cut_heads_[stream], cut[stream]);
    settles[stream].resize(graph.size());
    for (const EventIndex event : added) settles[stream][event.value] = true;
    for (const EventIndex event : sorted_by_order(graph, added)) settling.push_back({stream, event});
  }
  const auto provisional = events_.begin() + static_cast<std::ptrdiff_t>(settled_);
  std::vector<Placed> rest;
  for (auto each = provisional; each != events_.end(); ++each) {
    const auto& mask = settles[each->stream];
    if (mask.empty() || !mask[each->event.value]) rest.push_back(*each);
  }
  std::vector<Placed> tail = settling;
  tail.insert(tail.end(), rest.begin(), rest.end());
  const auto moved = std::mismatch(tail.begin(), tail.end(), provisional, events_.end()).first;
  changed = std::min(changed, settled_ + static_cast<std::size_t>(moved - tail.begin()));
  std::copy(tail.begin(), tail.end(), provisional);
  settled_ += settling.size();
  return changed;
}

Result<Linearisation> linearise(std::vector<const EventGraph*> streams, std::span<const HeadList> cuts) {
  Linearisation all(std::move(streams));
  for (const HeadList& cut : cuts) RZ_CHECK(all.add_cut(cut));
  return all;
}

}  // namespace rz::log
