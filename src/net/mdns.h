// mDNS as libp2p uses it (libp2p/specs, discovery/mdns; RFC 6762, 6763): who is on this network, and where.
//
// A query asks for PTR records of `_p2p._udp.local`. An answer has such a record, pointing to a name drawn at random,
// and in its additional part one TXT record of that name for each address, "dnsaddr=/ip4/…/tcp/…/p2p/…". Everything in
// an answer is a claim: dialling proves it.
//
// Limits: a message has at most 9,000 bytes (RFC 6762 section 17), 64 records and 32 addresses; a name has at most 255
// bytes, and each compression pointer points before itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "ipld/multiaddr.h"

namespace rz::net {

inline constexpr std::string_view mdns_service = "_p2p._udp.local";
inline constexpr std::size_t mdns_bytes_max = 9000;
inline constexpr std::size_t mdns_records_max = 64;
inline constexpr std::size_t mdns_addresses_max = 32;
inline constexpr std::size_t mdns_peer_name_bytes = 32;
inline constexpr std::uint32_t mdns_ttl_s = 120;

struct MdnsMessage {
  bool is_query = false;                   // It asks for the service.
  std::vector<ipld::Multiaddr> addresses;  // That it announces, each with a /p2p at its end.
};

Bytes encode_mdns_query();

// `peer_name`: 32 to 63 letters and digits, drawn at random (it says nothing of the peer). Addresses that do not fit
// into the message, or are longer than a TXT string, are left out.
Bytes encode_mdns_answer(std::string_view peer_name, const std::vector<ipld::Multiaddr>& addresses);

// Reads any DNS message; what has nothing to do with the service gives an empty one. TXT strings that are no such
// address are skipped. Errors: net_bad_dns with the offset, limit_exceeded.
Result<MdnsMessage> decode_mdns(ByteView message);

}  // namespace rz::net
