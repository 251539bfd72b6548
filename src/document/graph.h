// The event graph as a document sees it: events by number in order of arrival, their parents, heads, differences.
//
// Invariants
// 1. An event's number is greater than its parents'.
// 2. Stored parents are not redundant: none lies in another's past.
// 3. A critical event has every active event before it in its past and is in the past of every one after it. Nothing
//    before it can be concurrent with anything that is still to be merged, unless an event comes that undoes it.
// A dropped event (a provisional tail taken back, a closed event that left what counts) is no longer active: nobody
// builds on it, it counts nowhere.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "document/event_ref.h"

namespace rz::document {

using EventIndex = std::uint32_t;
inline constexpr EventIndex event_none = ~EventIndex{0};

// A version: event numbers, none in another's past, ascending.
using Version = std::vector<EventIndex>;

class Graph {
 public:
  enum class Standing : std::uint8_t { closed, open, provisional, dropped };

  struct Event {
    EventId id;  // Zero unless closed and not dropped.
    std::uint32_t author = 0;
    std::uint32_t parents_begin = 0;
    std::uint16_t parents_count = 0;
    Standing standing = Standing::closed;
    bool has_effect = true;
    bool has_operations = false;
    std::uint64_t feed = 0;
    std::uint64_t seq = 0;
    std::uint64_t depth = 0;
    std::uint64_t own = 0;
  };

  std::uint32_t size() const { return static_cast<std::uint32_t>(events_.size()); }
  const Event& at(EventIndex event) const { return events_[event]; }
  Event& at(EventIndex event) { return events_[event]; }
  std::span<const EventIndex> parents(EventIndex event) const {
    return {parents_.data() + events_[event].parents_begin, events_[event].parents_count};
  }
  const AuthorId& author(std::uint32_t number) const { return authors_[number]; }
  std::uint32_t author_number(const AuthorId& author);

  // A closed event by its name.
  std::optional<EventIndex> find(const EventId& id) const;
  // The numbers of closed events, or none where one is unknown; not reduced.
  std::optional<Version> find_all(std::span<const EventId> ids) const;

  // `parents` are known; redundant ones are dropped.
  EventIndex add(const EventInfo& info, Version parents, Standing standing);
  // Gives an open or provisional event its name; from then on it is closed.
  void close(EventIndex event, const EventInfo& info);
  // From now on these heads, whose pasts hold no operations beyond the event's own, count as followed by it.
  void cover(EventIndex event, const Version& heads);
  // Takes back an event; nothing active builds on it. A closed one loses its name, and may come again.
  void drop(EventIndex event);
  bool is_active(EventIndex event) const { return events_[event].standing != Standing::dropped; }
  bool is_shown(EventIndex event) const { return is_active(event) && events_[event].has_effect; }

  const Version& closed_heads() const { return closed_heads_; }
  const Version& active_heads() const { return active_heads_; }
  // Everything active is in this event's past.
  bool is_only_head(EventIndex event) const { return active_heads_.size() == 1 && active_heads_[0] == event; }
  // The last critical event, or event_none.
  EventIndex last_critical() const { return critical_.empty() ? event_none : critical_.back(); }

  // Is `event` one of `version` or in the past of one?
  bool in_past(EventIndex event, std::span<const EventIndex> version) const;
  bool in_past_of(EventIndex event, EventIndex later) const;  // The event itself counts.
  // Without what lies in another's past; sorted.
  Version reduce(Version version) const;
  // Events in the past of one and not of the other, descending.
  void difference(const Version& a, const Version& b, std::vector<EventIndex>& only_a,
                  std::vector<EventIndex>& only_b) const;

  // A total order of events for siblings in a sequence: (author, feed, seq, id). It does not change when an open event
  // is closed, except between the branches of a forked feed.
  int compare_siblings(EventIndex a, EventIndex b) const;
  // The order of concurrent writes: (depth, author, own, id).
  int compare_writes(EventIndex a, EventIndex b) const;

  std::size_t memory_bytes() const;

 private:
  void index_id(EventIndex event);
  void grow_index(std::size_t slots);
  void advance_heads(Version& heads, EventIndex event) const;
  void retreat_heads(Version& heads, EventIndex event) const;

  std::vector<Event> events_;
  std::vector<EventIndex> parents_;
  std::vector<AuthorId> authors_;
  std::vector<EventIndex> slots_;  // Open addressing over event ids; event_none is free.
  std::size_t used_slots_ = 0;
  Version closed_heads_;
  Version active_heads_;
  std::vector<EventIndex> critical_;
};

}  // namespace rz::document
