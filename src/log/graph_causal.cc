// Causal order: pasts, differences, frontiers, and what a peer lacks.
#include <algorithm>
#include <queue>

#include "log/graph_state.h"

namespace rz::log {
namespace {

void sort_unique(std::vector<std::uint32_t>& indices) {
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
}

// The maximal ones among `indices` (ascending, unique): those that no other has in its past.
std::vector<std::uint32_t> maximal_of(const EventTable& table, std::vector<std::uint32_t> indices) {
  sort_unique(indices);
  std::vector<std::uint32_t> kept;
  if (indices.size() < 2) return indices;
  if (indices.size() == 2) {
    if (is_in_past(table, indices[0], indices[1])) indices.erase(indices.begin());
    return indices;
  }
  // From the greatest down: one is maximal if no greater one has it in its past. The walk goes down once for all of
  // them and ends at the smallest.
  std::priority_queue<std::pair<std::uint32_t, bool>> heap;  // Index, and whether a greater one reached it.
  for (const std::uint32_t index : indices) heap.emplace(index, false);
  while (!heap.empty() && heap.top().first >= indices.front()) {
    const std::uint32_t index = heap.top().first;
    bool reached = false;
    bool wanted = false;
    while (!heap.empty() && heap.top().first == index) {
      (heap.top().second ? reached : wanted) = true;
      heap.pop();
    }
    if (wanted && !reached) kept.push_back(index);
    if (const std::uint32_t prev = table.causal_prev(index); prev != index_none) heap.emplace(prev, true);
    for (const std::uint32_t parent : table.parents(index)) heap.emplace(parent, true);
  }
  std::reverse(kept.begin(), kept.end());
  return kept;
}

}  // namespace

// Heads whose body isn't here give way to what they name: an author names only what it holds.
std::vector<EventIndex> EventGraphState::with_bodies(const std::vector<EventIndex>& heads) const {
  std::vector<EventIndex> held;
  std::set<std::uint32_t> seen;
  std::vector<std::uint32_t> stack = raw(heads);
  while (!stack.empty()) {
    const std::uint32_t index = stack.back();
    stack.pop_back();
    if (!seen.insert(index).second) continue;
    if (table.row(index).body_here != 0) {
      held.push_back(EventIndex{index});
      continue;
    }
    if (const std::uint32_t prev = table.causal_prev(index); prev != index_none) stack.push_back(prev);
    for (const std::uint32_t parent : table.parents(index)) stack.push_back(parent);
  }
  return held;
}

std::vector<EventIndex> EventGraph::frontier_indices() const {
  std::vector<EventIndex> heads;
  for (const auto& [branch, indices] : state_->frontiers) {
    for (const std::uint32_t index : indices) {
      if (state_->table.row(index).has_child == 0) heads.push_back(EventIndex{index});
    }
  }
  std::sort(heads.begin(), heads.end());
  return heads;
}

Frontier EventGraph::frontier() const {
  Frontier heads;
  for (const EventIndex head : frontier_indices()) heads.push_back(id(head));
  std::sort(heads.begin(), heads.end());
  return heads;
}

std::vector<EventIndex> EventGraph::frontier_of(std::optional<EventIndex> branch) const {
  const auto found = state_->frontiers.find(branch ? branch->value : index_none);
  if (found == state_->frontiers.end()) return {};
  auto heads = wrapped(found->second);
  std::sort(heads.begin(), heads.end());
  return heads;
}

FeedHeads EventGraph::feed_heads() const {
  FeedHeads heads;
  for (const Chain& chain : state_->table.chains()) {
    const std::uint32_t last = chain.events.back();
    heads.push_back({chain.feed, seq(EventIndex{last}), state_->table.row(last).id});
  }
  std::sort(heads.begin(), heads.end());
  return heads;
}

std::vector<EventIndex> EventGraph::heads_of(const FeedName& feed) const {
  std::vector<EventIndex> heads;
  for (const ChainIndex chain : state_->table.chains_of(feed)) {
    heads.push_back(EventIndex{state_->table.chain(chain).events.back()});
  }
  std::sort(heads.begin(), heads.end());
  return heads;
}

std::vector<EventIndex> EventGraph::heads_of(const AuthorKey& author) const {
  std::vector<EventIndex> heads;
  for (const ChainIndex chain : state_->table.chains_of(author)) {
    heads.push_back(EventIndex{state_->table.chain(chain).events.back()});
  }
  std::sort(heads.begin(), heads.end());
  return heads;
}

std::vector<EventIndex> EventGraph::chain_heads() const {
  std::vector<EventIndex> heads;
  for (const Chain& chain : state_->table.chains()) heads.push_back(EventIndex{chain.events.back()});
  std::sort(heads.begin(), heads.end());
  return heads;
}

bool EventGraph::is_ancestor(EventIndex ancestor, EventIndex of) const {
  return is_in_past(state_->table, ancestor.value, of.value);
}

std::vector<EventIndex> EventGraph::closure(std::span<const EventIndex> heads) const {
  ChainCounts counts;
  add_past(state_->table, counts, raw(heads));
  std::vector<EventIndex> events;
  for (ChainIndex chain = 0; chain < counts.size(); ++chain) {
    const auto& all = state_->table.chain(chain).events;
    for (std::uint32_t i = 0; i < counts[chain]; ++i) events.push_back(EventIndex{all[i]});
  }
  std::sort(events.begin(), events.end());
  return events;
}

std::vector<EventIndex> EventGraph::difference(std::span<const EventIndex> of,
                                               std::span<const EventIndex> without) const {
  std::vector<EventIndex> events;
  visit_difference(state_->table, raw(of), raw(without),
                   [&events](std::uint32_t index) { events.push_back(EventIndex{index}); });
  std::reverse(events.begin(), events.end());
  return events;
}

std::vector<EventIndex> EventGraph::maximal(std::span<const EventIndex> events) const {
  return wrapped(maximal_of(state_->table, raw(events)));
}

std::vector<EventIndex> EventGraph::merge(std::span<const EventIndex> a, std::span<const EventIndex> b) const {
  std::vector<std::uint32_t> both = raw(a);
  for (const EventIndex event : b) both.push_back(event.value);
  return wrapped(maximal_of(state_->table, std::move(both)));
}

std::vector<IndexRun> EventGraph::missing_for(const FeedHeads& theirs) const {
  const EventTable& table = state_->table;
  ChainCounts counts(table.chains().size(), 0);
  for (const FeedHead& head : theirs) {
    if (const std::uint32_t index = table.find(head.id); index != index_none) {
      add_past(table, counts, std::span(&index, 1));
      continue;
    }
    // Not known here: they are ahead. They have all of the feed that is here, unless the feed has forked.
    const auto chains = table.chains_of(head.feed);
    if (chains.size() != 1) continue;
    const Chain& chain = table.chain(chains.front());
    const auto have = static_cast<std::size_t>(std::min<std::uint64_t>(head.seq.value + 1, chain.events.size()));
    const std::uint32_t last = chain.events[have - 1];
    add_past(table, counts, std::span(&last, 1));
  }
  std::vector<EventIndex> lacking;
  for (ChainIndex index = 0; index < counts.size(); ++index) {
    const auto& all = table.chain(index).events;
    for (std::size_t i = counts[index]; i < all.size(); ++i) lacking.push_back(EventIndex{all[i]});
  }
  std::sort(lacking.begin(), lacking.end());
  return runs(lacking);
}

bool EventGraph::lacks_any_of(const FeedHeads& theirs) const {
  return std::any_of(theirs.begin(), theirs.end(), [this](const FeedHead& head) { return !contains(head.id); });
}

// Runs stay as long as they can be: an event joins the run of its chain unless it names something in a later run.
std::vector<IndexRun> EventGraph::runs(std::span<const EventIndex> events) const {
  const EventTable& table = state_->table;
  std::vector<IndexRun> runs;
  std::unordered_map<ChainIndex, std::size_t> open;       // The last run of each chain.
  std::unordered_map<std::uint32_t, std::size_t> run_of;  // Of what is named across chains.
  for (const EventIndex event : events) {
    const EventRow& row = table.row(event.value);
    std::size_t latest = 0;  // The latest run it names, plus one.
    const auto needs = [&](std::uint32_t named) {
      if (const auto found = run_of.find(named); found != run_of.end()) latest = std::max(latest, found->second + 1);
    };
    if (const std::uint32_t prev = table.causal_prev(event.value); prev != index_none) needs(prev);
    for (const std::uint32_t parent : table.parents(event.value)) needs(parent);
    const auto run = open.find(row.chain);
    const bool joins = run != open.end() && latest <= run->second + 1 &&
                       runs[run->second].events.size() < run_events_max &&
                       table.row(runs[run->second].events.back().value).position + 1 == row.position;
    if (joins) {
      runs[run->second].events.push_back(event);
    } else {
      open[row.chain] = runs.size();
      runs.push_back({table.chain(row.chain).feed, seq(event), {event}});
    }
    run_of[event.value] = open[row.chain];
  }
  return runs;
}

}  // namespace rz::log
