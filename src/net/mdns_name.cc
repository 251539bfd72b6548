#include "net/mdns_name.h"

#include "base/assert.h"
#include "crypto/sha256.h"
#include "ipld/dag_cbor.h"
#include "ipld/multibase.h"
#include "net/mdns.h"

namespace rz::net {

namespace {

constexpr std::size_t tag_bytes = 10;

Bytes tag_of(const crypto::Secret32& key, ByteView nonce, const crypto::PublicKey& device,
             const std::vector<ipld::Multiaddr>& addresses) {
  Bytes message;
  ipld::dag_cbor::Writer writer(message);
  writer.array(3);
  writer.bytes(nonce);
  writer.bytes(device.view());
  writer.array(addresses.size());
  for (const ipld::Multiaddr& address : addresses) writer.bytes(address.bytes());
  Bytes tag = crypto::blake2b(message, 16, key.expose());
  tag.resize(tag_bytes);
  return tag;
}

}  // namespace

crypto::Secret32 mdns_key(ByteView did) {
  auto key = crypto::Secret32::from(did);
  RZ_ASSERT(key.has_value());
  return crypto::kdf(*key, "rhizome mdns v1", {});
}

std::string mdns_name(const crypto::Secret32& key, ByteView nonce, const crypto::PublicKey& device,
                      const std::vector<ipld::Multiaddr>& addresses) {
  RZ_REQUIRE(nonce.size() == mdns_nonce_bytes);
  Bytes name = to_bytes(nonce);
  append(name, tag_of(key, nonce, device, addresses));
  auto text = ipld::base_encode(ipld::Multibase::base32, name);
  RZ_ASSERT(text.has_value());
  return *std::move(text);
}

bool mdns_name_is_of(std::string_view name, const crypto::Secret32& key, const crypto::PublicKey& device,
                     const std::vector<ipld::Multiaddr>& addresses) {
  if (name.size() != mdns_name_letters) return false;
  const auto bytes = ipld::base_decode(ipld::Multibase::base32, name);
  if (!bytes || bytes->size() != mdns_nonce_bytes + tag_bytes) return false;
  const ByteView nonce = ByteView(*bytes).first(mdns_nonce_bytes);
  return compare(ByteView(*bytes).subspan(mdns_nonce_bytes), tag_of(key, nonce, device, addresses)) == 0;
}

}  // namespace rz::net
