// Multiaddr: an address as a path of protocols (multiformats/multiaddr), "/ip4/127.0.0.1/tcp/4868/p2p/12D3Koo…".
//
// Binary: for each, a varint code and its value (of a fixed size, or behind a varint length). A protocol that is not in
// the table below is refused with its code or name. Text and bytes map one to one.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace rz::ipld {

enum class Protocol : std::uint32_t {
  ip4 = 4,
  tcp = 6,
  dccp = 33,
  ip6 = 41,
  ip6zone = 42,
  ipcidr = 43,
  dns = 53,
  dns4 = 54,
  dns6 = 55,
  dnsaddr = 56,
  sctp = 132,
  udp = 273,
  webrtc_direct = 280,
  webrtc = 281,
  p2p_circuit = 290,
  unix_path = 400,
  p2p = 421,
  https = 443,
  tls = 448,
  sni = 449,
  noise = 454,
  quic = 460,
  quic_v1 = 461,
  webtransport = 465,
  certhash = 466,
  ws = 477,
  wss = 478,
  http = 480,
};

// "ip4", "quic-v1", …; empty for a code that is not in the table.
std::string_view name_of(Protocol protocol);

class Multiaddr {
 public:
  static constexpr std::size_t bytes_max = 1024;
  static constexpr std::size_t parts_max = 32;

  struct Part {
    Protocol protocol = Protocol::ip4;
    ByteView value;  // Borrowed; empty for a protocol without one.
  };

  Multiaddr() = default;  // "/": no part.

  // Errors, with the offset: unknown_protocol, bad_multiaddr, truncated, bad_varint, too_large.
  static Result<Multiaddr> decode(ByteView bytes);
  static Result<Multiaddr> parse(std::string_view text);

  ByteView bytes() const { return bytes_; }
  bool is_empty() const { return bytes_.empty(); }
  std::string to_string() const;
  // Borrow from this.
  std::vector<Part> parts() const;
  // The value of the first such part; none where there is none.
  std::optional<ByteView> find(Protocol protocol) const;
  bool has(Protocol protocol) const { return find(protocol).has_value(); }
  // "127.0.0.1", "::1" or a DNS name: the first part of that kind.
  std::optional<std::string> host() const;
  std::optional<std::uint16_t> tcp_port() const { return port(Protocol::tcp); }
  std::optional<std::uint16_t> udp_port() const { return port(Protocol::udp); }
  // The multihash of a PeerId: of the last p2p part.
  std::optional<ByteView> peer_id() const;

  // This, then `other`. Errors: too_large.
  Result<Multiaddr> join(const Multiaddr& other) const;
  // Without a p2p part at the end.
  Multiaddr without_peer() const;

  friend bool operator==(const Multiaddr&, const Multiaddr&) = default;
  friend std::strong_ordering operator<=>(const Multiaddr& a, const Multiaddr& b) {
    return compare(a.bytes_, b.bytes_) <=> 0;
  }

 private:
  std::optional<std::uint16_t> port(Protocol protocol) const;

  Bytes bytes_;
};

}  // namespace rz::ipld
