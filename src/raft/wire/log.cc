#include "raft/wire/log.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::raft {

// The run that holds `index`; runs_.size() where none does. Nearly always the newest.
std::size_t Log::run_of(Index index) const {
  if (index <= base_.index || index > last_index()) return runs_.size();
  if (index >= runs_.back().entries.first_index()) return runs_.size() - 1;
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                      [](Index at, const Run& run) { return at < run.entries.first_index(); });
  return static_cast<std::size_t>(after - runs_.begin()) - 1;
}

const Entry* Log::find(Index index) const {
  const std::size_t at = run_of(index);
  if (at == runs_.size()) return nullptr;
  const Entries& run = runs_[at].entries;
  return run.begin() + (index.n - run.first_index().n);
}

std::optional<EntryId> Log::id_at(Index index) const {
  if (index == base_.index) return base_;
  const Entry* entry = find(index);
  return entry == nullptr ? std::nullopt : std::optional(id_of(*entry));
}

bool Log::has(const EntryId& id) const {
  if (id.index == base_.index) return id.hash == base_.hash;
  const Entry* entry = find(id.index);
  return entry != nullptr && entry->hash() == id.hash;
}

EntryId Log::last_not_after(Index index, const EntryId& than) const {
  for (Index at = std::min(index, last_index()); at > base_.index; at = at.prev()) {
    const EntryId id = id_of(*find(at));
    if (std::pair(id.generation, id.term) <= std::pair(than.generation, than.term)) return id;
  }
  return base_;
}

std::uint64_t Log::cost_to(Index index) const {
  if (index <= base_.index) return base_cost_;
  const std::size_t at = run_of(std::min(index, last_index()));
  if (at == runs_.size()) return base_cost_;
  std::uint64_t cost = runs_[at].cost_end;
  for (const Entry* after = runs_[at].entries.end() - 1; after->index() > index; --after) cost -= after->cost_bytes();
  return cost;
}

void Log::append(Entries entries) {
  RZ_REQUIRE(!entries.empty());
  RZ_ASSERT_CMP(entries.first_index().n, ==, last_index().n + 1);
  RZ_ASSERT(entries.front().header().prev == last().hash);
  const std::uint64_t cost_end = cost_to(last_index()) + entries.cost_bytes();
  runs_.push_back({std::move(entries), cost_end});
}

void Log::truncate_from(Index begin) {
  RZ_ASSERT_CMP(begin.n, >, base_.index.n);
  while (!runs_.empty() && runs_.back().entries.first_index() >= begin) runs_.pop_back();
  if (!runs_.empty()) runs_.back() = {runs_.back().entries.between(base_.index, begin), cost_to(begin.prev())};
}

void Log::compact_to(Index index) {
  const std::optional<EntryId> base = id_at(index);
  RZ_ASSERT(base.has_value());
  base_cost_ = cost_to(index);
  const auto kept =
      std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.entries.last_index() > index; });
  runs_.erase(runs_.begin(), kept);
  if (!runs_.empty()) {
    Entries& first = runs_.front().entries;
    first = first.between(index.next(), first.last_index().next());
  }
  base_ = *base;
}

void Log::reset(const EntryId& base) {
  base_ = base;
  base_cost_ = 0;
  runs_.clear();
  runs_.shrink_to_fit();
}

Entries Log::slice(Index begin, std::size_t bytes_max) const {
  const std::size_t first = run_of(begin);
  if (first == runs_.size()) return {};
  std::size_t bytes = find(begin)->cost_bytes();
  Index end = begin.next();
  while (end <= last_index() && (bytes += find(end)->cost_bytes()) <= bytes_max) end = end.next();
  const Entries& run = runs_[first].entries;
  if (end.prev() <= run.last_index()) return run.between(begin, end);
  std::vector<Entry> copied;
  copied.reserve(static_cast<std::size_t>(end.n - begin.n));
  for (Index at = begin; at < end; at = at.next()) copied.push_back(*find(at));
  return Entries::of(std::move(copied));
}

void Log::collect(Index begin, Index end, std::vector<Entries>& out) const {
  for (std::size_t at = run_of(begin); at < runs_.size() && runs_[at].entries.first_index() < end; ++at) {
    out.push_back(runs_[at].entries.between(begin, end));
  }
}

}  // namespace rz::raft
