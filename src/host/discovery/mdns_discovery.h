// Finding other devices on one interface's network by mDNS (net/mdns.h): asks who is there, answers who asks, tells
// what was announced. Off unless made; whoever listens on the network sees that it runs.
//
// What is found is a claim by anybody: dialling proves it. Bounded: at most `found_per_second` announcements a second
// are told, at most `answers_per_second` answers are sent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/tick.h"
#include "net/mdns.h"

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

struct DiscoveryHandlers {
  // What to answer with, asked for whenever somebody asks: a name and its addresses; none: say nothing.
  std::function<std::optional<net::MdnsAnnouncement>()> answer;
  // What is announced, repeatedly, our own included.
  std::function<void(const net::MdnsAnnouncement&)> found;
};

class MdnsDiscovery {
 public:
  // Handlers are called from the io_context. Errors: transport_bad_address, transport_io.
  static Result<std::unique_ptr<MdnsDiscovery>> make(boost::asio::io_context& io, DiscoveryOptions options,
                                                     DiscoveryHandlers handlers);
  virtual ~MdnsDiscovery() = default;  // Nothing is called afterwards.

  // Asks at once: after the network changed, say.
  virtual void ask() = 0;
};

}  // namespace rz::host
