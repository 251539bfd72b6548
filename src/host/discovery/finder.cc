#include "host/discovery/finder.h"

#include <algorithm>
#include <array>
#include <set>

#include "host/daemon/clock.h"
#include "net/mdns_name.h"

namespace rz::host {

namespace {

constexpr std::size_t interfaces_max = 16;
constexpr Duration ask_again_after = seconds(5);

std::string dotted(const Bytes& ip) { return words(ip[0], ".", ip[1], ".", ip[2], ".", ip[3]); }

}  // namespace

Finder::Finder(boost::asio::io_context& io, crypto::Entropy& entropy, const crypto::PublicKey& self, ByteView did,
               FinderHandlers handlers)
    : io_(io), entropy_(entropy), self_(self), key_(net::mdns_key(did)), handlers_(std::move(handlers)) {}

void Finder::set_network(const std::vector<InterfaceAddress>& interfaces,
                         const std::vector<ipld::Multiaddr>& listening) {
  network_ = interfaces;
  listening_ = listening;
  std::set<std::pair<std::string, Bytes>> wanted;
  for (const InterfaceAddress& each : interfaces) {
    if (each.loopback || each.ip.size() != 4 || wanted.size() == interfaces_max) continue;
    wanted.emplace(each.interface, each.ip);
  }
  std::erase_if(sockets_, [&](const auto& socket) { return !wanted.contains(socket.first); });
  for (const auto& place : wanted) {
    if (sockets_.contains(place)) continue;
    DiscoveryOptions options;
    options.interface_address = dotted(place.second);
    auto socket = MdnsDiscovery::make(io_, std::move(options),
                                      {[this, interface = place.first] { return answer(interface); },
                                       [this](const net::MdnsAnnouncement& each) { take(each); }});
    if (socket) sockets_[place] = *std::move(socket);  // Else no multicast there, now.
  }
}

void Finder::ask() {
  const Tick tick = now().tick;
  if (asked_.us != 0 && tick - asked_ < ask_again_after) return;
  asked_ = tick;
  for (const auto& [place, socket] : sockets_) socket->ask();
}

std::optional<net::MdnsAnnouncement> Finder::answer(const std::string& interface) {
  std::vector<InterfaceAddress> own;
  for (const InterfaceAddress& each : network_) {
    if (each.interface == interface) own.push_back(each);
  }
  // Of addresses that the owner named, those of this interface; of 0.0.0.0 and ::, all of it.
  std::vector<ipld::Multiaddr> addresses;
  for (const ipld::Multiaddr& each : announced_addresses(listening_, own)) {
    const auto parts = each.parts();
    const bool here =
        std::ranges::any_of(own, [&](const InterfaceAddress& mine) { return compare(mine.ip, parts[0].value) == 0; });
    if (here) addresses.push_back(each);
  }
  addresses = net::mdns_addresses_that_fit(addresses);
  if (addresses.empty()) return std::nullopt;
  std::array<std::uint8_t, net::mdns_nonce_bytes> nonce{};
  entropy_.fill(nonce);
  return net::MdnsAnnouncement{net::mdns_name(key_, nonce, self_, addresses), addresses};
}

void Finder::take(const net::MdnsAnnouncement& announcement) {
  for (const crypto::PublicKey& device : handlers_.devices()) {
    if (!net::mdns_name_is_of(announcement.name, key_, device, announcement.addresses)) continue;
    return handlers_.found(device, announcement.addresses);
  }
}

}  // namespace rz::host
