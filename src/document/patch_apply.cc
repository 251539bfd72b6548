#include "document/patch_apply.h"

#include <algorithm>

#include "document/utf8.h"

namespace rz::document {
namespace {

auto entry_of(MapValue& map, const std::string& key) {
  return std::lower_bound(map.entries.begin(), map.entries.end(), key,
                          [](const auto& entry, const std::string& name) { return entry.key < name; });
}

// The value at the path. The body may be absent from the root: it is put there, to be taken out again if left empty.
Result<Value*> value_at(Value& root, const Path& path) {
  Value* at = &root;
  for (const PathStep& step : path) {
    if (const auto* key = std::get_if<std::string>(&step)) {
      auto* map = std::get_if<MapValue>(&at->is);
      if (map == nullptr) return fail(ErrorCode::wrong_container, to_string(path));
      auto entry = entry_of(*map, *key);
      if (entry == map->entries.end() || entry->key != *key) {
        if (!key->empty()) return fail(ErrorCode::path_not_found, to_string(path));
        entry = map->entries.insert(entry, {std::string(), {TextValue{}}});
      }
      at = &entry->value;
    } else {
      auto* list = std::get_if<ListValue>(&at->is);
      if (list == nullptr) return fail(ErrorCode::wrong_container, to_string(path));
      const std::uint64_t index = std::get<std::uint64_t>(step);
      if (index >= list->items.size()) return fail(ErrorCode::path_not_found, to_string(path));
      at = &list->items[static_cast<std::size_t>(index)];
    }
  }
  return at;
}

struct Apply {
  Value& at;

  template <class Wanted>
  Result<Wanted*> as() const {
    auto* wanted = std::get_if<Wanted>(&at.is);
    if (wanted == nullptr) return fail(ErrorCode::wrong_container, "a patch for another type");
    return wanted;
  }

  Status operator()(const TextSplice& splice) const {
    RZ_TRY(TextValue * value, as<TextValue>());
    const std::uint64_t length = utf8::count(value->text);
    if (splice.position > length || splice.deleted > length - splice.position) {
      return fail(ErrorCode::position_out_of_range, "a splice beyond the text");
    }
    const std::size_t begin = utf8::offset_of(value->text, static_cast<std::size_t>(splice.position));
    const std::string_view rest = std::string_view(value->text).substr(begin);
    value->text.replace(begin, utf8::offset_of(rest, static_cast<std::size_t>(splice.deleted)), splice.inserted);
    return {};
  }
  Status operator()(const ListSplice& splice) const {
    RZ_TRY(ListValue * value, as<ListValue>());
    if (splice.index > value->items.size() || splice.deleted > value->items.size() - splice.index) {
      return fail(ErrorCode::position_out_of_range, "a splice beyond the list");
    }
    const auto begin = value->items.begin() + static_cast<std::ptrdiff_t>(splice.index);
    const auto place = value->items.erase(begin, begin + static_cast<std::ptrdiff_t>(splice.deleted));
    value->items.insert(place, splice.inserted.begin(), splice.inserted.end());
    return {};
  }
  Status operator()(const ListSet& set) const {
    RZ_TRY(ListValue * value, as<ListValue>());
    if (set.index >= value->items.size()) return fail(ErrorCode::position_out_of_range, "a write beyond the list");
    value->items[static_cast<std::size_t>(set.index)] = set.value;
    return {};
  }
  Status operator()(const MapSet& set) const {
    RZ_TRY(MapValue * value, as<MapValue>());
    const auto entry = entry_of(*value, set.key);
    if (entry != value->entries.end() && entry->key == set.key) {
      entry->value = set.value;
    } else {
      value->entries.insert(entry, {set.key, set.value});
    }
    return {};
  }
  Status operator()(const MapDelete& erased) const {
    RZ_TRY(MapValue * value, as<MapValue>());
    const auto entry = entry_of(*value, erased.key);
    if (entry == value->entries.end() || entry->key != erased.key) {
      return fail(ErrorCode::path_not_found, erased.key);
    }
    value->entries.erase(entry);
    return {};
  }
  Status operator()(CounterSet set) const {
    RZ_TRY(CounterValue * value, as<CounterValue>());
    value->sum = set.sum;
    return {};
  }
};

}  // namespace

Status apply_patches(Value& value, const Patches& patches) {
  for (const Patch& patch : patches) {
    RZ_TRY(Value * at, value_at(value, patch.path));
    RZ_CHECK(std::visit(Apply{*at}, patch.change));
    auto* root = std::get_if<MapValue>(&value.is);
    if (patch.path != body() || root == nullptr || root->entries.empty()) continue;
    const auto* text = std::get_if<TextValue>(&root->entries.front().value.is);
    if (root->entries.front().key.empty() && text != nullptr && text->text.empty()) {
      root->entries.erase(root->entries.begin());
    }
  }
  return {};
}

}  // namespace rz::document
