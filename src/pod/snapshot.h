// Making a pod snapshot (view/snapshot.h, docs/formats/snapshot.md) of what this device has applied of the order.
//
// Contract: a snapshot is a function of the last applied cut, the format's version and the snapshot key; so devices of
// one pod at one cut write the same root. It is pulled block by block: each call folds at most one stream, so a host
// can do other things in between, and what the pod learns meanwhile changes nothing.
#pragma once

#include <optional>

#include "view/block.h"

namespace rz::pod {

struct SnapshotSummary {
  ipld::Cid root;               // Empty until all blocks were handed out.
  std::uint64_t cut_index = 0;  // Of the last entry of the order that is in it.
  Hash256 cut;                  // The root of the head tree over all streams' heads at the cut.
  std::uint64_t streams = 0;
  std::uint64_t documents = 0;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;  // Of the blocks' data.
};

class SnapshotMaker {
 public:
  virtual ~SnapshotMaker() = default;
  // The next block, children before parents, the root last but for the seals beside it; none: there are no more. An
  // error is final. Errors: snapshot_not_ready, unsupported (a newer version wrote what this one can't fold),
  // limit_exceeded.
  virtual Result<std::optional<view::Block>> next() = 0;
  virtual const SnapshotSummary& summary() const = 0;
};

}  // namespace rz::pod
