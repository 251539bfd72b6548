// What counts may change: effects of events, names of open ones, tails of live peers that come and go.
#include <algorithm>

#include "document/impl.h"

namespace rz::document {
namespace {

constexpr std::size_t tails_max = 256;

// Ids of a list's elements in order.
std::vector<ElementId> elements_of(const Sequence& sequence) {
  std::vector<ElementId> ids;
  sequence.order().for_each([&](ElementId id, std::uint32_t length) {
    for (std::uint32_t i = 0; i < length; ++i) ids.push_back(id + i);
  });
  return ids;
}

// How many elements two sequences have in common at their front and at their back.
template <class A>
std::pair<std::size_t, std::size_t> common_ends(const A& before, const A& after) {
  const std::size_t most = std::min(before.size(), after.size());
  std::size_t front = 0;
  while (front < most && before[front] == after[front]) ++front;
  std::size_t back = 0;
  while (back < most - front && before[before.size() - 1 - back] == after[after.size() - 1 - back]) ++back;
  return {front, back};
}

}  // namespace

template <class Flip>
void Document::Impl::change_shown(EventIndex event, bool shown, Flip flip, Patches& out) {
  for (Container& container : containers) {
    if (container.sequence && container.sequence->touches(event)) container.sequence->make_whole();
  }
  flip();
  const bool for_good = !graph.is_active(event);
  for (ContainerIndex index = 0; index < containers.size(); ++index) {
    if (containers[index].sequence && containers[index].sequence->touches(event)) {
      if (!shown && !for_good) containers[index].sequence->pin();
      containers[index].sequence->set_shown(event, shown, changes);
      put_sequence_patches(index, changes, out);
      changes.clear();
    }
    refold_registers(index, event, for_good, out);
  }
}

void Document::Impl::refold_registers(ContainerIndex index, EventIndex event, bool remove, Patches& out) {
  const auto refold = [&](Register& reg) {
    if (remove) {
      reg.remove(graph, event, 0);
    } else {
      reg.refold(graph);
    }
  };
  Container& container = containers[index];
  for (auto at = container.keys.begin(); at != container.keys.end();) {
    if (at->second.has(event)) {
      const CellIndex before = at->second.winner();
      refold(at->second);
      put_key_patch(index, at->first, before, at->second.winner(), out);
    }
    at = at->second.all().empty() ? container.keys.erase(at) : std::next(at);
  }
  for (auto& [element, reg] : container.elements) {
    if (!reg.has(event)) continue;
    const CellIndex before = element_cell(container, element);
    refold(reg);
    put_element_patch(index, element, before, element_cell(container, element), out);
  }
  const auto is_of_event = [event](const Container::Addition& addition) { return addition.event == event; };
  if (std::any_of(container.additions.begin(), container.additions.end(), is_of_event)) {
    if (remove) std::erase_if(container.additions, is_of_event);
    put_counter_patch(index, out);
  }
  if (remove) std::erase(container.unknown, event);
}

Result<Patches> Document::Impl::set_effect(const EventId& id, bool has_effect) {
  if (has_effect) {
    without_effect.erase(id);
  } else {
    without_effect.insert(id);
  }
  Patches out;
  const auto event = graph.find(id);
  if (!event || graph.at(*event).has_effect == has_effect) return out;
  change_shown(*event, has_effect, [&] { graph.at(*event).has_effect = has_effect; }, out);
  return out;
}

Result<Patches> Document::Impl::retract(const EventId& id) {
  Patches out;
  const auto event = graph.find(id);
  if (!event) return out;
  const Version& heads = graph.closed_heads();
  if (std::find(heads.begin(), heads.end(), *event) == heads.end()) {
    return fail(ErrorCode::bad_argument, words("a closed event builds on ", id.brief()));
  }
  if (open && graph.in_past(*event, graph.parents(open->event))) {
    return fail(ErrorCode::bad_argument, words("the open event builds on ", id.brief()));
  }
  for (auto tail = tails.begin(); tail != tails.end();) {
    if (graph.in_past(*event, graph.parents(tail->event))) {
      drop_tail(tail, out);
      tail = tails.begin();
    } else {
      ++tail;
    }
  }
  if (graph.is_shown(*event)) {
    change_shown(*event, false, [&] { graph.drop(*event); }, out);
  } else {  // Without effect: what it did is hidden already.
    for (Container& container : containers) {
      if (container.sequence && container.sequence->touches(*event)) container.sequence->make_whole();
    }
    graph.drop(*event);
    for (ContainerIndex index = 0; index < containers.size(); ++index) refold_registers(index, *event, true, out);
  }
  std::erase(unknown_versions, *event);
  return out;
}

// --- Names ---------------------------------------------------------------------------------------------------------

void Document::Impl::note_closed(EventIndex event) {
  const auto& closed = graph.at(event);
  auto& seq = closed_seq[{closed.author, closed.feed}];
  seq = std::max(seq, closed.seq);
}

void Document::Impl::give_name(EventIndex event, const EventInfo& info, const Version& named_parents, Patches& out) {
  graph.close(event, info);
  graph.cover(event, named_parents);
  note_closed(event);
  if (!graph.is_only_head(event)) {
    // Something is concurrent. Writes are ordered by what the name decides; sequences only between one author's feeds.
    bool is_forked = false;
    for (EventIndex other = 0; other < graph.size() && !is_forked; ++other) {
      is_forked = other != event && graph.is_active(other) && graph.at(other).author == graph.at(event).author &&
                  graph.at(other).has_operations && !graph.in_past_of(other, event) && !graph.in_past_of(event, other);
    }
    for (ContainerIndex index = 0; index < containers.size(); ++index) {
      const auto& sequence = containers[index].sequence;
      if (is_forked && sequence && sequence->touches(event)) reorder_sequence(index, out);
      refold_registers(index, event, false, out);
    }
  }
  if (!without_effect.contains(info.id)) return;
  change_shown(event, false, [&] { graph.at(event).has_effect = false; }, out);
}

// Builds a sequence anew and says what became different between its first and its last difference.
void Document::Impl::reorder_sequence(ContainerIndex index, Patches& out) {
  Sequence& sequence = *containers[index].sequence;
  const auto path = path_of(index);
  if (sequence.is_text()) {
    const std::string before = sequence.rope().to_string();
    sequence.replay_all();
    const std::string after = sequence.rope().to_string();
    auto [front, back] = common_ends(before, after);
    while (front > 0 && front < after.size() && utf8::is_continuation(after[front])) --front;
    while (back > 0 && utf8::is_continuation(after[after.size() - back])) --back;
    if (before == after || !path) return;
    const std::string_view old(before);
    const std::string_view now(after);
    out.push_back(
        {*path, TextSplice{utf8::count(old.substr(0, front)), utf8::count(old.substr(front, old.size() - back - front)),
                           std::string(now.substr(front, now.size() - back - front))}});
    return;
  }
  const auto before = elements_of(sequence);
  sequence.replay_all();
  const auto after = elements_of(sequence);
  if (before == after || !path) return;
  const auto [front, back] = common_ends(before, after);
  ListSplice splice{front, before.size() - back - front, {}};
  for (std::size_t i = front; i < after.size() - back; ++i) {
    splice.inserted.push_back(value_of(cells[element_cell(containers[index], after[i])]));
  }
  out.push_back({*path, std::move(splice)});
}

// --- Provisional tails ---------------------------------------------------------------------------------------------

std::vector<Document::Impl::Tail>::iterator Document::Impl::find_tail(const AuthorId& of, std::uint64_t of_feed,
                                                                      std::uint64_t seq) {
  return std::find_if(tails.begin(), tails.end(),
                      [&](const Tail& tail) { return tail.author == of && tail.feed == of_feed && tail.seq == seq; });
}

Result<Patches> Document::Impl::apply_provisional(const EventInfo& info, ByteView bytes) {
  auto parents = graph.find_all(info.parents);
  if (!parents) return fail(ErrorCode::event_parent_unknown, "a provisional tail builds on what is not here");
  RZ_TRY(Payload payload, decode_payload(bytes));
  Patches out;
  if (info.author == author && info.feed == feed) return fail(ErrorCode::bad_argument, "a tail of the own feed");
  const auto closed = closed_seq.find({graph.author_number(info.author), info.feed});
  if (closed != closed_seq.end() && info.seq <= closed->second) return out;  // It came late: the event is here.
  const Version version = graph.reduce(*std::move(parents));
  if (const auto tail = find_tail(info.author, info.feed, info.seq); tail != tails.end()) {
    const auto known = graph.parents(tail->event);
    Remainder more = remainder_after(tail->payload, payload);
    if (more.matches && Version(known.begin(), known.end()) == version) {
      const auto offset = static_cast<std::uint32_t>(tail->payload.units());
      apply_ops(tail->event, payload, more.ops, offset, out);
      tail->payload = std::move(payload);
      return out;
    }
    drop_tail(tail, out);
  }
  for (auto tail = tails.begin(); tail != tails.end();) {  // One open event a feed.
    if (tail->author == info.author && tail->feed == info.feed) {
      drop_tail(tail, out);
      tail = tails.begin();
    } else {
      ++tail;
    }
  }
  if (tails.size() >= tails_max) return fail(ErrorCode::limit_exceeded, "too many live peers");
  if (payload.empty()) return out;
  Tail tail{graph.add(info, version, Graph::Standing::provisional), info.author, info.feed, info.seq,
            std::move(payload)};
  apply_ops(tail.event, tail.payload, tail.payload.ops, 0, out);
  tails.push_back(std::move(tail));
  return out;
}

void Document::Impl::drop_tail(std::vector<Tail>::iterator tail, Patches& out) {
  const EventIndex event = tail->event;
  tails.erase(tail);
  change_shown(event, false, [&] { graph.drop(event); }, out);
}

bool Document::Impl::bind_tail(const EventInfo& info, ByteView bytes, Patches& out) {
  const auto tail = find_tail(info.author, info.feed, info.seq);
  if (tail == tails.end()) return false;
  const auto named = graph.find_all(info.parents);
  const auto payload = decode_payload(bytes);
  const auto known = graph.parents(tail->event);
  if (!payload || graph.reduce(*named) != Version(known.begin(), known.end())) {
    drop_tail(tail, out);
    return false;
  }
  const Remainder more = remainder_after(tail->payload, *payload);
  if (!more.matches) {
    drop_tail(tail, out);
    return false;
  }
  const EventIndex event = tail->event;
  const auto offset = static_cast<std::uint32_t>(tail->payload.units());
  tails.erase(tail);
  apply_ops(event, *payload, more.ops, offset, out);
  give_name(event, info, *named, out);
  return true;
}

}  // namespace rz::document
