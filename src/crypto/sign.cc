#include "crypto/sign.h"

#include <sodium.h>

#include "base/assert.h"

namespace rz::crypto {
namespace {

Bytes under_domain(std::string_view domain, ByteView message) {
  RZ_REQUIRE(!domain.empty() && domain.find('\0') == std::string_view::npos);
  Bytes whole;
  whole.reserve(domain.size() + 1 + message.size());
  append(whole, as_bytes(domain));
  whole.push_back(0);
  append(whole, message);
  return whole;
}

}  // namespace

SigningKey SigningKey::from_seed(const Secret32& seed) {
  PublicKey public_key;
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> expanded;
  crypto_sign_seed_keypair(public_key.bytes.data(), expanded.data(), seed.expose().data());
  wipe(expanded);
  return {seed.clone(), public_key};
}

SigningKey SigningKey::clone() const { return {seed_.clone(), public_key_}; }

Signature SigningKey::sign(std::string_view domain, ByteView message) const {
  return sign_raw(under_domain(domain, message));
}

Signature SigningKey::sign_raw(ByteView message) const {
  // libsodium's secret key is the seed, then the public key.
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> expanded;
  std::copy(seed_.expose().begin(), seed_.expose().end(), expanded.begin());
  std::copy(public_key_.bytes.begin(), public_key_.bytes.end(), expanded.begin() + 32);
  Signature signature;
  crypto_sign_detached(signature.bytes.data(), nullptr, message.data(), message.size(), expanded.data());
  wipe(expanded);
  return signature;
}

bool verify(const PublicKey& key, std::string_view domain, ByteView message, const Signature& signature) {
  return verify_raw(key, under_domain(domain, message), signature);
}

bool verify_raw(const PublicKey& key, ByteView message, const Signature& signature) {
  return crypto_sign_verify_detached(signature.bytes.data(), message.data(), message.size(), key.bytes.data()) == 0;
}

bool is_valid(const PublicKey& key) { return crypto_core_ed25519_is_valid_point(key.bytes.data()) == 1; }

}  // namespace rz::crypto
