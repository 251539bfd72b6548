// The elements of a text or a list: the operations that made it, what is shown of it, and how events merge into it.
//
// What is shown lives in a rope (text) or in a tree of element ids (list). An event that everything else precedes is
// applied to it directly. Only concurrency needs a tracker: it is built from the last critical version on, kept as long
// as it pays, and dropped when as many operations have come in sequence as it holds (it costs as much to build again).
//
// Invariants
// 1. runs_ are in order of application, with ascending ids; pieces_ are in order of events.
// 2. While an event without effect touches the sequence it is pinned: the tracker exists and begins at the beginning,
//    so that every element is known by its id.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "document/count_tree.h"
#include "document/graph.h"
#include "document/rope.h"
#include "document/tracker.h"
#include "document/utf8.h"

namespace rz::document {

// Elements in order, by id.
class ElementOrder {
 public:
  std::uint64_t length() const { return tree_.total().length; }
  std::size_t memory_bytes() const { return sizeof(*this) + tree_.memory_bytes(); }
  void insert(std::uint64_t position, ElementId id, std::uint32_t length);
  void erase(std::uint64_t position, std::uint64_t length);
  ElementId at(std::uint64_t position) const;
  std::optional<std::uint64_t> position_of(ElementId id) const;  // Linear in the number of runs.
  // Calls visit(id, length) for each run.
  template <class Visit>
  void for_each(Visit visit) const {
    for (auto at = Tree::normal(tree_.begin()); !at.at_end(); at = Tree::next(at)) {
      visit(at.item().id, at.item().length);
    }
  }

 private:
  struct Run {
    ElementId id = 0;
    std::uint32_t length = 0;
  };
  struct Length {
    std::uint64_t length = 0;
    Length& operator+=(const Length& other) {
      length += other.length;
      return *this;
    }
    Length& operator-=(const Length& other) {
      length -= other.length;
      return *this;
    }
  };
  struct Traits {
    using Item = Run;
    using Sum = Length;
    static Sum measure(const Run& run) { return {run.length}; }
    static constexpr std::size_t leaf_max = 16;
    static constexpr std::size_t inner_max = 16;
  };
  using Tree = CountTree<Traits>;
  static std::uint64_t by_length(const Length& length) { return length.length; }
  Tree::Cursor split(Tree::Cursor at, std::uint32_t offset);

  Tree tree_;
};

class Sequence final : private SiblingOrder {
 public:
  enum class Kind : std::uint8_t { text, list };

  // One operation run, at a position in the version before it.
  struct Run {
    enum class Sort : std::uint8_t { insert, erase, erase_back, set };
    ElementId id = 0;          // Of its first unit.
    std::uint32_t length = 0;  // Units.
    EventIndex event = 0;
    std::uint32_t position = 0;
    std::uint32_t content = 0;       // insert: byte in the text, or first cell; set: cell.
    std::uint32_t length_after = 0;  // What was shown after it.
    Sort sort = Sort::insert;
  };

  Sequence(Kind kind, const Graph& graph);

  bool is_text() const { return std::holds_alternative<Rope>(shown_); }
  std::uint64_t length() const { return is_text() ? rope().length() : order().length(); }
  const Rope& rope() const { return std::get<Rope>(shown_); }
  const ElementOrder& order() const { return std::get<ElementOrder>(shown_); }
  std::size_t memory_bytes() const;

  // --- Operations of an event at positions in its own version (its parents and its operations so far) ----------------
  // What lies outside is without effect: false, or fewer units. `event` is in the graph. Changes are appended to `out`.

  bool insert_text(EventIndex event, std::uint64_t position, std::string_view text, std::uint32_t chars,
                   std::vector<ShownChange>& out);
  // The new elements' contents are the cells from `cell` on. Returns the first id.
  std::optional<ElementId> insert_cells(EventIndex event, std::uint64_t position, std::uint32_t cell,
                                        std::uint32_t count, std::vector<ShownChange>& out);
  // Forwards from `position`, or backwards from it. Returns the units that took effect.
  std::uint32_t erase(EventIndex event, std::uint64_t position, std::uint32_t count, bool back,
                      std::vector<ShownChange>& out);
  // The element that a write at `position` is for; its id is element_none where it is gone for good.
  struct Element {
    ElementId id = element_none;
    std::optional<std::uint64_t> shown_at;
  };
  std::optional<Element> set(EventIndex event, std::uint64_t position, std::uint32_t cell);

  // --- Local edits: from shown positions to those of the open event ------------------------------------------------

  std::uint64_t insert_position(EventIndex event, std::uint64_t shown);
  // The next stretch of a deletion that begins at `shown`; see Tracker::Stretch.
  Tracker::Stretch erase_stretch(EventIndex event, std::uint64_t shown, std::uint64_t count);

  // --- Effect ------------------------------------------------------------------------------------------------------

  bool touches(EventIndex event) const;
  // Makes every element known by its id. To be called before an event's standing or effect changes.
  void make_whole();
  // The same, for good. To be called before an event without effect is applied.
  void pin();
  // Shows or hides what an event did; make_whole() came before, while the graph still said the opposite.
  void set_shown(EventIndex event, bool shown, std::vector<ShownChange>& out);
  // Builds what is shown anew from the operations alone.
  void replay_all();

  // The text of elements [id, id + length), which one run inserted.
  std::string_view text_of(ElementId id, std::uint32_t length) const;
  // The cell that an element was inserted with.
  std::uint32_t cell_of(ElementId id) const;
  bool has_element(ElementId id) const;

  // --- Undoing the last operations of the open event, and checkpoints ----------------------------------------------

  struct Mark {
    std::size_t runs = 0;
    Run last;
    std::size_t text_bytes = 0;
    ElementId next_id = 0;
  };
  Mark mark() const;
  void roll_back(const Mark& mark);

  std::span<const Run> runs() const { return runs_; }
  std::string_view text_log() const { return text_; }
  // Puts a saved history in place of this empty one. What is shown comes by replay_all() or restore_shown().
  void restore(std::vector<Run> runs, std::string text, ElementId next_id, bool pinned);
  ElementId next_id() const { return next_id_; }
  void restore_shown(std::string_view text) { std::get<Rope>(shown_).insert(0, text, utf8::count(text)); }
  void restore_shown(ElementId id, std::uint32_t length) {
    std::get<ElementOrder>(shown_).insert(order().length(), id, length);
  }
  bool is_pinned() const { return is_pinned_; }

 private:
  struct Piece {
    EventIndex event = 0;
    std::uint32_t begin = 0;  // Runs [begin, end).
    std::uint32_t end = 0;
  };

  bool is_before(ElementId a, ElementId b) const override;
  const Run& run_of(ElementId id) const;
  std::span<const Piece> pieces_of(EventIndex event) const;

  Tracker* tracker_for(EventIndex event);
  void build_tracker(EventIndex base, bool show);
  std::uint32_t length_at(EventIndex base) const;
  void replay_run(Run& run, std::vector<ShownChange>& out);
  Version version_before(EventIndex event) const;
  void move_to(const Version& version);
  void prepare(EventIndex event, bool present);
  void apply_shown(std::span<const ShownChange> changes);
  void finish(EventIndex event, Tracker* tracker, std::vector<ShownChange>& out);
  void record(Run run);
  bool extend_last(const Run& run);
  void add_to_piece(EventIndex event, std::uint32_t run);
  void index_pieces();
  bool is_tracker_valid() const;
  void drop_tracker();

  const Graph* graph_;
  std::variant<Rope, ElementOrder> shown_;
  std::string text_;  // All text ever inserted, in order of ids.
  std::vector<Run> runs_;
  std::vector<Piece> pieces_;
  ElementId next_id_ = 0;
  bool is_pinned_ = false;

  std::unique_ptr<Tracker> tracker_;
  Version prepared_;              // The tracker's prepared version.
  EventIndex base_ = event_none;  // Where the tracker begins; event_none: at the beginning.
  ElementId tracked_begin_ = 0;   // Operations [begin, end) are in the tracker.
  ElementId tracked_end_ = 0;
  std::uint64_t tracked_runs_ = 0;
  std::vector<EventIndex> retreats_;  // Scratch.
  std::vector<EventIndex> advances_;
  std::vector<ShownChange> changes_;
  std::uint64_t runs_in_sequence_ = 0;  // Since the last concurrent one.
};

}  // namespace rz::document
