// The walk behind differences of pasts (event_table.h includes this). As in diamond-types' causal graph: a heap of
// indices from the greatest down, each marked by the side from which it was reached; it ends when nothing in the heap
// is reached from the left side alone.
#pragma once

#include <algorithm>

#include "log/event_table.h"

namespace rz::log {

template <class Visit>
void visit_difference(const EventTable& table, std::span<const std::uint32_t> of,
                      std::span<const std::uint32_t> without, Visit&& visit) {
  constexpr std::uint32_t left = 1;
  constexpr std::uint32_t right = 2;
  std::vector<std::uint64_t> heap;  // index << 2 | sides
  std::size_t left_only = 0;
  const auto push = [&](std::uint32_t index, std::uint32_t sides) {
    heap.push_back(std::uint64_t{index} << 2 | sides);
    std::push_heap(heap.begin(), heap.end());
    if (sides == left) ++left_only;
  };
  for (const std::uint32_t index : of) push(index, left);
  for (const std::uint32_t index : without) push(index, right);
  while (left_only > 0) {
    const auto index = static_cast<std::uint32_t>(heap.front() >> 2);
    std::uint32_t sides = 0;
    while (!heap.empty() && heap.front() >> 2 == index) {
      const auto from = static_cast<std::uint32_t>(heap.front() & 3);
      if (from == left) --left_only;
      sides |= from;
      std::pop_heap(heap.begin(), heap.end());
      heap.pop_back();
    }
    if (sides == left) visit(index);
    if (const std::uint32_t prev = table.causal_prev(index); prev != index_none) push(prev, sides);
    for (const std::uint32_t parent : table.parents(index)) push(parent, sides);
  }
}

}  // namespace rz::log
