#include "identity/keys.h"

#include <array>

#include "ipld/multibase.h"

namespace rz::identity {

namespace {

crypto::SigningKey signing_key_of(const crypto::Secret32& secret) {
  return crypto::SigningKey::from_seed(crypto::kdf(secret, "rhizome device signing key", {}));
}

crypto::BoxKey box_key_of(const crypto::Secret32& secret) {
  return crypto::BoxKey::from_seed(crypto::kdf(secret, "rhizome device box key", {}));
}

}  // namespace

DeviceKeys::DeviceKeys(crypto::Secret32 secret)
    : secret_(std::move(secret)), signing_key_(signing_key_of(secret_)), box_key_(box_key_of(secret_)) {}

DeviceKeys DeviceKeys::random(crypto::Entropy& entropy) { return DeviceKeys(crypto::Secret32::random(entropy)); }

crypto::SigningKey DeviceKeys::author_key(const log::StreamId& stream) const {
  return crypto::SigningKey::from_seed(crypto::kdf(secret_, "rhizome author key", stream.view()));
}

Bytes peer_id_bytes(const crypto::PublicKey& key) {
  // Multihash identity, 36 bytes: protobuf {1: Ed25519 (1), 2: the key, 32 bytes}.
  constexpr std::array<std::uint8_t, 6> head = {0x00, 0x24, 0x08, 0x01, 0x12, 0x20};
  Bytes bytes(head.begin(), head.end());
  append(bytes, key.view());
  return bytes;
}

std::string peer_id_text(const crypto::PublicKey& key) {
  auto text = ipld::base_encode(ipld::Multibase::base58_btc, peer_id_bytes(key));
  RZ_ASSERT(text.has_value());  // 38 bytes are far below any limit.
  return *std::move(text);
}

}  // namespace rz::identity
