// A B+ tree of items in sequence, with sums over them: what a rope, a list's order and the merge tracker stand on.
//
// `Traits` gives  using Item;  using Sum (default zero, with += and -=);  static Sum measure(const Item&);
//                 leaf_max, inner_max (at least 4).
// An item is found by its place in any one component of the sum in O(log n), and its place by its cursor likewise.
//
// Invariants
// 1. All leaves are at the same depth; no node is empty, except the root of an empty tree.
// 2. An inner node's sums are exactly those of its children.
// Sums are unsigned and may wrap on the way: only totals are looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/assert.h"

namespace rz::document {

template <class Traits>
class CountTree {
 public:
  using Item = typename Traits::Item;
  using Sum = typename Traits::Sum;
  struct Inner;
  struct Node {
    Inner* parent = nullptr;
    std::uint16_t count = 0;
    bool is_leaf = false;
  };
  struct Leaf : Node {
    Leaf* next = nullptr;
    Leaf* previous = nullptr;
    Item items[Traits::leaf_max];
  };
  struct Inner : Node {
    Node* children[Traits::inner_max];
    Sum sums[Traits::inner_max];
  };

  // A place before an item, or (slot == count of the last leaf) the end. Changes to the tree spoil cursors, except as
  // said at each function.
  struct Cursor {
    Leaf* leaf = nullptr;
    std::uint32_t slot = 0;
    bool at_end() const { return leaf == nullptr || slot >= leaf->count; }
    Item& item() const { return leaf->items[slot]; }
    friend bool operator==(const Cursor&, const Cursor&) = default;
  };

  CountTree() : root_(make_leaf()), first_(static_cast<Leaf*>(root_)) {}
  ~CountTree() {
    if (root_ != nullptr) destroy(root_);
  }
  CountTree(CountTree&& other) noexcept
      : nodes_(other.nodes_), root_(std::exchange(other.root_, nullptr)), first_(other.first_), total_(other.total_) {}
  CountTree& operator=(CountTree&& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(first_, other.first_);
    std::swap(total_, other.total_);
    std::swap(nodes_, other.nodes_);
    return *this;
  }

  const Sum& total() const { return total_; }
  std::size_t memory_bytes() const { return nodes_; }
  Cursor begin() const { return {first_, 0}; }

  // The item that holds unit `position` of the component `get`: the first before and in which there are more than
  // `position`. `position` becomes the offset within it. The end where there are no more.
  template <class Get>
  Cursor find(std::uint64_t& position, Get get) const {
    Node* node = root_;
    while (!node->is_leaf) {
      auto* inner = static_cast<Inner*>(node);
      std::uint32_t i = 0;
      for (; i + 1 < inner->count; ++i) {
        const std::uint64_t here = get(inner->sums[i]);
        if (position < here) break;
        position -= here;
      }
      node = inner->children[i];
    }
    auto* leaf = static_cast<Leaf*>(node);
    std::uint32_t slot = 0;
    for (; slot < leaf->count; ++slot) {
      const std::uint64_t here = get(Traits::measure(leaf->items[slot]));
      if (position < here) break;
      position -= here;
    }
    return {leaf, slot};
  }

  // The sum of everything before the cursor.
  Sum before(Cursor at) const {
    Sum sum{};
    for (std::uint32_t i = 0; i < at.slot; ++i) sum += Traits::measure(at.leaf->items[i]);
    const Node* node = at.leaf;
    while (node->parent != nullptr) {
      const Inner* parent = node->parent;
      for (std::uint32_t i = 0; parent->children[i] != node; ++i) sum += parent->sums[i];
      node = parent;
    }
    return sum;
  }

  // The cursor itself if it is at an item, else the first item of the next leaf (or the end).
  static Cursor normal(Cursor at) {
    if (at.slot >= at.leaf->count && at.leaf->next != nullptr) return {at.leaf->next, 0};
    return at;
  }
  static Cursor next(Cursor at) { return normal({at.leaf, at.slot + 1}); }

  // Which of two items comes first: negative, zero, positive.
  static int order(Cursor a, Cursor b) {
    if (a.leaf == b.leaf) return a.slot < b.slot ? -1 : a.slot > b.slot ? 1 : 0;
    const Node* x = a.leaf;
    const Node* y = b.leaf;
    while (x->parent != y->parent) {
      x = x->parent;
      y = y->parent;
    }
    for (std::uint32_t i = 0;; ++i) {
      if (x->parent->children[i] == x) return -1;
      if (x->parent->children[i] == y) return 1;
    }
  }

  // Inserts before `at`; returns where it is. `moved(item, leaf)` is called for every item whose leaf is new, the
  // inserted one included.
  template <class Moved>
  Cursor insert(Cursor at, Item item, Moved moved) {
    if (at.leaf->count == Traits::leaf_max) at = split_leaf(at, moved);
    Leaf* leaf = at.leaf;
    for (std::uint32_t i = leaf->count; i > at.slot; --i) leaf->items[i] = std::move(leaf->items[i - 1]);
    const Sum added = Traits::measure(item);
    leaf->items[at.slot] = std::move(item);
    ++leaf->count;
    moved(leaf->items[at.slot], leaf);
    propagate(leaf, Sum{}, added);
    return at;
  }
  Cursor insert(Cursor at, Item item) {
    return insert(at, std::move(item), [](const Item&, Leaf*) {});
  }

  // To be called after an item's measure changed from `was`. Cursors stay good.
  void changed(Cursor at, const Sum& was) { propagate(at.leaf, was, Traits::measure(at.item())); }
  // The same where the caller knows the measure before and after.
  void propagate(Leaf* leaf, const Sum& was, const Sum& is) {
    Node* node = leaf;
    while (node->parent != nullptr) {
      Inner* parent = node->parent;
      std::uint32_t i = 0;
      while (parent->children[i] != node) ++i;
      parent->sums[i] += is;
      parent->sums[i] -= was;
      node = parent;
    }
    total_ += is;
    total_ -= was;
  }

  // Takes the item out; returns the place after it. Small neighbouring leaves are joined. Not for trees whose items'
  // leaves are tracked.
  Cursor erase(Cursor at) {
    Leaf* leaf = at.leaf;
    propagate(leaf, Traits::measure(leaf->items[at.slot]), Sum{});
    for (std::uint32_t i = at.slot; i + 1 < leaf->count; ++i) leaf->items[i] = std::move(leaf->items[i + 1]);
    --leaf->count;
    leaf->items[leaf->count] = Item{};
    if (leaf->count == 0 && leaf != root_) {
      Leaf* after = leaf->next;
      Leaf* previous = leaf->previous;
      remove_leaf(leaf);
      if (after != nullptr) return {after, 0};
      return previous != nullptr ? Cursor{previous, previous->count} : begin();
    }
    return join_with_next(leaf) ? at : normal(at);
  }

 private:
  Leaf* make_leaf() {
    auto* leaf = new Leaf;
    leaf->is_leaf = true;
    nodes_ += sizeof(Leaf);
    return leaf;
  }
  Inner* make_inner() {
    nodes_ += sizeof(Inner);
    return new Inner;
  }
  void free_leaf(Leaf* leaf) {
    nodes_ -= sizeof(Leaf);
    delete leaf;
  }
  void free_inner(Inner* inner) {
    nodes_ -= sizeof(Inner);
    delete inner;
  }

  void destroy(Node* node) {
    if (node->is_leaf) return free_leaf(static_cast<Leaf*>(node));
    auto* inner = static_cast<Inner*>(node);
    for (std::uint32_t i = 0; i < inner->count; ++i) destroy(inner->children[i]);
    free_inner(inner);
  }

  static Sum sum_of(const Node* node) {
    Sum sum{};
    if (node->is_leaf) {
      const auto* leaf = static_cast<const Leaf*>(node);
      for (std::uint32_t i = 0; i < leaf->count; ++i) sum += Traits::measure(leaf->items[i]);
    } else {
      const auto* inner = static_cast<const Inner*>(node);
      for (std::uint32_t i = 0; i < inner->count; ++i) sum += inner->sums[i];
    }
    return sum;
  }

  // Splits a full leaf and returns where `at` is now. At the very end little is moved, so that appending fills leaves.
  template <class Moved>
  Cursor split_leaf(Cursor at, Moved moved) {
    Leaf* left = at.leaf;
    Leaf* right = make_leaf();
    const bool appending = left->next == nullptr && at.slot == left->count;
    const auto keep = static_cast<std::uint16_t>(appending ? Traits::leaf_max - 1 : Traits::leaf_max / 2);
    for (std::uint32_t i = keep; i < left->count; ++i) {
      right->items[i - keep] = std::move(left->items[i]);
      moved(right->items[i - keep], right);
    }
    right->count = static_cast<std::uint16_t>(left->count - keep);
    left->count = keep;
    right->next = left->next;
    right->previous = left;
    if (right->next != nullptr) right->next->previous = right;
    left->next = right;
    add_sibling(left, right);
    if (at.slot > keep) return {right, at.slot - keep};
    return at;
  }

  // Puts `right` after `left` under the same parent, whose sum for `left` still covers both.
  void add_sibling(Node* left, Node* right) {
    if (left->parent == nullptr) {
      Inner* root = make_inner();
      root->count = 1;
      root->children[0] = left;
      root->sums[0] = total_;
      left->parent = root;
      root_ = root;
    }
    Inner* parent = left->parent;
    if (parent->count == Traits::inner_max) parent = split_inner(parent, left);
    std::uint32_t i = 0;
    while (parent->children[i] != left) ++i;
    for (std::uint32_t j = parent->count; j > i + 1; --j) {
      parent->children[j] = parent->children[j - 1];
      parent->sums[j] = parent->sums[j - 1];
    }
    ++parent->count;
    const Sum moved = sum_of(right);
    parent->children[i + 1] = right;
    parent->sums[i + 1] = moved;
    parent->sums[i] -= moved;
    right->parent = parent;
  }

  // Splits a full inner node; returns the half that holds `child`.
  Inner* split_inner(Inner* left, const Node* child) {
    Inner* right = make_inner();
    const auto keep = static_cast<std::uint16_t>(Traits::inner_max / 2);
    for (std::uint32_t i = keep; i < left->count; ++i) {
      right->children[i - keep] = left->children[i];
      right->sums[i - keep] = left->sums[i];
      right->children[i - keep]->parent = right;
    }
    right->count = static_cast<std::uint16_t>(left->count - keep);
    left->count = keep;
    add_sibling(left, right);
    return child->parent;
  }

  void remove_leaf(Leaf* leaf) {
    if (leaf->previous != nullptr) leaf->previous->next = leaf->next;
    if (leaf->next != nullptr) leaf->next->previous = leaf->previous;
    if (first_ == leaf) first_ = leaf->next;
    detach(leaf);
    free_leaf(leaf);
  }

  // Takes an empty child out of its parent, whose sum for it is zero by now; empty parents go too.
  void detach(Node* child) {
    Inner* parent = child->parent;
    std::uint32_t i = 0;
    while (parent->children[i] != child) ++i;
    for (; i + 1 < parent->count; ++i) {
      parent->children[i] = parent->children[i + 1];
      parent->sums[i] = parent->sums[i + 1];
    }
    --parent->count;
    if (parent->count == 0) {
      RZ_ASSERT(parent != root_);
      detach(parent);
      free_inner(parent);
      return;
    }
    while (!root_->is_leaf && root_->count == 1) {
      auto* old = static_cast<Inner*>(root_);
      root_ = old->children[0];
      root_->parent = nullptr;
      free_inner(old);
    }
  }

  bool join_with_next(Leaf* leaf) {
    Leaf* right = leaf->next;
    if (right == nullptr || right->parent != leaf->parent) return false;
    if (leaf->count > Traits::leaf_max / 3 || leaf->count + right->count > Traits::leaf_max) return false;
    const Sum moved = sum_of(right);
    for (std::uint32_t i = 0; i < right->count; ++i) leaf->items[leaf->count + i] = std::move(right->items[i]);
    leaf->count = static_cast<std::uint16_t>(leaf->count + right->count);
    right->count = 0;
    Inner* parent = leaf->parent;
    std::uint32_t i = 0;
    while (parent->children[i] != leaf) ++i;
    parent->sums[i] += moved;
    parent->sums[i + 1] -= moved;
    remove_leaf(right);
    return true;
  }

  std::size_t nodes_ = 0;  // Bytes in nodes.
  Node* root_;
  Leaf* first_;
  Sum total_{};
};

}  // namespace rz::document
