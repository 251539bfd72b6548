// From changes inside to patches outside.
#include <algorithm>

#include "document/impl.h"
#include "document/utf8.h"

namespace rz::document {
namespace {

std::uint64_t& place_of(TextSplice& splice) { return splice.position; }
std::uint64_t& place_of(ListSplice& splice) { return splice.index; }
std::uint64_t inserted_by(const TextSplice& splice) { return utf8::count(splice.inserted); }
std::uint64_t inserted_by(const ListSplice& splice) { return splice.inserted.size(); }

// Splices are joined up to this size, so that joining stays cheap.
constexpr std::size_t joined_size_max = 4096;

// Appends a splice, as one with the last patch where they adjoin.
template <class Splice>
void put_splice(Patches& out, const Path& path, Splice splice) {
  auto* last = out.empty() ? nullptr : std::get_if<Splice>(&out.back().change);
  if (last != nullptr && last->inserted.size() <= joined_size_max && out.back().path == path) {
    if (place_of(splice) == place_of(*last) + inserted_by(*last)) {
      last->deleted += splice.deleted;
      last->inserted.insert(last->inserted.end(), splice.inserted.begin(), splice.inserted.end());
      return;
    }
    const bool only_deletions = last->inserted.empty() && splice.inserted.empty();
    if (only_deletions && place_of(splice) + splice.deleted == place_of(*last)) {
      place_of(*last) = place_of(splice);
      last->deleted += splice.deleted;
      return;
    }
  }
  out.push_back({path, std::move(splice)});
}

}  // namespace

std::optional<Path> Document::Impl::path_of(ContainerIndex index) const {
  if (index == container_root) return Path();
  if (index == container_body) return body();
  Path reversed;
  while (index != container_root) {
    const Container& child = containers[index];
    const Container& parent = containers[child.parent];
    CellIndex cell = cell_deleted;
    if (parent.type == Type::map) {
      const auto found = parent.keys.find(child.parent_key);
      if (found == parent.keys.end()) return std::nullopt;
      cell = found->second.winner();
      reversed.emplace_back(child.parent_key);
    } else {
      if (child.parent_element == element_none) return std::nullopt;
      cell = element_cell(parent, child.parent_element);
      const auto position = parent.sequence->order().position_of(child.parent_element);
      if (!position) return std::nullopt;
      reversed.emplace_back(*position);
    }
    if (cell == cell_deleted || cells[cell] != Cell(ContainerLink{index})) return std::nullopt;
    index = child.parent;
  }
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

void Document::Impl::put_sequence_patches(ContainerIndex index, std::span<const ShownChange> made, Patches& out) const {
  if (made.empty()) return;
  const auto path = path_of(index);
  if (!path) return;
  const Container& container = containers[index];
  for (const ShownChange& change : made) {
    if (container.type == Type::text) {
      TextSplice splice{change.position, 0, {}};
      if (change.appears) {
        splice.inserted = container.sequence->text_of(change.id, change.length);
      } else {
        splice.deleted = change.length;
      }
      put_splice(out, *path, std::move(splice));
    } else {
      ListSplice splice{change.position, change.appears ? 0 : change.length, {}};
      for (std::uint32_t i = 0; change.appears && i < change.length; ++i) {
        splice.inserted.push_back(value_of(cells[element_cell(container, change.id + i)]));
      }
      put_splice(out, *path, std::move(splice));
    }
  }
}

void Document::Impl::put_key_patch(ContainerIndex index, const std::string& key, CellIndex before, CellIndex after,
                                   Patches& out) const {
  if (before == after) return;
  auto path = path_of(index);
  if (!path) return;
  if (after == cell_deleted) {
    out.push_back({*std::move(path), MapDelete{key}});
  } else {
    out.push_back({*std::move(path), MapSet{key, value_of(cells[after])}});
  }
}

void Document::Impl::put_element_patch(ContainerIndex index, ElementId element, CellIndex before, CellIndex after,
                                       Patches& out) const {
  if (before == after) return;
  const auto position = containers[index].sequence->order().position_of(element);
  if (!position) return;
  auto path = path_of(index);
  if (!path) return;
  out.push_back({*std::move(path), ListSet{*position, value_of(cells[after])}});
}

void Document::Impl::put_counter_patch(ContainerIndex index, Patches& out) const {
  auto path = path_of(index);
  if (!path) return;
  out.push_back({*std::move(path), CounterSet{sum_of(containers[index])}});
}

}  // namespace rz::document
