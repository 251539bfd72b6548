#include "raft/wire/snapshot_transfer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace rz::raft {
namespace {

Bytes content_of(std::size_t size) {
  Bytes content(size);
  for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
  return content;
}

RC_GTEST_PROP(SnapshotTransfer, AnyOrderFromAnybodyGivesTheContent, ()) {
  const auto source = SnapshotSource::of(content_of(*rc::gen::inRange<std::size_t>(0, 5 * chunk_bytes)));
  SnapshotFetch fetch(source->name());
  RC_ASSERT(fetch.missing(9) == std::vector<std::uint64_t>{0});
  RC_ASSERT(fetch.take(0, *source->part(0)).has_value());
  while (!fetch.is_complete()) {
    const auto missing = fetch.missing(100);
    const std::uint64_t part = missing[*rc::gen::inRange<std::size_t>(0, missing.size())];
    RC_ASSERT(fetch.take(part, *source->part(part)).has_value());
    RC_ASSERT(fetch.take(part, *source->part(part)).has_value());
  }
  RC_ASSERT(fetch.take_content() == source->content());
}

TEST(SnapshotTransfer, OtherBytesAreRefusedAndAskedForAgain) {
  const auto source = SnapshotSource::of(content_of(3 * chunk_bytes));
  const auto other = SnapshotSource::of(content_of(2 * chunk_bytes));
  SnapshotFetch fetch(source->name());
  EXPECT_EQ(fetch.take(0, *other->part(0)).error().code, ErrorCode::raft_wrong_content);
  EXPECT_EQ(fetch.take(1, *source->part(1)).error().code, ErrorCode::raft_wrong_content) << "before the manifest";
  ASSERT_TRUE(fetch.take(0, *source->part(0)).has_value());
  EXPECT_EQ(fetch.take(1, *source->part(2)).error().code, ErrorCode::raft_wrong_content);
  EXPECT_EQ(fetch.take(4, {}).error().code, ErrorCode::raft_wrong_content);
  EXPECT_EQ(fetch.missing(9), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_FALSE(source->part(4).has_value());
}

TEST(SnapshotTransfer, RequestsComeBackTheSame) {
  PartRequest request;
  request.content.bytes.fill(9);
  request.part = 300;
  const Bytes bytes = encode(request);
  const auto decoded = decode_part_request(bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->part, 300u);
  EXPECT_EQ(decoded->content, request.content);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_part_request(ByteView(bytes).first(size)).has_value());
  }
}

TEST(SnapshotTransfer, TooLargeIsRefused) {
  EXPECT_EQ(SnapshotSource::of(Bytes(snapshot_bytes_max + 1)).error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace rz::raft
