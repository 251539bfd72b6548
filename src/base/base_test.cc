#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/cbor_head.h"
#include "base/fixed_bytes.h"
#include "base/random.h"
#include "base/tick.h"
#include "base/varint.h"

namespace rz {
namespace {

RC_GTEST_PROP(Hex, round_trips, (const Bytes& bytes)) {
  const auto back = from_hex(to_hex(bytes));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == bytes);
}

TEST(Hex, says_where_it_is_wrong) {
  const auto bad = from_hex("00zz");
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code, ErrorCode::bad_hex);
  EXPECT_EQ(bad.error().offset, 2u);
  EXPECT_EQ(bad.error().to_string(), "bad_hex at byte 2: not a hexadecimal digit");
  EXPECT_FALSE(from_hex("abc").has_value());
}

RC_GTEST_PROP(Varint, round_trips, (std::uint64_t value)) {
  value &= (std::uint64_t{1} << 63) - 1;
  Bytes out;
  put_varint(out, value);
  Varint back;
  RC_ASSERT(get_varint(out, back) == VarintState::complete);
  RC_ASSERT(back.value == value);
  RC_ASSERT(back.size_bytes == out.size());
  Varint none;
  RC_ASSERT(get_varint(ByteView(out).first(out.size() - 1), none) == VarintState::truncated);
}

TEST(Varint, refuses_what_is_not_minimal_or_too_long) {
  Varint out;
  EXPECT_EQ(get_varint(Bytes{0x81, 0x00}, out), VarintState::not_minimal);
  EXPECT_EQ(get_varint(Bytes(10, 0xff), out), VarintState::too_long);
  EXPECT_EQ(out.size_bytes, 0u);
}

TEST(CborHead, takes_the_fewest_bytes) {
  const std::pair<std::uint64_t, std::string> cases[] = {{0, "00"},
                                                         {23, "17"},
                                                         {24, "1818"},
                                                         {255, "18ff"},
                                                         {256, "190100"},
                                                         {65536, "1a00010000"},
                                                         {1ull << 32, "1b0000000100000000"}};
  for (const auto& [value, hex] : cases) {
    Bytes out;
    cbor::put_uint(out, value);
    EXPECT_EQ(to_hex(out), hex);
  }
}

TEST(Random, is_the_same_everywhere) {
  Random random(1);
  // Fixed by the algorithm: a change here changes every recorded seed.
  EXPECT_EQ(random.next(), 12966619160104079557ull);
  EXPECT_EQ(random.next(), 9600361134598540522ull);
}

RC_GTEST_PROP(Random, stays_in_range, (std::uint64_t seed, std::uint64_t bound)) {
  RC_PRE(bound > 0);
  Random random(seed);
  for (int i = 0; i < 16; ++i) RC_ASSERT(random.below(bound) < bound);
}

TEST(FixedBytes, refuses_another_length) {
  EXPECT_FALSE(Hash256::from(Bytes(31)).has_value());
  const auto hash = Hash256::from(Bytes(32, 7));
  ASSERT_TRUE(hash.has_value());
  EXPECT_EQ(hash->brief(), "07070707");
  EXPECT_FALSE(hash->is_zero());
}

TEST(Assert, prints_its_operands) { EXPECT_DEATH(RZ_ASSERT_CMP(1, >, 2), "1 > 2 \\(1 against 2\\)"); }

Status checked(bool good) {
  RZ_TRY(const int value, good ? Result<int>(1) : Result<int>(fail(ErrorCode::not_found, "nothing")));
  RZ_CHECK(value == 1 ? Status() : Status(fail(ErrorCode::internal, "")));
  return {};
}

TEST(Result, is_passed_on) {
  EXPECT_TRUE(checked(true).has_value());
  EXPECT_EQ(checked(false).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace rz
