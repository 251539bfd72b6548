// How a TLS certificate proves a libp2p key (libp2p/specs, tls: "libp2p Public Key Extension", OID
// 1.3.6.1.4.1.53594.1.1). The certificate's own key is made for the occasion; the extension holds the node's key and
// that key's signature over "libp2p-tls-handshake:" and the certificate's SubjectPublicKeyInfo.
//
// Here are the extension's bytes and their verification; X.509 around them is the host's
// (host/transport/certificate.h).
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "crypto/sign.h"
#include "net/peer_id.h"
#include "net/public_key.h"

namespace rz::net {

inline constexpr std::string_view signed_key_oid = "1.3.6.1.4.1.53594.1.1";

// SEQUENCE { publicKey OCTET STRING, signature OCTET STRING }, DER.
struct SignedKey {
  Bytes public_key;  // The protobuf, kept as it came: the PeerId is its hash.
  Bytes signature;
};

Bytes encode_signed_key(const SignedKey& value);
// Strict DER. Errors: net_bad_signed_key with the offset, limit_exceeded.
Result<SignedKey> decode_signed_key(ByteView der);

// What is signed, for a certificate whose SubjectPublicKeyInfo is `spki` (DER).
Bytes signed_key_message(ByteView spki);

// The extension's bytes for our own certificate.
Bytes make_signed_key(const crypto::SigningKey& key, ByteView spki);

struct ProvenKey {
  PeerId peer;
  PublicKey key;
};

// Checks an extension. Errors: net_bad_signed_key, net_bad_public_key, net_bad_signature; unsupported where the key is
// not Ed25519 (the host then checks `signature` over signed_key_message by other means).
Result<ProvenKey> verify_signed_key(ByteView der, ByteView spki);

}  // namespace rz::net
