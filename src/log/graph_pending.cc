// The pending area: what is offered before all that it names, before its seal, or before its body.
#include <algorithm>

#include "log/graph_state.h"

namespace rz::log {
namespace {

bool needs_body(const Header& header) { return header.kind == EventKind::control; }

// Whether `next` comes after `before` in one feed: then a signature on `next` vouches for `before` as well. A header
// may name anything as its prev; without this check a seal would vouch for what its author only claims about others.
bool follows(const Header& next, const EventId& before_id, const Header& before) {
  return next.prev == before_id && next.author == before.author && next.feed == before.feed &&
         next.seq.value == before.seq.value + 1;
}

std::unexpected<Error> full(std::string_view what) { return fail(ErrorCode::pending_full, what); }

}  // namespace

Result<std::uint32_t> EventGraphState::try_insert(const Checked& event, const ControlBody* body,
                                                  std::vector<EventId>* missing) {
  const Header& header = *event.header;
  EventTable::Insertion insertion{&event.id, &header, index_none, {}, index_none, event.body.has_value()};
  std::vector<std::uint32_t> parents;
  parents.reserve(header.parents.size());
  for (const EventId& parent : header.parents) {
    const std::uint32_t index = table.find(parent);
    if (index != index_none) {
      parents.push_back(index);
    } else if (missing) {
      missing->push_back(parent);
    } else {
      return fail(ErrorCode::not_found, words("parent ", parent.brief(), " is not here"));
    }
  }
  insertion.parents = parents;
  if (header.seq.value == 0) {
    const Admission admitted = admission(header, body);
    if (admitted.answer == Admission::Answer::refused) {
      return fail(ErrorCode::admission_refused, words("feed of ", header.author.brief(), " begins with ",
                                                      header.prev.brief(), ", which does not name it"));
    }
    if (admitted.answer == Admission::Answer::wait) {
      if (!missing) return fail(ErrorCode::not_found, words("admission ", admitted.wait_for.brief(), " is not here"));
      missing->push_back(admitted.wait_for);
    }
    insertion.prev = admitted.event;
    insertion.branch = admitted.branch;
  } else {
    insertion.prev = event.prev_hint != index_none ? event.prev_hint : table.find(header.prev);
    if (insertion.prev == index_none) {
      if (!missing) return fail(ErrorCode::not_found, words("prev ", header.prev.brief(), " is not here"));
      missing->push_back(header.prev);
    } else {
      const EventRow& before = table.row(insertion.prev);
      const Chain& chain = table.chain(before.chain);
      const std::uint64_t seq_before = chain.first_seq + before.position;
      if (chain.feed != FeedName{header.author, header.feed} || seq_before + 1 != header.seq.value) {
        return fail(ErrorCode::feed_broken, words("seq ", header.seq.value, " does not follow its prev"));
      }
    }
  }
  if (missing && !missing->empty()) return index_none;
  if (!parents.empty()) RZ_CHECK(check_branches(insertion));
  if (table.size() >= index_none - 2) return fail(ErrorCode::graph_full, "2^32 events");
  const std::uint32_t index = table.insert(insertion);

  auto& frontier = frontiers[table.chain_of(index).branch];
  const auto leave = [&frontier](std::uint32_t named) {
    const auto found = std::find(frontier.rbegin(), frontier.rend(), named);
    if (found != frontier.rend()) frontier.erase(std::next(found).base());
  };
  if (insertion.prev != index_none) leave(insertion.prev);
  for (const std::uint32_t parent : parents) leave(parent);
  frontier.push_back(index);

  if (needs_body(header)) {
    ControlRecord& record = control[index];
    record.bytes = to_bytes(*event.body);
    if (auto decoded = decode_control(*event.body)) record.body = *std::move(decoded);
    control_events.push_back(EventIndex{index});
  }
  if (const auto seal = pending.seals.find(event.id); seal != pending.seals.end()) {
    const Seal early{event.id, seal->second};
    pending.seals.erase(seal);
    if (verify_seal(header.author, early)) note_seal(index, early);
  }
  return index;
}

Result<Offer> EventGraphState::take(const Checked& event) {
  const Header& header = *event.header;
  const auto known = pending.events.find(event.id);
  if (known != pending.events.end()) {
    Waiting& waiting = known->second;
    if (event.body && needs_body(header) && !waiting.control_body) {
      waiting.control_body = to_bytes(*event.body);
      pending.body_bytes += event.body->size();
    }
    waiting.body_here = waiting.body_here || event.body.has_value();
    if (event.covered) {
      cover(event.id);
    } else {
      wake(event.id);
    }
    return table.find(event.id) == index_none ? Offer::known : Offer::admitted;
  }
  const bool body_missing = needs_body(header) && !event.body;
  std::vector<EventId> missing;
  bool covered = event.covered;
  if (const auto seal = pending.seals.find(event.id); seal != pending.seals.end()) {
    if (verify_seal(header.author, {event.id, seal->second})) {
      covered = true;  // Stays until the event is in the graph, which then passes it on.
    } else {
      pending.seals.erase(seal);
    }
  }
  // Something that is vouched for already may name this as its prev.
  if (const auto by = pending.waiters.find(event.id); !covered && by != pending.waiters.end()) {
    covered = std::any_of(by->second.begin(), by->second.end(), [&](const EventId& id) {
      const auto waiter = pending.events.find(id);
      return waiter != pending.events.end() && waiter->second.covered &&
             follows(waiter->second.header, event.id, header);
    });
  }
  if (covered && !body_missing) {
    std::optional<ControlBody> body;
    if (needs_body(header) && header.seq.value == 0) {
      if (auto decoded = decode_control(*event.body)) body = *std::move(decoded);
    }
    auto inserted = try_insert(event, body ? &*body : nullptr, &missing);
    if (!inserted) {
      drop(event.id);
      return std::unexpected(std::move(inserted).error());
    }
    if (*inserted != index_none) {
      if (!pending.waiters.empty()) wake(event.id);
      return Offer::admitted;
    }
  }
  Checked parked = event;
  parked.covered = covered;
  RZ_CHECK(park(parked, missing));
  if (covered) cover(event.id);
  return table.find(event.id) == index_none ? Offer::waiting : Offer::admitted;
}

Status EventGraphState::park(const Checked& event, const std::vector<EventId>& known_missing) {
  const Header& header = *event.header;
  if (event.covered) {
    auto& count = pending.covered_by_author[header.author];
    if (count >= limits.sealed_events_per_author_max) return full("too many events of one author wait");
    if (count == 0 && pending.covered_by_author.size() > limits.sealed_authors_max) {
      pending.covered_by_author.erase(header.author);
      return full("events of too many authors wait");
    }
    ++count;
  } else {
    if (pending.uncovered >= limits.unsealed_events_max) return full("too many unsealed events wait");
    ++pending.uncovered;
  }
  Waiting waiting{header, std::nullopt, event.body.has_value(), event.covered, 0};
  if (event.body && needs_body(header)) {
    if (pending.body_bytes + event.body->size() > limits.body_bytes_max) {
      event.covered ? --pending.covered_by_author[header.author] : --pending.uncovered;
      return full("too many bytes of control bodies wait");
    }
    waiting.control_body = to_bytes(*event.body);
    pending.body_bytes += event.body->size();
  }
  std::vector<EventId> missing = known_missing;
  if (missing.empty()) {
    // Not looked for yet (no seal, or no body): stand under what can be known to be missing, so that `missing` is true.
    for (const EventId& parent : header.parents) {
      if (table.find(parent) == index_none) missing.push_back(parent);
    }
    const bool prev_known = table.find(header.prev) != index_none || header.prev == as_event_id(stream) ||
                            admitted_authors.contains({header.author, header.prev});
    if (!prev_known && (header.seq.value > 0 || !needs_body(header))) missing.push_back(header.prev);
  }
  waiting.missing = static_cast<std::uint32_t>(missing.size());
  for (const EventId& id : missing) pending.waiters[id].push_back(event.id);
  pending.events.emplace(event.id, std::move(waiting));
  return {};
}

void EventGraphState::wake(const EventId& what) {
  std::vector<EventId> ready{what};
  while (!ready.empty()) {
    const EventId id = ready.back();
    ready.pop_back();
    if (const auto self = pending.events.find(id); self != pending.events.end()) {
      Waiting& waiting = self->second;
      if (waiting.missing > 0 || !waiting.covered || (needs_body(waiting.header) && !waiting.control_body)) continue;
      std::optional<ByteView> body;
      if (waiting.control_body) {
        body = ByteView(*waiting.control_body);
      } else if (waiting.body_here) {
        body = ByteView{};
      }
      std::optional<ControlBody> decoded;
      if (needs_body(waiting.header)) {
        if (auto control_result = decode_control(*body)) decoded = *std::move(control_result);
      }
      std::vector<EventId> missing;
      const auto inserted =
          try_insert({id, &waiting.header, body, index_none, true}, decoded ? &*decoded : nullptr, &missing);
      if (!inserted) {
        drop(id);
        continue;
      }
      if (*inserted == index_none) {  // An admission that only its body told of, say.
        waiting.missing = static_cast<std::uint32_t>(missing.size());
        for (const EventId& each : missing) pending.waiters[each].push_back(id);
        continue;
      }
      forget(self);
    }
    // It is in the graph (or it is an admission): who waited for it?
    const auto found = pending.waiters.find(id);
    if (found == pending.waiters.end()) continue;
    std::vector<EventId> waiters = std::move(found->second);
    pending.waiters.erase(found);
    for (const EventId& waiter : waiters) {
      const auto waiting = pending.events.find(waiter);
      if (waiting == pending.events.end()) continue;
      if (--waiting->second.missing == 0) ready.push_back(waiter);
    }
  }
}

void EventGraphState::cover(const EventId& head) {
  std::vector<EventId> covered;
  const Header* next = nullptr;
  for (EventId id = head;;) {
    const auto found = pending.events.find(id);
    if (found == pending.events.end()) break;
    Waiting& waiting = found->second;
    if (next && !follows(*next, id, waiting.header)) break;
    if (waiting.covered && id != head) break;
    if (!waiting.covered) {
      waiting.covered = true;
      --pending.uncovered;
      ++pending.covered_by_author[waiting.header.author];
    }
    covered.push_back(id);
    next = &waiting.header;
    id = waiting.header.prev;
  }
  while (!covered.empty()) {  // The oldest first.
    const EventId id = covered.back();
    covered.pop_back();
    if (pending.events.contains(id)) wake(id);
  }
}

void EventGraphState::settle_appended(const EventId& id) {
  if (const auto found = pending.events.find(id); found != pending.events.end()) forget(found);
  wake(id);
}

void EventGraphState::forget(PendingEvents::iterator waiting) {
  const Waiting& event = waiting->second;
  if (event.control_body) pending.body_bytes -= event.control_body->size();
  if (!event.covered) {
    --pending.uncovered;
  } else if (--pending.covered_by_author[event.header.author] == 0) {
    pending.covered_by_author.erase(event.header.author);
  }
  pending.events.erase(waiting);
}

void EventGraphState::drop(const EventId& id) {
  std::vector<EventId> doomed{id};
  while (!doomed.empty()) {
    const EventId next = doomed.back();
    doomed.pop_back();
    if (const auto found = pending.events.find(next); found != pending.events.end()) forget(found);
    if (const auto waiters = pending.waiters.find(next); waiters != pending.waiters.end()) {
      doomed.insert(doomed.end(), waiters->second.begin(), waiters->second.end());
      pending.waiters.erase(waiters);
    }
  }
}

Status EventGraphState::take_seal(const Seal& seal) {
  const auto invalid = [&seal] { return fail(ErrorCode::seal_invalid, words("on head ", seal.head.brief())); };
  if (const std::uint32_t index = table.find(seal.head); index != index_none) {
    if (!verify_seal(table.chain_of(index).feed.author, seal)) return invalid();
    note_seal(index, seal);
    return {};
  }
  if (const auto found = pending.events.find(seal.head); found != pending.events.end()) {
    if (!verify_seal(found->second.header.author, seal)) return invalid();
    // Kept until the head is in the graph, so that the graph can pass it on.
    if (pending.seals.size() < limits.seals_max) pending.seals.insert_or_assign(seal.head, seal.signature);
    cover(seal.head);
    return {};
  }
  if (pending.seals.size() >= limits.seals_max && !pending.seals.contains(seal.head)) {
    return full("too many seals wait for their heads");
  }
  // Not verified yet: the author is unknown. The last one wins, so that a false one can't keep the true one out.
  pending.seals.insert_or_assign(seal.head, seal.signature);
  return {};
}

// A verified seal on an admitted event. Two on branches of one feed are the evidence of a fork.
void EventGraphState::note_seal(std::uint32_t index, const Seal& seal) {
  table.add_seal(index, seal.signature);
  const FeedName& feed = table.chain_of(index).feed;
  const auto chains = table.chains_of(feed);
  if (chains.size() < 2) return;
  for (const ForkEvidence& known : evidence) {
    if (known.feed == feed) return;
  }
  for (const ChainIndex chain : chains) {
    const auto& seals = table.chain(chain).seals;
    if (chain == table.row(index).chain || seals.empty()) continue;
    const std::uint32_t other = table.chain(chain).events[seals.back().position];
    if (is_in_past(table, other, index) || is_in_past(table, index, other)) continue;
    const Seal found{table.row(other).id, seals.back().signature};
    evidence.push_back(seal.head < found.head ? ForkEvidence{feed, seal, found} : ForkEvidence{feed, found, seal});
    return;
  }
}

}  // namespace rz::log
