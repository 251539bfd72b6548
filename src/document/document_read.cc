// Reading: paths, values, conflicts.
#include <algorithm>

#include "document/impl.h"

namespace rz::document {

CellIndex Document::Impl::element_cell(const Container& list, ElementId element) const {
  const auto found = list.elements.find(element);
  if (found != list.elements.end() && found->second.is_written()) return found->second.winner();
  return list.sequence->cell_of(element);
}

// Additions wrap around modulo 2^64: sums stay the same in any order.
std::int64_t Document::Impl::sum_of(const Container& counter) const {
  std::uint64_t sum = 0;
  for (const Container::Addition& addition : counter.additions) {
    if (graph.is_shown(addition.event)) sum += static_cast<std::uint64_t>(addition.by);
  }
  return static_cast<std::int64_t>(sum);
}

Result<Document::Impl::Found> Document::Impl::find(const Path& path) const {
  Found found;
  found.container = container_root;
  const auto missing = [&] { return fail(ErrorCode::path_not_found, words("nothing at ", to_string(path))); };
  for (const PathStep& step : path) {
    if (!found.container) return missing();
    const ContainerIndex at = *found.container;
    const Container& container = containers[at];
    found = Found();
    CellIndex cell = cell_deleted;
    if (const auto* key = std::get_if<std::string>(&step)) {
      if (container.type != Type::map) return missing();
      if (key->empty()) {
        if (at != container_root) return missing();
        found.container = container_body;
        continue;
      }
      const auto reg = container.keys.find(*key);
      if (reg == container.keys.end()) return missing();
      found.reg = &reg->second;
      cell = reg->second.winner();
    } else {
      if (container.type != Type::list) return missing();
      const std::uint64_t index = std::get<std::uint64_t>(step);
      if (index >= container.sequence->length()) return missing();
      const ElementId element = container.sequence->order().at(index);
      const auto reg = container.elements.find(element);
      if (reg != container.elements.end() && reg->second.is_written()) found.reg = &reg->second;
      found.first = container.sequence->cell_of(element);
      cell = element_cell(container, element);
    }
    if (cell == cell_deleted) return missing();
    found.cell = &cells[cell];
    if (const auto* link = std::get_if<ContainerLink>(found.cell)) found.container = link->container;
  }
  return found;
}

Result<ContainerIndex> Document::Impl::find_container(const Path& path) const {
  if (path.size() == 1) {  // The body, which most edits are in.
    if (const auto* key = std::get_if<std::string>(&path[0]); key != nullptr && key->empty()) return container_body;
  }
  RZ_TRY(const Found found, find(path));
  if (!found.container) return fail(ErrorCode::wrong_container, words(to_string(path), " is no container"));
  return *found.container;
}

Result<ContainerIndex> Document::Impl::find_container(const Path& path, Type type) const {
  RZ_TRY(const ContainerIndex index, find_container(path));
  if (containers[index].type != type) {
    return fail(ErrorCode::wrong_container, words(to_string(path), " is of another type"));
  }
  return index;
}

Value Document::Impl::value_of(const Cell& cell) const {
  if (const auto* link = std::get_if<ContainerLink>(&cell)) return value_of(link->container);
  return std::visit(
      [](const auto& scalar) -> Value {
        if constexpr (std::is_same_v<std::decay_t<decltype(scalar)>, ContainerLink>) {
          return {};
        } else {
          return {scalar};
        }
      },
      cell);
}

Value Document::Impl::value_of(ContainerIndex index) const {
  const Container& container = containers[index];
  switch (container.type) {
    case Type::map: {
      MapValue map;
      if (index == container_root && containers[container_body].sequence->length() > 0) {
        map.entries.push_back({"", value_of(container_body)});
      }
      for (const auto& [key, reg] : container.keys) {
        if (reg.winner() != cell_deleted) map.entries.push_back({key, value_of(cells[reg.winner()])});
      }
      return {std::move(map)};
    }
    case Type::list: {
      ListValue list;
      list.items.reserve(static_cast<std::size_t>(container.sequence->length()));
      container.sequence->order().for_each([&](ElementId id, std::uint32_t length) {
        for (std::uint32_t i = 0; i < length; ++i) {
          list.items.push_back(value_of(cells[element_cell(container, id + i)]));
        }
      });
      return {std::move(list)};
    }
    case Type::text:
      return {TextValue{container.sequence->rope().to_string()}};
    case Type::counter:
      break;
  }
  return {CounterValue{sum_of(container)}};
}

std::size_t Document::Impl::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + graph.memory_bytes() + containers.capacity() * sizeof(Container) +
                      cells.capacity() * sizeof(Cell) + created.size() * 64 + without_effect.size() * 80;
  for (const Container& container : containers) {
    if (container.sequence) bytes += container.sequence->memory_bytes();
    for (const auto& [key, reg] : container.keys) bytes += 96 + key.capacity() + reg.memory_bytes();
    for (const auto& [element, reg] : container.elements) bytes += 72 + reg.memory_bytes();
    bytes += container.additions.capacity() * sizeof(Container::Addition);
  }
  if (open) bytes += open->builder.size_bound();
  return bytes;
}

}  // namespace rz::document
