// The replicated document: map, list, text and counter, nested, edited by index and merged without conflicts.
//
// A document is a function of the set of its stream's events: whoever has applied the same events, in whatever causal
// order and batches, reads the same. Text and lists replay as in Eg-walker (arXiv 2409.14252) in FugueMax order (arXiv
// 2305.00583); registers (map keys, list elements) take the greatest of concurrent writes by (depth, author, own,
// event hash, offset) and keep the others readable; counters sum.
//
// Invariants
// 1. Reads show every closed event that has effect, the own open event, and provisional tails.
// 2. What an index in a payload means depends on the event's past alone, never on effects or on what is shown: an event
//    without effect stays in index arithmetic.
// 3. version() names closed events only. An open event's parents are fixed at its first operation.
// 4. Nothing from outside asserts: a payload that does not parse, or an operation that points outside its container or
//    at one that its past does not have, is without effect, for every replica alike.
//
// One thread at a time; no I/O, clock or randomness. Positions and lengths of text are Unicode code points.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "document/event_ref.h"
#include "document/patch.h"
#include "document/path.h"
#include "document/value.h"

namespace rz::document {

// The largest payload of one event, in bytes (the log's limit on bodies, less its own head).
inline constexpr std::size_t payload_bytes_max = 512 * 1024 - 64;

// A value in an edit is a scalar, or an empty container to be created there. Integers lie within +-(2^53-1), doubles
// are finite, strings and keys are UTF-8.
struct TextInsert {
  std::uint64_t position = 0;
  std::string text;
};
struct TextDelete {
  std::uint64_t position = 0;
  std::uint64_t count = 0;
};
struct ListInsert {
  std::uint64_t index = 0;
  std::vector<Value> values;  // Empty containers are created there.
};
struct ListDelete {
  std::uint64_t index = 0;
  std::uint64_t count = 0;
};
struct CounterAdd {
  std::int64_t by = 0;
};
// One local edit; ListSet, MapSet and MapDelete are those of patch.h.
struct Edit {
  Path path;  // Of the container.
  std::variant<TextInsert, TextDelete, ListInsert, ListDelete, ListSet, MapSet, MapDelete, CounterAdd> change;
};

// One event for apply_all.
struct AppliedEvent {
  EventInfo info;
  ByteView payload;
};

class Document {
 public:
  struct Impl;  // The inside (impl.h), for this room alone.

  // `author` and `feed` are those of the own open event; they may be set later, before the first edit.
  Document();
  explicit Document(const AuthorId& author, std::uint64_t feed = 0);
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;

  void set_author(const AuthorId& author, std::uint64_t feed);

  // --- Closed events -----------------------------------------------------------------------------------------------

  // Takes in a closed event: every event of the stream, once each, after all its parents; one without operations of
  // this document comes with an empty payload. A known event changes nothing. If a provisional tail of the same
  // (author, feed, seq) is shown, the event takes its place: where the operations begin as the tail's, nothing shown
  // changes but what is new.
  // Errors: event_parent_unknown (call again after the parent); nothing is changed then.
  Result<Patches> apply(const EventInfo& info, ByteView payload);

  // The same for many at once, in causal order or not, in an order of its own choosing (one author's run after another,
  // which is what makes merging long branches cheap). Errors: event_parent_unknown: those left over; the others are in.
  Result<Patches> apply_all(std::span<const AppliedEvent> events);

  // Makes the document as if the event had had that effect from the start (log: what counts). A document remembers the
  // choice also for an event that it does not have yet.
  Result<Patches> set_effect(const EventId& event, bool has_effect);

  // Takes back a closed event as if it had never come: it left what counts (log: quarantine). Tails that build on it go
  // as well. It may be applied again. Errors: bad_argument where a closed event or the open one builds on it: those go
  // first, or are closed; nothing is changed then. An unknown event changes nothing.
  Result<Patches> retract(const EventId& event);

  // --- Local edits: visible at once, gathered in the open event ----------------------------------------------------
  // Errors: path_not_found, wrong_container (the path is of another type), position_out_of_range, bad_argument (a value
  // that no event may carry, text that is no UTF-8), limit_exceeded (the open event would outgrow payload_bytes_max:
  // close it and try again), unsupported (the container needs an upgrade, or is a provisional tail's). A refused
  // edit changes nothing. The patches say what came of it: exactly what was asked, except inside a provisional tail,
  // where text lands beside the tail and what the tail inserted can't be deleted.

  Result<Patches> text_insert(const Path& path, std::uint64_t position, std::string_view text);
  Result<Patches> text_delete(const Path& path, std::uint64_t position, std::uint64_t count);
  Result<Patches> list_insert(const Path& path, std::uint64_t index, std::span<const Value> values);
  Result<Patches> list_delete(const Path& path, std::uint64_t index, std::uint64_t count);
  Result<Patches> list_set(const Path& path, std::uint64_t index, const Value& value);
  Result<Patches> map_set(const Path& path, std::string_view key, const Value& value);
  Result<Patches> map_delete(const Path& path, std::string_view key);
  Result<Patches> counter_add(const Path& path, std::int64_t by);

  // All or nothing, in one event. The error's offset is the index of the edit that was refused.
  Result<Patches> transact(std::span<const Edit> edits);

  // How many operations the open event holds (0: there is none).
  std::uint64_t open_operations() const;
  // The closed heads that the open event builds on (those of version() when it has no operations).
  std::vector<EventId> open_parents() const;
  // The open event's operations so far, as its payload: the same bytes that close_open_event is about.
  Bytes open_payload() const;
  // Gives the open event its name and place; it is closed and in version() from now on. `info.parents` must name at
  // least open_parents() (and may name more that touch nothing here). The patches are empty, unless the name decides a
  // conflict anew. Errors: bad_argument where the parents don't fit, or where there is no open event.
  Result<Patches> close_open_event(const EventInfo& info);

  // --- Provisional tails of live peers: shown, never built upon ----------------------------------------------------

  // Shows the open event of another author; `info.id` is ignored. Called again with a longer payload of the same
  // (author, feed, seq) it adds what is new; with another it replaces the tail. Errors: event_parent_unknown, and the
  // codes of the payload's decoder (nothing is shown then).
  Result<Patches> apply_provisional(const EventInfo& info, ByteView payload_so_far);
  // Takes back what is shown of that author's open event. Nothing happens where there is none.
  Result<Patches> drop_provisional(const AuthorId& author, std::uint64_t feed, std::uint64_t seq);
  Result<Patches> drop_provisional_of(const AuthorId& author);

  // --- Reads -------------------------------------------------------------------------------------------------------
  // Errors: path_not_found, wrong_container, position_out_of_range.

  Result<Value> get(const Path& path) const;
  // Every value that concurrent writers left at this key or element, the winner first; one where they agree. A key that
  // some concurrent writer deleted has fewer values than writers; a path that was never written is path_not_found.
  Result<std::vector<Value>> conflicts(const Path& path) const;
  Result<Type> type_of(const Path& path) const;
  Result<std::uint64_t> length(const Path& path) const;      // Code points, elements or keys.
  Result<std::uint64_t> text_bytes(const Path& path) const;  // Of the text as UTF-8, without making it.
  Result<std::string> text(const Path& path) const;
  Result<std::string> text_slice(const Path& path, std::uint64_t position, std::uint64_t count) const;
  // The whole document: the root map; the body under "" unless it is empty.
  Value value() const;

  // An operation of a kind that this program does not know was met: its container stays as it was before.
  bool needs_upgrade() const;
  Result<bool> needs_upgrade(const Path& path) const;

  // The closed heads, sorted.
  std::vector<EventId> version() const;
  bool contains(const EventId& event) const;
  std::uint64_t event_count() const;
  // The events that were last said to be without effect, here or not. Ascending.
  std::vector<EventId> without_effect() const;
  // An estimate of the heap in use.
  std::size_t memory_bytes() const;

  // --- Checkpoint: a local cache that opens fast; closed events only -----------------------------------------------

  Bytes save() const;
  // Errors: bad_checkpoint, at an offset: it is damaged or of another version, so replay the events instead.
  static Result<Document> load(ByteView checkpoint);

 private:
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rz::document
