#include "document/register.h"

#include <algorithm>

namespace rz::document {
namespace {

bool is_greater(const Graph& graph, const Write& a, const Write& b) {
  const int order = graph.compare_writes(a.event, b.event);
  return order != 0 ? order > 0 : a.offset > b.offset;
}

}  // namespace

// `write` comes after every one that was folded before it, or beside it; never before.
void Register::fold(const Graph& graph, const Write& write) {
  writes_.push_back(write);
  if (!graph.is_shown(write.event)) return;
  // The superseded move behind the live ones, and the new one to its place among these.
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < live_; ++i) {
    if (!graph.in_past_of(writes_[i].event, write.event)) std::swap(writes_[kept++], writes_[i]);
  }
  live_ = kept + 1;
  const auto place = std::find_if(writes_.begin(), writes_.begin() + kept,
                                  [&](const Write& other) { return is_greater(graph, write, other); });
  std::rotate(place, writes_.end() - 1, writes_.end());
}

void Register::add(const Graph& graph, const Write& write) { fold(graph, write); }

void Register::refold(const Graph& graph) {
  std::vector<Write> writes = std::move(writes_);
  std::sort(writes.begin(), writes.end(), [](const Write& a, const Write& b) {
    return a.event != b.event ? a.event < b.event : a.offset < b.offset;
  });
  writes_.clear();
  live_ = 0;
  for (const Write& write : writes) fold(graph, write);
}

void Register::remove(const Graph& graph, EventIndex event, std::uint32_t offset_begin) {
  std::erase_if(writes_, [&](const Write& write) { return write.event == event && write.offset >= offset_begin; });
  refold(graph);
}

bool Register::has(EventIndex event) const {
  return std::any_of(writes_.begin(), writes_.end(), [event](const Write& write) { return write.event == event; });
}

}  // namespace rz::document
