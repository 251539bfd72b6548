#include "raft/log.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::raft {

// The run that holds `index`; runs_.size() where none does. Nearly always the newest.
std::size_t Log::run_of(Index index) const {
  if (index <= base_.index || index > last_index()) return runs_.size();
  if (index >= runs_.back().first_index()) return runs_.size() - 1;
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                      [](Index at, const Entries& run) { return at < run.first_index(); });
  return static_cast<std::size_t>(after - runs_.begin()) - 1;
}

const Entry* Log::find(Index index) const {
  const std::size_t at = run_of(index);
  return at == runs_.size() ? nullptr : runs_[at].begin() + (index.n - runs_[at].first_index().n);
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

void Log::append(Entries entries) {
  RZ_REQUIRE(!entries.empty());
  RZ_ASSERT_CMP(entries.first_index().n, ==, last_index().n + 1);
  RZ_ASSERT(entries.front().header().prev == last().hash);
  runs_.push_back(std::move(entries));
}

void Log::truncate_from(Index begin) {
  RZ_ASSERT_CMP(begin.n, >, base_.index.n);
  while (!runs_.empty() && runs_.back().first_index() >= begin) runs_.pop_back();
  if (!runs_.empty()) runs_.back() = runs_.back().between(base_.index, begin);
}

void Log::compact_to(Index index) {
  const std::optional<EntryId> base = id_at(index);
  RZ_ASSERT(base.has_value());
  const auto kept =
      std::find_if(runs_.begin(), runs_.end(), [&](const Entries& run) { return run.last_index() > index; });
  runs_.erase(runs_.begin(), kept);
  if (!runs_.empty()) runs_.front() = runs_.front().between(index.next(), last_index().next());
  base_ = *base;
}

void Log::reset(const EntryId& base) {
  base_ = base;
  runs_.clear();
  runs_.shrink_to_fit();
}

Entries Log::slice(Index begin, std::size_t bytes_max) const {
  std::size_t bytes = 0;
  Index end = begin;
  std::size_t at = run_of(begin);
  if (at == runs_.size()) return {};
  const std::size_t first_run = at;
  for (; at < runs_.size(); ++at) {
    const Entries run = runs_[at].between(end, last_index().next());
    for (const Entry& entry : run) {
      bytes += entry.cost_bytes();
      if (bytes > bytes_max && end > begin) break;
      end = entry.index().next();
    }
    if (bytes > bytes_max || end <= run.last_index()) break;
  }
  if (end.prev() <= runs_[first_run].last_index()) return runs_[first_run].between(begin, end);
  std::vector<Entry> copied;
  copied.reserve(static_cast<std::size_t>(end.n - begin.n));
  for (at = first_run; at < runs_.size() && runs_[at].first_index() < end; ++at) {
    const Entries run = runs_[at].between(begin, end);
    copied.insert(copied.end(), run.begin(), run.end());
  }
  return Entries::of(std::move(copied));
}

void Log::collect(Index begin, Index end, std::vector<Entries>& out) const {
  for (std::size_t at = run_of(begin); at < runs_.size() && runs_[at].first_index() < end; ++at) {
    out.push_back(runs_[at].between(begin, end));
  }
}

}  // namespace rz::raft
