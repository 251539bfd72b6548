// How a prolly tree grows from its leaves up: items come in order, a level is cut into nodes where the keyed hash says
// so (or where a node is full), and each node is an item of the level above, until one node holds a whole level.
//
// Invariants: the tree is a function of the sequence of items alone; no node is made that is not part of it; a root
// above the first level has at least two children.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "view/limits.h"

namespace rz::view {

template <class Item>
class Levels {
 public:
  using Ends = std::function<bool(unsigned level, const Item&)>;
  using Close = std::function<Item(unsigned level, std::vector<Item>)>;

  // `lone_item_is_root`: where there is only one item on the first level, it is the root itself.
  Levels(unsigned first_level, bool lone_item_is_root, Ends ends, Close close)
      : first_level_(first_level),
        lone_item_is_root_(lone_item_is_root),
        ends_(std::move(ends)),
        close_(std::move(close)) {}

  // Errors: limit_exceeded (a tree of more than depth_max levels).
  Status add(Item item) { return add_at(first_level_, std::move(item)); }

  // The root; none where nothing was added.
  Result<std::optional<Item>> finish() {
    for (unsigned level = first_level_;; ++level) {
      if (level >= levels_.size() || (levels_[level].items.empty() && level == first_level_)) return std::nullopt;
      Level& here = levels_[level];
      if (here.closed == 0) {
        const bool is_lone = here.items.size() == 1 && lone_item_is_root_;
        return is_lone ? std::move(here.items.front()) : close_(level, std::move(here.items));
      }
      RZ_CHECK(close_node(level));
    }
  }

 private:
  struct Level {
    std::vector<Item> items;
    bool is_full = false;      // Closed when something follows it.
    std::uint64_t closed = 0;  // Nodes.
  };

  Status add_at(unsigned level, Item item) {
    if (level >= depth_max) return fail(ErrorCode::limit_exceeded, "a tree deeper than the format allows");
    if (levels_.size() <= level) levels_.resize(level + 1);
    if (levels_[level].is_full) RZ_CHECK(close_node(level));
    Level& here = levels_[level];
    here.is_full = here.items.size() + 1 == node_items_max || ends_(level, item);
    here.items.push_back(std::move(item));
    return {};
  }

  Status close_node(unsigned level) {
    Item node = close_(level, std::exchange(levels_[level].items, {}));
    levels_[level].is_full = false;
    ++levels_[level].closed;
    return add_at(level + 1, std::move(node));
  }

  unsigned first_level_;
  bool lone_item_is_root_;
  Ends ends_;
  Close close_;
  std::vector<Level> levels_;
};

}  // namespace rz::view
