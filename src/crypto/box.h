// Sealed boxes to an X25519 key, byte-compatible with libsodium's crypto_box_seal (X25519, XSalsa20-Poly1305, the nonce
// BLAKE2b-192 of both public keys): how a key is wrapped for a device. Only the holder of the key opens one; the sender
// stays anonymous. The ephemeral key is handed in, because the core draws nothing.
#pragma once

#include "base/fixed_bytes.h"
#include "crypto/secret.h"

namespace rz::crypto {

struct BoxPublicKeyTag;
using BoxPublicKey = FixedBytes<BoxPublicKeyTag, 32>;

inline constexpr std::size_t box_overhead_bytes = 48;  // The ephemeral public key and Poly1305's tag.

class BoxKey {
 public:
  // As libsodium's crypto_box_seed_keypair. Equal seeds, equal keys.
  static BoxKey from_seed(const Secret32& seed);

  BoxKey(BoxKey&& other) noexcept = default;
  BoxKey& operator=(BoxKey&& other) noexcept = default;

  BoxKey clone() const;
  const BoxPublicKey& public_key() const { return public_key_; }
  // The X25519 scalar.
  const Secret32& secret_key() const { return secret_; }

 private:
  BoxKey(Secret32 secret, const BoxPublicKey& public_key) : secret_(std::move(secret)), public_key_(public_key) {}
  Secret32 secret_;
  BoxPublicKey public_key_;
};

// False for a key of small order, to which nothing can be sealed: check before keeping a key.
bool is_valid(const BoxPublicKey& key);

// `plaintext` sealed to `to`: box_overhead_bytes longer. `ephemeral_seed` is drawn afresh for each box and never kept.
// Empty, which no box is, if `to` is not valid.
Bytes box_seal(const BoxPublicKey& to, ByteView plaintext, const Secret32& ephemeral_seed);

// Errors: sealed_too_short, not_authentic.
Result<Bytes> box_open(const BoxKey& key, ByteView sealed);

}  // namespace rz::crypto
