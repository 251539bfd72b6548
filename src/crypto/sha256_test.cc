#include "crypto/sha256.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sodium.h>

namespace rz::crypto {
namespace {

TEST(Sha256, VectorsOfFips180) {
  EXPECT_EQ(sha256(as_bytes("")).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(as_bytes("abc")).hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

RC_GTEST_PROP(Sha256, AgreesWithLibsodium, (const Bytes& message)) {
  Hash256 expected;
  crypto_hash_sha256(expected.bytes.data(), message.data(), message.size());
  RC_ASSERT(sha256(message) == expected);
}

RC_GTEST_PROP(Sha256, PartsAreTheirConcatenation, (const std::vector<Bytes>& parts)) {
  Sha256 hash;
  Bytes whole;
  for (const auto& part : parts) {
    hash.update(part);
    append(whole, part);
  }
  RC_ASSERT(hash.finish() == sha256(whole));
  RC_ASSERT(hash.finish() == sha256(ByteView{}));  // It began anew.
  if (parts.size() >= 2) {
    Bytes two = parts[0];
    append(two, parts[1]);
    RC_ASSERT(sha256({parts[0], parts[1]}) == sha256(two));
  }
}

TEST(Sha512, VectorOfFips180) {
  EXPECT_EQ(to_hex(sha512(as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Blake2b, VectorOfRfc7693) {
  EXPECT_EQ(to_hex(blake2b(as_bytes("abc"), 64)),
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
            "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

TEST(Blake2b, KeyAndLengthAreSeparate) {
  const Bytes key(32, 7);
  EXPECT_EQ(blake2b(as_bytes("abc"), 24, key).size(), 24u);
  EXPECT_NE(blake2b(as_bytes("abc"), 32, key), blake2b(as_bytes("abc"), 32));
  // A shorter digest is no prefix of a longer one.
  EXPECT_FALSE(equal(blake2b(as_bytes("abc"), 24), ByteView(blake2b(as_bytes("abc"), 32)).first(24)));
}

TEST(HmacSha256, VectorsOfRfc4231) {
  EXPECT_EQ(hmac_sha256(Bytes(20, 0x0b), as_bytes("Hi There")).hex(),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")).hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // A key longer than a block is hashed first.
  EXPECT_EQ(hmac_sha256(Bytes(131, 0xaa), as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")).hex(),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace rz::crypto
