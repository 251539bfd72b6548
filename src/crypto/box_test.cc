#include "crypto/box.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sodium.h>

namespace rz::crypto {
namespace {

Secret32 secret_of(std::uint64_t seed) {
  SeededEntropy entropy(seed);
  return Secret32::random(entropy);
}

RC_GTEST_PROP(Box, LibsodiumOpensOurs, (std::uint64_t seed, const Bytes& plaintext)) {
  const BoxKey key = BoxKey::from_seed(secret_of(seed));
  const Bytes sealed = box_seal(key.public_key(), plaintext, secret_of(seed + 1));
  RC_ASSERT(sealed.size() == plaintext.size() + box_overhead_bytes);
  Bytes opened(plaintext.size());
  RC_ASSERT(crypto_box_seal_open(opened.data(), sealed.data(), sealed.size(), key.public_key().bytes.data(),
                                 key.secret_key().expose().data()) == 0);
  RC_ASSERT(opened == plaintext);
}

RC_GTEST_PROP(Box, WeOpenLibsodiums, (std::uint64_t seed, const Bytes& plaintext)) {
  const BoxKey key = BoxKey::from_seed(secret_of(seed));
  Bytes sealed(plaintext.size() + crypto_box_SEALBYTES);
  crypto_box_seal(sealed.data(), plaintext.data(), plaintext.size(), key.public_key().bytes.data());
  const auto opened = box_open(key, sealed);
  RC_ASSERT(opened.has_value());
  RC_ASSERT(*opened == plaintext);
}

TEST(Box, AnyFlippedBitIsRefused) {
  const BoxKey key = BoxKey::from_seed(secret_of(1));
  const Bytes good = box_seal(key.public_key(), as_bytes("a wrapped key"), secret_of(2));
  ASSERT_TRUE(box_open(key, good));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto opened = box_open(key, bad);
    ASSERT_FALSE(opened) << "bit " << bit;
    EXPECT_EQ(opened.error().code, ErrorCode::not_authentic);
  }
}

TEST(Box, EveryTruncationIsRefused) {
  const BoxKey key = BoxKey::from_seed(secret_of(1));
  const Bytes good = box_seal(key.public_key(), as_bytes("a wrapped key"), secret_of(2));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto opened = box_open(key, ByteView(good).first(size));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, size < 48 ? ErrorCode::sealed_too_short : ErrorCode::not_authentic);
  }
}

TEST(Box, AnotherKeyDoesNotOpen) {
  const Bytes sealed = box_seal(BoxKey::from_seed(secret_of(1)).public_key(), as_bytes("text"), secret_of(2));
  EXPECT_EQ(box_open(BoxKey::from_seed(secret_of(3)), sealed).error().code, ErrorCode::not_authentic);
}

TEST(Box, NothingIsSealedToASmallOrderKey) {
  const std::string_view keys[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  };
  for (const auto hex : keys) {
    const auto key = *BoxPublicKey::from(*from_hex(hex));
    EXPECT_FALSE(is_valid(key)) << hex;
    EXPECT_TRUE(box_seal(key, as_bytes("text"), secret_of(2)).empty()) << hex;
  }
  EXPECT_TRUE(is_valid(BoxKey::from_seed(secret_of(1)).public_key()));
}

}  // namespace
}  // namespace rz::crypto
