// The blocks of a pod snapshot's tree: links in the clear, so that a blind member can follow and keep them all; the
// rest sealed, deterministically, so that equal content is an equal block (docs/formats/snapshot.md).
//
//   block = DAG-CBOR [1, [Link, ...], sealed: Bytes]
//   sealed = SIV(block key, DAG-CBOR ["rhizome snapshot block v1", [Link, ...]], body)
//
// A SnapshotKey also says where nodes and chunks end. That is decided by a keyed hash: who does not hold the key can
// neither learn content from where something ends, nor choose content so that it ends where they like.
#pragma once

#include <array>
#include <vector>

#include "crypto/siv.h"
#include "ipld/cid.h"
#include "log/ids.h"
#include "view/limits.h"

namespace rz::view {

struct Block {
  ipld::Cid cid;
  Bytes data;
};

// The CID of a block of DAG-CBOR, with it.
Block make_block(Bytes data);

// What a sealed block says inside: the first number of its body.
enum class BodyKind : std::uint64_t { leaf = 0, inner = 1, chunk = 2, chunk_list = 3, state = 4 };

class SnapshotKey {
 public:
  // `snapshot_key`: kdf(epoch key, "rhizome snapshot key v1"), of stream zero's epoch at the cut.
  SnapshotKey(const crypto::Secret32& snapshot_key, const log::Did& did);

  Block seal(const std::vector<ipld::Cid>& links, ByteView body) const;

  struct Opened {
    std::vector<ipld::Cid> links;
    Bytes body;
  };
  // Strict. Errors: hash_mismatch, view_bad_block, limit_exceeded, not_authentic, those of the DAG-CBOR reader.
  Result<Opened> open(const ipld::Cid& cid, ByteView block) const;

  // Does a node end with the item of this key? One in 32 does. A node's kind and level have a say, so that the levels
  // of a tree end independently.
  bool ends_node(BodyKind kind, unsigned level, ByteView key) const;

  // The length of the first chunk of `bytes`; all of them where it ends with them.
  std::size_t first_chunk(ByteView bytes) const;
  // Is this what first_chunk cuts, wherever it stands? `last`: nothing follows it.
  bool is_chunk(ByteView chunk, bool last) const;

 private:
  bool ends_chunk(ByteView window) const;

  crypto::SivKey siv_;
  crypto::Secret32 node_key_;
  crypto::Secret32 chunk_key_;
  std::array<std::uint64_t, 256> gear_{};
};

// Where a reader finds blocks.
struct BlockSource {
  virtual ~BlockSource() = default;
  // Errors: view_block_missing, and its own.
  virtual Result<Bytes> get(const ipld::Cid& cid) const = 0;
};

}  // namespace rz::view
