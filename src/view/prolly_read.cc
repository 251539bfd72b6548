#include <algorithm>

#include "ipld/dag_cbor.h"
#include "view/prolly.h"

namespace rz::view {

namespace {

Result<unsigned> read_level(ipld::dag_cbor::Reader& reader) {
  RZ_TRY(const std::uint64_t level, reader.expect_uint());
  if (level == 0 || level >= depth_max) return fail(ErrorCode::view_bad_shape, words("a node of level ", level));
  return static_cast<unsigned>(level);
}

Result<std::uint64_t> read_count(ipld::dag_cbor::Reader& reader) {
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count == 0 || count > node_items_max) return fail(ErrorCode::view_bad_shape, words(count, " items in a node"));
  return count;
}

}  // namespace

Result<MapReader::Node> MapReader::node(const ipld::Cid& cid, const Place& place) const {
  RZ_TRY(const Bytes block, source_.get(cid));
  Node node;
  RZ_TRY(node.opened, key_.open(cid, block));
  ipld::dag_cbor::Reader reader(node.opened.body);
  RZ_TRY(const std::uint64_t fields, reader.expect_array());
  RZ_TRY(const std::uint64_t kind, reader.expect_uint());
  const bool is_leaf = kind == static_cast<std::uint64_t>(BodyKind::leaf);
  if (!is_leaf && kind != static_cast<std::uint64_t>(BodyKind::inner)) {
    return fail(ErrorCode::view_bad_shape, words("a block of kind ", kind, " where a node of the map stands"));
  }
  if (fields != (is_leaf ? 2u : 3u)) return fail(ErrorCode::view_bad_block, words(fields, " fields in a node"));
  if (!is_leaf) {
    RZ_TRY(node.level, read_level(reader));
  }
  RZ_TRY(const std::uint64_t count, read_count(reader));
  std::size_t linked = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    MapKey key;
    if (is_leaf) RZ_CHECK(reader.expect_array(2));
    RZ_CHECK(reader.expect_fixed(key));
    node.keys.push_back(key);
    if (!is_leaf) continue;
    RZ_TRY(const ipld::Kind form, reader.peek());
    node.values.emplace_back();
    node.bytes.push_back(0);
    if (form == ipld::Kind::bytes) {
      RZ_TRY(node.values.back(), reader.expect_bytes());
      if (node.values.back().size() > inline_bytes_max) {
        return fail_at(ErrorCode::view_bad_shape, reader.offset(), "a long value in place");
      }
      continue;
    }
    RZ_TRY(node.bytes.back(), reader.expect_uint());
    if (node.bytes.back() <= inline_bytes_max || node.bytes.back() > value_bytes_max) {
      return fail_at(ErrorCode::view_bad_shape, reader.offset(), words("a value of ", node.bytes.back(), " in chunks"));
    }
    ++linked;
  }
  RZ_CHECK(reader.finish());
  if (node.opened.links.size() != (is_leaf ? linked : node.keys.size())) {
    return fail(ErrorCode::view_bad_shape, "a node with another number of links than it needs");
  }
  RZ_CHECK(check(node, place));
  return node;
}

Status MapReader::check(const Node& node, const Place& place) const {
  if (place.level && *place.level != node.level) {
    return fail(ErrorCode::view_bad_shape,
                words("a node of level ", node.level, " where one of ", *place.level, " is"));
  }
  if (!place.level && node.level > 0 && node.keys.size() < 2) {
    return fail(ErrorCode::view_bad_shape, "a root with a single child");
  }
  if (place.after && node.keys.front() <= *place.after) return fail(ErrorCode::view_bad_order, "keys overlap");
  for (std::size_t i = 1; i < node.keys.size(); ++i) {
    if (node.keys[i] <= node.keys[i - 1]) return fail(ErrorCode::view_bad_order, "keys out of order in a node");
  }
  if (place.last && node.keys.back() != *place.last) {
    return fail(ErrorCode::view_bad_shape, "a node ends with another key than its parent says");
  }
  const BodyKind kind = node.level == 0 ? BodyKind::leaf : BodyKind::inner;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const bool ends = i + 1 == node_items_max || key_.ends_node(kind, node.level, node.keys[i].view());
    const bool is_end = i + 1 == node.keys.size();
    if (ends != is_end && !(is_end && place.is_last)) {
      return fail(ErrorCode::view_bad_boundary, is_end ? "a node ends too early" : "a node ends too late");
    }
  }
  return {};
}

MapReader::Place MapReader::place_of(const Node& node, const Place& above, std::size_t child) {
  Place place;
  place.level = node.level - 1;
  place.is_last = above.is_last && child + 1 == node.keys.size();
  place.after = child == 0 ? above.after : std::optional<MapKey>(node.keys[child - 1]);
  place.last = node.keys[child];
  return place;
}

Result<std::optional<Bytes>> MapReader::find(const MapKey& key) const {
  if (!root_) return std::nullopt;
  ipld::Cid at = *root_;
  Place place;
  for (;;) {
    RZ_TRY(const Node found, node(at, place));
    const auto entry = std::lower_bound(found.keys.begin(), found.keys.end(), key);
    if (entry == found.keys.end()) return std::nullopt;
    const auto index = static_cast<std::size_t>(entry - found.keys.begin());
    if (found.level == 0) {
      if (*entry != key) return std::nullopt;
      RZ_TRY(Bytes value, value_of(found, index));
      return value;
    }
    at = found.opened.links[index];
    place = place_of(found, place, index);
  }
}

Status MapReader::for_each(const Visit& visit) const {
  if (!root_) return {};
  RZ_CHECK(walk(*root_, Place{}, visit));
  return {};
}

// Levels fall by one at each step, so the depth is bounded by the root's.
Result<bool> MapReader::walk(const ipld::Cid& cid, const Place& place, const Visit& visit) const {
  RZ_TRY(const Node found, node(cid, place));
  for (std::size_t i = 0; i < found.keys.size(); ++i) {
    if (found.level == 0) {
      RZ_TRY(const Bytes value, value_of(found, i));
      if (!visit(found.keys[i], value)) return false;
      continue;
    }
    RZ_TRY(const bool go_on, walk(found.opened.links[i], place_of(found, place, i), visit));
    if (!go_on) return false;
  }
  return true;
}

Result<Bytes> MapReader::value_of(const Node& node, std::size_t at) const {
  if (node.bytes[at] == 0) return to_bytes(node.values[at]);
  const auto before = std::count_if(node.bytes.begin(), node.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                    [](std::uint64_t bytes) { return bytes > 0; });
  Bytes value;
  RZ_CHECK(read_chunks(node.opened.links[static_cast<std::size_t>(before)], node.bytes[at], std::nullopt, true, value));
  return value;
}

// `bytes`: how many lie below. A list has at least as many bytes as children, so what is visited is bounded by them.
Status MapReader::read_chunks(const ipld::Cid& cid, std::uint64_t bytes, std::optional<unsigned> level, bool is_last,
                              Bytes& into) const {
  RZ_TRY(const Bytes block, source_.get(cid));
  RZ_TRY(const SnapshotKey::Opened opened, key_.open(cid, block));
  ipld::dag_cbor::Reader reader(opened.body);
  RZ_TRY(const std::uint64_t fields, reader.expect_array());
  RZ_TRY(const std::uint64_t kind, reader.expect_uint());
  if (kind == static_cast<std::uint64_t>(BodyKind::chunk) && fields == 2) {
    if (level && *level != 0) return fail(ErrorCode::view_bad_shape, "a chunk where a list of chunks is");
    RZ_TRY(const ByteView chunk, reader.expect_bytes());
    RZ_CHECK(reader.finish());
    if (chunk.size() != bytes || !opened.links.empty())
      return fail(ErrorCode::view_bad_shape, "a chunk of another size");
    if (!key_.is_chunk(chunk, is_last)) return fail(ErrorCode::view_bad_boundary, "a chunk that is cut elsewhere");
    append(into, chunk);
    return {};
  }
  if (kind != static_cast<std::uint64_t>(BodyKind::chunk_list) || fields != 3) {
    return fail(ErrorCode::view_bad_shape, "neither a chunk nor a list of chunks");
  }
  RZ_TRY(const unsigned own_level, read_level(reader));
  if (level && *level != own_level) return fail(ErrorCode::view_bad_shape, "a list of chunks of another level");
  RZ_TRY(const std::uint64_t count, read_count(reader));
  if (count != opened.links.size() || (!level && count < 2)) {
    return fail(ErrorCode::view_bad_shape, "a list of chunks with another number of links than it needs");
  }
  std::uint64_t left = bytes;
  for (std::uint64_t i = 0; i < count; ++i) {
    const ipld::Cid& link = opened.links[static_cast<std::size_t>(i)];
    RZ_TRY(const std::uint64_t below, reader.expect_uint());
    const bool is_end = i + 1 == count;
    if (below == 0 || below > left || (is_end && below != left)) {
      return fail_at(ErrorCode::view_bad_shape, reader.offset(), "a list of chunks whose bytes do not add up");
    }
    left -= below;
    const bool ends = i + 1 == node_items_max || key_.ends_node(BodyKind::chunk_list, own_level, link.bytes());
    if (ends != is_end && !(is_end && is_last)) {
      return fail(ErrorCode::view_bad_boundary, "a list of chunks that ends elsewhere");
    }
    RZ_CHECK(read_chunks(link, below, own_level - 1, is_last && is_end, into));
  }
  return reader.finish();
}

}  // namespace rz::view
