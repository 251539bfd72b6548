// Keys, peer ids, the certificate extension, identify, ping: vectors, round trips, a second reading by protozero.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <protozero/pbf_reader.hpp>

#include "crypto/initialise.h"
#include "net/identify.h"
#include "net/peer_id.h"
#include "net/ping.h"
#include "net/protobuf.h"
#include "net/public_key.h"
#include "net/signed_key.h"

namespace rz::net {
namespace {

crypto::SigningKey key_of(std::uint64_t seed) {
  EXPECT_TRUE(crypto::initialise());
  crypto::SeededEntropy entropy(seed);
  return crypto::SigningKey::from_seed(crypto::Secret32::random(entropy));
}

// libp2p/specs, peer-ids, "Test vectors": an Ed25519 public key.
constexpr std::string_view spec_ed25519 = "080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e";
// The same, secp256k1.
constexpr std::string_view spec_secp256k1 =
    "08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99";

TEST(PublicKey, ReadsTheSpecificationsVectors) {
  const auto ed25519 = decode_public_key(from_hex(spec_ed25519).value());
  ASSERT_TRUE(ed25519) << ed25519.error().to_string();
  EXPECT_EQ(ed25519->type, KeyType::ed25519);
  EXPECT_EQ(to_hex(encode_public_key(*ed25519)), spec_ed25519);
  const auto secp256k1 = decode_public_key(from_hex(spec_secp256k1).value());
  ASSERT_TRUE(secp256k1) << secp256k1.error().to_string();
  EXPECT_EQ(secp256k1->type, KeyType::secp256k1);
  EXPECT_EQ(secp256k1->ed25519(), std::nullopt);
}

TEST(PublicKey, RefusesEveryOtherForm) {
  const auto refuse = [](std::string_view hex) {
    const auto key = decode_public_key(from_hex(hex).value());
    ASSERT_FALSE(key) << hex;
    EXPECT_EQ(key.error().code, ErrorCode::net_bad_public_key) << hex;
  };
  const std::string good(spec_ed25519);
  refuse("");
  refuse(good.substr(0, 70));
  refuse(good + "00");
  refuse(good + "1800");
  refuse("1220" + good.substr(8) + "0801");
  refuse("088100" + good.substr(4));
  refuse("0807" + good.substr(4));
  refuse("080112001800");
  refuse("0801121f" + good.substr(8, 62));
  refuse("08011220" + std::string(64, '0'));
  EXPECT_EQ(decode_public_key(Bytes(public_key_bytes_max + 1)).error().code, ErrorCode::limit_exceeded);
}

TEST(PeerId, ReadsAndWritesBothTexts) {
  constexpr std::string_view hashed = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
  constexpr std::string_view hashed_cid = "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe";
  constexpr std::string_view inlined = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
  ASSERT_TRUE(PeerId::from_text(hashed));
  EXPECT_EQ(PeerId::from_text(hashed)->to_text(), hashed);
  EXPECT_EQ(PeerId::from_text(hashed_cid).value(), PeerId::from_text(hashed).value());
  EXPECT_EQ(PeerId::from_text(hashed)->key(), std::nullopt);
  const auto peer = PeerId::from_text(inlined);
  ASSERT_TRUE(peer) << peer.error().to_string();
  EXPECT_EQ(peer->to_text(), inlined);
  ASSERT_TRUE(peer->key());
  EXPECT_EQ(PeerId::from_key(*peer->key()), *peer);
  EXPECT_TRUE(peer->to_cid().starts_with("k51"));
  EXPECT_EQ(PeerId::from_text(peer->to_cid()).value(), *peer);
}

TEST(PeerId, RefusesOtherThings) {
  for (const auto* text : {"", "1", "12D3Koo0", "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5", "hello",
                           "bafyreihyrpefhacm6kkp4ql6j6udakdit7g3dmkzfriqfykhjw6cad5lrm"}) {
    EXPECT_FALSE(PeerId::from_text(text)) << text;
  }
  EXPECT_EQ(PeerId::from_text(std::string(10'000, '1')).error().code, ErrorCode::net_bad_peer_id);
  EXPECT_EQ(PeerId::from_multihash(from_hex("0003080112").value()).error().code, ErrorCode::net_bad_peer_id);
  EXPECT_EQ(PeerId::from_multihash(Bytes{0x11, 2, 1, 1}).error().code, ErrorCode::net_bad_peer_id);
  for (const Bytes& cut : {Bytes{0x12, 0}, Bytes{0x12, 2, 1, 1}}) {  // A hash cut short; found by fuzzing.
    EXPECT_EQ(PeerId::from_multihash(cut).error().code, ErrorCode::net_bad_peer_id);
  }
  EXPECT_TRUE(PeerId().is_empty());
  EXPECT_EQ(PeerId().key(), std::nullopt);
}

RC_GTEST_PROP(SignedKey, ProvesItsKeyAndNoOther, (std::uint64_t seed, Bytes spki, std::uint8_t flip)) {
  const auto key = key_of(seed);
  Bytes der = make_signed_key(key, spki);
  const auto proven = verify_signed_key(der, spki);
  RC_ASSERT(proven.has_value());
  RC_ASSERT(proven->peer == PeerId::from_key(key.public_key()));
  Bytes other = spki;
  other.push_back(0);
  RC_ASSERT(verify_signed_key(der, other).error().code == ErrorCode::net_bad_signature);
  der[flip % der.size()] ^= static_cast<std::uint8_t>(1u << (flip % 8));
  RC_ASSERT(!verify_signed_key(der, spki).has_value());
}

TEST(SignedKey, IsStrictDer) {
  const SignedKey value{Bytes(200, 1), Bytes(300, 2)};
  const Bytes der = encode_signed_key(value);
  ASSERT_TRUE(decode_signed_key(der));
  EXPECT_EQ(decode_signed_key(der)->public_key, value.public_key);
  EXPECT_EQ(decode_signed_key(der)->signature, value.signature);
  for (std::size_t i = 0; i < der.size(); ++i) {
    EXPECT_FALSE(decode_signed_key(ByteView(der).first(i))) << i;
  }
  // Trailing bytes, inside and out; lengths in a longer form; an indefinite length.
  for (const auto* hex : {"30060402aaaa0400ff", "300604 02aaaa0400", "3081060402aaaa0400", "30800402aaaa04000000",
                          "30070402aaaa0400ff", "300804020102040103ff", "3009048200020102040103"}) {
    std::string text(hex);
    std::erase(text, ' ');
    const auto refused = decode_signed_key(from_hex(text).value());
    if (text == "30060402aaaa0400") {
      EXPECT_TRUE(refused);
    } else {
      EXPECT_FALSE(refused) << text;
    }
  }
  EXPECT_EQ(decode_signed_key(Bytes(5000)).error().code, ErrorCode::limit_exceeded);
}

rc::Gen<Identify> any_identify() {
  const auto text = rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7f));
  return rc::gen::build<Identify>(
      rc::gen::set(&Identify::protocol_version, text), rc::gen::set(&Identify::agent_version, text),
      rc::gen::set(&Identify::public_key), rc::gen::set(&Identify::observed_address),
      rc::gen::set(&Identify::signed_peer_record),
      rc::gen::set(&Identify::addresses, rc::gen::container<std::vector<Bytes>>(rc::gen::nonEmpty(
                                             rc::gen::container<Bytes>(rc::gen::arbitrary<std::uint8_t>())))),
      rc::gen::set(&Identify::protocols, rc::gen::container<std::vector<std::string>>(rc::gen::nonEmpty(text))));
}

RC_GTEST_PROP(Identify, GivesBackWhatWasPutAndProtozeroAgrees, ()) {
  const auto value = *any_identify();
  const Bytes wire = encode_identify(value);
  RC_PRE(wire.size() <= identify_bytes_max);
  Identify got;
  RC_ASSERT(merge_identify(wire, got).has_value());
  RC_ASSERT(got == value);
  protozero::pbf_reader reader(reinterpret_cast<const char*>(wire.data()), wire.size());
  Identify second;
  const auto bytes = [&reader] { return to_bytes(reader.get_string()); };
  while (reader.next()) {
    switch (reader.tag()) {
      case 1:
        second.public_key = bytes();
        break;
      case 2:
        second.addresses.push_back(bytes());
        break;
      case 3:
        second.protocols.push_back(reader.get_string());
        break;
      case 4:
        second.observed_address = bytes();
        break;
      case 5:
        second.protocol_version = reader.get_string();
        break;
      case 6:
        second.agent_version = reader.get_string();
        break;
      case 8:
        second.signed_peer_record = bytes();
        break;
      default:
        RC_FAIL("a field that nobody wrote");
    }
  }
  RC_ASSERT(second == value);
}

// protobuf keeps these field numbers for itself: protozero refuses them, ours skips them like any unknown field.
bool is_reserved(std::uint32_t field_number) { return field_number >= 19000 && field_number <= 19999; }

// What our reader accepts protozero reads alike, on any bytes at all.
RC_GTEST_PROP(Protobuf, ProtozeroReadsTheSameFields, (Bytes message)) {
  ProtobufReader ours(message);
  protozero::pbf_reader theirs(reinterpret_cast<const char*>(message.data()), message.size());
  for (;;) {
    const auto field = ours.next();
    if (!field || !*field || is_reserved((*field)->number)) break;
    RC_ASSERT(theirs.next());
    RC_ASSERT(theirs.tag() == (*field)->number);
    switch ((*field)->type) {
      case WireType::varint:
        RC_ASSERT(theirs.get_uint64() == (*field)->value);
        break;
      case WireType::bytes:
        RC_ASSERT(to_bytes(theirs.get_string()) == to_bytes((*field)->bytes));
        break;
      default:
        theirs.skip();
    }
  }
}

TEST(Identify, MergesAndLimits) {
  Identify value;
  Identify first;
  first.protocols = {"/a/1"};
  first.agent_version = "old";
  Identify second;
  second.protocols = {"/b/1"};
  second.agent_version = "new";
  ASSERT_TRUE(merge_identify(encode_identify(first), value));
  ASSERT_TRUE(merge_identify(encode_identify(second), value));
  EXPECT_EQ(value.agent_version, "new");
  EXPECT_EQ(value.protocols, (std::vector<std::string>{"/a/1", "/b/1"}));
  const auto before = value;
  Bytes many;
  for (std::size_t i = 0; i <= identify_addresses_max; ++i) put_protobuf_bytes(many, 2, Bytes{1});
  EXPECT_EQ(merge_identify(many, value).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(merge_identify(Bytes(identify_bytes_max + 1), value).error().code, ErrorCode::limit_exceeded);
  Bytes ugly;
  put_protobuf_bytes(ugly, 6, as_bytes("a\x1b[2Jb"));
  EXPECT_EQ(merge_identify(ugly, value).error().code, ErrorCode::net_bad_protobuf);
  EXPECT_EQ(merge_identify(Bytes{0x30, 1}, value).error().code, ErrorCode::net_bad_protobuf);
  EXPECT_EQ(merge_identify(Bytes{0x0b}, value).error().code, ErrorCode::net_bad_protobuf);
  EXPECT_EQ(value, before) << "a bad message changes nothing";
  EXPECT_TRUE(merge_identify(Bytes{0x7a, 1, 0}, value)) << "unknown fields are skipped";
}

RC_GTEST_PROP(Ping, ComesBackInAnyPieces, (std::vector<std::uint8_t> sizes)) {
  PingInitiator asking(7);
  PingResponder answering;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    const Bytes sent = asking.start(Tick{100});
    Bytes back;
    std::size_t turn = 0;
    for (ByteView rest = sent; !rest.empty();) {
      const std::size_t size =
          std::min<std::size_t>(rest.size(), sizes.empty() ? 32u : 1u + sizes[turn++ % sizes.size()]);
      append(back, answering.receive(rest.first(size)));
      rest = rest.subspan(size);
    }
    RC_ASSERT(back == sent);
    const auto rtt = asking.receive(Tick{150}, back);
    RC_ASSERT(rtt.has_value());
    RC_ASSERT((**rtt).us == 50);
  }
}

TEST(Ping, NoticesAnotherAnswer) {
  PingInitiator asking(7);
  Bytes back = asking.start(Tick{1});
  back[31] ^= 1;
  EXPECT_EQ(asking.receive(Tick{2}, back).error().code, ErrorCode::net_stream_reset);
  PingInitiator impatient(7);
  EXPECT_FALSE(impatient.receive(Tick{2}, Bytes(1))) << "nothing was asked";
}

}  // namespace
}  // namespace rz::net
