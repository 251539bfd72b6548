#include "host/daemon/listening.h"

#include <array>

#include "host/transport/address.h"

namespace rz::host {

namespace {

constexpr std::array<std::uint8_t, 4> loopback_ip = {127, 0, 0, 1};
constexpr std::array<std::uint8_t, 4> all_ip4 = {};
constexpr std::array<std::uint8_t, 16> all_ip6 = {};

}  // namespace

Listening::Listening(Transport& transport, std::vector<std::string> named, std::uint16_t port)
    : transport_(transport), named_(std::move(named)), port_(port) {}

Status Listening::open(bool others) {
  RZ_CHECK(named_.empty() ? open_unnamed(others) : open_named());
  to_all_ = others;
  read_interfaces();
  return {};
}

Status Listening::open_named() {
  for (const std::string& text : named_) {
    RZ_TRY(const ipld::Multiaddr wanted, ipld::Multiaddr::parse(text));
    auto bound = transport_.listen(wanted);
    if (!bound) {
      Error error = bound.error();
      error.message += "; choose another with --listen";
      return std::unexpected(std::move(error));
    }
    listening_.push_back(*std::move(bound));
  }
  return {};
}

Status Listening::open_unnamed(bool others) {
  const ByteView ip = others ? ByteView(all_ip4) : ByteView(loopback_ip);
  // The wildcard can't be bound beside an address of the same port: first away, then anew. Connections stay.
  transport_.stop_listening();
  listening_.clear();
  auto bound = transport_.listen(tcp_multiaddr(ip, port_));
  if (!bound && port_ != 0) bound = transport_.listen(tcp_multiaddr(ip, 0));
  if (!bound) return std::unexpected(bound.error());
  port_ = bound->tcp_port().value_or(port_);
  listening_.push_back(*std::move(bound));
  if (!others) return {};
  // Without IPv6 here, or with that port taken there, IPv4 does.
  if (auto also = transport_.listen(tcp_multiaddr(all_ip6, port_))) listening_.push_back(*std::move(also));
  return {};
}

bool Listening::update(bool others) {
  const auto before = announced_;
  if (named_.empty() && others != to_all_) (void)open_unnamed(others);
  to_all_ = others;
  read_interfaces();
  return announced_ != before;
}

void Listening::read_interfaces() {
  interfaces_ = interface_addresses();
  announced_ =
      named_.empty() && !to_all_ ? std::vector<ipld::Multiaddr>() : announced_addresses(listening_, interfaces_);
  transport_.announce(announced_);
}

}  // namespace rz::host
