// Which addresses other devices are told.
#include "host/network/interfaces.h"

#include <gtest/gtest.h>

namespace rz::host {
namespace {

std::vector<ipld::Multiaddr> parse(const std::vector<std::string>& texts) {
  std::vector<ipld::Multiaddr> addresses;
  for (const std::string& text : texts) addresses.push_back(ipld::Multiaddr::parse(text).value());
  return addresses;
}

std::vector<std::string> print(const std::vector<ipld::Multiaddr>& addresses) {
  std::vector<std::string> texts;
  for (const auto& address : addresses) texts.push_back(address.to_string());
  return texts;
}

InterfaceAddress at(const std::string& interface, const std::string& host, bool hardware = true) {
  const std::string text = words(host.find(':') == std::string::npos ? "/ip4/" : "/ip6/", host, "/tcp/1");
  const auto address = ipld::Multiaddr::parse(text).value();
  return {interface, to_bytes(address.parts()[0].value), interface == "lo", hardware, true};
}

const std::vector<InterfaceAddress> laptop = {at("docker0", "172.17.0.1", false), at("eth0", "192.168.1.20"),
                                              at("eth0", "2001:db8::7"), at("lo", "127.0.0.1"), at("lo", "::1")};

using Texts = std::vector<std::string>;

TEST(AnnouncedAddresses, EveryInterfaceStandsForTheUnspecifiedAddress) {
  EXPECT_EQ(print(announced_addresses(parse({"/ip4/0.0.0.0/tcp/4868", "/ip6/::/tcp/4868"}), laptop)),
            Texts({"/ip4/192.168.1.20/tcp/4868", "/ip6/2001:db8::7/tcp/4868", "/ip4/172.17.0.1/tcp/4868"}));
  EXPECT_EQ(print(announced_addresses(parse({"/ip4/0.0.0.0/tcp/9"}), laptop)),
            Texts({"/ip4/192.168.1.20/tcp/9", "/ip4/172.17.0.1/tcp/9"}));
}

TEST(AnnouncedAddresses, LoopbackIsToldOnlyWhereThereIsNothingElse) {
  const std::vector<InterfaceAddress> alone = {at("lo", "127.0.0.1"), at("lo", "::1")};
  EXPECT_EQ(print(announced_addresses(parse({"/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/1"}), alone)),
            Texts({"/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"}));
  EXPECT_EQ(print(announced_addresses(parse({"/ip4/127.0.0.1/tcp/4868"}), laptop)), Texts({"/ip4/127.0.0.1/tcp/4868"}));
  EXPECT_EQ(print(announced_addresses(parse({"/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.20/tcp/1"}), laptop)),
            Texts({"/ip4/192.168.1.20/tcp/1"}));
}

TEST(AnnouncedAddresses, WhatTheOwnerNamedIsToldAsItIsAndOnce) {
  EXPECT_EQ(print(announced_addresses(parse({"/ip4/203.0.113.9/tcp/1", "/ip4/0.0.0.0/tcp/1", "/ip4/0.0.0.0/tcp/1"}),
                                      {at("eth0", "203.0.113.9"), at("eth1", "10.0.0.1")})),
            Texts({"/ip4/203.0.113.9/tcp/1", "/ip4/10.0.0.1/tcp/1"}));
  EXPECT_TRUE(announced_addresses(parse({"/ip6/::/tcp/1"}), {at("eth0", "10.0.0.1")}).empty());
  EXPECT_TRUE(announced_addresses({}, laptop).empty());
  InterfaceAddress passing = at("eth0", "2001:db8::1234");
  passing.lasting = false;
  EXPECT_TRUE(announced_addresses(parse({"/ip6/::/tcp/1"}), {passing}).empty());
}

TEST(InterfaceAddresses, AreUsableAndInAStableOrder) {
  const auto found = interface_addresses();
  EXPECT_EQ(found, interface_addresses());
  for (const InterfaceAddress& each : found) {
    EXPECT_TRUE(each.ip.size() == 4 || each.ip.size() == 16) << each.interface;
    const bool link_local = each.ip.size() == 16 && each.ip[0] == 0xfe && each.ip[1] == 0x80;
    EXPECT_FALSE(link_local && each.lasting) << each.interface;
  }
}

}  // namespace
}  // namespace rz::host
