#include "host/transport/address.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::host {

namespace asio = boost::asio;

Result<asio::ip::tcp::endpoint> endpoint_of(const ipld::Multiaddr& address) {
  const auto bad = [&address](std::string_view why) {
    return fail(ErrorCode::transport_bad_address, words(address.to_string(), ": ", why));
  };
  const auto parts = address.parts();
  const bool with_peer = parts.size() == 3 && parts[2].protocol == ipld::Protocol::p2p;
  if ((parts.size() != 2 && !with_peer) || parts[1].protocol != ipld::Protocol::tcp) {
    return bad("expected /ip4/ADDRESS/tcp/PORT or /ip6/ADDRESS/tcp/PORT");
  }
  const auto port = address.tcp_port();
  if (!port) return bad("no port");
  const ByteView value = parts[0].value;
  if (parts[0].protocol == ipld::Protocol::ip4 && value.size() == 4) {
    asio::ip::address_v4::bytes_type bytes;
    std::ranges::copy(value, bytes.begin());
    return asio::ip::tcp::endpoint(asio::ip::address_v4(bytes), *port);
  }
  if (parts[0].protocol == ipld::Protocol::ip6 && value.size() == 16) {
    asio::ip::address_v6::bytes_type bytes;
    std::ranges::copy(value, bytes.begin());
    return asio::ip::tcp::endpoint(asio::ip::address_v6(bytes), *port);
  }
  return bad("expected an IP address");
}

ipld::Multiaddr tcp_multiaddr(ByteView ip, std::uint16_t port) {
  RZ_REQUIRE(ip.size() == 4 || ip.size() == 16);
  Bytes bytes;
  put_varint(bytes, static_cast<std::uint64_t>(ip.size() == 4 ? ipld::Protocol::ip4 : ipld::Protocol::ip6));
  append(bytes, ip);
  put_varint(bytes, static_cast<std::uint64_t>(ipld::Protocol::tcp));
  bytes.push_back(static_cast<std::uint8_t>(port >> 8));
  bytes.push_back(static_cast<std::uint8_t>(port));
  auto address = ipld::Multiaddr::decode(bytes);
  RZ_ASSERT(address.has_value());
  return *std::move(address);
}

ipld::Multiaddr multiaddr_of(const asio::ip::tcp::endpoint& endpoint) {
  return tcp_multiaddr(bytes_of(endpoint.address()), endpoint.port());
}

Bytes bytes_of(const asio::ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = address.to_v6().to_bytes();
  if (address.to_v6().is_v4_mapped()) return {bytes.begin() + 12, bytes.end()};
  return {bytes.begin(), bytes.end()};
}

}  // namespace rz::host
