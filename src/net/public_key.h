// A libp2p public key: its protobuf (libp2p/specs, peer-ids: `Type = 1, Data = 2`, both required, in that order).
//
// Rhizome's own keys are Ed25519. Others are parsed, because other nodes have them; their signatures are checked by the
// host's TLS library.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "crypto/sign.h"

namespace rz::net {

enum class KeyType : std::uint8_t { rsa = 0, ed25519 = 1, secp256k1 = 2, ecdsa = 3 };

// The longest key read, in bytes of its protobuf: an RSA key of 8,192 bits has 1,062.
inline constexpr std::size_t public_key_bytes_max = 2048;

struct PublicKey {
  KeyType type = KeyType::ed25519;
  Bytes data;  // Ed25519: 32 bytes; RSA, ECDSA: a DER SubjectPublicKeyInfo; secp256k1: a compressed point.

  // The key itself, if it is a usable Ed25519 key.
  std::optional<crypto::PublicKey> ed25519() const;
  friend bool operator==(const PublicKey&, const PublicKey&) = default;
};

Bytes encode_public_key(const PublicKey& key);
Bytes encode_public_key(const crypto::PublicKey& key);

// Strict, because the PeerId is a hash of these bytes: both fields once, in order, nothing after them, shortest
// varints. Errors: net_bad_public_key (with the offset; unknown types, wrong lengths too), limit_exceeded.
Result<PublicKey> decode_public_key(ByteView protobuf);

}  // namespace rz::net
