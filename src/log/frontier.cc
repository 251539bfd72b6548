#include "log/frontier.h"

#include "log/codec.h"

namespace rz::log {

Bytes encode_feed_heads(const FeedHeads& heads) {
  Bytes out;
  out.reserve(8 + heads.size() * 96);
  cbor::put_array(out, heads.size());
  for (const FeedHead& head : heads) {
    cbor::put_array(out, 4);
    codec::put_fixed(out, head.feed.author);
    cbor::put_uint(out, head.feed.feed.value);
    cbor::put_uint(out, head.seq.value);
    codec::put_link(out, head.id);
  }
  return out;
}

Result<FeedHeads> decode_feed_heads(ByteView block) {
  codec::Reader reader(block);
  RZ_TRY(const std::size_t count, codec::read_count(reader, feed_heads_max));
  FeedHeads heads;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    FeedHead head;
    RZ_CHECK(reader.expect_array(4));
    RZ_CHECK(reader.expect_fixed(head.feed.author));
    RZ_TRY(head.feed.feed.value, codec::read_uint(reader));
    RZ_TRY(head.seq.value, codec::read_uint(reader));
    RZ_CHECK(codec::read_link(reader, head.id));
    if (!heads.empty() && !(heads.back() < head)) return fail_at(ErrorCode::feed_heads_order, at, "rows must ascend");
    heads.push_back(head);
  }
  RZ_CHECK(reader.finish());
  return heads;
}

}  // namespace rz::log
