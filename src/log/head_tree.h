// The head tree: a Merkle tree over stream id -> sorted heads, by whose root a cut, and the cut of a removal, is named
// (docs/formats/head-tree.md). Its shape is that of RFC 9162 section 2.1, over leaves ascending by stream:
//
//   leaf  = SHA-256(0x00 || DAG-CBOR [stream: Bytes(32), heads: [Link, ...]])
//   node  = SHA-256(0x01 || left || right), split at the largest power of two below the number of leaves
//   empty = SHA-256("")
#pragma once

#include <vector>

#include "log/ids.h"
#include "log/limits.h"

namespace rz::log {

struct StreamHeads {
  StreamId stream;
  std::vector<EventId> heads;  // Ascending, unique, at least one, at most list_items_max.
  friend bool operator==(const StreamHeads&, const StreamHeads&) = default;
};

// Ascending by stream, each stream once.
using HeadList = std::vector<StreamHeads>;

// Sorts streams and heads, drops repeats and streams without heads.
HeadList canonical(HeadList list);
// Errors: list_order, limit_exceeded.
Status check_head_list(const HeadList& list);

// The list must satisfy check_head_list.
Hash256 head_tree_root(const HeadList& list);

Bytes encode_head_list(const HeadList& list);       // [[stream, [Link, ...]], ...]
Result<HeadList> decode_head_list(ByteView block);  // Strict and checked.

// Proves that the tree of a root holds `heads` for their stream, without the rest of it (RFC 9162 section 2.1.3).
struct HeadBranch {
  std::uint64_t leaf_index = 0;
  std::uint64_t leaf_count = 0;
  std::vector<Hash256> path;  // From the leaf up.
  friend bool operator==(const HeadBranch&, const HeadBranch&) = default;
};
// Errors: not_found where the list doesn't have the stream.
Result<HeadBranch> make_branch(const HeadList& list, const StreamId& stream);
// Errors: head_branch_mismatch.
Status verify_branch(const Hash256& root, const StreamHeads& heads, const HeadBranch& branch);

Bytes encode_branch(const HeadBranch& branch);  // [leaf_index, leaf_count, [Bytes(32), ...]]
Result<HeadBranch> decode_branch(ByteView block);

}  // namespace rz::log
