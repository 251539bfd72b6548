// identify (libp2p/specs, identify): what a node says of itself, on request (/ipfs/id/1.0.0) or when it changed
// (/ipfs/id/push/1.0.0). One or more length-prefixed protobuf messages to the end of the stream; later ones add to the
// repeated fields and replace the others.
//
// All of it is claims: who the node is was proved by TLS before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace rz::net {

inline constexpr std::string_view identify_protocol = "/ipfs/id/1.0.0";
inline constexpr std::string_view identify_push_protocol = "/ipfs/id/push/1.0.0";

inline constexpr std::size_t identify_bytes_max = 8192;     // One message.
inline constexpr std::size_t identify_messages_max = 10;    // In one stream.
inline constexpr std::size_t identify_addresses_max = 128;  // All that is kept; more is refused.
inline constexpr std::size_t identify_protocols_max = 512;
inline constexpr std::size_t identify_text_bytes_max = 1024;

struct Identify {
  std::string protocol_version;
  std::string agent_version;
  Bytes public_key;              // The key's protobuf (public_key.h).
  std::vector<Bytes> addresses;  // Binary multiaddrs that the node listens on, unparsed.
  Bytes observed_address;        // Binary multiaddr that it sees us at.
  std::vector<std::string> protocols;
  Bytes signed_peer_record;  // An envelope (libp2p/specs, RFC 2), unparsed.
  friend bool operator==(const Identify&, const Identify&) = default;
};

// One message without its length prefix. Fields that are empty are left out.
Bytes encode_identify(const Identify& value);

// Reads one message into `value`, which may hold those before. Unknown fields are skipped. Errors: net_bad_protobuf
// with the offset, limit_exceeded; `value` is then as before.
Status merge_identify(ByteView message, Identify& value);

}  // namespace rz::net
