// A device's keys: everything a device signs or opens with, from one secret of 32 bytes that never leaves it.
//
//   signing key   author in stream zero and in the pod's own streams; also the libp2p identity, so the PeerId names it
//   box key       epoch keys are wrapped for it
//   author keys   one for each stream of another pod, so that strangers can't tell that two authors are one device
#pragma once

#include <string>

#include "crypto/box.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "log/ids.h"

namespace rz::identity {

class DeviceKeys {
 public:
  explicit DeviceKeys(crypto::Secret32 secret);
  static DeviceKeys random(crypto::Entropy& entropy);

  // What is stored, with mode 0600, and nothing else.
  const crypto::Secret32& secret() const { return secret_; }
  const crypto::SigningKey& signing_key() const { return signing_key_; }
  const crypto::BoxKey& box_key() const { return box_key_; }
  const crypto::PublicKey& public_key() const { return signing_key_.public_key(); }

  // The author key in a stream of another pod. Equal streams, equal keys.
  crypto::SigningKey author_key(const log::StreamId& stream) const;

 private:
  crypto::Secret32 secret_;
  crypto::SigningKey signing_key_;
  crypto::BoxKey box_key_;
};

// The libp2p PeerId of an Ed25519 key: its multihash (identity, of the protobuf-encoded key; 38 bytes) and its text in
// base58btc, "12D3KooW…" (libp2p specs, peer-ids).
Bytes peer_id_bytes(const crypto::PublicKey& key);
std::string peer_id_text(const crypto::PublicKey& key);

}  // namespace rz::identity
