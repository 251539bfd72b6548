#include "crypto/secret.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/cbor_head.h"
#include "crypto/sha256.h"

namespace rz::crypto {
namespace {

Secret32 secret_of(std::uint8_t byte) { return *Secret32::from(Bytes(32, byte)); }

static_assert(!std::is_copy_constructible_v<Secret32> && !std::is_copy_assignable_v<Secret32>);

TEST(Secret, OnlyThirtyTwoBytes) {
  EXPECT_EQ(Secret32::from(Bytes(31)).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(Secret32::from(Bytes(33)).error().code, ErrorCode::bad_argument);
  EXPECT_TRUE(equal(secret_of(7).expose(), Bytes(32, 7)));
}

TEST(Secret, MovedFromIsZero) {
  Secret32 first = secret_of(7);
  const Secret32 second = std::move(first);
  EXPECT_TRUE(equal(first.expose(), Bytes(32, 0)));  // NOLINT(bugprone-use-after-move): that is the promise.
  Secret32 third = secret_of(8);
  Secret32 fourth = secret_of(9);
  fourth = std::move(third);
  EXPECT_TRUE(equal(third.expose(), Bytes(32, 0)));  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(fourth.equals(secret_of(8)));
  EXPECT_TRUE(second.equals(secret_of(7)));
}

TEST(Secret, DestroyedIsZero) {
  alignas(Secret32) unsigned char place[sizeof(Secret32)];
  auto* secret = new (place) Secret32(secret_of(7));
  EXPECT_EQ(place[0], 7);
  secret->~Secret32();
  const volatile unsigned char* seen = place;
  for (std::size_t i = 0; i < sizeof place; ++i) EXPECT_EQ(seen[i], 0);
}

TEST(Secret, CloneIsEqualAndApart) {
  Secret32 first = secret_of(7);
  const Secret32 copy = first.clone();
  first = secret_of(8);
  EXPECT_TRUE(copy.equals(secret_of(7)));
  EXPECT_FALSE(copy.equals(first));
}

TEST(Kdf, IsKeyedBlake2bOverPurposeAndContext) {
  Bytes message;
  cbor::put_array(message, 2);
  cbor::put_text(message, "purpose");
  cbor::put_bytes(message, as_bytes("context"));
  const Secret32 key = secret_of(7);
  EXPECT_TRUE(equal(kdf(key, "purpose", as_bytes("context")).expose(), blake2b(message, 32, key.expose())));
}

// No byte can move between purpose and context: every split of one text gives another key.
RC_GTEST_PROP(Kdf, EverySplitDiffers, (const std::string& text)) {
  std::set<Bytes> keys;
  const Secret32 key = secret_of(1);
  for (std::size_t split = 0; split <= text.size(); ++split) {
    const auto derived =
        kdf(key, std::string_view(text).substr(0, split), as_bytes(std::string_view(text).substr(split)));
    RC_ASSERT(keys.insert(to_bytes(derived.expose())).second);
  }
}

TEST(Kdf, KeyMatters) { EXPECT_FALSE(kdf(secret_of(1), "p", {}).equals(kdf(secret_of(2), "p", {}))); }

TEST(EqualConstantTime, Equals) {
  EXPECT_TRUE(equal_constant_time({}, {}));
  EXPECT_TRUE(equal_constant_time(as_bytes("ab"), as_bytes("ab")));
  EXPECT_FALSE(equal_constant_time(as_bytes("ab"), as_bytes("ac")));
  EXPECT_FALSE(equal_constant_time(as_bytes("ab"), as_bytes("abc")));
}

TEST(SeededEntropy, EqualSeedsEqualBytes) {
  SeededEntropy first(1);
  SeededEntropy second(1);
  SeededEntropy third(2);
  const Secret32 secret = Secret32::random(first);
  EXPECT_TRUE(secret.equals(Secret32::random(second)));
  EXPECT_FALSE(secret.equals(Secret32::random(third)));
  EXPECT_FALSE(secret.equals(Secret32::random(first)));  // It goes on, it does not repeat.
}

}  // namespace
}  // namespace rz::crypto
