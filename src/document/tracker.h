// The merge state of one sequence: which elements exist, in FugueMax order, in two versions at once.
//
// As in Eg-walker (arXiv 2409.14252, section 3.3) every element carries two states: *prepared*, in the version in which
// the next operation's index is meant, and *shown*, in the version that a reader sees. Operations of events are applied
// at prepared positions and come out as changes at shown positions. Elements with like states in one run are one item.
//
// The tracker may begin at a critical version: then what the sequence held there is one anonymous item (a placeholder)
// and nothing before it needs to be known.
//
// Order (FugueMax, arXiv 2305.00583, section 4): an element's left origin is the prepared element before it, its right
// origin the next existing element, deleted or not. It is a left child of its right origin where that has the same left
// origin, else a right child of its left origin; left siblings stand in sibling order, right siblings with the greater
// right origin first, then in sibling order. The scan in `integrate` finds that place without building the tree.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "document/count_tree.h"

namespace rz::document {

// An element of a sequence: the number of the operation that inserted it, counted over the sequence.
using ElementId = std::uint32_t;
inline constexpr ElementId element_none = ~ElementId{0};
inline constexpr ElementId element_end = ElementId{1} << 31;  // Ids are below; placeholders are this and more.

// The order of concurrent siblings.
class SiblingOrder {
 public:
  virtual bool is_before(ElementId a, ElementId b) const = 0;

 protected:
  ~SiblingOrder() = default;
};

// A change of what is shown: `length` elements from `id` on appear at or vanish from `position`.
struct ShownChange {
  std::uint64_t position = 0;
  ElementId id = 0;
  std::uint32_t length = 0;
  bool appears = false;
};

class Tracker {
 public:
  explicit Tracker(std::uint32_t placeholder_length);

  std::uint64_t prepared_length() const { return tree_.total().prepared; }
  std::uint64_t shown_length() const { return tree_.total().shown; }
  std::size_t memory_bytes() const;

  // New operations, at prepared positions; they are prepared from then on, and shown if `shown`.
  // position <= prepared_length(); for erase position + length <= prepared_length().
  void insert(std::uint64_t position, ElementId id, std::uint32_t length, bool shown, const SiblingOrder& order,
              std::vector<ShownChange>& out);
  void erase(std::uint64_t position, ElementId op, std::uint32_t length, bool shown, std::vector<ShownChange>& out);

  // Retreat and advance: whether the operations [op, op + length) are part of the prepared version.
  void prepare_insert(ElementId op, std::uint32_t length, bool present);
  void prepare_erase(ElementId op, std::uint32_t length, bool present);

  // The same for the shown version. Not for what a placeholder held.
  void show_insert(ElementId op, std::uint32_t length, bool present, std::vector<ShownChange>& out);
  void show_erase(ElementId op, std::uint32_t length, bool present, std::vector<ShownChange>& out);

  // The prepared position at which an insertion comes right after the shown element before `shown_position`.
  std::uint64_t prepared_insert_position(std::uint64_t shown_position) const;

  // The longest run from `shown_position` on, at most `length` shown elements, that is prepared as one, or is not.
  struct Stretch {
    bool is_prepared = false;
    std::uint64_t position = 0;  // Prepared position, if it is.
    std::uint64_t length = 0;
  };
  Stretch stretch_at(std::uint64_t shown_position, std::uint64_t length) const;

  // The element at a prepared position; its shown position if it is shown. The id is element_none in a placeholder.
  struct Located {
    ElementId id = element_none;
    bool is_shown = false;
    std::uint64_t shown_position = 0;
  };
  Located element_at(std::uint64_t prepared_position) const;

 private:
  struct Item {
    ElementId id = 0;
    std::uint32_t length = 0;
    ElementId left = element_none;   // Of the first element; the others' is the one before them.
    ElementId right = element_none;  // Of all.
    std::uint32_t prepared_deletes = 0;
    std::uint32_t shown_deletes = 0;
    bool is_inserted_prepared = false;
    bool is_inserted_shown = false;

    bool is_prepared() const { return is_inserted_prepared && prepared_deletes == 0; }
    bool is_shown() const { return is_inserted_shown && shown_deletes == 0; }
  };
  struct Lengths {
    std::uint64_t prepared = 0;
    std::uint64_t shown = 0;
    Lengths& operator+=(const Lengths& other) {
      prepared += other.prepared;
      shown += other.shown;
      return *this;
    }
    Lengths& operator-=(const Lengths& other) {
      prepared -= other.prepared;
      shown -= other.shown;
      return *this;
    }
  };
  struct Traits {
    using Item = Tracker::Item;
    using Sum = Lengths;
    static Sum measure(const Item& item) {
      return {item.is_prepared() ? item.length : 0u, item.is_shown() ? item.length : 0u};
    }
    static constexpr std::size_t leaf_max = 32;
    static constexpr std::size_t inner_max = 16;
  };
  using Tree = CountTree<Traits>;
  using Cursor = Tree::Cursor;

  struct Place {
    Cursor at;
    std::uint32_t offset = 0;
  };
  // What a deletion hit.
  struct Target {
    ElementId op;
    ElementId id;
    std::uint32_t length;
  };

  Place locate(ElementId id) const;
  int order(ElementId a, ElementId b) const;
  Cursor put(Cursor at, const Item& item);
  Cursor split(Cursor at, std::uint32_t offset);
  Cursor isolate(Cursor at, std::uint32_t offset, std::uint32_t length);
  bool extend(Cursor before, ElementId id, std::uint32_t length, ElementId right, bool shown);
  Cursor integrate(Cursor from, Cursor end, ElementId left, ElementId right, ElementId id,
                   const SiblingOrder& siblings) const;
  template <class Change>
  void for_each(ElementId id, std::uint32_t length, Change change);
  template <class Change>
  void for_each_target(ElementId op, std::uint32_t length, Change change);
  template <class Change>
  void show(ElementId id, std::uint32_t length, std::vector<ShownChange>& out, Change change);

  Tree tree_;
  std::map<ElementId, Tree::Leaf*> leaf_of_;  // By an item's first id.
  std::vector<Target> targets_;               // Ascending by op.
};

}  // namespace rz::document
