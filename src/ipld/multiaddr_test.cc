#include "ipld/multiaddr.h"

#include "ipld/multiaddr_value.h"
#include "ipld/multihash.h"
#include "ipld/test_values.h"

namespace rz::ipld {
namespace {

TEST(Multiaddr, text_and_bytes_one_to_one) {
  const std::pair<std::string, std::string> cases[] = {
      {"/", ""},
      {"/ip4/127.0.0.1/tcp/4868", "047f000001061304"},
      {"/ip4/1.2.3.4", "0401020304"},
      {"/ip6/::1/tcp/80", "29" + std::string(30, '0') + "01060050"},
      {"/ip6/2001:8a0:7ac5:4201:3ac9:86ff:fe31:7095/udp/5000/quic-v1",
       "29200108a07ac542013ac986fffe31709591021388cd03"},
      {"/ip6zone/eth0/ip6/fe80::1", "2a046574683029fe8000000000000000000000000000" + std::string("01")},
      {"/ip6/::ffff:1.2.3.4", "2900000000000000000000ffff01020304"},
      {"/dns4/example.com/tcp/443/tls/sni/example.com/ws",
       "360b6578616d706c652e636f6d0601bbc003c1030b6578616d706c652e636f6ddd03"},
      {"/dns4/example.com/ws", "360b6578616d706c652e636f6ddd03"},
      {"/dnsaddr/bootstrap.libp2p.io", "3813626f6f7473747261702e6c69627032702e696f"},
      {"/p2p-circuit", "a202"},
      {"/unix/tmp/p2p.sock", "90030d2f746d702f7032702e736f636b"},
      {"/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC",
       "a503221220d52ebb89d85b02a284948203a62ff28389c57c9f42beec4ec20db76a68911c0b"},
      {"/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/uEiDkZBe5t9nCsGsBzlsy4gGYQRXfyVpJvQfjuMS2w-4Gsw", ""},
      {"/ip4/10.0.0.0/ipcidr/8", "040a0000002b08"},
  };
  for (const auto& [text, bytes] : cases) {
    const auto parsed = Multiaddr::parse(text);
    ASSERT_TRUE(parsed.has_value()) << text << " " << parsed.error().to_string();
    EXPECT_EQ(parsed->to_string(), text);
    if (text == "/" || !bytes.empty()) EXPECT_EQ(to_hex(parsed->bytes()), bytes) << text;
    EXPECT_EQ(Multiaddr::decode(parsed->bytes()).value(), *parsed);
  }
}

TEST(Multiaddr, other_texts_of_the_same_address) {
  EXPECT_EQ(Multiaddr::parse("/ip6/0:0:0::01").value().to_string(), "/ip6/::1");
  EXPECT_EQ(Multiaddr::parse("/ip6/2001:DB8::").value().to_string(), "/ip6/2001:db8::");
  EXPECT_EQ(Multiaddr::parse("/ip6/1:0:0:2:0:0:0:3").value().to_string(), "/ip6/1:0:0:2::3");
  EXPECT_EQ(Multiaddr::parse("/ip6/1:0:2:3:4:5:6:7").value().to_string(), "/ip6/1:0:2:3:4:5:6:7");
  EXPECT_EQ(Multiaddr::parse("/ip6/::1.2.3.4").value().to_string(), "/ip6/::102:304");
  const auto cid_form = Multiaddr::parse("/p2p/bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm");
  ASSERT_TRUE(cid_form.has_value()) << cid_form.error().to_string();
  EXPECT_EQ(cid_form->to_string(), "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC");
  EXPECT_EQ(Multiaddr::parse("/ipfs/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC").value(), *cid_form);
}

TEST(Multiaddr, refuses_what_is_none) {
  const std::pair<std::string, ErrorCode> texts[] = {
      {"", ErrorCode::bad_multiaddr},
      {"ip4/1.2.3.4", ErrorCode::bad_multiaddr},
      {"//ip4/1.2.3.4", ErrorCode::unknown_protocol},
      {"/ip4", ErrorCode::bad_multiaddr},
      {"/ip4/1.2.3", ErrorCode::bad_multiaddr},
      {"/ip4/1.2.3.4.5", ErrorCode::bad_multiaddr},
      {"/ip4/1.2.3.256", ErrorCode::bad_multiaddr},
      {"/ip4/1.2.3.04", ErrorCode::bad_multiaddr},
      {"/ip4/1.2.3.4/", ErrorCode::unknown_protocol},
      {"/ip6/::1::", ErrorCode::bad_multiaddr},
      {"/ip6/1:2:3:4:5:6:7", ErrorCode::bad_multiaddr},
      {"/ip6/1:2:3:4:5:6:7:8:9", ErrorCode::bad_multiaddr},
      {"/ip6/1:2:3:4::5:6:7:8", ErrorCode::bad_multiaddr},
      {"/ip6/12345::", ErrorCode::bad_multiaddr},
      {"/ip6/1.2.3.4::", ErrorCode::bad_multiaddr},
      {"/ip6/:1", ErrorCode::bad_multiaddr},
      {"/ip6/1:", ErrorCode::bad_multiaddr},
      {"/tcp/65536", ErrorCode::bad_multiaddr},
      {"/tcp/-1", ErrorCode::bad_multiaddr},
      {"/tcp/", ErrorCode::bad_multiaddr},
      {"/dns/", ErrorCode::bad_multiaddr},
      {"/dns/a b", ErrorCode::bad_multiaddr},
      {"/unix", ErrorCode::bad_multiaddr},
      {"/unix/", ErrorCode::bad_multiaddr},
      {"/p2p/hello", ErrorCode::bad_base_text},
      {"/p2p/1", ErrorCode::bad_multiaddr},
      {"/certhash/uAA", ErrorCode::bad_multiaddr},
      {"/onion/aaimaq4ygg2iegci:80", ErrorCode::unknown_protocol},
  };
  for (const auto& [text, code] : texts) {
    const auto parsed = Multiaddr::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, code) << text << " " << parsed.error().to_string();
  }
  const std::pair<std::string, ErrorCode> bytes[] = {
      {"bc03", ErrorCode::unknown_protocol},    {"04010203", ErrorCode::truncated},
      {"8400", ErrorCode::bad_varint},          {"3605616263", ErrorCode::truncated},
      {"3600", ErrorCode::bad_multiaddr},       {"3601ff", ErrorCode::bad_multiaddr},
      {"3603612f62", ErrorCode::bad_multiaddr}, {"a50301ff", ErrorCode::bad_multiaddr},
      {"a503021200", ErrorCode::bad_multiaddr}, {"9003022f61a202", ErrorCode::bad_multiaddr},
      {"2b81", ErrorCode::bad_multiaddr},
  };
  for (const auto& [text, code] : bytes) {
    const auto decoded = Multiaddr::decode(hex(text));
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_EQ(decoded.error().code, code) << text << " " << decoded.error().to_string();
  }
  EXPECT_EQ(Multiaddr::decode(hex("047f000001bc03")).error().offset, 5u);
  EXPECT_EQ(Multiaddr::decode(hex("bc03")).error().message, "the protocol 444");
  EXPECT_EQ(Multiaddr::decode(Bytes(2000, 0)).error().code, ErrorCode::too_large);
}

TEST(Multiaddr, answers_what_a_dialler_asks) {
  const auto address =
      Multiaddr::parse("/ip4/127.0.0.1/tcp/4868/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC").value();
  EXPECT_EQ(address.host(), "127.0.0.1");
  EXPECT_EQ(address.tcp_port(), 4868);
  EXPECT_FALSE(address.udp_port().has_value());
  ASSERT_TRUE(address.peer_id().has_value());
  EXPECT_EQ(decode_multihash(*address.peer_id())->code, HashCode::sha2_256);
  EXPECT_EQ(address.without_peer().to_string(), "/ip4/127.0.0.1/tcp/4868");
  EXPECT_EQ(address.without_peer().join(Multiaddr::parse("/ws").value()).value().to_string(),
            "/ip4/127.0.0.1/tcp/4868/ws");
  EXPECT_FALSE(Multiaddr().host().has_value());
}

RC_GTEST_PROP(Multiaddr, never_trusts_bytes, (const Bytes& bytes)) {
  for (const int first : {0x04, 0x06, 0x29, 0x36, 0x38}) {
    Bytes prefixed = {static_cast<std::uint8_t>(first)};
    append(prefixed, bytes);
    const auto decoded = Multiaddr::decode(prefixed);
    if (!decoded) continue;
    RC_ASSERT(equal(decoded->bytes(), prefixed));
    RC_ASSERT(Multiaddr::parse(decoded->to_string()).value() == *decoded);
  }
}

}  // namespace
}  // namespace rz::ipld
