#include "document/tracker.h"

#include <algorithm>

namespace rz::document {

Tracker::Tracker(std::uint32_t placeholder_length) {
  if (placeholder_length == 0) return;
  Item item;
  item.id = element_end;
  item.length = placeholder_length;
  item.is_inserted_prepared = true;
  item.is_inserted_shown = true;
  put(tree_.begin(), item);
}

std::size_t Tracker::memory_bytes() const {
  return sizeof(*this) + tree_.memory_bytes() + leaf_of_.size() * 48 + targets_.capacity() * sizeof(Target);
}

Tracker::Place Tracker::locate(ElementId id) const {
  const auto found = std::prev(leaf_of_.upper_bound(id));
  Tree::Leaf* leaf = found->second;
  std::uint32_t slot = 0;
  while (leaf->items[slot].id != found->first) ++slot;
  RZ_ASSERT_CMP(id - found->first, <, leaf->items[slot].length);
  return {{leaf, slot}, id - found->first};
}

int Tracker::order(ElementId a, ElementId b) const {
  const Place x = locate(a);
  const Place y = locate(b);
  if (x.at == y.at) return x.offset < y.offset ? -1 : x.offset > y.offset ? 1 : 0;
  return Tree::order(x.at, y.at);
}

Tracker::Cursor Tracker::put(Cursor at, const Item& item) {
  return tree_.insert(at, item, [this](const Item& moved, Tree::Leaf* leaf) { leaf_of_[moved.id] = leaf; });
}

// Cuts the item before `offset`; returns the second half.
Tracker::Cursor Tracker::split(Cursor at, std::uint32_t offset) {
  Item& item = at.item();
  Item rest = item;
  rest.id += offset;
  rest.length -= offset;
  rest.left = rest.id - 1;
  const Lengths was = Traits::measure(item);
  item.length = offset;
  tree_.changed(at, was);
  return put({at.leaf, at.slot + 1}, rest);
}

// Makes [offset, offset + length) of the item an item of its own.
Tracker::Cursor Tracker::isolate(Cursor at, std::uint32_t offset, std::uint32_t length) {
  if (offset > 0) at = split(at, offset);
  if (at.item().length == length) return at;
  const Cursor rest = split(at, length);
  if (rest.slot > 0) return {rest.leaf, rest.slot - 1};
  return {rest.leaf->previous, rest.leaf->previous->count - 1u};
}

// Typing on: the item before the place takes the new elements in, if they only continue it.
bool Tracker::extend(Cursor before, ElementId id, std::uint32_t length, ElementId right, bool shown) {
  Item& item = before.item();
  if (item.id + item.length != id || item.right != right || item.is_inserted_shown != shown) return false;
  if (item.prepared_deletes != 0 || item.shown_deletes != 0 || !item.is_inserted_prepared) return false;
  const Lengths was = Traits::measure(item);
  item.length += length;
  tree_.changed(before, was);
  return true;
}

void Tracker::insert(std::uint64_t position, ElementId id, std::uint32_t length, bool shown,
                     const SiblingOrder& siblings, std::vector<ShownChange>& out) {
  RZ_REQUIRE(position <= prepared_length());
  Item added;
  added.id = id;
  added.length = length;
  added.is_inserted_prepared = true;
  added.is_inserted_shown = shown;
  Cursor at = Tree::normal(tree_.begin());
  Cursor before;
  if (position > 0) {
    std::uint64_t offset = position - 1;
    before = tree_.find(offset, [](const Lengths& lengths) { return lengths.prepared; });
    const auto within = static_cast<std::uint32_t>(offset) + 1;
    added.left = before.item().id + within - 1;
    at = within < before.item().length ? split(before, within) : Tree::next(before);
  }
  Cursor end = at;
  while (!end.at_end() && !end.item().is_inserted_prepared) end = Tree::next(end);
  if (!end.at_end()) added.right = end.item().id;
  const bool is_contested = !(end == at);
  if (is_contested) {
    at = integrate(at, end, added.left, added.right, id, siblings);
  } else if (position > 0 && added.left + 1 == id && extend(before, id, length, added.right, shown)) {
    if (shown) out.push_back({tree_.before(before).shown + before.item().length - length, id, length, true});
    return;
  }
  at = put(at, added);
  if (shown) out.push_back({tree_.before(at).shown, id, length, true});
}

Tracker::Cursor Tracker::integrate(Cursor from, Cursor end, ElementId left, ElementId right, ElementId id,
                                   const SiblingOrder& siblings) const {
  Cursor place = from;
  bool is_undecided = false;  // What was passed belongs to a subtree whose own place is still to come.
  for (Cursor at = from; !(at == end); at = Tree::next(at)) {
    if (!is_undecided) place = at;
    const Item& other = at.item();
    if (other.left != left) {
      // A descendant of what was passed goes with it; one that hangs further left comes after all of ours.
      const bool is_descendant = left == element_none || (other.left != element_none && order(other.left, left) > 0);
      if (is_descendant) continue;
      return place;
    }
    if (other.right == right) {
      if (siblings.is_before(id, other.id)) return place;
      is_undecided = false;
    } else {
      // The greater right origin stands first. One that is smaller is met again as the root of its subtree.
      is_undecided = other.right != element_none && (right == element_none || order(other.right, right) < 0);
    }
  }
  return is_undecided ? place : end;
}

void Tracker::erase(std::uint64_t position, ElementId op, std::uint32_t length, bool shown,
                    std::vector<ShownChange>& out) {
  RZ_REQUIRE(position + length <= prepared_length());
  while (length > 0) {
    std::uint64_t offset = position;
    Cursor at = tree_.find(offset, [](const Lengths& lengths) { return lengths.prepared; });
    const auto within = static_cast<std::uint32_t>(offset);
    const std::uint32_t taken = std::min(length, at.item().length - within);
    at = isolate(at, within, taken);
    Item& item = at.item();
    const bool vanishes = shown && item.is_shown();
    if (vanishes) out.push_back({tree_.before(at).shown, item.id, taken, false});
    const Lengths was = Traits::measure(item);
    ++item.prepared_deletes;
    item.shown_deletes += shown ? 1 : 0;
    tree_.changed(at, was);
    targets_.push_back({op, item.id, taken});
    op += taken;
    length -= taken;
  }
}

template <class Change>
void Tracker::for_each(ElementId id, std::uint32_t length, Change change) {
  while (length > 0) {
    const Place place = locate(id);
    const std::uint32_t taken = std::min(length, place.at.item().length - place.offset);
    const Cursor at = isolate(place.at, place.offset, taken);
    const Lengths was = Traits::measure(at.item());
    change(at);
    tree_.changed(at, was);
    id += taken;
    length -= taken;
  }
}

template <class Change>
void Tracker::for_each_target(ElementId op, std::uint32_t length, Change change) {
  const auto begin = std::lower_bound(targets_.begin(), targets_.end(), op,
                                      [](const Target& target, ElementId value) { return target.op < value; });
  for (auto target = begin; target != targets_.end() && target->op - op < length; ++target) {
    change(target->id, target->length);
  }
}

void Tracker::prepare_insert(ElementId op, std::uint32_t length, bool present) {
  for_each(op, length, [present](Cursor at) { at.item().is_inserted_prepared = present; });
}

void Tracker::prepare_erase(ElementId op, std::uint32_t length, bool present) {
  for_each_target(op, length, [&](ElementId id, std::uint32_t count) {
    for_each(id, count, [present](Cursor at) { at.item().prepared_deletes += present ? 1u : ~0u; });
  });
}

template <class Change>
void Tracker::show(ElementId id, std::uint32_t length, std::vector<ShownChange>& out, Change change) {
  for_each(id, length, [&](Cursor at) {
    Item& item = at.item();
    const bool was_shown = item.is_shown();
    change(item);
    if (was_shown == item.is_shown()) return;
    // The sums still hold the old state of this item, which lies at the cursor, not before it.
    out.push_back({tree_.before(at).shown, item.id, item.length, !was_shown});
  });
}

void Tracker::show_insert(ElementId op, std::uint32_t length, bool present, std::vector<ShownChange>& out) {
  show(op, length, out, [present](Item& item) { item.is_inserted_shown = present; });
}

void Tracker::show_erase(ElementId op, std::uint32_t length, bool present, std::vector<ShownChange>& out) {
  for_each_target(op, length, [&](ElementId id, std::uint32_t count) {
    show(id, count, out, [present](Item& item) { item.shown_deletes += present ? 1u : ~0u; });
  });
}

std::uint64_t Tracker::prepared_insert_position(std::uint64_t shown_position) const {
  if (shown_position == 0) return 0;
  std::uint64_t offset = shown_position - 1;
  const Cursor at = tree_.find(offset, [](const Lengths& lengths) { return lengths.shown; });
  return tree_.before(at).prepared + (at.item().is_prepared() ? offset + 1 : 0);
}

Tracker::Stretch Tracker::stretch_at(std::uint64_t shown_position, std::uint64_t length) const {
  std::uint64_t offset = shown_position;
  const Cursor at = tree_.find(offset, [](const Lengths& lengths) { return lengths.shown; });
  Stretch stretch;
  stretch.is_prepared = at.item().is_prepared();
  stretch.length = std::min<std::uint64_t>(length, at.item().length - offset);
  if (stretch.is_prepared) stretch.position = tree_.before(at).prepared + offset;
  return stretch;
}

Tracker::Located Tracker::element_at(std::uint64_t prepared_position) const {
  std::uint64_t offset = prepared_position;
  const Cursor at = tree_.find(offset, [](const Lengths& lengths) { return lengths.prepared; });
  const Item& item = at.item();
  Located located;
  if (item.id < element_end) located.id = item.id + static_cast<std::uint32_t>(offset);
  located.is_shown = item.is_shown();
  if (located.is_shown) located.shown_position = tree_.before(at).shown + offset;
  return located;
}

}  // namespace rz::document
