// What every decoder of this room shares: the log's integers, digests and links, on top of the strict DAG-CBOR reader.
// Not for other rooms.
#pragma once

#include <string>
#include <vector>

#include "ipld/dag_cbor.h"
#include "log/ids.h"
#include "log/limits.h"

namespace rz::log::codec {

using Reader = ipld::dag_cbor::Reader;

// A link as every block of ours holds it: tag 42, 37 bytes, the identity multibase, CIDv1, dag-cbor, sha2-256, 32
// bytes.
inline constexpr std::uint8_t link_head[] = {0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x71, 0x12, 0x20};

template <class Tag>
void put_link(Bytes& out, const FixedBytes<Tag, 32>& digest) {
  append(out, link_head);
  append(out, digest.view());
}
template <class Tag, std::size_t N>
void put_fixed(Bytes& out, const FixedBytes<Tag, N>& value) {
  cbor::put_bytes(out, value.view());
}
inline void put_null(Bytes& out) { out.push_back(0xf6); }
inline void put_bool(Bytes& out, bool value) { out.push_back(value ? 0xf5 : 0xf4); }

// Below 2^53. Errors: integer_too_large, and the reader's.
Result<std::uint64_t> read_uint(Reader& reader);
Result<std::uint64_t> read_uint_up_to(Reader& reader, std::uint64_t max, ErrorCode otherwise);

// The digest of a link to a dag-cbor block. Errors: link_not_event, and the reader's.
Status read_link_digest(Reader& reader, MutableByteView digest32);
template <class Tag>
Status read_link(Reader& reader, FixedBytes<Tag, 32>& out) {
  return read_link_digest(reader, out.mutable_view());
}
// True: a null was taken; false: something else comes next.
Result<bool> read_null(Reader& reader);
template <class Tag>
Status read_optional_link(Reader& reader, std::optional<FixedBytes<Tag, 32>>& out) {
  RZ_TRY(const bool none, read_null(reader));
  if (none) {
    out.reset();
    return {};
  }
  out.emplace();
  return read_link(reader, *out);
}

// The head of a list of at most `items_max`. Errors: limit_exceeded, and the reader's.
Result<std::size_t> read_count(Reader& reader, std::size_t items_max);
Result<Bytes> read_bytes(Reader& reader, std::size_t bytes_max);
Result<std::string> read_text(Reader& reader, std::size_t bytes_max);

// A list of links, strictly ascending.
template <class Tag>
Status read_links(Reader& reader, std::vector<FixedBytes<Tag, 32>>& out, std::size_t items_max) {
  RZ_TRY(const std::size_t count, read_count(reader, items_max));
  out.clear();
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    FixedBytes<Tag, 32> id;
    RZ_CHECK(read_link(reader, id));
    if (!out.empty() && !(out.back() < id)) return fail_at(ErrorCode::list_order, at, "links must ascend");
    out.push_back(id);
  }
  return {};
}
template <class Tag>
void put_links(Bytes& out, const std::vector<FixedBytes<Tag, 32>>& links) {
  cbor::put_array(out, links.size());
  for (const auto& link : links) put_link(out, link);
}

// Whether `items` strictly ascend by `key`.
template <class Items, class Key>
bool ascends(const Items& items, Key&& key) {
  for (std::size_t i = 1; i < items.size(); ++i) {
    if (!(key(items[i - 1]) < key(items[i]))) return false;
  }
  return true;
}
template <class Items>
bool ascends(const Items& items) {
  return ascends(items, [](const auto& item) -> const auto& { return item; });
}

}  // namespace rz::log::codec
