// What is behind EventGraph: the table, the admissions, the pending area. Private to graph*.cc.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "log/event_table.h"
#include "log/graph.h"

namespace rz::log {

struct ControlRecord {
  Bytes bytes;
  std::optional<ControlBody> body;  // None: it does not parse, and is a no-op.
};

// An event that waits. Nothing here reaches an output but in sorted form.
struct Waiting {
  Header header;
  std::optional<Bytes> control_body;
  bool body_here = false;
  bool covered = false;       // A verified seal vouches for it.
  std::uint32_t missing = 0;  // Names in `waiters` under which it stands.
};

using PendingEvents = std::unordered_map<EventId, Waiting>;

struct Pending {
  PendingEvents events;
  std::unordered_map<EventId, std::vector<EventId>> waiters;  // By what they wait for: an event, or an admission.
  std::map<EventId, crypto::Signature> seals;                 // Heads unknown yet.
  std::map<AuthorKey, std::size_t> covered_by_author;
  std::size_t uncovered = 0;
  std::size_t body_bytes = 0;
};

struct Visitor {
  Did did;
  AuthorKey device;
  friend bool operator==(const Visitor&, const Visitor&) = default;
};

struct EventGraphState {
  StreamId stream;
  std::optional<Genesis> genesis;
  std::optional<IdentityGenesis> identity;
  PendingLimits limits;
  EventTable table;
  std::map<std::uint32_t, ControlRecord> control;
  std::vector<EventIndex> control_events;
  std::set<std::pair<AuthorKey, EventId>> admitted_authors;
  std::map<EventId, Visitor> visitors;                            // By the operation that added the device.
  std::map<std::uint32_t, std::vector<std::uint32_t>> frontiers;  // By branch event; index_none: the stream itself.
  std::vector<ForkEvidence> evidence;
  Pending pending;

  // What a first event may begin with.
  struct Admission {
    enum class Answer : std::uint8_t { granted, refused, wait } answer = Answer::wait;
    std::uint32_t event = index_none;   // If it is an event of this stream.
    std::uint32_t branch = index_none;  // The branch that the feed will belong to.
    EventId wait_for;
  };

  // graph_admission.cc
  Admission admission(const Header& header, const ControlBody* body) const;
  Status check_branches(const EventTable::Insertion& insertion) const;

  // graph_pending.cc
  struct Checked {
    EventId id;
    const Header* header = nullptr;
    std::optional<ByteView> body;
    std::uint32_t prev_hint = index_none;  // The index of header->prev where the caller knows it.
    bool covered = false;
  };
  Result<Offer> take(const Checked& event);
  // Inserts if everything named is here; sets `missing` otherwise and returns index_none.
  Result<std::uint32_t> try_insert(const Checked& event, const ControlBody* body, std::vector<EventId>* missing);
  Status park(const Checked& event, const std::vector<EventId>& missing);
  void wake(const EventId& what);   // Something that others wait for is here now.
  void cover(const EventId& head);  // A verified seal lies on a waiting event.
  void forget(PendingEvents::iterator waiting);
  void drop(const EventId& id);  // And whatever waits for it.
  Status take_seal(const Seal& seal);
  void note_seal(std::uint32_t index, const Seal& seal);

  void settle_appended(const EventId& id);  // It was waiting, or others waited for it.

  // graph_causal.cc
  std::vector<EventIndex> with_bodies(const std::vector<EventIndex>& heads) const;
  std::uint32_t branch_of(std::uint32_t index) const { return table.chain_of(index).branch; }
  const ControlBody* control_body(std::uint32_t index) const {
    const auto found = control.find(index);
    return found == control.end() || !found->second.body ? nullptr : &*found->second.body;
  }
};

inline std::vector<std::uint32_t> raw(std::span<const EventIndex> events) {
  std::vector<std::uint32_t> indices;
  indices.reserve(events.size());
  for (const EventIndex event : events) indices.push_back(event.value);
  return indices;
}
inline std::vector<EventIndex> wrapped(std::span<const std::uint32_t> indices) {
  std::vector<EventIndex> events;
  events.reserve(indices.size());
  for (const std::uint32_t index : indices) events.push_back(EventIndex{index});
  return events;
}

}  // namespace rz::log
