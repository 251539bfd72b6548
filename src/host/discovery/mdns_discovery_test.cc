// Two devices find each other by multicast that stays on the loopback interface.
#include "host/discovery/mdns_discovery.h"

#include <boost/asio/io_context.hpp>
#include <map>

#include <unistd.h>

#include "host/transport/test_node.h"

namespace rz::host {
namespace {

using test::Node;
using test::run_until;

// A free port and a group of the test's own, on 127.0.0.1 alone.
DiscoveryOptions on_loopback() {
  DiscoveryOptions options;
  options.interface_address = "127.0.0.1";
  options.group = "239.255.77.77";
  options.port = static_cast<std::uint16_t>(20'000 + ::getpid() % 20'000);
  options.first_query_after = milliseconds(10);
  return options;
}

TEST(MdnsDiscovery, DevicesFindAndDialEachOther) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  std::map<std::string, std::vector<ipld::Multiaddr>> seen_by_a;
  std::map<std::string, std::vector<ipld::Multiaddr>> seen_by_b;
  const auto start = [&](Node& node, char letter, std::map<std::string, std::vector<ipld::Multiaddr>>& seen) {
    const net::MdnsAnnouncement own{std::string(net::mdns_name_letters, letter), {node.listen()}};
    return MdnsDiscovery::make(
        io, on_loopback(),
        {[own] { return own; }, [&seen](const net::MdnsAnnouncement& each) { seen[each.name] = each.addresses; }});
  };
  const auto discovery_a = start(a, 'a', seen_by_a);
  const auto discovery_b = start(b, 'b', seen_by_b);
  if (!discovery_a || !discovery_b) GTEST_SKIP() << "skipped: no multicast on loopback here";
  if (!run_until(io, [&] { return seen_by_a.size() == 2 && seen_by_b.size() == 2; }, std::chrono::seconds(3))) {
    if (seen_by_a.empty() && seen_by_b.empty()) GTEST_SKIP() << "skipped: no multicast on loopback here";
    FAIL() << "only one of the two was found";
  }
  const auto& found = seen_by_a.at(std::string(net::mdns_name_letters, 'b'));
  ASSERT_EQ(found.size(), 1u);
  const auto connection = a.dial(found[0]);
  ASSERT_TRUE(connection) << connection.error().to_string();
  EXPECT_EQ((*connection)->remote_peer(), b.transport->local_peer());
}

TEST(MdnsDiscovery, RefusesAddressesThatAreNone) {
  boost::asio::io_context io;
  for (const auto& [interface_address, group] :
       {std::pair("here", "224.0.0.251"), std::pair("127.0.0.1", "10.0.0.1")}) {
    auto options = on_loopback();
    options.interface_address = interface_address;
    options.group = group;
    const auto made =
        MdnsDiscovery::make(io, options, {[] { return std::nullopt; }, [](const net::MdnsAnnouncement&) {}});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::transport_bad_address);
  }
}

}  // namespace
}  // namespace rz::host
