// Taking in events and their operations.
#include <algorithm>

#include "document/impl.h"

namespace rz::document {
namespace {

struct ToCell {
  Cell operator()(Type) const { return Null{}; }
  template <class Scalar>
  Cell operator()(const Scalar& scalar) const {
    return scalar;
  }
};

}  // namespace

Document::Impl::Impl(const AuthorId& own_author, std::uint64_t own_feed) : author(own_author), feed(own_feed) {
  create(Type::map, event_none, 0, container_root);
  create(Type::text, event_none, 0, container_root);
}

Result<Patches> Document::Impl::apply(const EventInfo& info, ByteView payload) {
  Patches out;
  if (graph.find(info.id)) return out;
  auto parents = graph.find_all(info.parents);
  if (!parents) return fail(ErrorCode::event_parent_unknown, words("event ", info.id.brief()));
  if (bind_tail(info, payload, out)) return out;
  add_closed(info, *std::move(parents), payload, out);
  return out;
}

void Document::Impl::add_closed(const EventInfo& info, Version parents, ByteView bytes, Patches& out) {
  const EventIndex event = graph.add(info, std::move(parents), Graph::Standing::closed);
  graph.at(event).has_effect = !without_effect.contains(info.id);
  note_closed(event);
  auto payload = decode_payload(bytes);
  if (!payload) {
    if (payload.error().code == ErrorCode::payload_unknown_version) unknown_versions.push_back(event);
    return;
  }
  apply_ops(event, *payload, payload->ops, 0, out);
}

// One author's run after another: among the events whose parents are here, the child of the last one applied goes
// first. A stack does it, as children are pushed when their last missing parent was applied.
Result<Patches> Document::Impl::apply_all(std::span<const AppliedEvent> batch) {
  Patches out;
  std::map<EventId, std::size_t> place;
  for (std::size_t i = 0; i < batch.size(); ++i) place.emplace(batch[i].info.id, i);
  std::vector<std::uint32_t> missing(batch.size(), 0);
  std::vector<std::vector<std::size_t>> children(batch.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = batch.size(); i-- > 0;) {
    for (const EventId& parent : batch[i].info.parents) {
      const auto found = place.find(parent);
      if (found == place.end() || found->second == i || graph.find(parent)) continue;
      children[found->second].push_back(i);
      ++missing[i];
    }
    if (missing[i] == 0) ready.push_back(i);
  }
  std::optional<Error> first_error;
  while (!ready.empty()) {
    const std::size_t next = ready.back();
    ready.pop_back();
    auto patches = apply(batch[next].info, batch[next].payload);
    if (!patches) {
      if (!first_error) first_error = patches.error();
      continue;
    }
    std::move(patches->begin(), patches->end(), std::back_inserter(out));
    for (const std::size_t child : children[next]) {
      if (--missing[child] == 0) ready.push_back(child);
    }
  }
  if (first_error) return std::unexpected(*std::move(first_error));
  return out;
}

void Document::Impl::apply_ops(EventIndex event, const Payload& payload, std::span<const Op> ops, std::uint32_t offset,
                               Patches& out) {
  if (!ops.empty()) graph.at(event).has_operations = true;
  for (const EventIndex unknown : unknown_versions) {
    if (graph.in_past_of(unknown, event)) return;
  }
  for (const Op& op : ops) {
    if (const auto index = resolve(event, payload.containers[op.container]); index && !is_stopped(*index, event)) {
      apply_op(event, payload, op, offset, *index, out);
    }
    offset += op.count;
  }
}

// The container that an event means by a name: one that its past created. Nothing where there is none such.
std::optional<ContainerIndex> Document::Impl::resolve(EventIndex event, const ContainerName& name) {
  if (name.kind == ContainerName::Kind::root) return container_root;
  if (name.kind == ContainerName::Kind::body) return container_body;
  EventIndex creator = event;
  if (name.kind == ContainerName::Kind::other) {
    const auto found = graph.find(name.event);
    if (!found) return std::nullopt;
    creator = *found;
  }
  const auto found = created.find({creator, name.offset});
  if (found == created.end()) return std::nullopt;
  Container& container = containers[found->second];
  const auto is_recent = [&](EventIndex known) {
    return std::find(container.recent.begin(), container.recent.end(), known) != container.recent.end();
  };
  const auto parents = graph.parents(event);
  const bool is_known = is_recent(event) || std::any_of(parents.begin(), parents.end(), is_recent);
  if (!is_known && !graph.in_past_of(creator, event)) return std::nullopt;
  container.note(event);
  return found->second;
}

bool Document::Impl::is_stopped(ContainerIndex index, EventIndex event) const {
  const auto& unknown = containers[index].unknown;
  return std::any_of(unknown.begin(), unknown.end(),
                     [&](EventIndex stopped_by) { return graph.in_past_of(stopped_by, event); });
}

void Document::Impl::apply_op(EventIndex event, const Payload& payload, const Op& op, std::uint32_t offset,
                              ContainerIndex index, Patches& out) {
  Container& container = containers[index];
  const bool is_sequence = container.type == Type::text || container.type == Type::list;
  if (is_sequence && !graph.at(event).has_effect && !container.sequence->is_pinned()) container.sequence->pin();
  switch (op.kind) {
    case OpKind::text_insert:
      if (container.type != Type::text) return;
      container.sequence->insert_text(event, op.position, payload.text_of(op), op.count, changes);
      break;
    case OpKind::delete_forward:
    case OpKind::delete_back:
      if (!is_sequence) return;
      container.sequence->erase(event, op.position, op.count, op.kind == OpKind::delete_back, changes);
      break;
    case OpKind::list_insert:
      if (container.type == Type::list) apply_list_insert(event, payload, op, offset, index, out);
      return;
    case OpKind::list_set:
      if (container.type == Type::list) {
        write_element(event, offset, index, op.position, payload.atoms[op.content], out);
      }
      return;
    case OpKind::map_set:
      if (container.type == Type::map) {
        write_key(event, offset, index, payload.keys[op.key], &payload.atoms[op.content], out);
      }
      return;
    case OpKind::map_delete:
      if (container.type == Type::map) write_key(event, offset, index, payload.keys[op.key], nullptr, out);
      return;
    case OpKind::counter_add:
      if (container.type == Type::counter) add_to_counter(event, offset, index, op.by, out);
      return;
    default:
      container.unknown.push_back(event);
      return;
  }
  put_sequence_patches(index, changes, out);
  changes.clear();
}

void Document::Impl::apply_list_insert(EventIndex event, const Payload& payload, const Op& op, std::uint32_t offset,
                                       ContainerIndex index, Patches& out) {
  const auto first = static_cast<CellIndex>(cells.size());
  for (std::uint32_t i = 0; i < op.count; ++i) store(payload.atoms[op.content + i], event, offset + i, index);
  const auto id = containers[index].sequence->insert_cells(event, op.position, first, op.count, changes);
  for (std::uint32_t i = 0; i < op.count; ++i) {
    const auto* link = std::get_if<ContainerLink>(&cells[first + i]);
    if (link == nullptr) continue;
    if (id) {
      containers[link->container].parent_element = *id + i;
    } else {
      created.erase({event, offset + i});  // Nobody has it: the insertion was outside.
    }
  }
  put_sequence_patches(index, changes, out);
  changes.clear();
}

void Document::Impl::write_key(EventIndex event, std::uint32_t offset, ContainerIndex index, const std::string& key,
                               const Atom* atom, Patches& out) {
  const CellIndex cell = atom != nullptr ? store(*atom, event, offset, index) : cell_deleted;
  if (cell != cell_deleted) {
    if (const auto* link = std::get_if<ContainerLink>(&cells[cell])) containers[link->container].parent_key = key;
  }
  Register& reg = containers[index].keys[key];
  const CellIndex before = reg.winner();
  reg.add(graph, {event, offset, cell});
  put_key_patch(index, key, before, reg.winner(), out);
}

void Document::Impl::write_element(EventIndex event, std::uint32_t offset, ContainerIndex index, std::uint64_t position,
                                   const Atom& atom, Patches& out) {
  const auto cell = static_cast<CellIndex>(cells.size());
  const auto element = containers[index].sequence->set(event, position, cell);
  if (!element) return;
  store(atom, event, offset, index);
  if (element->id == element_none) return;
  if (const auto* link = std::get_if<ContainerLink>(&cells[cell])) {
    containers[link->container].parent_element = element->id;
  }
  const CellIndex before = element_cell(containers[index], element->id);
  containers[index].elements[element->id].add(graph, {event, offset, cell});
  put_element_patch(index, element->id, before, element_cell(containers[index], element->id), out);
}

void Document::Impl::add_to_counter(EventIndex event, std::uint32_t offset, ContainerIndex index, std::int64_t by,
                                    Patches& out) {
  containers[index].additions.push_back({event, offset, by});
  if (graph.is_shown(event)) put_counter_patch(index, out);
}

ContainerIndex Document::Impl::create(Type type, EventIndex event, std::uint32_t offset, ContainerIndex parent) {
  const auto index = static_cast<ContainerIndex>(containers.size());
  Container& container = containers.emplace_back();
  container.type = type;
  container.creator = event;
  container.creator_offset = offset;
  container.parent = parent;
  if (event != event_none || index > container_body) container.depth = containers[parent].depth + 1;
  if (type == Type::text) container.sequence = std::make_unique<Sequence>(Sequence::Kind::text, graph);
  if (type == Type::list) container.sequence = std::make_unique<Sequence>(Sequence::Kind::list, graph);
  if (event != event_none) created[{event, offset}] = index;
  return index;
}

CellIndex Document::Impl::store(const Atom& atom, EventIndex event, std::uint32_t offset, ContainerIndex parent) {
  const auto cell = static_cast<CellIndex>(cells.size());
  const auto* type = std::get_if<Type>(&atom);
  if (type != nullptr && containers[parent].depth < depth_max) {
    cells.emplace_back(ContainerLink{create(*type, event, offset, parent)});
  } else {
    cells.push_back(std::visit(ToCell{}, atom));
  }
  return cell;
}

ContainerName Document::Impl::name_of(ContainerIndex index) const {
  ContainerName name;
  if (index == container_root) return name;
  if (index == container_body) {
    name.kind = ContainerName::Kind::body;
    return name;
  }
  const Container& container = containers[index];
  name.offset = container.creator_offset;
  if (open && open->event == container.creator) {
    name.kind = ContainerName::Kind::own;
  } else {
    name.kind = ContainerName::Kind::other;
    name.event = graph.at(container.creator).id;
  }
  return name;
}

}  // namespace rz::document
