// The addresses of this machine's interfaces, and which of them other devices are told.
//
// `announced_addresses` is a pure function, so that the rule can be tested without a machine that has the addresses.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "ipld/multiaddr.h"

namespace rz::host {

struct InterfaceAddress {
  std::string interface;
  Bytes ip;               // 4 bytes, or 16.
  bool loopback = false;  // The interface's kind, not the address'.
  bool hardware = true;   // False for bridges, tunnels and the like: tried last, they seldom lead to another machine.
  bool lasting = true;  // False: link-local IPv6 (means nothing elsewhere), not ready, on its way out, for a day only.
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

// Of the interfaces that are up and connected, in a stable order.
std::vector<InterfaceAddress> interface_addresses();

// What others are told for sockets that listen at `listening`: 0.0.0.0 and :: stand for every interface's address of
// their kind that lasts; hardware first, IPv4 before IPv6; loopback only where there is nothing else; each once.
std::vector<ipld::Multiaddr> announced_addresses(const std::vector<ipld::Multiaddr>& listening,
                                                 const std::vector<InterfaceAddress>& interfaces);

// /ip4/0.0.0.0/… or /ip6/::/…
bool is_unspecified(const ipld::Multiaddr& address);
// 127.…, ::1.
bool is_loopback(const ipld::Multiaddr& address);

}  // namespace rz::host
