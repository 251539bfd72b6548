// Finds the pod's other devices on the networks that this machine is on, and lets them find it: mDNS on every IPv4
// interface, under names that only the pod's devices recognise (net/mdns_name.h).
//
// An interface hears of its own addresses only, so that a network learns nothing of the others.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/entropy.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "host/discovery/mdns_discovery.h"
#include "host/network/interfaces.h"

namespace rz::host {

struct FinderHandlers {
  std::function<std::vector<crypto::PublicKey>()> devices;  // Of the pod, without this one.
  std::function<void(const crypto::PublicKey& device, const std::vector<ipld::Multiaddr>& addresses)> found;
};

class Finder {
 public:
  Finder(boost::asio::io_context& io, crypto::Entropy& entropy, const crypto::PublicKey& self, ByteView did,
         FinderHandlers handlers);

  // The interfaces of now, and where this device listens. Interfaces that are new are asked at once.
  void set_network(const std::vector<InterfaceAddress>& interfaces, const std::vector<ipld::Multiaddr>& listening);
  // Asks at once, on all: a device that was in reach is gone, say. At most every few seconds.
  void ask();
  std::size_t interfaces() const { return sockets_.size(); }

 private:
  std::optional<net::MdnsAnnouncement> answer(const std::string& interface);
  void take(const net::MdnsAnnouncement& announcement);

  boost::asio::io_context& io_;
  crypto::Entropy& entropy_;
  crypto::PublicKey self_;
  crypto::Secret32 key_;
  FinderHandlers handlers_;
  std::vector<InterfaceAddress> network_;
  std::vector<ipld::Multiaddr> listening_;
  std::map<std::pair<std::string, Bytes>, std::unique_ptr<MdnsDiscovery>> sockets_;  // By interface and address.
  Tick asked_{};
};

}  // namespace rz::host
