// Multiaddrs as TCP endpoints, and back.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "base/varint.h"
#include "ipld/multiaddr.h"

namespace rz::host {

// /ip4/A/tcp/P or /ip6/A/tcp/P, with nothing after it but a /p2p. Errors: transport_bad_address.
Result<boost::asio::ip::tcp::endpoint> endpoint_of(const ipld::Multiaddr& address);
// /ip4/… or /ip6/… for 4 or 16 bytes.
ipld::Multiaddr tcp_multiaddr(ByteView ip, std::uint16_t port);
ipld::Multiaddr multiaddr_of(const boost::asio::ip::tcp::endpoint& endpoint);
// The IP address alone, 4 or 16 bytes; an IPv4 address mapped into IPv6 as 4.
Bytes bytes_of(const boost::asio::ip::address& address);

}  // namespace rz::host
