#include "store/checked.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rz::store {
namespace {

RC_GTEST_PROP(CheckedRecord, DecodesToTheValue, (const Bytes& key, const Bytes& value)) {
  const auto record = encode_record(key, value);
  RC_ASSERT(record.size() == checksum_bytes + value.size());
  const auto decoded = decode_record(key, record);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(equal(*decoded, value));
}

TEST(CheckedRecord, AnyFlippedBitIsNoticedAndNamed) {
  const Bytes key = to_bytes("k1");
  const auto good = encode_record(key, as_bytes("value"));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto decoded = decode_record(key, bad);
    ASSERT_FALSE(decoded) << "bit " << bit;
    EXPECT_EQ(decoded.error().code, ErrorCode::damaged_record);
    EXPECT_NE(decoded.error().message.find("6b31"), std::string::npos) << decoded.error().message;
  }
}

TEST(CheckedRecord, EveryTruncationIsNoticed) {
  const auto good = encode_record(as_bytes("key"), as_bytes("value"));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(decode_record(as_bytes("key"), ByteView(good).first(size)).error().code, ErrorCode::damaged_record);
  }
}

RC_GTEST_PROP(CheckedRecord, BelongsToItsKey, (const Bytes& key, const Bytes& other, const Bytes& value)) {
  RC_PRE(key != other);
  RC_ASSERT(!decode_record(other, encode_record(key, value)));
}

// The same bytes split elsewhere between key and value are another record.
TEST(CheckedRecord, NoByteMovesBetweenKeyAndValue) {
  const auto record = encode_record(as_bytes("ab"), as_bytes("c"));
  Bytes moved(record.begin(), record.begin() + checksum_bytes);
  append(moved, as_bytes("bc"));
  EXPECT_FALSE(decode_record(as_bytes("a"), moved));
}

// Vector of docs/formats/store.md.
TEST(CheckedRecord, Vector) {
  EXPECT_EQ(to_hex(encode_record(as_bytes("key"), as_bytes("value"))), "8ec18d0959a497784a7c0402c6021c3776616c7565");
}

}  // namespace
}  // namespace rz::store
