// PeerId: the name of a libp2p node, the multihash of its public key's protobuf (libp2p/specs, peer-ids).
//
// A key whose protobuf is at most 42 bytes (Ed25519: 36) stands in its own name by the identity multihash, "12D3Koo…";
// a longer one (RSA) by its sha2-256, "Qm…". Text is base58btc of the multihash, or a CIDv1 with codec libp2p-key
// ("k51…", "bafz…"); both are read, the first is written.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/sign.h"

namespace rz::net {

class PeerId {
 public:
  // A default PeerId names nobody: equal only to itself.
  PeerId() = default;

  static PeerId from_key(const crypto::PublicKey& key);
  // From a key's protobuf (public_key.h), whatever its type.
  static PeerId from_key_protobuf(ByteView protobuf);
  // From a multihash: identity of at most 42 bytes, or sha2-256. Errors: net_bad_peer_id.
  static Result<PeerId> from_multihash(ByteView multihash);
  // From text in either form. Errors: net_bad_peer_id.
  static Result<PeerId> from_text(std::string_view text);

  ByteView multihash() const { return multihash_; }
  std::string to_text() const;  // Base58btc: "12D3Koo…".
  std::string to_cid() const;   // CIDv1 in base36: "k51…".
  // The Ed25519 key that is its own name, if it is one.
  std::optional<crypto::PublicKey> key() const;
  bool is_empty() const { return multihash_.empty(); }

  friend bool operator==(const PeerId& a, const PeerId& b) { return a.multihash_ == b.multihash_; }
  friend std::strong_ordering operator<=>(const PeerId& a, const PeerId& b) {
    return compare(a.multihash_, b.multihash_) <=> 0;
  }

 private:
  Bytes multihash_;
};

}  // namespace rz::net
