// A feed run: consecutive events of one chain as they rest and travel: only what can't be derived from neighbours
// (docs/formats/feed-run.md), about ten bytes an event besides its body.
//
//   [version: 1 byte] [flags: 1] [author: 32] [feed] [seq] [prev: 32] [count] event* [seal's signature: 64, if flagged]
//   event = [flags: 1] [time, relative] [size] [epoch: 32, if it changes] [parents: count and 32 each, if any] body
//
// A body is there as it is stored (`sealed`), as plaintext for a holder of the epoch's key, who rebuilds ciphertext and
// CIDs exactly, or absent with its hash. A run ends with a seal, or without one in the own store.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "log/body.h"
#include "log/graph.h"
#include "log/seal.h"

namespace rz::log {

enum class BodyForm : std::uint8_t {
  stored = 0,  // As hashed: ciphertext, or plaintext of a control event or a public stream.
  plain = 1,   // Plaintext of a sealed body.
  absent = 2,  // Only its hash and size.
};

struct RunEvent {
  Header header;
  BodyForm form = BodyForm::absent;
  Bytes body;  // In that form.
  friend bool operator==(const RunEvent&, const RunEvent&) = default;
};

struct FeedRun {
  std::vector<RunEvent> events;  // One feed, consecutive seqs, each the next one's prev. At least one.
  std::optional<Seal> seal;      // On the last event.
  friend bool operator==(const FeedRun&, const FeedRun&) = default;
};

// Finds the key that seals an epoch's bodies; null where it isn't held.
using BodyKeys = std::function<const BodyKey*(const EpochId&)>;

// What decoding yields for each event.
struct DecodedEvent {
  EventId id;  // Recomputed.
  Header header;
  BodyForm form = BodyForm::absent;
  Bytes stored;     // As hashed, rebuilt if it came as plaintext; empty if absent.
  Bytes plaintext;  // If it came as plaintext.
};
struct DecodedRun {
  std::vector<DecodedEvent> events;
  std::optional<Seal> seal;
};

// Errors: run_broken (not one chain), limit_exceeded.
Result<Bytes> encode_run(const FeedRun& run);

// Strict, with limits before allocation. Bodies are checked against the headers' hashes, which for stored and plain
// ones are not sent but computed. `keys` is asked for epochs of plain bodies. Errors: run_version, truncated,
// run_value, trailing_bytes, run_key (plaintext of an epoch whose key isn't held), limit_exceeded, those of
// check_header.
Result<DecodedRun> decode_run(ByteView bytes, const StreamId& stream, const BodyKeys& keys);

// Checks the seal once, then offers every event and the seal: the fast way in for a caught-up feed. Errors: those of
// offer, seal_invalid; what was offered before an error stays.
Status offer_run(EventGraph& graph, const DecodedRun& run);

// The own store's way back in: admitted at once, sealed or not; a seal is checked and kept. Errors: those of append,
// seal_invalid.
Status restore_run(EventGraph& graph, const DecodedRun& run);

// A stretch of a chain from the graph, ready to encode: bodies through `body_of` (form and bytes; absent if not held).
struct HeldBody {
  BodyForm form = BodyForm::absent;
  Bytes bytes;
};
FeedRun make_run(const EventGraph& graph, const IndexRun& run, const std::function<HeldBody(EventIndex)>& body_of);

}  // namespace rz::log
