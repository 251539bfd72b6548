#include "net/peer_id.h"

#include "base/assert.h"
#include "ipld/cid.h"
#include "ipld/multibase.h"
#include "ipld/multihash.h"
#include "net/public_key.h"

namespace rz::net {

namespace {

constexpr std::size_t inlined_key_bytes_max = 42;
constexpr std::size_t peer_id_text_bytes_max = 512;

}  // namespace

PeerId PeerId::from_key(const crypto::PublicKey& key) { return from_key_protobuf(encode_public_key(key)); }

PeerId PeerId::from_key_protobuf(ByteView protobuf) {
  const auto code = protobuf.size() <= inlined_key_bytes_max ? ipld::HashCode::identity : ipld::HashCode::sha2_256;
  auto multihash = ipld::multihash_of(code, protobuf);
  RZ_ASSERT(multihash.has_value());
  PeerId peer;
  peer.multihash_ = *std::move(multihash);
  return peer;
}

Result<PeerId> PeerId::from_multihash(ByteView multihash) {
  const auto hash = ipld::decode_multihash(multihash);
  if (!hash) return fail_at(ErrorCode::net_bad_peer_id, hash.error().offset, hash.error().message);
  if (hash->code == ipld::HashCode::identity) {
    if (hash->digest.size() > inlined_key_bytes_max) {
      return fail(ErrorCode::net_bad_peer_id, words("a key of ", hash->digest.size(), " bytes stands in its own name"));
    }
    if (const auto key = decode_public_key(hash->digest); !key) {
      return fail_at(ErrorCode::net_bad_peer_id, key.error().offset, key.error().message);
    }
  } else if (hash->code != ipld::HashCode::sha2_256 || hash->digest.size() != Hash256::size_bytes) {
    return fail(ErrorCode::net_bad_peer_id,
                words("hashed by ", ipld::text_of(hash->code), " in ", hash->digest.size(), " bytes"));
  }
  PeerId peer;
  peer.multihash_ = to_bytes(multihash);
  return peer;
}

Result<PeerId> PeerId::from_text(std::string_view text) {
  if (text.size() > peer_id_text_bytes_max) return fail(ErrorCode::net_bad_peer_id, "too long for a peer id");
  if (text.starts_with("1") || text.starts_with("Qm")) {
    const auto multihash = ipld::base_decode(ipld::Multibase::base58_btc, text);
    if (!multihash) return fail_at(ErrorCode::net_bad_peer_id, multihash.error().offset, multihash.error().message);
    return from_multihash(*multihash);
  }
  const auto cid = ipld::Cid::parse(text);
  if (!cid) return fail_at(ErrorCode::net_bad_peer_id, cid.error().offset, cid.error().message);
  if (cid->version() != 1 || cid->codec() != ipld::Codec::libp2p_key) {
    return fail(ErrorCode::net_bad_peer_id, "a CID, but of something else than a libp2p key");
  }
  Bytes multihash;
  ipld::put_multihash(multihash, cid->multihash());
  return from_multihash(multihash);
}

std::string PeerId::to_text() const {
  const auto text = ipld::base_encode(ipld::Multibase::base58_btc, multihash_);
  RZ_ASSERT(text.has_value());
  return *text;
}

std::string PeerId::to_cid() const {
  if (is_empty()) return {};
  const auto hash = ipld::decode_multihash(multihash_);
  RZ_ASSERT(hash.has_value());
  const auto text = ipld::Cid::v1(ipld::Codec::libp2p_key, *hash).to_string(ipld::Multibase::base36);
  RZ_ASSERT(text.has_value());
  return *text;
}

std::optional<crypto::PublicKey> PeerId::key() const {
  if (is_empty()) return std::nullopt;
  const auto hash = ipld::decode_multihash(multihash_);
  if (!hash || hash->code != ipld::HashCode::identity) return std::nullopt;
  const auto key = decode_public_key(hash->digest);
  return key ? key->ed25519() : std::nullopt;
}

}  // namespace rz::net
