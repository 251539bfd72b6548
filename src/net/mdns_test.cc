#include "net/mdns.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/entropy.h"
#include "net/mdns_name.h"

namespace rz::net {
namespace {

const std::string name(mdns_name_letters, 'a');

ipld::Multiaddr address(std::uint32_t ip, std::uint32_t port) {
  const std::string text =
      words("/ip4/", ip >> 24, ".", ip >> 16 & 255, ".", ip >> 8 & 255, ".", ip & 255, "/tcp/", port & 0xffff);
  return ipld::Multiaddr::parse(text).value();
}

// As multicast DNS tools print it.
TEST(Mdns, AsksInTheKnownBytes) {
  EXPECT_EQ(to_hex(encode_mdns_query()), "000000000001000000000000085f7268697a6f6d65045f756470056c6f63616c00000c0001");
  const auto query = decode_mdns(encode_mdns_query()).value();
  EXPECT_TRUE(query.is_query);
  EXPECT_TRUE(query.announcements.empty());
}

RC_GTEST_PROP(Mdns, GivesBackWhatWasPut, (std::vector<std::pair<std::uint32_t, std::uint16_t>> endpoints)) {
  if (endpoints.size() > 5) endpoints.resize(5);
  std::vector<ipld::Multiaddr> addresses;
  for (const auto& [ip, port] : endpoints) addresses.push_back(address(ip, port));
  const auto message = decode_mdns(encode_mdns_answer(name, addresses)).value();
  RC_ASSERT(!message.is_query);
  if (addresses.empty()) {
    RC_ASSERT(message.announcements.empty());
  } else {
    RC_ASSERT(message.announcements == std::vector<MdnsAnnouncement>({{name, addresses}}));
  }
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
  const auto read = decode_mdns(bytes)->announcements;
  ASSERT_EQ(read.size(), 1u);
  EXPECT_GT(read[0].addresses.size(), 5u);
  EXPECT_EQ(read[0].addresses, mdns_addresses_that_fit(many)) << "what a name is made for is what is sent";
}

TEST(Mdns, FollowsPointersBackwardsOnly) {
  // A question whose name points at the name before it.
  Bytes good = encode_mdns_query();
  good[5] = 2;
  append(good, Bytes{0xc0, 12, 0, 12, 0, 1});  // At byte 37.
  EXPECT_TRUE(decode_mdns(good)->is_query);
  for (const std::uint8_t target : Bytes{37, 38, 39, 200}) {
    Bytes bad = good;
    bad[38] = target;
    EXPECT_EQ(decode_mdns(bad).error().code, ErrorCode::net_bad_dns) << int{target};
  }
}

TEST(Mdns, IgnoresWhatIsNotItsOwnAndLimitsTheRest) {
  Bytes response = encode_mdns_query();
  response[2] = 0x84;
  EXPECT_FALSE(decode_mdns(response)->is_query) << "a question inside a response asks nothing";
  Bytes question = encode_mdns_answer(name, {address(1, 2)});
  question[2] = 0;
  EXPECT_TRUE(decode_mdns(question)->announcements.empty()) << "a query announces nothing";
  Bytes many = encode_mdns_query();
  many[6] = 0xff;
  EXPECT_EQ(decode_mdns(many).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(decode_mdns(Bytes(mdns_bytes_max + 1)).error().code, ErrorCode::limit_exceeded);
  for (std::size_t i = 0; i < encode_mdns_query().size(); ++i) {
    EXPECT_EQ(decode_mdns(ByteView(encode_mdns_query()).first(i)).error().code, ErrorCode::net_bad_dns) << i;
  }
}

TEST(Mdns, KeepsAnswersOfSeveralApart) {
  const std::string other(mdns_name_letters, 'b');
  Bytes both = encode_mdns_answer(name, {address(1, 1)});
  const Bytes second = encode_mdns_answer(other, {address(2, 2), address(3, 3)});
  append(both, ByteView(second).subspan(12));
  both[11] = 4;  // The second's records are additional ones of the first's.
  const auto read = decode_mdns(both).value().announcements;
  const std::vector<MdnsAnnouncement> wanted = {{name, {address(1, 1)}}, {other, {address(2, 2), address(3, 3)}}};
  EXPECT_EQ(read, wanted);
}

TEST(MdnsName, IsKnownToThePodAndRandomToOthers) {
  crypto::SeededEntropy entropy(7);
  const auto device = crypto::SigningKey::from_seed(crypto::Secret32::random(entropy)).public_key();
  const auto other = crypto::SigningKey::from_seed(crypto::Secret32::random(entropy)).public_key();
  const auto key = mdns_key(Bytes(32, 1));
  const auto stranger = mdns_key(Bytes(32, 2));
  const std::vector<ipld::Multiaddr> addresses = {address(0xc0a80114, 4868)};
  const std::string first = mdns_name(key, Bytes(mdns_nonce_bytes, 1), device, addresses);
  const std::string second = mdns_name(key, Bytes(mdns_nonce_bytes, 2), device, addresses);
  EXPECT_EQ(first.size(), mdns_name_letters);
  EXPECT_NE(first.substr(16), second.substr(16)) << "nothing in it stays";
  for (const auto& each : {first, second}) {
    EXPECT_TRUE(mdns_name_is_of(each, key, device, addresses));
    EXPECT_FALSE(mdns_name_is_of(each, key, other, addresses));
    EXPECT_FALSE(mdns_name_is_of(each, stranger, device, addresses));
    EXPECT_FALSE(mdns_name_is_of(each, key, device, {address(0xc0a80115, 4868)})) << "a name serves its addresses only";
  }
  for (const std::string_view bad : {"", "a", "-", "11111111111111111111111111111111"}) {
    EXPECT_FALSE(mdns_name_is_of(bad, key, device, addresses)) << bad;
  }
}

// The vector of docs/formats/net.md.
TEST(MdnsName, IsMadeAsItsPageSays) {
  const auto device = crypto::PublicKey::from(Bytes(32, 0x22)).value();
  EXPECT_EQ(mdns_name(mdns_key(Bytes(32, 0x11)), Bytes(mdns_nonce_bytes, 0x33), device, {address(0xc0a80114, 4868)}),
            "gmztgmztgmztgmztantuhfkfbq7gh672");
}

}  // namespace
}  // namespace rz::net
