#include "document/graph.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::document {

std::uint32_t Graph::author_number(const AuthorId& author) {
  for (std::size_t i = authors_.size(); i-- > 0;) {
    if (authors_[i] == author) return static_cast<std::uint32_t>(i);
  }
  authors_.push_back(author);
  return static_cast<std::uint32_t>(authors_.size() - 1);
}

std::optional<EventIndex> Graph::find(const EventId& id) const {
  if (slots_.empty()) return std::nullopt;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = std::hash<EventId>{}(id)&mask;; slot = (slot + 1) & mask) {
    if (slots_[slot] == event_none) return std::nullopt;
    if (events_[slots_[slot]].id == id) return slots_[slot];
  }
}

std::optional<Version> Graph::find_all(std::span<const EventId> ids) const {
  Version found;
  found.reserve(ids.size());
  for (const EventId& id : ids) {
    const auto event = find(id);
    if (!event) return std::nullopt;
    found.push_back(*event);
  }
  return found;
}

void Graph::index_id(EventIndex event) {
  if (slots_.size() < 2 * (used_slots_ + 1)) grow_index(slots_.empty() ? 4 : slots_.size() * 2);
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<EventId>{}(events_[event].id) & mask;
  while (slots_[slot] != event_none) slot = (slot + 1) & mask;
  slots_[slot] = event;
  ++used_slots_;
}

void Graph::grow_index(std::size_t slots) {
  slots_.assign(slots, event_none);
  used_slots_ = 0;
  for (EventIndex event = 0; event < size(); ++event) {
    if (events_[event].standing != Standing::closed || events_[event].id.is_zero()) continue;
    const std::size_t mask = slots - 1;
    std::size_t slot = std::hash<EventId>{}(events_[event].id) & mask;
    while (slots_[slot] != event_none) slot = (slot + 1) & mask;
    slots_[slot] = event;
    ++used_slots_;
  }
}

void Graph::advance_heads(Version& heads, EventIndex event) const {
  const auto before = parents(event);
  std::erase_if(heads, [&](EventIndex head) { return std::find(before.begin(), before.end(), head) != before.end(); });
  heads.insert(std::upper_bound(heads.begin(), heads.end(), event), event);
}

void Graph::retreat_heads(Version& heads, EventIndex event) const {
  std::erase(heads, event);
  for (const EventIndex parent : parents(event)) heads.push_back(parent);
  heads = reduce(std::move(heads));
}

EventIndex Graph::add(const EventInfo& info, Version parents, Standing standing) {
  const std::uint32_t author = author_number(info.author);
  parents = reduce(std::move(parents));
  const EventIndex event = size();
  Event& added = events_.emplace_back();
  added.id = standing == Standing::closed ? info.id : EventId{};
  added.author = author;
  added.parents_begin = static_cast<std::uint32_t>(parents_.size());
  added.parents_count = static_cast<std::uint16_t>(parents.size());
  added.standing = standing;
  added.feed = info.feed;
  added.seq = info.seq;
  added.depth = info.depth;
  added.own = info.own;
  parents_.insert(parents_.end(), parents.begin(), parents.end());

  // What the newcomer does not build on is no longer critical.
  const bool rootless = parents.empty();
  while (!critical_.empty() && (rootless || parents.back() < critical_.back())) critical_.pop_back();
  advance_heads(active_heads_, event);
  if (is_only_head(event)) critical_.push_back(event);
  if (standing == Standing::closed) {
    index_id(event);
    advance_heads(closed_heads_, event);
  }
  return event;
}

void Graph::close(EventIndex event, const EventInfo& info) {
  Event& closing = events_[event];
  RZ_REQUIRE(closing.standing == Standing::open || closing.standing == Standing::provisional);
  closing.standing = Standing::closed;
  closing.id = info.id;
  closing.author = author_number(info.author);
  closing.feed = info.feed;
  closing.seq = info.seq;
  closing.depth = info.depth;
  closing.own = info.own;
  if (!find(info.id)) index_id(event);
  advance_heads(closed_heads_, event);
}

void Graph::cover(EventIndex event, const Version& heads) {
  const auto covered = [&](EventIndex head) {
    return head != event && std::find(heads.begin(), heads.end(), head) != heads.end();
  };
  std::erase_if(closed_heads_, covered);
  std::erase_if(active_heads_, covered);
}

void Graph::drop(EventIndex event) {
  Event& dropped = events_[event];
  RZ_REQUIRE(dropped.standing != Standing::dropped);
  const bool was_closed = dropped.standing == Standing::closed;
  dropped.standing = Standing::dropped;
  dropped.id = {};  // Its place in the index stays taken, and matches nothing.
  retreat_heads(active_heads_, event);
  if (was_closed) retreat_heads(closed_heads_, event);
  while (!critical_.empty() && critical_.back() >= event) critical_.pop_back();
}

bool Graph::in_past(EventIndex event, std::span<const EventIndex> version) const {
  std::vector<EventIndex> queue;
  for (const EventIndex head : version) {
    if (head == event) return true;
    if (head > event) queue.push_back(head);
  }
  if (queue.empty()) return false;
  std::make_heap(queue.begin(), queue.end());
  while (!queue.empty()) {
    const EventIndex next = queue.front();
    while (!queue.empty() && queue.front() == next) {
      std::pop_heap(queue.begin(), queue.end());
      queue.pop_back();
    }
    for (const EventIndex parent : parents(next)) {
      if (parent == event) return true;
      if (parent < event) continue;
      queue.push_back(parent);
      std::push_heap(queue.begin(), queue.end());
    }
  }
  return false;
}

bool Graph::in_past_of(EventIndex event, EventIndex later) const {
  if (event == later) return true;
  if (event > later || !is_active(event)) return false;
  if (is_only_head(later)) return true;
  const EventIndex critical = last_critical();
  if (critical != event_none && event <= critical && later >= critical) return true;
  return in_past(event, parents(later));
}

Version Graph::reduce(Version version) const {
  std::sort(version.begin(), version.end());
  version.erase(std::unique(version.begin(), version.end()), version.end());
  if (version.size() < 2) return version;
  Version reduced;
  for (std::size_t i = 0; i < version.size(); ++i) {
    const std::span<const EventIndex> later(version.data() + i + 1, version.size() - i - 1);
    if (!in_past(version[i], later)) reduced.push_back(version[i]);
  }
  return reduced;
}

void Graph::difference(const Version& a, const Version& b, std::vector<EventIndex>& only_a,
                       std::vector<EventIndex>& only_b) const {
  only_a.clear();
  only_b.clear();
  if (a == b) return;
  struct Seen {
    EventIndex event;
    std::uint8_t sides;  // 1: in the past of a; 2: of b.
    bool operator<(const Seen& other) const { return event < other.event; }
  };
  std::vector<Seen> queue;
  std::size_t unshared = 0;
  const auto push = [&](EventIndex event, std::uint8_t sides) {
    queue.push_back({event, sides});
    std::push_heap(queue.begin(), queue.end());
    unshared += sides != 3 ? 1 : 0;
  };
  for (const EventIndex event : a) push(event, 1);
  for (const EventIndex event : b) push(event, 2);
  while (unshared > 0) {
    const EventIndex event = queue.front().event;
    std::uint8_t sides = 0;
    while (!queue.empty() && queue.front().event == event) {
      sides |= queue.front().sides;
      unshared -= queue.front().sides != 3 ? 1 : 0;
      std::pop_heap(queue.begin(), queue.end());
      queue.pop_back();
    }
    if (sides == 1) only_a.push_back(event);
    if (sides == 2) only_b.push_back(event);
    for (const EventIndex parent : parents(event)) push(parent, sides);
  }
}

int Graph::compare_siblings(EventIndex a, EventIndex b) const {
  if (a == b) return 0;
  const Event& x = events_[a];
  const Event& y = events_[b];
  if (x.author != y.author) return authors_[x.author] < authors_[y.author] ? -1 : 1;
  if (x.feed != y.feed) return x.feed < y.feed ? -1 : 1;
  if (x.seq != y.seq) return x.seq < y.seq ? -1 : 1;
  return x.id < y.id ? -1 : x.id == y.id ? 0 : 1;
}

int Graph::compare_writes(EventIndex a, EventIndex b) const {
  if (a == b) return 0;
  const Event& x = events_[a];
  const Event& y = events_[b];
  if (x.depth != y.depth) return x.depth < y.depth ? -1 : 1;
  if (x.author != y.author) return authors_[x.author] < authors_[y.author] ? -1 : 1;
  if (x.own != y.own) return x.own < y.own ? -1 : 1;
  return x.id < y.id ? -1 : x.id == y.id ? 0 : 1;
}

std::size_t Graph::memory_bytes() const {
  return events_.capacity() * sizeof(Event) + parents_.capacity() * sizeof(EventIndex) +
         authors_.capacity() * sizeof(AuthorId) + slots_.capacity() * sizeof(EventIndex) +
         critical_.capacity() * sizeof(EventIndex);
}

}  // namespace rz::document
