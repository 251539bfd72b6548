// The pod snapshot: a pod's state at a cut as an IPLD DAG, a function of (cut, format version, snapshot key) alone
// (docs/formats/snapshot.md). No clock, nothing local: devices that can read write the same root at the same cut.
//
//   root   = {DID Document ..., versionId: Text, operations: Link, state: Link}, in the clear
//   state  = a sealed block [4, cut: Bytes(32), streams: Int] with a link to the map's root, if there is one
//   map    = stream id -> [1, kind: Text | null, genesis: Bytes, [head: Link, ...], title: Text | null, value]
//   seals  = [1, root: Link, [[head: Link, signature: Bytes(64)], ...]], beside the snapshot and not part of it
#pragma once

#include <string>

#include "ipld/value.h"
#include "log/head_tree.h"
#include "log/seal.h"
#include "view/operations.h"
#include "view/prolly.h"

namespace rz::view {

// What the map says of a stream.
struct StreamState {
  std::optional<std::string> kind;  // What its first event says it is for; stream zero and the catalogue have none.
  Bytes genesis;
  std::vector<log::EventId> heads;   // At the cut, ascending.
  std::optional<std::string> title;  // Of a document.
  Bytes value;                       // Canonical DAG-CBOR: of a document all it holds, otherwise null.
  friend bool operator==(const StreamState&, const StreamState&) = default;
};
Bytes encode_stream_state(const StreamState& state);
// Strict. Errors: view_bad_block, limit_exceeded, list_order, those of the DAG-CBOR reader.
Result<StreamState> decode_stream_state(ByteView bytes);

inline MapKey map_key(const log::StreamId& stream) { return MapKey{stream.bytes}; }

struct SnapshotState {
  Hash256 cut;  // The root of the head tree over all streams' heads.
  std::uint64_t streams = 0;
  std::optional<ipld::Cid> map;
};
Block make_state(const SnapshotKey& key, const SnapshotState& state);
Result<SnapshotState> open_state(const SnapshotKey& key, const ipld::Cid& cid, ByteView block);

struct SnapshotRoot {
  ipld::Value document;  // The root whole.
  log::Did did;
  std::string version_id;
  ipld::Cid operations;
  ipld::Cid state;
};
Block make_root(const identity::IdentityState& identity, const ipld::Cid& operations, const ipld::Cid& state);
// Strict. Errors: view_bad_root, did_malformed, limit_exceeded, those of the DAG-CBOR reader.
Result<SnapshotRoot> decode_root(ByteView block);

// Whether the root says of the DID what its operations say. Needs no key. Errors: view_bad_root, those of
// read_operations.
Status verify_root(const SnapshotRoot& root, const BlockSource& source);

Block make_seals(const ipld::Cid& root, const std::vector<log::Seal>& seals);
struct SnapshotSeals {
  ipld::Cid root;
  std::vector<log::Seal> seals;  // Ascending by head.
};
Result<SnapshotSeals> decode_seals(ByteView block);

}  // namespace rz::view
