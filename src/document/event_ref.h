// The little that a document needs to know of the log: how an event is named, ordered and linked.
//
// Kept apart from log/ids.h, whose types convert to these by their bytes, so that the document compiles alone (in a
// browser, in a benchmark) and is tested without signatures.
#pragma once

#include <cstdint>
#include <span>

#include "base/fixed_bytes.h"

namespace rz::document {

struct EventIdTag;
struct AuthorIdTag;

// The SHA-256 digest in the event's CID.
using EventId = FixedBytes<EventIdTag, 32>;

// The author's Ed25519 key.
using AuthorId = FixedBytes<AuthorIdTag, 32>;

// One event of the stream as the log knows it. `id` is zero while the event is open.
struct EventInfo {
  EventId id;
  AuthorId author;
  std::uint64_t feed = 0;
  std::uint64_t seq = 0;
  std::uint64_t depth = 0;  // log: 1 + the greatest depth of an event by another author in its past.
  std::uint64_t own = 0;    // log: 1 + the greatest own of an event by the same author in its past.
  // Every direct predecessor within this stream (prev and parents); repetitions and redundant ones do no harm.
  std::span<const EventId> parents;
};

}  // namespace rz::document
