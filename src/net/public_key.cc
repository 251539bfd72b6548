#include "net/public_key.h"

#include <algorithm>

#include "net/protobuf.h"

namespace rz::net {

namespace {

constexpr std::uint32_t type_field = 1;
constexpr std::uint32_t data_field = 2;

}  // namespace

std::optional<crypto::PublicKey> PublicKey::ed25519() const {
  if (type != KeyType::ed25519) return std::nullopt;
  const auto key = crypto::PublicKey::from(data);
  if (!key || !crypto::is_valid(*key)) return std::nullopt;
  return *key;
}

Bytes encode_public_key(const PublicKey& key) {
  Bytes out;
  put_protobuf_varint(out, type_field, static_cast<std::uint64_t>(key.type));
  put_protobuf_bytes(out, data_field, key.data);
  return out;
}

Bytes encode_public_key(const crypto::PublicKey& key) {
  return encode_public_key(PublicKey{KeyType::ed25519, to_bytes(key.view())});
}

Result<PublicKey> decode_public_key(ByteView protobuf) {
  if (protobuf.size() > public_key_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words("a public key of ", protobuf.size(), " bytes"));
  }
  ProtobufReader reader(protobuf);
  const auto bad = [](std::uint64_t offset, std::string_view why) {
    return fail_at(ErrorCode::net_bad_public_key, offset, why);
  };
  const auto type = reader.next();
  if (!type) return bad(type.error().offset, type.error().message);
  if (!*type || (*type)->number != type_field || (*type)->type != WireType::varint) return bad(0, "expected the type");
  if ((*type)->value > static_cast<std::uint64_t>(KeyType::ecdsa)) {
    return bad(0, words("a key of the unknown type ", (*type)->value));
  }
  const auto data = reader.next();
  if (!data) return bad(data.error().offset, data.error().message);
  if (!*data || (*data)->number != data_field || (*data)->type != WireType::bytes) {
    return bad(*data ? (*data)->offset : protobuf.size(), "expected the key's bytes");
  }
  PublicKey key{static_cast<KeyType>((*type)->value), to_bytes((*data)->bytes)};
  // Whatever differs from what we would write (more fields, longer varints) would give the key a second PeerId.
  const Bytes canonical = encode_public_key(key);
  if (!equal(canonical, protobuf)) {
    const auto differs = std::ranges::mismatch(canonical, protobuf).in2 - protobuf.begin();
    return bad(static_cast<std::uint64_t>(differs), "not in the one form that a key has");
  }
  if (key.data.empty()) return bad((*data)->offset, "a key without bytes");
  if (key.type == KeyType::ed25519 && !key.ed25519()) return bad((*data)->offset, "not a usable Ed25519 key");
  if (key.type == KeyType::secp256k1 && key.data.size() != 33) {
    return bad((*data)->offset, words("a secp256k1 key of ", key.data.size(), " bytes, not 33"));
  }
  return key;
}

}  // namespace rz::net
