// Local edits: checked, applied at once, and gathered in the open event.
#include <algorithm>
#include <cmath>

#include "document/impl.h"
#include "document/utf8.h"

namespace rz::document {
namespace {

// `depth` is that of the container it goes into.
Result<Atom> to_atom(const Value& value, std::uint32_t depth) {
  if (value.is_container() && depth >= depth_max) {
    return fail(ErrorCode::limit_exceeded, words("containers nest no deeper than ", depth_max));
  }
  const auto bad = [](std::string_view why) { return fail(ErrorCode::bad_argument, why); };
  if (const auto* integer = std::get_if<std::int64_t>(&value.is)) {
    if (*integer > integer_max || *integer < -integer_max) return bad("an integer of 2^53 or more");
    return Atom(*integer);
  }
  if (const auto* real = std::get_if<double>(&value.is)) {
    if (!std::isfinite(*real)) return bad("a number that is not finite");
    return Atom(*real);
  }
  if (const auto* text = std::get_if<std::string>(&value.is)) {
    if (!utf8::is_valid(*text)) return bad("a string that is no UTF-8");
    return Atom(*text);
  }
  if (const auto* map = std::get_if<MapValue>(&value.is)) {
    if (!map->entries.empty()) return bad("a map that is not empty: create it, then fill it");
    return Atom(Type::map);
  }
  if (const auto* list = std::get_if<ListValue>(&value.is)) {
    if (!list->items.empty()) return bad("a list that is not empty: create it, then fill it");
    return Atom(Type::list);
  }
  if (const auto* text = std::get_if<TextValue>(&value.is)) {
    if (!text->text.empty()) return bad("a text that is not empty: create it, then fill it");
    return Atom(Type::text);
  }
  if (const auto* counter = std::get_if<CounterValue>(&value.is)) {
    if (counter->sum != 0) return bad("a counter that is not zero: create it, then add");
    return Atom(Type::counter);
  }
  if (const auto* flag = std::get_if<bool>(&value.is)) return Atom(*flag);
  if (const auto* bytes = std::get_if<Bytes>(&value.is)) return Atom(*bytes);
  return Atom(Null{});
}

Error out_of_range(std::uint64_t position, std::uint64_t length) {
  return {ErrorCode::position_out_of_range, words("position ", position, " in a length of ", length)};
}

std::unexpected<Error> provisional_only() {
  return fail(ErrorCode::unsupported, "what a live peer is still typing can't be built upon yet");
}

}  // namespace

EventIndex Document::Impl::open_event() {
  if (open) return open->event;
  EventInfo info;
  info.author = author;
  info.feed = feed;
  const Version parents = graph.closed_heads();
  // Until the log says better: one more than what it builds on. This is what the log will say, unless a control event
  // comes in between; close_open_event corrects it.
  for (const EventIndex parent : parents) {
    const auto& event = graph.at(parent);
    const bool is_own = graph.author(event.author) == author;
    info.depth = std::max(info.depth, is_own ? event.depth : event.depth + 1);
    info.own = std::max(info.own, is_own ? event.own + 1 : event.own);
    info.seq = std::max(info.seq, is_own ? event.seq + 1 : 0);
  }
  open.emplace();
  open->event = graph.add(info, parents, Graph::Standing::open);
  graph.at(open->event).has_operations = true;
  return open->event;
}

// The container to edit, if its type fits and the open event may build on it.
Result<ContainerIndex> Document::Impl::editable(const Path& path, Type type) {
  RZ_TRY(const ContainerIndex index, find_container(path, type));
  const Container& container = containers[index];
  if (container.creator != event_none) {
    const Graph::Standing standing = graph.at(container.creator).standing;
    if (standing == Graph::Standing::provisional) return provisional_only();
  }
  if (!container.unknown.empty() || !unknown_versions.empty()) {
    return fail(ErrorCode::unsupported, words(to_string(path), " holds operations of a later version"));
  }
  return index;
}

Status Document::Impl::check_room(std::size_t bytes) {
  const std::size_t used = open ? open->builder.size_bound() : 0;
  const std::size_t most = used + bytes + PayloadBuilder::container_bound + PayloadBuilder::op_bound;
  if (most <= payload_bytes_max) return {};
  return fail(ErrorCode::limit_exceeded, words("the open event would have up to ", most, " bytes"));
}

Result<Patches> Document::Impl::text_insert(const Path& path, std::uint64_t position, std::string_view text) {
  RZ_TRY(const ContainerIndex index, editable(path, Type::text));
  Sequence& sequence = *containers[index].sequence;
  if (position > sequence.length()) return std::unexpected(out_of_range(position, sequence.length()));
  if (!utf8::is_valid(text)) return fail(ErrorCode::bad_argument, "text that is no UTF-8");
  RZ_CHECK(check_room(text.size()));
  Patches out;
  if (text.empty()) return out;
  const EventIndex event = open_event();
  containers[index].note(event);
  const auto chars = static_cast<std::uint32_t>(utf8::count(text));
  position = sequence.insert_position(event, position);
  const bool done = sequence.insert_text(event, position, text, chars, changes);
  if (!done) {
    discard_empty_open();
    return fail(ErrorCode::limit_exceeded, "the text has had too many operations");
  }
  open->builder.text_insert(open->builder.container(name_of(index)), position, text, chars);
  put_sequence_patches(index, changes, out);
  changes.clear();
  return out;
}

Result<Patches> Document::Impl::list_insert(const Path& path, std::uint64_t position, std::span<const Value> values) {
  RZ_TRY(const ContainerIndex index, editable(path, Type::list));
  Sequence& sequence = *containers[index].sequence;
  if (position > sequence.length()) return std::unexpected(out_of_range(position, sequence.length()));
  Payload payload;
  std::size_t bytes = 0;
  for (const Value& value : values) {
    RZ_TRY(Atom atom, to_atom(value, containers[index].depth));
    bytes += PayloadBuilder::bound_of(atom);
    payload.atoms.push_back(std::move(atom));
  }
  RZ_CHECK(check_room(bytes));
  Patches out;
  if (values.empty()) return out;
  const EventIndex event = open_event();
  containers[index].note(event);
  Op op;
  op.kind = OpKind::list_insert;
  op.count = static_cast<std::uint32_t>(values.size());
  op.position = sequence.insert_position(event, position);
  const std::uint32_t offset = open->builder.units();
  const std::uint32_t container = open->builder.container(name_of(index));
  apply_list_insert(event, payload, op, offset, index, out);
  open->builder.list_insert(container, op.position, std::move(payload.atoms));
  return out;
}

Result<Patches> Document::Impl::erase(const Path& path, Type type, std::uint64_t position, std::uint64_t count) {
  RZ_TRY(const ContainerIndex index, editable(path, type));
  Sequence& sequence = *containers[index].sequence;
  const std::uint64_t length = sequence.length();
  if (position > length || count > length - position) return std::unexpected(out_of_range(position + count, length));
  RZ_CHECK(check_room(PayloadBuilder::op_bound));
  Patches out;
  if (count == 0) return out;
  const EventIndex event = open_event();
  // What a provisional tail inserted, or only an event without effect deleted, is shown but not ours to delete.
  std::vector<Tracker::Stretch> stretches;
  while (count > 0) {
    stretches.push_back(sequence.erase_stretch(event, position, count));
    position += stretches.back().length;
    count -= stretches.back().length;
    if (!stretches.back().is_prepared) stretches.pop_back();
  }
  const Status room = check_room(stretches.size() * PayloadBuilder::op_bound);
  if (stretches.empty() || !room) {
    discard_empty_open();
    if (!room) return std::unexpected(room.error());
    return out;
  }
  containers[index].note(event);
  const std::uint32_t container = open->builder.container(name_of(index));
  std::uint64_t erased = 0;
  for (const Tracker::Stretch& stretch : stretches) {
    const auto units = static_cast<std::uint32_t>(stretch.length);
    const std::uint64_t at = stretch.position - erased;
    if (sequence.erase(event, at, units, false, changes) != units) break;  // Out of ids: nothing more can be done.
    open->builder.erase(container, at, units);
    erased += units;
  }
  put_sequence_patches(index, changes, out);
  changes.clear();
  return out;
}

Result<Patches> Document::Impl::list_set(const Path& path, std::uint64_t position, const Value& value) {
  RZ_TRY(const ContainerIndex index, editable(path, Type::list));
  Sequence& sequence = *containers[index].sequence;
  if (position >= sequence.length()) return std::unexpected(out_of_range(position, sequence.length()));
  RZ_TRY(Atom atom, to_atom(value, containers[index].depth));
  RZ_CHECK(check_room(PayloadBuilder::bound_of(atom)));
  const EventIndex event = open_event();
  containers[index].note(event);
  const Tracker::Stretch stretch = sequence.erase_stretch(event, position, 1);
  if (!stretch.is_prepared) {
    discard_empty_open();
    return provisional_only();
  }
  const std::uint32_t offset = open->builder.units();
  const std::uint32_t container = open->builder.container(name_of(index));
  Patches out;
  write_element(event, offset, index, stretch.position, atom, out);
  open->builder.list_set(container, stretch.position, std::move(atom));
  return out;
}

Result<Patches> Document::Impl::map_write(const Path& path, std::string_view key, const Value* value) {
  RZ_TRY(const ContainerIndex index, editable(path, Type::map));
  if (key.empty() || key.size() > key_bytes_max || !utf8::is_valid(key)) {
    return fail(ErrorCode::bad_argument, "a key must be 1 to 1024 bytes of UTF-8");
  }
  Atom atom;
  if (value != nullptr) {
    RZ_TRY(atom, to_atom(*value, containers[index].depth));
  } else {
    const auto found = containers[index].keys.find(key);
    if (found == containers[index].keys.end() || found->second.winner() == cell_deleted) {
      return fail(ErrorCode::path_not_found, words("no key ", key));
    }
  }
  RZ_CHECK(check_room(key.size() + PayloadBuilder::bound_of(atom)));
  const EventIndex event = open_event();
  containers[index].note(event);
  const std::uint32_t offset = open->builder.units();
  const std::uint32_t container = open->builder.container(name_of(index));
  Patches out;
  write_key(event, offset, index, std::string(key), value != nullptr ? &atom : nullptr, out);
  if (value != nullptr) {
    open->builder.map_set(container, std::string(key), std::move(atom));
  } else {
    open->builder.map_delete(container, std::string(key));
  }
  return out;
}

Result<Patches> Document::Impl::counter_add(const Path& path, std::int64_t by) {
  RZ_TRY(const ContainerIndex index, editable(path, Type::counter));
  if (by > integer_max || by < -integer_max) return fail(ErrorCode::bad_argument, "an addition of 2^53 or more");
  RZ_CHECK(check_room(0));
  Patches out;
  if (by == 0) return out;
  const EventIndex event = open_event();
  containers[index].note(event);
  const std::uint32_t offset = open->builder.units();
  open->builder.counter_add(open->builder.container(name_of(index)), by);
  add_to_counter(event, offset, index, by, out);
  return out;
}

Result<Patches> Document::Impl::edit(const Edit& edit) {
  struct Apply {
    Impl& impl;
    const Path& path;
    Result<Patches> operator()(const TextInsert& e) const { return impl.text_insert(path, e.position, e.text); }
    Result<Patches> operator()(const TextDelete& e) const { return impl.erase(path, Type::text, e.position, e.count); }
    Result<Patches> operator()(const ListInsert& e) const { return impl.list_insert(path, e.index, e.values); }
    Result<Patches> operator()(const ListDelete& e) const { return impl.erase(path, Type::list, e.index, e.count); }
    Result<Patches> operator()(const ListSet& e) const { return impl.list_set(path, e.index, e.value); }
    Result<Patches> operator()(const MapSet& e) const { return impl.map_write(path, e.key, &e.value); }
    Result<Patches> operator()(const MapDelete& e) const { return impl.map_write(path, e.key, nullptr); }
    Result<Patches> operator()(const CounterAdd& e) const { return impl.counter_add(path, e.by); }
  };
  return std::visit(Apply{*this, edit.path}, edit.change);
}

Result<Patches> Document::Impl::transact(std::span<const Edit> edits) {
  Mark before = mark();
  Patches out;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    auto patches = edit(edits[i]);
    if (!patches) {
      changes.clear();
      roll_back(std::move(before));
      Error error = std::move(patches).error();
      error.offset = i;
      return std::unexpected(std::move(error));
    }
    std::move(patches->begin(), patches->end(), std::back_inserter(out));
  }
  return out;
}

Document::Impl::Mark Document::Impl::mark() const {
  Mark mark{open, containers.size(), cells.size(), {}};
  for (const Container& container : containers) {
    mark.sequences.push_back(container.sequence ? std::optional(container.sequence->mark()) : std::nullopt);
  }
  return mark;
}

// Takes back what the open event did since the mark. An open event that had not begun then is dropped as a whole.
void Document::Impl::roll_back(Mark mark) {
  if (!open) return;
  const EventIndex event = open->event;
  const std::uint32_t units = mark.open ? mark.open->builder.units() : 0;
  for (auto at = created.lower_bound({event, units}); at != created.end() && at->first.first == event;) {
    at = created.erase(at);
  }
  containers.erase(containers.begin() + static_cast<std::ptrdiff_t>(mark.containers), containers.end());
  cells.resize(mark.cells);
  if (!mark.open) graph.drop(event);
  for (std::size_t i = 0; i < containers.size(); ++i) {
    Container& container = containers[i];
    if (container.sequence) container.sequence->roll_back(*mark.sequences[i]);
    const auto clean = [&](auto& registers) {
      for (auto at = registers.begin(); at != registers.end();) {
        if (at->second.has(event)) at->second.remove(graph, event, units);
        at = at->second.all().empty() ? registers.erase(at) : std::next(at);
      }
    };
    clean(container.keys);
    clean(container.elements);
    std::erase_if(container.additions, [&](const Container::Addition& addition) {
      return addition.event == event && addition.offset >= units;
    });
  }
  open = std::move(mark.open);
}

// An open event that came to nothing must not fix any parents.
void Document::Impl::discard_empty_open() {
  if (!open || open->builder.units() > 0) return;
  graph.drop(open->event);
  open.reset();
}

Result<Patches> Document::Impl::close_open_event(const EventInfo& info) {
  if (!open || open->builder.units() == 0) return fail(ErrorCode::bad_argument, "there is no open event");
  auto named = graph.find_all(info.parents);
  if (!named) return fail(ErrorCode::event_parent_unknown, words("event ", info.id.brief()));
  if (graph.find(info.id)) return fail(ErrorCode::bad_argument, "an event of that name is here already");
  const EventIndex event = open->event;
  const auto parents = graph.parents(event);
  const Version needed(parents.begin(), parents.end());
  std::vector<EventIndex> unnamed;
  std::vector<EventIndex> more;
  graph.difference(needed, graph.reduce(*named), unnamed, more);
  if (!unnamed.empty()) return fail(ErrorCode::bad_argument, "the parents do not cover what the open event builds on");
  for (const EventIndex extra : more) {
    if (graph.at(extra).has_operations) {
      return fail(ErrorCode::bad_argument, "a parent with operations that the open event does not build on");
    }
  }
  open.reset();
  author = info.author;
  feed = info.feed;
  Patches out;
  give_name(event, info, *named, out);
  return out;
}

}  // namespace rz::document
