#include "net/mdns.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace rz::net {
namespace {

constexpr std::string_view peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
const std::string name(mdns_peer_name_bytes, 'a');

ipld::Multiaddr address(std::uint32_t ip, std::uint32_t port) {
  const std::string text = words("/ip4/", ip >> 24, ".", ip >> 16 & 255, ".", ip >> 8 & 255, ".", ip & 255, "/tcp/",
                                 port & 0xffff, "/p2p/", peer);
  return ipld::Multiaddr::parse(text).value();
}

// The query of the specification, as multicast DNS tools print it.
TEST(Mdns, AsksInTheKnownBytes) {
  EXPECT_EQ(to_hex(encode_mdns_query()), "000000000001000000000000045f703270045f756470056c6f63616c00000c0001");
  const auto query = decode_mdns(encode_mdns_query()).value();
  EXPECT_TRUE(query.is_query);
  EXPECT_TRUE(query.addresses.empty());
}

RC_GTEST_PROP(Mdns, GivesBackWhatWasPut, (std::vector<std::pair<std::uint32_t, std::uint16_t>> endpoints)) {
  if (endpoints.size() > 5) endpoints.resize(5);
  std::vector<ipld::Multiaddr> addresses;
  for (const auto& [ip, port] : endpoints) addresses.push_back(address(ip, port));
  const auto message = decode_mdns(encode_mdns_answer(name, addresses)).value();
  RC_ASSERT(!message.is_query);
  RC_ASSERT(message.addresses == addresses);
}

RC_GTEST_PROP(Mdns, SurvivesAnyBytes, (Bytes noise, std::uint16_t flip)) {
  (void)decode_mdns(noise);
  Bytes answer = encode_mdns_answer(name, {address(1, 2), address(3, 4)});
  answer[flip % answer.size()] ^= static_cast<std::uint8_t>(1u << (flip % 8));
  (void)decode_mdns(answer);
  (void)decode_mdns(ByteView(answer).first(flip % answer.size()));
}

TEST(Mdns, LeavesOutWhatDoesNotFit) {
  const std::vector<ipld::Multiaddr> many(100, address(0x7f000001, 4868));
  const auto bytes = encode_mdns_answer(name, many);
  EXPECT_LE(bytes.size(), 1400u);
  EXPECT_GT(decode_mdns(bytes)->addresses.size(), 5u);
}

TEST(Mdns, FollowsPointersBackwardsOnly) {
  // A question whose name points at the name before it.
  Bytes good = encode_mdns_query();
  good[5] = 2;
  append(good, Bytes{0xc0, 12, 0, 12, 0, 1});
  EXPECT_TRUE(decode_mdns(good)->is_query);
  for (const std::uint8_t target : Bytes{33, 34, 35, 200}) {
    Bytes bad = good;
    bad[34] = target;
    EXPECT_EQ(decode_mdns(bad).error().code, ErrorCode::net_bad_dns) << int{target};
  }
}

TEST(Mdns, IgnoresWhatIsNotItsOwnAndLimitsTheRest) {
  Bytes response = encode_mdns_query();
  response[2] = 0x84;
  EXPECT_FALSE(decode_mdns(response)->is_query) << "a question inside a response asks nothing";
  Bytes question = encode_mdns_answer(name, {address(1, 2)});
  question[2] = 0;
  EXPECT_TRUE(decode_mdns(question)->addresses.empty()) << "a query announces nothing";
  Bytes many = encode_mdns_query();
  many[6] = 0xff;
  EXPECT_EQ(decode_mdns(many).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(decode_mdns(Bytes(mdns_bytes_max + 1)).error().code, ErrorCode::limit_exceeded);
  for (std::size_t i = 0; i < encode_mdns_query().size(); ++i) {
    EXPECT_EQ(decode_mdns(ByteView(encode_mdns_query()).first(i)).error().code, ErrorCode::net_bad_dns) << i;
  }
}

}  // namespace
}  // namespace rz::net
