#include "ipld/dag_cbor.h"
#include "view/prolly.h"

namespace rz::view {

namespace {

ipld::dag_cbor::Writer begin_body(Bytes& body, BodyKind kind, std::uint64_t fields) {
  ipld::dag_cbor::Writer writer(body);
  writer.array(1 + fields);
  writer.unsigned_integer(static_cast<std::uint64_t>(kind));
  return writer;
}

ipld::Cid put(std::deque<Block>& out, Block block) {
  out.push_back(std::move(block));
  return out.back().cid;
}

}  // namespace

Result<ipld::Cid> put_chunks(const SnapshotKey& key, ByteView bytes, std::deque<Block>& out) {
  if (bytes.size() > value_bytes_max) return fail(ErrorCode::limit_exceeded, words(bytes.size(), " bytes in a value"));
  Levels<ChunkItem> lists(
      1, true,
      [&key](unsigned level, const ChunkItem& item) {
        return key.ends_node(BodyKind::chunk_list, level, item.cid.bytes());
      },
      [&](unsigned level, const std::vector<ChunkItem>& items) {
        Bytes body;
        auto writer = begin_body(body, BodyKind::chunk_list, 2);
        writer.unsigned_integer(level);
        writer.array(items.size());
        std::vector<ipld::Cid> links;
        std::uint64_t sum = 0;
        for (const ChunkItem& item : items) {
          writer.unsigned_integer(item.bytes);
          links.push_back(item.cid);
          sum += item.bytes;
        }
        return ChunkItem{put(out, key.seal(links, body)), sum};
      });
  while (!bytes.empty()) {
    const ByteView chunk = bytes.first(key.first_chunk(bytes));
    bytes = bytes.subspan(chunk.size());
    Bytes body;
    begin_body(body, BodyKind::chunk, 1).bytes(chunk);
    RZ_CHECK(lists.add({put(out, key.seal({}, body)), chunk.size()}));
  }
  RZ_TRY(auto root, lists.finish());
  return std::move(root->cid);
}

MapBuilder::MapBuilder(const SnapshotKey& key, std::deque<Block>& out)
    : snapshot_key_(key),
      out_(out),
      levels_(
          0, false,
          [this](unsigned level, const Item& item) {
            return snapshot_key_.ends_node(level == 0 ? BodyKind::leaf : BodyKind::inner, level, item.key.view());
          },
          [this](unsigned level, std::vector<Item> items) { return close(level, std::move(items)); }) {}

MapBuilder::Item MapBuilder::close(unsigned level, std::vector<Item> items) {
  Bytes body;
  auto writer = begin_body(body, level == 0 ? BodyKind::leaf : BodyKind::inner, level == 0 ? 1 : 2);
  if (level > 0) writer.unsigned_integer(level);
  writer.array(items.size());
  std::vector<ipld::Cid> links;
  for (const Item& item : items) {
    if (!item.link.is_empty()) links.push_back(item.link);
    if (level > 0) {
      writer.bytes(item.key.view());
      continue;
    }
    writer.array(2);
    writer.bytes(item.key.view());
    if (item.link.is_empty()) {
      writer.bytes(item.value);
    } else {
      writer.unsigned_integer(item.bytes);
    }
  }
  return Item{items.back().key, {}, 0, put(out_, snapshot_key_.seal(links, body))};
}

Status MapBuilder::add(const MapKey& key, ByteView value) {
  if (last_ && *last_ >= key) return fail(ErrorCode::view_bad_order, "keys come in ascending order, each once");
  last_ = key;
  ++size_;
  if (value.size() <= inline_bytes_max) return levels_.add({key, to_bytes(value), 0, {}});
  RZ_TRY(ipld::Cid link, put_chunks(snapshot_key_, value, out_));
  return levels_.add({key, {}, value.size(), std::move(link)});
}

Result<std::optional<ipld::Cid>> MapBuilder::finish() {
  RZ_TRY(auto root, levels_.finish());
  if (!root) return std::nullopt;
  return std::move(root->link);
}

}  // namespace rz::view
