#include "log/event_table.h"

#include <cstring>

#include "base/assert.h"

namespace rz::log {
namespace {

constexpr std::size_t slots_min = 16;
// Between kept seals at most this many events, so that what a peer lacks is seldom far from one.
constexpr std::uint32_t seal_spacing = 64;
constexpr std::uint64_t seal_spacing_bytes = 256 * 1024;  // Of bodies: who has less can't admit what it holds.

// Vectors that may grow to a million rows grow by a half, not to the double: the slack counts.
template <class T>
void make_room(std::vector<T>& items) {
  if (items.size() == items.capacity()) items.reserve(items.size() + items.size() / 2 + 4);
}

std::size_t home_slot(const EventId& id, std::size_t slot_count) {
  std::uint64_t word;
  std::memcpy(&word, id.bytes.data(), sizeof word);
  return static_cast<std::size_t>(word) & (slot_count - 1);
}

}  // namespace

std::uint32_t EventTable::find(const EventId& id) const {
  if (slots_.empty()) return index_none;
  for (std::size_t slot = home_slot(id, slots_.size());; slot = (slot + 1) & (slots_.size() - 1)) {
    const std::uint32_t index = slots_[slot];
    if (index == index_none || rows_[index].id == id) return index;
  }
}

std::span<const std::uint32_t> EventTable::parents(std::uint32_t index) const {
  const std::size_t begin = rows_[index].parents_begin;
  const std::size_t end = index + 1 < rows_.size() ? rows_[index + 1].parents_begin : parents_.size();
  return std::span(parents_).subspan(begin, end - begin);
}

std::uint32_t EventTable::causal_prev(std::uint32_t index) const {
  const EventRow& row = rows_[index];
  const Chain& chain = chains_[row.chain];
  return row.position > 0 ? chain.events[row.position - 1] : chain.origin;
}

std::uint32_t EventTable::prev(std::uint32_t index) const {
  const EventRow& row = rows_[index];
  return row.position > 0 || chains_[row.chain].first_seq > 0 ? causal_prev(index) : index_none;
}

std::span<const ChainIndex> EventTable::chains_of(const FeedName& feed) const {
  const auto found = chains_of_feed_.find(feed);
  return found == chains_of_feed_.end() ? std::span<const ChainIndex>{} : std::span(found->second);
}

std::span<const ChainIndex> EventTable::chains_of(const AuthorKey& author) const {
  const auto found = chains_of_author_.find(author);
  return found == chains_of_author_.end() ? std::span<const ChainIndex>{} : std::span(found->second);
}

std::uint32_t EventTable::insert(const Insertion& insertion) {
  RZ_ASSERT(rows_.size() < index_none - 1);
  const auto index = static_cast<std::uint32_t>(rows_.size());
  const Header& header = *insertion.header;
  EventRow row;
  row.id = *insertion.id;
  row.body = header.body;
  row.time = header.time;
  row.parents_begin = static_cast<std::uint32_t>(parents_.size());
  row.size = static_cast<std::uint32_t>(header.size) & 0xfffff;
  row.is_control = header.kind == EventKind::control;
  row.body_here = insertion.body_here;
  if (epochs_.empty() || rows_.empty() || epochs_[rows_.back().epoch] != header.epoch) {
    const auto [number, is_new] = epoch_numbers_.try_emplace(header.epoch, static_cast<std::uint32_t>(epochs_.size()));
    if (is_new) epochs_.push_back(header.epoch);
    row.epoch = number->second;
  } else {
    row.epoch = rows_.back().epoch;
  }
  set_order(row, insertion);  // Before the chain grows: it looks at what the author had.
  row.chain = chain_for(insertion);
  Chain& chain = chains_[row.chain];
  row.position = static_cast<std::uint32_t>(chain.events.size());
  make_room(chain.events);
  chain.events.push_back(index);
  if (!insertion.parents.empty()) chain.joins.push_back(row.position);
  if (insertion.prev != index_none) rows_[insertion.prev].has_child = 1;
  for (const std::uint32_t parent : insertion.parents) {
    make_room(parents_);
    parents_.push_back(parent);
    rows_[parent].has_child = 1;
  }
  make_room(rows_);
  rows_.push_back(row);
  add_to_index(index);
  return index;
}

// depth(e) = 1 + the greatest depth in e's past by another author. An event of the same author has the greatest such
// depth plus one as its own depth already; below an event of another author nothing is deeper than that event.
void EventTable::set_order(EventRow& row, const Insertion& insertion) const {
  const AuthorKey& author = insertion.header->author;
  std::uint32_t deepest_other = 0;
  std::uint32_t own = 0;
  const auto take = [&](std::uint32_t index) {
    const EventRow& named = rows_[index];
    if (chains_[named.chain].feed.author == author) {
      deepest_other = std::max(deepest_other, named.depth - 1);
      own = std::max(own, named.own);
    } else {
      deepest_other = std::max(deepest_other, named.depth);
    }
  };
  if (insertion.prev != index_none) take(insertion.prev);
  for (const std::uint32_t parent : insertion.parents) take(parent);
  if (may_have_more(author, own)) own = std::max(own, greatest_own_elsewhere(author, insertion));
  row.depth = deepest_other + 1;
  row.own = own + 1;
}

// Whether the author has an event with an own above `own`: only then can the past hold one. A device that opens a new
// feed after a restart has seen its older ones, so this is true only for concurrent feeds of one author, and forks.
bool EventTable::may_have_more(const AuthorKey& author, std::uint32_t own) const {
  for (const ChainIndex chain : chains_of(author)) {
    if (rows_[chains_[chain].events.back()].own > own) return true;
  }
  return false;
}

std::uint32_t EventTable::greatest_own_elsewhere(const AuthorKey& author, const Insertion& insertion) const {
  std::uint32_t greatest = 0;
  if (insertion.header->seq.value > 0) {
    // What the feed's own event before has in its past is in that event's own already.
    const std::uint32_t seen[] = {insertion.prev};
    visit_difference(*this, insertion.parents, seen, [&](std::uint32_t index) {
      if (chain_of(index).feed.author == author) greatest = std::max(greatest, rows_[index].own);
    });
    return greatest;
  }
  std::vector<std::uint32_t> heads(insertion.parents.begin(), insertion.parents.end());
  if (insertion.prev != index_none) heads.push_back(insertion.prev);
  // A past is a prefix of every chain, so the last event of each chain of the author in it decides.
  ChainCounts past(chains_.size(), 0);
  add_past(*this, past, heads);
  for (const ChainIndex chain : chains_of(author)) {
    if (past[chain] > 0) greatest = std::max(greatest, rows_[chains_[chain].events[past[chain] - 1]].own);
  }
  return greatest;
}

ChainIndex EventTable::chain_for(const Insertion& insertion) {
  const Header& header = *insertion.header;
  const bool is_first = header.seq.value == 0;
  if (!is_first) {
    const EventRow& before = rows_[insertion.prev];
    if (before.position + 1 == chains_[before.chain].events.size()) return before.chain;
  }
  const auto index = static_cast<ChainIndex>(chains_.size());
  Chain chain;
  chain.feed = {header.author, header.feed};
  chain.first_seq = header.seq.value;
  chain.origin_id = header.prev;
  chain.origin = insertion.prev;
  chain.root_chain = is_first ? index : chains_[rows_[insertion.prev].chain].root_chain;
  chain.branch = is_first ? insertion.branch : chains_[rows_[insertion.prev].chain].branch;
  chains_of_feed_[chain.feed].push_back(index);
  chains_of_author_[header.author].push_back(index);
  chains_.push_back(std::move(chain));
  return index;
}

void EventTable::add_to_index(std::uint32_t index) {
  if (rows_.size() * 10 > slots_.size() * 7) grow_index();
  std::size_t slot = home_slot(rows_[index].id, slots_.size());
  while (slots_[slot] != index_none) {
    if (slots_[slot] == index) return;  // Growing put it in.
    slot = (slot + 1) & (slots_.size() - 1);
  }
  slots_[slot] = index;
}

void EventTable::grow_index() {
  const std::size_t slot_count = slots_.empty() ? slots_min : slots_.size() * 2;
  slots_.assign(slot_count, index_none);
  slots_.shrink_to_fit();
  for (std::uint32_t index = 0; index < rows_.size(); ++index) {
    std::size_t slot = home_slot(rows_[index].id, slot_count);
    while (slots_[slot] != index_none) slot = (slot + 1) & (slot_count - 1);
    slots_[slot] = index;
  }
}

void EventTable::add_seal(std::uint32_t index, const crypto::Signature& signature) {
  const EventRow& row = rows_[index];
  auto& seals = chains_[row.chain].seals;
  const auto at = std::lower_bound(seals.begin(), seals.end(), row.position,
                                   [](const Chain::Sealed& seal, std::uint32_t pos) { return seal.position < pos; });
  if (at != seals.end() && at->position == row.position) return;
  const auto added = seals.insert(at, Chain::Sealed{row.position, signature});
  // The one before is not needed if its neighbours on both sides are near.
  if (added - seals.begin() < 2 || row.position - (added - 2)->position > seal_spacing) return;
  std::uint64_t bytes = 0;
  for (std::uint32_t at_position = (added - 2)->position + 1; at_position <= row.position; ++at_position) {
    bytes += rows_[chains_[row.chain].events[at_position]].size;
  }
  if (bytes <= seal_spacing_bytes) seals.erase(added - 1);
}

std::size_t EventTable::memory_bytes() const {
  std::size_t total = rows_.capacity() * sizeof(EventRow) + parents_.capacity() * 4 + slots_.capacity() * 4 +
                      chains_.capacity() * sizeof(Chain) + epochs_.size() * (sizeof(EpochId) + 80);
  for (const Chain& chain : chains_) {
    total += chain.events.capacity() * 4 + chain.joins.capacity() * 4 + chain.seals.capacity() * sizeof(Chain::Sealed);
    total += 200;  // Its rows in the two maps.
  }
  return total;
}

void add_past(const EventTable& table, ChainCounts& counts, std::span<const std::uint32_t> heads) {
  if (counts.size() < table.chains().size()) counts.resize(table.chains().size(), 0);
  std::vector<std::uint32_t> stack(heads.begin(), heads.end());
  while (!stack.empty()) {
    const EventRow& row = table.row(stack.back());
    stack.pop_back();
    const std::uint32_t before = counts[row.chain];
    if (row.position < before) continue;
    counts[row.chain] = row.position + 1;
    const Chain& chain = table.chain(row.chain);
    if (before == 0 && chain.origin != index_none) stack.push_back(chain.origin);
    const auto first = std::lower_bound(chain.joins.begin(), chain.joins.end(), before);
    for (auto join = first; join != chain.joins.end() && *join <= row.position; ++join) {
      for (const std::uint32_t parent : table.parents(chain.events[*join])) {
        if (!holds(table, counts, parent)) stack.push_back(parent);
      }
    }
  }
}

bool is_in_past(const EventTable& table, std::uint32_t ancestor, std::uint32_t of) {
  if (ancestor == of) return true;
  const EventRow& wanted = table.row(ancestor);
  std::vector<std::uint32_t> stack{of};
  std::map<ChainIndex, std::uint32_t> seen;  // How many of a chain's events were reached.
  while (!stack.empty()) {
    const std::uint32_t index = stack.back();
    stack.pop_back();
    if (index < ancestor) continue;  // Everything in its past is smaller still.
    const EventRow& row = table.row(index);
    if (row.chain == wanted.chain && row.position >= wanted.position) return true;
    std::uint32_t& reached = seen[row.chain];
    if (row.position < reached) continue;
    const Chain& chain = table.chain(row.chain);
    if (reached == 0 && chain.origin != index_none) stack.push_back(chain.origin);
    const auto first = std::lower_bound(chain.joins.begin(), chain.joins.end(), reached);
    auto join = std::upper_bound(first, chain.joins.end(), row.position);
    reached = row.position + 1;
    while (join != first) {
      const std::uint32_t joined = chain.events[*--join];
      if (joined < ancestor) break;
      for (const std::uint32_t parent : table.parents(joined)) stack.push_back(parent);
    }
  }
  return false;
}

}  // namespace rz::log
