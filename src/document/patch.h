// What changed, for whoever shows a document: an editor, a page, a reducer.
//
// A list of patches is sequential: each one's path and positions hold in the state after those before it. Applied to
// the state before, they give the state after (patch_apply.h does so on plain values).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "document/path.h"
#include "document/value.h"

namespace rz::document {

// In code points: at `position`, `deleted` go and `inserted` comes.
struct TextSplice {
  std::uint64_t position = 0;
  std::uint64_t deleted = 0;
  std::string inserted;
  friend bool operator==(const TextSplice&, const TextSplice&) = default;
};
struct ListSplice {
  std::uint64_t index = 0;
  std::uint64_t deleted = 0;
  std::vector<Value> inserted;
  friend bool operator==(const ListSplice&, const ListSplice&) = default;
};
struct ListSet {
  std::uint64_t index = 0;
  Value value;
  friend bool operator==(const ListSet&, const ListSet&) = default;
};
struct MapSet {
  std::string key;
  Value value;
  friend bool operator==(const MapSet&, const MapSet&) = default;
};
struct MapDelete {
  std::string key;
  friend bool operator==(const MapDelete&, const MapDelete&) = default;
};
struct CounterSet {
  std::int64_t sum = 0;  // The new sum.
  friend bool operator==(CounterSet, CounterSet) = default;
};

struct Patch {
  Path path;  // Of the container that changed.
  std::variant<TextSplice, ListSplice, ListSet, MapSet, MapDelete, CounterSet> change;
  friend bool operator==(const Patch&, const Patch&) = default;
};
using Patches = std::vector<Patch>;

}  // namespace rz::document
