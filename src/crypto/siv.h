// Deterministic, key-committing encryption of bodies (docs/formats/sealed-body.md): the SIV composition (Rogaway and
// Shrimpton 2006) of keyed BLAKE2b-192 over (associated data, plaintext) and XChaCha20 with that tag as its nonce.
//
// Equal inputs give equal bytes, so a holder of the key rebuilds ciphertext and CIDs, and no nonce can ever be reused
// by mistake: not from a restored backup, not from a copied machine. What it reveals: that two plaintexts under the
// same key and associated data are equal. Bodies have a header of their own as associated data, so that never happens.
#pragma once

#include "crypto/secret.h"

namespace rz::crypto {

inline constexpr std::size_t siv_overhead_bytes = 24;  // The tag, in front of the ciphertext.

// The two keys that one body key stands for: derive once, use for many bodies.
class SivKey {
 public:
  explicit SivKey(const Secret32& key);

  // siv_overhead_bytes longer than `plaintext`.
  Bytes seal(ByteView associated_data, ByteView plaintext) const;

  // Errors: sealed_too_short, not_authentic (wrong key, wrong associated data, or altered).
  Result<Bytes> open(ByteView associated_data, ByteView sealed) const;

 private:
  Secret32 mac_key_;
  Secret32 cipher_key_;
};

// The same for a single body.
Bytes siv_seal(const Secret32& key, ByteView associated_data, ByteView plaintext);
Result<Bytes> siv_open(const Secret32& key, ByteView associated_data, ByteView sealed);

}  // namespace rz::crypto
