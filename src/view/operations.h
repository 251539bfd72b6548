// The identity operations of a pod snapshot: stream zero up to the cut, as it was signed, so that a reader finds out by
// itself what the DID Document must say (docs/formats/snapshot.md).
//
//   operations = [1, genesis: Bytes, [removal, ...], [part: Link, ...]]
//   removal    = [root of the head tree: Bytes(32), [head: Link, ...], branch: Bytes | null]
//   part       = [1, [feed run: Bytes, ...]]
//
// All in the clear: stream zero's events are. Runs are cut from the order of events (log/order.h), so equal sets of
// events give equal blocks. Seals are not here but beside the snapshot: which heads a device has seals for depends on
// how it came by them.
#pragma once

#include <deque>
#include <map>

#include "identity/fold.h"
#include "log/graph.h"
#include "view/block.h"

namespace rz::view {

// The heads of stream zero in a removal's head tree, proved by a branch. Without a branch the tree has none of them;
// that can't be proved, so only who has the whole tree knows.
struct RemovalHeads {
  std::vector<log::EventId> heads;
  std::optional<log::HeadBranch> branch;
  friend bool operator==(const RemovalHeads&, const RemovalHeads&) = default;
};
using RemovalProofs = std::map<Hash256, RemovalHeads>;  // By the tree's root.

// Of the removals that count in `state`. Errors: not_found (a head tree is not here).
Result<RemovalProofs> prove_removals(const identity::IdentityState& state, const identity::RemovalCuts& cuts);

// `zero`: stream zero up to the cut and nothing more. Appends blocks to `out`, the one that is returned last.
// Errors: limit_exceeded.
Result<ipld::Cid> put_operations(const log::EventGraph& zero, ByteView genesis, const RemovalProofs& removals,
                                 std::deque<Block>& out);

struct Operations {
  Bytes genesis;
  log::EventGraph zero;
  RemovalProofs removals;
};
// Reads them back; every run is decoded, every event named by its hash, each branch led to its root, and the whole is
// held to the one form that put_operations gives it. Seals are not checked: they lie elsewhere. Errors: view_bad_block,
// limit_exceeded, those of the source, of log's decoders and of verify_branch.
Result<Operations> read_operations(const ipld::Cid& cid, const BlockSource& source);

// The removals' head trees as far as the operations prove them: stream zero's heads of each.
class ProvenCuts final : public identity::RemovalCuts {
 public:
  explicit ProvenCuts(const Operations& operations);
  const log::HeadList* find(const Hash256& cut) const override;

 private:
  std::map<Hash256, log::HeadList> lists_;
};

// What the operations say of the identity.
identity::IdentityState fold_operations(const Operations& operations);

}  // namespace rz::view
