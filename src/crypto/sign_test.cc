#include "crypto/sign.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sodium.h>

#include "crypto/initialise.h"

namespace rz::crypto {
namespace {

Secret32 secret_of(std::string_view hex) { return *Secret32::from(*from_hex(hex)); }
SigningKey key_of(std::uint64_t seed) {
  SeededEntropy entropy(seed);
  return SigningKey::from_seed(Secret32::random(entropy));
}

TEST(Initialise, MayBeCalledTwice) {
  EXPECT_TRUE(initialise());
  EXPECT_TRUE(initialise());
}

TEST(Sign, VectorsOfRfc8032) {
  struct Vector {
    std::string_view seed, public_key, message, signature;
  };
  const Vector vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2"
       "4"
       "655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302ae"
       "e"
       "b00d291612bb0c00"},
  };
  for (const auto& vector : vectors) {
    const auto key = SigningKey::from_seed(secret_of(vector.seed));
    EXPECT_EQ(key.public_key().hex(), vector.public_key);
    const Bytes message = *from_hex(vector.message);
    EXPECT_EQ(key.sign_raw(message).hex(), vector.signature);
    EXPECT_TRUE(verify_raw(key.public_key(), message, key.sign_raw(message)));
  }
}

RC_GTEST_PROP(Sign, OnlyTheSameDomainAndMessageVerify, (std::uint64_t seed, const Bytes& message)) {
  const auto key = key_of(seed);
  const Signature signature = key.sign("one", message);
  RC_ASSERT(verify(key.public_key(), "one", message, signature));
  RC_ASSERT(!verify(key.public_key(), "two", message, signature));
  RC_ASSERT(!verify(key.public_key(), "on", message, signature));
  RC_ASSERT(!verify_raw(key.public_key(), message, signature));
  Bytes longer = message;
  longer.push_back(0);
  RC_ASSERT(!verify(key.public_key(), "one", longer, signature));
  RC_ASSERT(!verify(key_of(seed + 1).public_key(), "one", message, signature));
}

RC_GTEST_PROP(Sign, DomainIsBeforeANul, (const Bytes& message)) {
  const auto key = key_of(1);
  Bytes whole = to_bytes("domain");
  whole.push_back(0);
  append(whole, message);
  RC_ASSERT(verify_raw(key.public_key(), whole, key.sign("domain", message)));
}

TEST(Sign, AnyFlippedBitIsRefused) {
  const auto key = key_of(2);
  const Bytes message = to_bytes("message");
  const Signature good = key.sign("domain", message);
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Signature bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(verify(key.public_key(), "domain", message, bad)) << "bit " << bit;
  }
}

// S and S + L (the group's order) satisfy the same equation: taking both would let anyone alter a signature.
TEST(Sign, NonCanonicalScalarIsRefused) {
  const auto key = key_of(3);
  Signature signature = key.sign("domain", as_bytes("message"));
  const Bytes order = *from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += unsigned{signature.bytes[32 + i]} + order[i];
    signature.bytes[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(verify(key.public_key(), "domain", as_bytes("message"), signature));
}

TEST(Sign, SmallOrderAndNonCanonicalKeysAreRefused) {
  const std::string_view keys[] = {
      "0100000000000000000000000000000000000000000000000000000000000000",  // The neutral element.
      "0000000000000000000000000000000000000000000000000000000000000000",  // Order 4.
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // Order 2.
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  // Order 8.
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  // Order 8.
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p + 1: 1, not canonical.
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p: 0, not canonical.
      "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p + 3: 3, not canonical.
      "0200000000000000000000000000000000000000000000000000000000000000",  // Not on the curve.
  };
  // With a key of small order, R = neutral and S = 0 would be a signature on every message in eight (or all).
  Signature forged;
  forged.bytes[0] = 1;
  for (const auto hex : keys) {
    const auto key = *PublicKey::from(*from_hex(hex));
    EXPECT_FALSE(is_valid(key)) << hex;
    for (int i = 0; i < 16; ++i) EXPECT_FALSE(verify_raw(key, to_bytes(std::to_string(i)), forged)) << hex;
  }
  EXPECT_TRUE(is_valid(key_of(4).public_key()));
}

TEST(Sign, CloneIsTheSameKey) {
  const auto key = key_of(5);
  EXPECT_EQ(key.clone().sign("d", as_bytes("m")), key.sign("d", as_bytes("m")));
}

TEST(SignDeathTest, DomainsHoldNoNul) {
  EXPECT_DEATH((void)key_of(6).sign(std::string_view("a\0b", 3), as_bytes("m")), "requirement");
}

}  // namespace
}  // namespace rz::crypto
