// Finding other devices on the local network by mDNS (libp2p/specs, discovery/mdns): asks who is there, answers who
// asks, tells addresses that were found. Off unless made; whoever listens on the network sees that it runs.
//
// What is found is a claim by anybody: dialling with the /p2p of the address proves it. Bounded: at most
// `found_per_second` addresses a second are told, at most `answers_per_second` answers are sent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/tick.h"
#include "crypto/entropy.h"
#include "ipld/multiaddr.h"

namespace boost::asio {
class io_context;
}

namespace rz::host {

struct DiscoveryOptions {
  std::string interface_address = "0.0.0.0";  // The IPv4 address of the interface to use; 0.0.0.0: the system's choice.
  std::string group = "224.0.0.251";          // mDNS's; another in tests.
  std::uint16_t port = 5353;
  Duration first_query_after = milliseconds(100);  // Then at double the time each, up to …
  Duration query_interval_max = seconds(300);      // … this: a quiet network stays quiet.
  std::uint32_t found_per_second = 32;
  std::uint32_t answers_per_second = 4;
};

class MdnsDiscovery {
 public:
  // `addresses` are ours, each with a /p2p at its end, asked for whenever somebody asks. `found` is called from the
  // io_context with each address that is announced, repeatedly, ours included. Errors: transport_bad_address,
  // transport_io.
  static Result<std::unique_ptr<MdnsDiscovery>> make(boost::asio::io_context& io, crypto::Entropy& entropy,
                                                     DiscoveryOptions options,
                                                     std::function<std::vector<ipld::Multiaddr>()> addresses,
                                                     std::function<void(const ipld::Multiaddr&)> found);
  virtual ~MdnsDiscovery() = default;  // Nothing is called afterwards.

  // Asks at once: after the network changed, say.
  virtual void ask() = 0;
};

}  // namespace rz::host
