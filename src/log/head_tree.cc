#include "log/head_tree.h"

#include <algorithm>
#include <bit>
#include <span>

#include "crypto/sha256.h"
#include "log/codec.h"

namespace rz::log {
namespace {

constexpr std::size_t path_max = 32;

void put_leaf(Bytes& out, const StreamHeads& heads) {
  cbor::put_array(out, 2);
  codec::put_fixed(out, heads.stream);
  codec::put_links(out, heads.heads);
}

Hash256 leaf_hash(const StreamHeads& heads) {
  Bytes leaf{0x00};
  put_leaf(leaf, heads);
  return crypto::sha256(leaf);
}

Hash256 node_hash(const Hash256& left, const Hash256& right) {
  const std::uint8_t prefix[] = {0x01};
  return crypto::sha256({prefix, left.view(), right.view()});
}

// Where RFC 9162 splits `count` leaves: the largest power of two below it.
std::size_t split(std::size_t count) { return std::bit_floor(count - 1); }

Hash256 tree_hash(std::span<const Hash256> leaves) {
  if (leaves.size() == 1) return leaves.front();
  const std::size_t left = split(leaves.size());
  return node_hash(tree_hash(leaves.first(left)), tree_hash(leaves.subspan(left)));
}

void collect_path(std::span<const Hash256> leaves, std::size_t at, std::vector<Hash256>& path) {
  if (leaves.size() == 1) return;
  const std::size_t left = split(leaves.size());
  if (at < left) {
    collect_path(leaves.first(left), at, path);
    path.push_back(tree_hash(leaves.subspan(left)));
  } else {
    collect_path(leaves.subspan(left), at - left, path);
    path.push_back(tree_hash(leaves.first(left)));
  }
}

std::vector<Hash256> leaf_hashes(const HeadList& list) {
  std::vector<Hash256> leaves;
  leaves.reserve(list.size());
  for (const StreamHeads& heads : list) leaves.push_back(leaf_hash(heads));
  return leaves;
}

}  // namespace

HeadList canonical(HeadList list) {
  std::sort(list.begin(), list.end(), [](const StreamHeads& a, const StreamHeads& b) { return a.stream < b.stream; });
  HeadList merged;
  for (StreamHeads& heads : list) {
    if (merged.empty() || merged.back().stream != heads.stream) {
      merged.push_back(std::move(heads));
    } else {
      auto& into = merged.back().heads;
      into.insert(into.end(), heads.heads.begin(), heads.heads.end());
    }
  }
  for (StreamHeads& heads : merged) {
    std::sort(heads.heads.begin(), heads.heads.end());
    heads.heads.erase(std::unique(heads.heads.begin(), heads.heads.end()), heads.heads.end());
  }
  std::erase_if(merged, [](const StreamHeads& heads) { return heads.heads.empty(); });
  return merged;
}

Status check_head_list(const HeadList& list) {
  if (list.size() > head_tree_leaves_max) return fail(ErrorCode::limit_exceeded, words(list.size(), " streams"));
  if (!codec::ascends(list, [](const StreamHeads& heads) -> const auto& { return heads.stream; })) {
    return fail(ErrorCode::list_order, "streams must ascend");
  }
  for (const StreamHeads& heads : list) {
    if (heads.heads.empty()) return fail(ErrorCode::list_order, "a stream without heads");
    if (heads.heads.size() > list_items_max)
      return fail(ErrorCode::limit_exceeded, words(heads.heads.size(), " heads"));
    if (!codec::ascends(heads.heads)) return fail(ErrorCode::list_order, "heads must ascend");
  }
  return {};
}

Hash256 head_tree_root(const HeadList& list) {
  if (list.empty()) return crypto::sha256(ByteView{});
  return tree_hash(leaf_hashes(list));
}

Bytes encode_head_list(const HeadList& list) {
  Bytes out;
  cbor::put_array(out, list.size());
  for (const StreamHeads& heads : list) put_leaf(out, heads);
  return out;
}

Result<HeadList> decode_head_list(ByteView block) {
  codec::Reader reader(block);
  RZ_TRY(const std::size_t count, codec::read_count(reader, head_tree_leaves_max));
  HeadList list;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    StreamHeads heads;
    RZ_CHECK(reader.expect_array(2));
    RZ_CHECK(reader.expect_fixed(heads.stream));
    RZ_CHECK(codec::read_links(reader, heads.heads, list_items_max));
    if (heads.heads.empty()) return fail_at(ErrorCode::list_order, at, "a stream without heads");
    if (!list.empty() && !(list.back().stream < heads.stream)) {
      return fail_at(ErrorCode::list_order, at, "streams must ascend");
    }
    list.push_back(std::move(heads));
  }
  RZ_CHECK(reader.finish());
  return list;
}

Result<HeadBranch> make_branch(const HeadList& list, const StreamId& stream) {
  const auto found = std::lower_bound(list.begin(), list.end(), stream,
                                      [](const StreamHeads& heads, const StreamId& id) { return heads.stream < id; });
  if (found == list.end() || found->stream != stream) {
    return fail(ErrorCode::not_found, words("the list has no stream ", stream.brief()));
  }
  const auto at = static_cast<std::size_t>(found - list.begin());
  HeadBranch branch{at, list.size(), {}};
  collect_path(leaf_hashes(list), at, branch.path);
  return branch;
}

// RFC 9162 section 2.1.3.2, with the number of leaves in the place of the tree size.
Status verify_branch(const Hash256& root, const StreamHeads& heads, const HeadBranch& branch) {
  const auto mismatch = [](std::string_view why) { return fail(ErrorCode::head_branch_mismatch, why); };
  if (branch.leaf_index >= branch.leaf_count) return mismatch("the leaf lies outside the tree");
  std::uint64_t index = branch.leaf_index;
  std::uint64_t last = branch.leaf_count - 1;
  Hash256 hash = leaf_hash(heads);
  for (const Hash256& sibling : branch.path) {
    if (last == 0) return mismatch("the path is too long");
    if ((index & 1) != 0 || index == last) {
      hash = node_hash(sibling, hash);
      while ((index & 1) == 0 && index != 0) {
        index >>= 1;
        last >>= 1;
      }
    } else {
      hash = node_hash(hash, sibling);
    }
    index >>= 1;
    last >>= 1;
  }
  if (last != 0) return mismatch("the path is too short");
  if (hash != root) return mismatch("the path leads to another root");
  return {};
}

Bytes encode_branch(const HeadBranch& branch) {
  Bytes out;
  cbor::put_array(out, 3);
  cbor::put_uint(out, branch.leaf_index);
  cbor::put_uint(out, branch.leaf_count);
  cbor::put_array(out, branch.path.size());
  for (const Hash256& hash : branch.path) codec::put_fixed(out, hash);
  return out;
}

Result<HeadBranch> decode_branch(ByteView block) {
  codec::Reader reader(block);
  RZ_CHECK(reader.expect_array(3));
  HeadBranch branch;
  RZ_TRY(branch.leaf_index, codec::read_uint(reader));
  RZ_TRY(branch.leaf_count, codec::read_uint(reader));
  RZ_TRY(const std::size_t count, codec::read_count(reader, path_max));
  for (std::size_t i = 0; i < count; ++i) RZ_CHECK(reader.expect_fixed(branch.path.emplace_back()));
  RZ_CHECK(reader.finish());
  return branch;
}

}  // namespace rz::log
