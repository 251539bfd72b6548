// The name under which a device answers mDNS: random to everybody but the devices of its pod.
//
//     NAME = base32(nonce || tag)         10 bytes each, 32 letters
//     tag  = the first 10 bytes of BLAKE2b-128, keyed with K, over DAG-CBOR [nonce, device's key, [address, …]]
//     K    = KDF(DID, "rhizome mdns v1", "")
//
// So a network sees a new name with every answer, and can't tell whether two came from one device, but by the address
// that every answer needs. Who knows the pod's DID recognises its devices; that is all the tag is for. It proves
// nothing: the handshake does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "ipld/multiaddr.h"

namespace rz::net {

inline constexpr std::size_t mdns_nonce_bytes = 10;

// `did`: its 32 bytes.
crypto::Secret32 mdns_key(ByteView did);

// `nonce`: mdns_nonce_bytes, drawn anew.
std::string mdns_name(const crypto::Secret32& key, ByteView nonce, const crypto::PublicKey& device,
                      const std::vector<ipld::Multiaddr>& addresses);
// Whether that device could have answered with this name and these addresses.
bool mdns_name_is_of(std::string_view name, const crypto::Secret32& key, const crypto::PublicKey& device,
                     const std::vector<ipld::Multiaddr>& addresses);

}  // namespace rz::net
