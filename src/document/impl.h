// The inside of a document: its containers over one event graph. Split by concern into document_*.cc:
//   apply        closed events, operations, resolving names of containers
//   edit         local edits and the open event
//   provisional  tails of live peers
//   effect       changes of what counts
//   read         paths, values, conflicts
//   patch        from changes of sequences to patches
//   checkpoint   save and load
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "document/container.h"
#include "document/document.h"
#include "document/graph.h"
#include "document/payload.h"

namespace rz::document {

struct Document::Impl {
  struct Open {
    EventIndex event = 0;
    PayloadBuilder builder;
  };
  struct Tail {
    EventIndex event = 0;
    AuthorId author;
    std::uint64_t feed = 0;
    std::uint64_t seq = 0;
    Payload payload;
  };

  Impl(const AuthorId& own_author, std::uint64_t own_feed);

  // --- apply ------------------------------------------------------------------------------------------------------
  Result<Patches> apply(const EventInfo& info, ByteView payload);
  Result<Patches> apply_all(std::span<const AppliedEvent> batch);
  void add_closed(const EventInfo& info, Version parents, ByteView payload, Patches& out);
  // Applies `ops` (over the tables of `payload`), the first of which has that offset in its event.
  void apply_ops(EventIndex event, const Payload& payload, std::span<const Op> ops, std::uint32_t offset, Patches& out);
  void apply_op(EventIndex event, const Payload& payload, const Op& op, std::uint32_t offset, ContainerIndex index,
                Patches& out);
  void apply_list_insert(EventIndex event, const Payload& payload, const Op& op, std::uint32_t offset,
                         ContainerIndex index, Patches& out);
  void write_key(EventIndex event, std::uint32_t offset, ContainerIndex index, const std::string& key, const Atom* atom,
                 Patches& out);
  void write_element(EventIndex event, std::uint32_t offset, ContainerIndex index, std::uint64_t position,
                     const Atom& atom, Patches& out);
  void add_to_counter(EventIndex event, std::uint32_t offset, ContainerIndex index, std::int64_t by, Patches& out);
  std::optional<ContainerIndex> resolve(EventIndex event, const ContainerName& name);
  bool is_stopped(ContainerIndex index, EventIndex event) const;
  ContainerIndex create(Type type, EventIndex event, std::uint32_t offset, ContainerIndex parent);
  CellIndex store(const Atom& atom, EventIndex event, std::uint32_t offset, ContainerIndex parent);
  ContainerName name_of(ContainerIndex index) const;

  // --- edit -------------------------------------------------------------------------------------------------------
  EventIndex open_event();
  Result<ContainerIndex> editable(const Path& path, Type type);
  Status check_room(std::size_t bytes);
  Result<Patches> text_insert(const Path& path, std::uint64_t position, std::string_view text);
  Result<Patches> list_insert(const Path& path, std::uint64_t index, std::span<const Value> values);
  Result<Patches> erase(const Path& path, Type type, std::uint64_t position, std::uint64_t count);
  Result<Patches> list_set(const Path& path, std::uint64_t index, const Value& value);
  Result<Patches> map_write(const Path& path, std::string_view key, const Value* value);
  Result<Patches> counter_add(const Path& path, std::int64_t by);
  Result<Patches> edit(const Edit& edit);
  Result<Patches> transact(std::span<const Edit> edits);
  Result<Patches> close_open_event(const EventInfo& info);
  void discard_empty_open();
  struct Mark {
    std::optional<Open> open;
    std::size_t containers = 0;
    std::size_t cells = 0;
    std::vector<std::optional<Sequence::Mark>> sequences;
  };
  Mark mark() const;
  void roll_back(Mark mark);

  // --- provisional and effect --------------------------------------------------------------------------------------
  Result<Patches> apply_provisional(const EventInfo& info, ByteView payload);
  std::vector<Tail>::iterator find_tail(const AuthorId& author, std::uint64_t feed, std::uint64_t seq);
  void drop_tail(std::vector<Tail>::iterator tail, Patches& out);
  // If a tail is there that the closed event continues, gives it its name and applies the rest.
  bool bind_tail(const EventInfo& info, ByteView payload, Patches& out);
  Result<Patches> set_effect(const EventId& id, bool has_effect);
  Result<Patches> retract(const EventId& id);
  // Shows or hides an event's operations; `flip` changes the graph's mind about it in between.
  template <class Flip>
  void change_shown(EventIndex event, bool shown, Flip flip, Patches& out);
  // Folds what the event wrote in the container anew; with `remove`, without it for good.
  void refold_registers(ContainerIndex index, EventIndex event, bool remove, Patches& out);
  void reorder_sequence(ContainerIndex index, Patches& out);
  // Closes an open or provisional event: what is ordered by names, and its effect, may change with it.
  void give_name(EventIndex event, const EventInfo& info, const Version& named_parents, Patches& out);
  void note_closed(EventIndex event);

  // --- read -------------------------------------------------------------------------------------------------------
  struct Found {
    const Cell* cell = nullptr;  // Null at a container that no cell holds (the root, the body).
    std::optional<ContainerIndex> container;
    const Register* reg = nullptr;   // What is written there, if anything was after a list's insertion.
    CellIndex first = cell_deleted;  // A list element's inserted value.
  };
  Result<Found> find(const Path& path) const;
  Result<ContainerIndex> find_container(const Path& path) const;
  Result<ContainerIndex> find_container(const Path& path, Type type) const;
  Value value_of(const Cell& cell) const;
  Value value_of(ContainerIndex index) const;
  CellIndex element_cell(const Container& list, ElementId element) const;
  std::int64_t sum_of(const Container& counter) const;
  std::size_t memory_bytes() const;

  // --- patch ------------------------------------------------------------------------------------------------------
  // Where the container is, if it can be reached.
  std::optional<Path> path_of(ContainerIndex index) const;
  void put_sequence_patches(ContainerIndex index, std::span<const ShownChange> changes, Patches& out) const;
  void put_key_patch(ContainerIndex index, const std::string& key, CellIndex before, CellIndex after,
                     Patches& out) const;
  void put_element_patch(ContainerIndex index, ElementId element, CellIndex before, CellIndex after,
                         Patches& out) const;
  void put_counter_patch(ContainerIndex index, Patches& out) const;

  // --- checkpoint -------------------------------------------------------------------------------------------------
  Bytes save() const;
  Status load(ByteView bytes);

  AuthorId author;
  std::uint64_t feed = 0;
  Graph graph;
  std::vector<Container> containers;
  std::map<std::pair<EventIndex, std::uint32_t>, ContainerIndex> created;
  std::vector<Cell> cells;
  std::optional<Open> open;
  std::vector<Tail> tails;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> closed_seq;  // By author number and feed.
  std::set<EventId> without_effect;                                             // Also of events that are not here yet.
  std::vector<EventIndex> unknown_versions;  // Events whose payload is of a later version: they stop everything.
  std::vector<ShownChange> changes;          // Scratch.
};

}  // namespace rz::document
