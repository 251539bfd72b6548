// Epoch keys: who can read. Opening an epoch draws a key, commits to it and wraps it for each reader and for the
// recovery key; its id is the event that opened it. A stream that only the pod's devices read uses stream zero's epochs
// (docs/formats/epoch.md).
//
// Invariants: 1. a key is used only if it matches a commitment in C; 2. a joint epoch's key is known to whoever knows
// all the keys it unites, and to nobody else; 3. cloud peers get no wrap unless the policy says so.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "crypto/box.h"
#include "identity/state.h"
#include "log/body.h"
#include "log/counts.h"

namespace rz::identity {

using log::EpochId;

// Draws a key and makes the operation that opens it: wraps for each of `boxes` (any order, repeats dropped).
struct OpenedEpoch {
  crypto::Secret32 key;  // Known as soon as the event has an id.
  log::OpenEpoch operation;
};
// Errors: limit_exceeded (too many readers), bad_argument (a box key of small order).
Result<OpenedEpoch> open_epoch(const log::StreamId& stream, std::vector<crypto::BoxPublicKey> boxes,
                               crypto::Entropy& entropy);

// Stream zero's next epoch: for readers(state) and the recovery key.
Result<OpenedEpoch> open_pod_epoch(const IdentityState& state, crypto::Entropy& entropy);

// One key for more readers. Errors: as open_epoch.
Result<log::MoreWraps> wrap_epoch(const EpochId& epoch, const crypto::Secret32& key,
                                  std::vector<crypto::BoxPublicKey> boxes, crypto::Entropy& entropy);

// Unites the maximal epochs (at least two). Errors: bad_argument, epoch_unknown (a key is not here).
class EpochKeys;
Result<log::OpenEpoch> join_epochs(std::vector<EpochId> maximal, const log::StreamId& stream, const EpochKeys& keys);

// The epochs of one stream: what its control events say.
struct EpochFacts {
  log::EventIndex opened;
  Hash256 commitment;
  std::vector<EpochId> joins;
  std::vector<log::Wrap> wraps;  // Of the opening and of all MoreWraps that count; ascending by (reader, bytes).
  bool has_reader(const crypto::BoxPublicKey& box) const;
};
using EpochTable = std::map<EpochId, EpochFacts>;
// Of events with effect only.
EpochTable epoch_table(const log::EventGraph& graph, const log::Counts& counts);

// The keys of one stream's epochs that are known here.
class EpochKeys {
 public:
  explicit EpochKeys(const log::StreamId& stream) : stream_(stream) {}

  // Takes a key that was handed over or drawn here. Errors: epoch_mismatch (it is not what `commitment` commits to).
  Status add(const EpochId& epoch, const crypto::Secret32& key, const Hash256& commitment);

  // Opens every wrap for `box` in `table`, and the joint epochs whose parts are all known. Returns how many keys are
  // new. A wrap that does not open, or holds a key that does not match, is passed over: whoever wrapped it lied, and
  // another may wrap again.
  std::size_t unlock(const EpochTable& table, const crypto::BoxKey& box);

  // None: not here.
  const crypto::Secret32* find(const EpochId& epoch) const;
  // find() with errors: epoch_unknown.
  Result<const crypto::Secret32*> key(const EpochId& epoch) const;
  // What seals bodies of `stream`. Errors: epoch_unknown.
  Result<log::BodyKey> body_key(const EpochId& epoch, const log::StreamId& stream) const;
  // kdf(epoch key, "rhizome snapshot key v1"): rotates with the epoch. Errors: epoch_unknown.
  Result<crypto::Secret32> snapshot_key(const EpochId& epoch) const;

  std::size_t size() const { return keys_.size(); }
  const log::StreamId& stream() const { return stream_; }

 private:
  log::StreamId stream_;
  std::map<EpochId, crypto::Secret32> keys_;
};

// What is to be done so that exactly the right devices read from now on.
struct MissingWrap {
  EpochId epoch;  // Never a joint one: whoever has the parts has that.
  crypto::BoxPublicKey box;
  friend bool operator==(const MissingWrap&, const MissingWrap&) = default;
};
struct EpochDuty {
  bool open = false;              // There is no epoch, or one who must not read any more has the key: open a new one.
  bool join = false;              // Several epochs are maximal: unite them (unless `open`).
  std::vector<MissingWrap> wrap;  // Readers who lack a key, of old epochs too: ascending by (epoch, box).
};
EpochDuty pod_epoch_duty(const IdentityState& state, const EpochTable& table, const std::vector<EpochId>& maximal);

}  // namespace rz::identity
