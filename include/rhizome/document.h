// The replicated document as a C interface: map, list, text and counter, nested, edited by index, merged without
// conflicts. It does no I/O and needs no randomness: whoever has applied the same events reads the same.
//
// The life of a change: edits are visible at once and gather in the *open event*. When the program closes it, it takes
// its operations (rz_document_open_payload) and its parents (rz_document_open_parents), makes a signed event of them,
// which gives it a name, and tells the document (rz_document_close_event). Every other replica applies that event
// (rz_document_apply_event), in any order that puts parents first.
//
// One thread at a time for each document; documents are independent of each other. Positions and counts of text are
// Unicode code points. Text is UTF-8.
//
// Encodings, all strict DAG-CBOR
//
//   path     [step ...] from the root map down: a text for a key, a natural number for an index into a list. No bytes
//            at all (a null pointer) mean the *body*, the text that every document has without anybody creating it: the
//            same as [""]. The empty list [] is the root map itself.
//   value    null, booleans, integers within 2^53, finite floats, text, bytes; what is read may also be a list or a
//            map: deep copies, texts as text, counters as integers (rz_document_type tells them apart)
//   new      in an edit, a value may also be {"new": "map" | "list" | "text" | "counter"}: an empty container
//   edits    [edit ...], each one
//              ["text_insert", path, position, text]     ["text_delete", path, position, count]
//              ["list_insert", path, index, [value ...]] ["list_delete", path, index, count]
//              ["list_set", path, index, value]
//              ["map_set", path, key, value]             ["map_delete", path, key]
//              ["counter_add", path, by]
//   patches  [patch ...]: what changed, in sequence: each holds in the state after those before it
//              ["text_splice", path, position, deleted, inserted]
//              ["list_splice", path, index, deleted, [value ...]]
//              ["list_set", path, index, value]
//              ["map_set", path, key, value]             ["map_delete", path, key]
//              ["counter_set", path, sum]
//
// Functions that change a document give their patches in `patches`, unless that is null.
#pragma once

#include <rhizome/base.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct rz_document rz_document;

#define RZ_EVENT_ID_BYTES 32
#define RZ_AUTHOR_ID_BYTES 32

// An event of the document's stream as the log knows it (docs/formats/event.md). In WebAssembly: 104 bytes, `feed` at
// 64, `seq` at 72, `depth` at 80, `own` at 88, `parents` at 96, `parents_count` at 100.
typedef struct rz_event {
  uint8_t id[RZ_EVENT_ID_BYTES];       // The SHA-256 digest in its CID. Ignored where the event is still open.
  uint8_t author[RZ_AUTHOR_ID_BYTES];  // The author's Ed25519 key.
  uint64_t feed;
  uint64_t seq;
  uint64_t depth;  // 1 + the greatest depth of an event by another author in its past.
  uint64_t own;    // 1 + the greatest own of an event by the same author in its past.
  // Every direct predecessor in the stream, 32 bytes each; redundant ones do no harm.
  const uint8_t* parents;
  size_t parents_count;
} rz_event;

// --- Life ---------------------------------------------------------------------------------------------------------

// An empty document. `author` (RZ_AUTHOR_ID_BYTES; null: zeros) and `feed` are those of the own open event. They decide
// the order of concurrent insertions at one place, so no two replicas may share them. Never null.
RZ_API(rz_document_new) rz_document* rz_document_new(const uint8_t* author, uint64_t feed) RZ_NOEXCEPT;
RZ_API(rz_document_free) void rz_document_free(rz_document* document) RZ_NOEXCEPT;

// Other ones for the open event, before its first edit: RZ_BAD_ARGUMENT while there is an open event.
RZ_API(rz_document_set_author)
rz_code rz_document_set_author(rz_document* document, const uint8_t* author, uint64_t feed) RZ_NOEXCEPT;

// A checkpoint: a local cache of the closed events that opens fast, never to be sent to anybody.
RZ_API(rz_document_save) rz_code rz_document_save(const rz_document* document, rz_bytes* checkpoint) RZ_NOEXCEPT;
// RZ_BAD_CHECKPOINT: replay the events instead.
RZ_API(rz_document_load)
rz_code rz_document_load(const uint8_t* checkpoint, size_t size, rz_document** document) RZ_NOEXCEPT;

// What the last failed call on this document found wrong, in words (UTF-8, no full stop), and where in its input:
// bytes, or in rz_document_edit the index of the edit that was refused, unless the code is one of DAG-CBOR's;
// UINT64_MAX: nowhere in particular. Empty when none has failed yet.
RZ_API(rz_document_error)
void rz_document_error(const rz_document* document, rz_bytes* message, uint64_t* offset) RZ_NOEXCEPT;

// --- Local edits: visible at once, gathered in the open event ------------------------------------------------------
// Errors: RZ_PATH_NOT_FOUND, RZ_WRONG_CONTAINER, RZ_POSITION_OUT_OF_RANGE, RZ_BAD_ARGUMENT, RZ_LIMIT_EXCEEDED, and
// those of DAG-CBOR (300 to 399). A refused edit changes nothing.

RZ_API(rz_document_text_insert)
rz_code rz_document_text_insert(rz_document* document, const uint8_t* path, size_t path_size, uint64_t position,
                                const char* text, size_t text_size, rz_bytes* patches) RZ_NOEXCEPT;
RZ_API(rz_document_text_delete)
rz_code rz_document_text_delete(rz_document* document, const uint8_t* path, size_t path_size, uint64_t position,
                                uint64_t count, rz_bytes* patches) RZ_NOEXCEPT;
// Any edits at all, all or none of them, in one event.
RZ_API(rz_document_edit)
rz_code rz_document_edit(rz_document* document, const uint8_t* edits, size_t size, rz_bytes* patches) RZ_NOEXCEPT;

// --- The open event --------------------------------------------------------------------------------------------------

// How many operations it holds; 0: there is none.
RZ_API(rz_document_open_operations) uint64_t rz_document_open_operations(const rz_document* document) RZ_NOEXCEPT;
// The heads that it builds on, 32 bytes each, sorted: its parents.
RZ_API(rz_document_open_parents)
rz_code rz_document_open_parents(const rz_document* document, rz_bytes* parents) RZ_NOEXCEPT;
// Its operations so far (docs/formats/document.md): what the event will carry, and what live peers are shown before.
RZ_API(rz_document_open_payload)
rz_code rz_document_open_payload(const rz_document* document, rz_bytes* payload) RZ_NOEXCEPT;
// Gives it its name and place: it is closed from now on. RZ_BAD_ARGUMENT where there is none, where the parents are not
// at least its own, or where an event of that name is here already.
RZ_API(rz_document_close_event)
rz_code rz_document_close_event(rz_document* document, const rz_event* event, rz_bytes* patches) RZ_NOEXCEPT;

// --- Events of others ------------------------------------------------------------------------------------------------

// Takes in a closed event, after all its parents; a known one changes nothing. A payload that does not parse is no
// error: it is without effect, for every replica alike. RZ_EVENT_PARENT_UNKNOWN: nothing is changed.
RZ_API(rz_document_apply_event)
rz_code rz_document_apply_event(rz_document* document, const rz_event* event, const uint8_t* payload, size_t size,
                                rz_bytes* patches) RZ_NOEXCEPT;
// Says whether an event counts (a revocation may have taken its effect): the document becomes as if it had been so from
// the start. Also for an event that is not here yet.
RZ_API(rz_document_set_effect)
rz_code rz_document_set_effect(rz_document* document, const uint8_t* event_id, int32_t has_effect,
                               rz_bytes* patches) RZ_NOEXCEPT;
// Shows the open event of a live peer; again, with a longer payload, as it grows. The closed event takes its place.
// Errors: RZ_EVENT_PARENT_UNKNOWN, and those of the payload (nothing is shown then).
RZ_API(rz_document_apply_provisional)
rz_code rz_document_apply_provisional(rz_document* document, const rz_event* event, const uint8_t* payload, size_t size,
                                      rz_bytes* patches) RZ_NOEXCEPT;
// Takes back all that is shown of that author's open events.
RZ_API(rz_document_drop_provisional)
rz_code rz_document_drop_provisional(rz_document* document, const uint8_t* author, rz_bytes* patches) RZ_NOEXCEPT;

// --- Reads -----------------------------------------------------------------------------------------------------------
// Errors: RZ_PATH_NOT_FOUND, RZ_WRONG_CONTAINER, RZ_POSITION_OUT_OF_RANGE, and those of DAG-CBOR.

// The whole text, UTF-8.
RZ_API(rz_document_text)
rz_code rz_document_text(const rz_document* document, const uint8_t* path, size_t path_size,
                         rz_bytes* text) RZ_NOEXCEPT;
// `count` code points from `position` on.
RZ_API(rz_document_text_slice)
rz_code rz_document_text_slice(const rz_document* document, const uint8_t* path, size_t path_size, uint64_t position,
                               uint64_t count, rz_bytes* text) RZ_NOEXCEPT;
// Code points of a text, elements of a list, keys of a map.
RZ_API(rz_document_length)
rz_code rz_document_length(const rz_document* document, const uint8_t* path, size_t path_size,
                           uint64_t* length) RZ_NOEXCEPT;
// 0 map, 1 list, 2 text, 3 counter. RZ_WRONG_CONTAINER where it is a plain value.
RZ_API(rz_document_type)
rz_code rz_document_type(const rz_document* document, const uint8_t* path, size_t path_size,
                         uint32_t* type) RZ_NOEXCEPT;
// A value, deep.
RZ_API(rz_document_value)
rz_code rz_document_value(const rz_document* document, const uint8_t* path, size_t path_size,
                          rz_bytes* value) RZ_NOEXCEPT;
// Every value that concurrent writers left at this key or element, as a list, the winner first.
RZ_API(rz_document_conflicts)
rz_code rz_document_conflicts(const rz_document* document, const uint8_t* path, size_t path_size,
                              rz_bytes* values) RZ_NOEXCEPT;

// The heads of the closed events, 32 bytes each, sorted.
RZ_API(rz_document_version) rz_code rz_document_version(const rz_document* document, rz_bytes* heads) RZ_NOEXCEPT;
// 1 if that event has been applied or closed here, else 0.
RZ_API(rz_document_contains)
int32_t rz_document_contains(const rz_document* document, const uint8_t* event_id) RZ_NOEXCEPT;
// 1 if an operation of a newer version was met: its container stays as it was before.
RZ_API(rz_document_needs_upgrade) int32_t rz_document_needs_upgrade(const rz_document* document) RZ_NOEXCEPT;
// Closed events.
RZ_API(rz_document_event_count) uint64_t rz_document_event_count(const rz_document* document) RZ_NOEXCEPT;
// An estimate of the memory in use, in bytes.
RZ_API(rz_document_memory) uint64_t rz_document_memory(const rz_document* document) RZ_NOEXCEPT;

#if defined(__cplusplus)
}
#endif
