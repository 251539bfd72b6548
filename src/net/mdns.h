// mDNS as devices of a pod find each other with it (RFC 6762, 6763): who is on this network, and where.
//
// A query asks for PTR records of `_rhizome._udp.local`. An answer has such a record, pointing to a name that is drawn
// anew for every answer (mdns_name.h), and in its additional part one TXT record of that name for each address,
// "at=/ip4/…/tcp/…". Everything in an answer is a claim: dialling proves it.
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

inline constexpr std::string_view mdns_service = "_rhizome._udp.local";
inline constexpr std::size_t mdns_bytes_max = 9000;
inline constexpr std::size_t mdns_records_max = 64;
inline constexpr std::size_t mdns_addresses_max = 32;
inline constexpr std::size_t mdns_name_letters = 32;
inline constexpr std::uint32_t mdns_ttl_s = 120;

struct MdnsAnnouncement {
  std::string name;  // The label before the service, lower-case.
  std::vector<ipld::Multiaddr> addresses;
  friend bool operator==(const MdnsAnnouncement&, const MdnsAnnouncement&) = default;
};

struct MdnsMessage {
  bool is_query = false;                        // It asks for the service.
  std::vector<MdnsAnnouncement> announcements;  // By name, those that have addresses.
};

Bytes encode_mdns_query();

// The first of `addresses` that fit into one answer and into TXT strings: what an answer's name must be made for.
std::vector<ipld::Multiaddr> mdns_addresses_that_fit(const std::vector<ipld::Multiaddr>& addresses);
// `name`: 32 lower-case letters and digits. `addresses` as they fit.
Bytes encode_mdns_answer(std::string_view name, const std::vector<ipld::Multiaddr>& addresses);

// Reads any DNS message; what has nothing to do with the service gives an empty one. TXT strings that are no such
// address are skipped. Errors: net_bad_dns with the offset, limit_exceeded.
Result<MdnsMessage> decode_mdns(ByteView message);

}  // namespace rz::net
