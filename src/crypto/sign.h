// Ed25519 signatures (RFC 8032), each under a domain, so that a signature made for one purpose never serves another:
// what is signed is domain || 0x00 || message. A domain never holds a NUL.
//
// Verification is libsodium's: it refuses non-canonical and small-order keys, small-order R and non-canonical S, so a
// signature can't be made to fit a second message or key, and no third party can alter one that verifies.
#pragma once

#include <string_view>

#include "base/fixed_bytes.h"
#include "crypto/secret.h"

namespace rz::crypto {

struct PublicKeyTag;
using PublicKey = FixedBytes<PublicKeyTag, 32>;

struct SignatureTag;
using Signature = FixedBytes<SignatureTag, 64>;

class SigningKey {
 public:
  // The seed is the RFC's private key. Equal seeds, equal keys.
  static SigningKey from_seed(const Secret32& seed);

  SigningKey(SigningKey&& other) noexcept = default;
  SigningKey& operator=(SigningKey&& other) noexcept = default;

  SigningKey clone() const;
  const PublicKey& public_key() const { return public_key_; }
  const Secret32& seed() const { return seed_; }

  // Deterministic, as the RFC says: equal messages, equal signatures.
  Signature sign(std::string_view domain, ByteView message) const;

  // Without a domain: only where another specification says what is signed (libp2p, DID).
  Signature sign_raw(ByteView message) const;

 private:
  SigningKey(Secret32 seed, const PublicKey& public_key) : seed_(std::move(seed)), public_key_(public_key) {}
  Secret32 seed_;
  PublicKey public_key_;
};

bool verify(const PublicKey& key, std::string_view domain, ByteView message, const Signature& signature);
bool verify_raw(const PublicKey& key, ByteView message, const Signature& signature);

// Whether `key` is the canonical encoding of a point of the prime-order group: check before keeping a key.
bool is_valid(const PublicKey& key);

}  // namespace rz::crypto
