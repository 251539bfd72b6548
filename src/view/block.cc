#include "view/block.h"

#include <algorithm>

#include "ipld/dag_cbor.h"

namespace rz::view {

namespace {

constexpr std::uint64_t block_version = 1;

void put_links(ipld::dag_cbor::Writer& writer, const std::vector<ipld::Cid>& links) {
  writer.array(links.size());
  for (const ipld::Cid& link : links) writer.link(link);
}

Bytes associated_data(const std::vector<ipld::Cid>& links) {
  Bytes data;
  ipld::dag_cbor::Writer writer(data);
  writer.array(2);
  writer.text("rhizome snapshot block v1");
  put_links(writer, links);
  return data;
}

}  // namespace

Block make_block(Bytes data) {
  ipld::Cid cid = ipld::Cid::of(ipld::Codec::dag_cbor, data);
  return {std::move(cid), std::move(data)};
}

SnapshotKey::SnapshotKey(const crypto::Secret32& snapshot_key, const log::Did& did)
    : siv_(crypto::kdf(snapshot_key, "rhizome snapshot block v1", did.view())),
      node_key_(crypto::kdf(snapshot_key, "rhizome snapshot node v1", did.view())),
      chunk_key_(crypto::kdf(snapshot_key, "rhizome snapshot chunk v1", did.view())) {
  for (std::size_t i = 0; i < gear_.size(); ++i) {
    const Bytes number = {static_cast<std::uint8_t>(i)};
    const crypto::Secret32 drawn = crypto::kdf(chunk_key_, "gear", number);
    for (int at = 0; at < 8; ++at) gear_[i] = gear_[i] << 8 | drawn.expose()[static_cast<std::size_t>(at)];
  }
}

Block SnapshotKey::seal(const std::vector<ipld::Cid>& links, ByteView body) const {
  Bytes data;
  ipld::dag_cbor::Writer writer(data);
  writer.array(3);
  writer.unsigned_integer(block_version);
  put_links(writer, links);
  writer.bytes(siv_.seal(associated_data(links), body));
  return make_block(std::move(data));
}

Result<SnapshotKey::Opened> SnapshotKey::open(const ipld::Cid& cid, ByteView block) const {
  if (block.size() > block_bytes_max) return fail(ErrorCode::limit_exceeded, words(block.size(), " bytes in a block"));
  RZ_CHECK(ipld::verify_block(cid, block));
  ipld::dag_cbor::Reader reader(block);
  RZ_CHECK(reader.expect_array(3));
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != block_version) return fail_at(ErrorCode::view_bad_block, 1, words("version ", version));
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > node_items_max) return fail_at(ErrorCode::limit_exceeded, reader.offset(), words(count, " links"));
  Opened opened;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    RZ_TRY(ipld::Cid link, reader.expect_link());
    if (link.version() != 1 || link.codec() != ipld::Codec::dag_cbor || !link.sha256_digest()) {
      return fail_at(ErrorCode::view_bad_block, at, "a link to something other than a DAG-CBOR block by SHA-256");
    }
    opened.links.push_back(std::move(link));
  }
  RZ_TRY(const ByteView sealed, reader.expect_bytes());
  RZ_CHECK(reader.finish());
  RZ_TRY(opened.body, siv_.open(associated_data(opened.links), sealed));
  return opened;
}

bool SnapshotKey::ends_node(BodyKind kind, unsigned level, ByteView key) const {
  Bytes context = {static_cast<std::uint8_t>(kind), static_cast<std::uint8_t>(level)};
  append(context, key);
  return crypto::kdf(node_key_, "ends", context).expose()[0] < 8;  // 8 of 256.
}

// A cheap keyed look first, at every byte; what passes it (one in 256) is asked of the keyed hash (one in 64).
bool SnapshotKey::ends_chunk(ByteView window) const { return crypto::kdf(chunk_key_, "ends", window).expose()[0] < 4; }

std::size_t SnapshotKey::first_chunk(ByteView bytes) const {
  if (bytes.size() <= chunk_bytes_min) return bytes.size();
  const std::size_t size_max = std::min(bytes.size(), chunk_bytes_max);
  std::uint64_t rolling = 0;
  for (std::size_t i = chunk_bytes_min - chunk_window_bytes; i < chunk_bytes_min; ++i) {
    rolling = (rolling << 1) + gear_[bytes[i]];
  }
  for (std::size_t end = chunk_bytes_min; end < size_max; ++end) {
    if (rolling >> 56 == 0 && ends_chunk(bytes.subspan(end - chunk_window_bytes, chunk_window_bytes))) return end;
    rolling = (rolling << 1) + gear_[bytes[end]];
  }
  return size_max;
}

bool SnapshotKey::is_chunk(ByteView chunk, bool last) const {
  if (chunk.empty() || chunk.size() > chunk_bytes_max) return false;
  if (last) return first_chunk(chunk) == chunk.size();
  if (chunk.size() < chunk_bytes_min) return false;
  // As if one more byte followed: then it must end exactly here.
  Bytes more = to_bytes(chunk);
  more.push_back(0);
  return first_chunk(more) == chunk.size();
}

}  // namespace rz::view
