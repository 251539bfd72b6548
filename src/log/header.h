// The header of an event: one DAG-CBOR array of twelve fields. Its digest is the event's name (docs/formats/event.md).
//
//   [version, kind, stream, author, feed, seq, prev, parents, time, epoch, body, size]
//
// Invariants of what `decode_header` and `check_header` let through:
//   1. encode(decode(bytes)) == bytes: there is one encoding;
//   2. integers are below 2^53, parents strictly ascending and at most 256, size at most body_bytes_max;
//   3. `prev` is not among the parents; a control event has epoch zero.
#pragma once

#include <vector>

#include "base/tick.h"
#include "log/ids.h"
#include "log/limits.h"

namespace rz::log {

inline constexpr std::uint64_t header_version = 1;

enum class EventKind : std::uint8_t { operations = 0, control = 1 };

struct Header {
  EventKind kind = EventKind::operations;
  StreamId stream;
  AuthorKey author;
  FeedId feed;
  Seq seq;
  EventId prev;                  // The feed's event before; for seq 0 what names the author, or the author's DID.
  std::vector<EventId> parents;  // The other heads seen since `prev`, ascending.
  UnixMs time;                   // The author's claim, for people.
  EpochId epoch;                 // Zero: the body is not encrypted.
  BodyHash body;
  std::uint64_t size = 0;  // Of the body as hashed, in bytes.

  friend bool operator==(const Header&, const Header&) = default;
};

// Errors: integer_too_large, parents_order, parents_count, body_too_large, control_sealed.
Status check_header(const Header& header);

// The canonical block. The header must satisfy check_header.
Bytes encode_header(const Header& header);
// The same, appended to `out`: the hot path, no allocation if `out` has room.
void append_header(Bytes& out, const Header& header);

// Strict. Errors: those of check_header, event_version, event_kind, those of the DAG-CBOR reader, with the offset.
Result<Header> decode_header(ByteView block);

// SHA-256 of the canonical block.
EventId event_id(const Header& header);
EventId event_id_of_block(ByteView header_block);

// The associated data under which a body is sealed: the canonical block with `body` zeroed.
Bytes body_associated_data(const Header& header);

BodyHash body_hash(ByteView body);

}  // namespace rz::log
