// A register: one place that is written as a whole (a map's key, a list's element), and who wrote it.
//
// Of the writes that have effect, those that no other one has in its past are live. The greatest of them by (depth,
// author, own, event hash, offset) wins; the others stay readable as conflicts. Writes that were superseded, or are
// without effect, are kept, because an effect may change.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "document/graph.h"

namespace rz::document {

// A value stored in the document, by number.
using CellIndex = std::uint32_t;
inline constexpr CellIndex cell_deleted = ~CellIndex{0};

struct Write {
  EventIndex event = 0;
  std::uint32_t offset = 0;  // Of the operation in its event.
  CellIndex cell = cell_deleted;
};

class Register {
 public:
  bool is_written() const { return live_ > 0; }
  // The winner first.
  std::span<const Write> live() const { return {writes_.data(), live_}; }
  std::span<const Write> all() const { return writes_; }
  // The winning cell; cell_deleted where there is none.
  CellIndex winner() const { return live_ > 0 ? writes_[0].cell : cell_deleted; }
  std::size_t memory_bytes() const { return writes_.capacity() * sizeof(Write); }

  void add(const Graph& graph, const Write& write);
  // After an effect or a name changed.
  void refold(const Graph& graph);
  // Takes out the writes of an event from `offset_begin` on.
  void remove(const Graph& graph, EventIndex event, std::uint32_t offset_begin);
  bool has(EventIndex event) const;
  // For a checkpoint: takes a write in without folding it; refold() follows.
  void keep(const Write& write) { writes_.push_back(write); }

 private:
  void fold(const Graph& graph, const Write& write);

  std::vector<Write> writes_;  // The live ones first.
  std::uint32_t live_ = 0;
};

}  // namespace rz::document
