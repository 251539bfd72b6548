// What the store keeps of a document beside its events, as caches: a checkpoint of its state, and what a list shows of
// it (docs/formats/store.md, "Caches of documents"). Either names what it was made of, so that one that is stale, or of
// another history, is never taken for the present.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/tick.h"
#include "log/ids.h"

namespace rz::pod {

// The rules by which events become a document's state: raised whenever equal events could come out differently, so that
// a state folded by an older program is folded anew.
inline constexpr std::uint64_t fold_rules = 1;

inline constexpr std::size_t checkpoint_heads_max = 4096;
inline constexpr std::size_t checkpoint_part_bytes = 1024 * 1024;
inline constexpr std::size_t checkpoint_parts_max = 1024;

// Part 0: what the checkpoint is of. Parts 1 to `parts` are its bytes (Document::save), cut up.
struct CheckpointHead {
  std::vector<log::EventId> heads;  // Ascending; the checkpoint holds exactly what lies in their past.
  std::uint64_t events = 0;         // So many events.
  std::uint64_t parts = 0;
  Hash256 digest;  // SHA-256 of the parts' bytes together.
  friend bool operator==(const CheckpointHead&, const CheckpointHead&) = default;
};

Bytes encode_checkpoint_head(const CheckpointHead& head);
// Strict. Errors: those of the DAG-CBOR reader, bad_checkpoint (another version or other rules), list_order,
// limit_exceeded.
Result<CheckpointHead> decode_checkpoint_head(ByteView value);

struct SummaryRecord {
  std::string title;
  std::uint64_t bytes = 0;
  UnixMs updated;
  Hash256 of;  // StreamReplica::state_digest of what it was made of.
  friend bool operator==(const SummaryRecord&, const SummaryRecord&) = default;
};

Bytes encode_summary(const SummaryRecord& summary);
// Strict. Errors: those of the DAG-CBOR reader, bad_checkpoint.
Result<SummaryRecord> decode_summary(ByteView value);

}  // namespace rz::pod
