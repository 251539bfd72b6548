#include "document/sequence.h"

namespace rz::document {

ElementOrder::Tree::Cursor ElementOrder::split(Tree::Cursor at, std::uint32_t offset) {
  Run& run = at.item();
  const Run rest{run.id + offset, run.length - offset};
  const Length was = Traits::measure(run);
  run.length = offset;
  tree_.changed(at, was);
  return tree_.insert({at.leaf, at.slot + 1}, rest);
}

void ElementOrder::insert(std::uint64_t position, ElementId id, std::uint32_t length) {
  RZ_REQUIRE(position <= this->length());
  if (position == 0) {
    tree_.insert(tree_.begin(), {id, length});
    return;
  }
  std::uint64_t offset = position - 1;
  auto at = tree_.find(offset, by_length);
  Run& run = at.item();
  const auto within = static_cast<std::uint32_t>(offset) + 1;
  if (within == run.length && run.id + run.length == id) {
    const Length was = Traits::measure(run);
    run.length += length;
    tree_.changed(at, was);
    return;
  }
  at = within < run.length ? split(at, within) : Tree::Cursor{at.leaf, at.slot + 1};
  tree_.insert(at, {id, length});
}

void ElementOrder::erase(std::uint64_t position, std::uint64_t length) {
  RZ_REQUIRE(position + length <= this->length());
  while (length > 0) {
    std::uint64_t offset = position;
    auto at = tree_.find(offset, by_length);
    if (offset > 0) at = split(at, static_cast<std::uint32_t>(offset));
    Run& run = at.item();
    if (run.length <= length) {
      length -= run.length;
      tree_.erase(at);
      continue;
    }
    const Length was = Traits::measure(run);
    run.id += static_cast<std::uint32_t>(length);
    run.length -= static_cast<std::uint32_t>(length);
    tree_.changed(at, was);
    return;
  }
}

ElementId ElementOrder::at(std::uint64_t position) const {
  RZ_REQUIRE(position < length());
  const auto at = tree_.find(position, by_length);
  return at.item().id + static_cast<std::uint32_t>(position);
}

std::optional<std::uint64_t> ElementOrder::position_of(ElementId id) const {
  std::uint64_t position = 0;
  for (auto at = Tree::normal(tree_.begin()); !at.at_end(); at = Tree::next(at)) {
    const Run& run = at.item();
    if (id >= run.id && id - run.id < run.length) return position + (id - run.id);
    position += run.length;
  }
  return std::nullopt;
}

}  // namespace rz::document
