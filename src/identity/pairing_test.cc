#include "identity/pairing.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>

#include "log/genesis.h"

namespace rz::identity {
namespace {

constexpr Tick start{1'000'000};

template <class T>
T fixed(std::uint8_t fill) {
  T value;
  value.bytes.fill(fill);
  return value;
}

Welcome some_welcome(DeviceKind kind = DeviceKind::personal) {
  crypto::SeededEntropy entropy(99);
  const auto keys = DeviceKeys::random(entropy);
  log::IdentityGenesis genesis;
  genesis.device = keys.public_key();
  genesis.device_box = keys.box_key().public_key();
  genesis.recovery_box = keys.box_key().public_key();
  genesis.locator = keys.public_key();
  return {log::encode_identity_genesis(genesis),
          kind,
          fixed<log::EventId>(7),
          fixed<log::EventId>(6),
          {fixed<log::EventId>(1), fixed<log::EventId>(2)},
          {*ipld::Multiaddr::parse("/ip4/127.0.0.1/tcp/4868")},
          to_bytes("configuration")};
}

// An inviter and a newcomer with a wire between them that tests may cut, hold and tamper with.
class Pairing : public ::testing::Test {
 protected:
  Pairing() {
    crypto::SeededEntropy entropy(1);
    inviter_keys_.emplace(DeviceKeys::random(entropy));
    newcomer_keys_.emplace(DeviceKeys::random(entropy));
    thief_keys_.emplace(DeviceKeys::random(entropy));
    secret_ = draw_join_secret(entropy);
    other_secret_ = draw_join_secret(entropy);
    inviter_.emplace(inviter_keys_->public_key(), std::vector<CodeRecord>{});
  }

  Newcomer newcomer(const JoinSecret& secret, std::optional<crypto::PublicKey> expected = std::nullopt) const {
    return Newcomer(*newcomer_keys_, secret, expected, "Ada's phone");
  }

  PairingPeer as_seen_by_inviter(std::uint64_t connection, const DeviceKeys& remote) const {
    return {{connection}, fixed<Exporter>(static_cast<std::uint8_t>(connection)), remote.public_key()};
  }
  PairingPeer as_seen_by_newcomer(std::uint64_t connection) const {
    return {{connection}, fixed<Exporter>(static_cast<std::uint8_t>(connection)), inviter_keys_->public_key()};
  }

  Inviter::Output invite(Tick now = start, DeviceKind kind = DeviceKind::personal) {
    auto out = inviter_->step(now, Inviter::Invite{secret_, kind});
    confirm(out, now);
    return out;
  }

  // The host made the records durable.
  Inviter::Output confirm(const Inviter::Output& out, Tick now = start) {
    if (!out.persist) return {};
    stored_ = out.persist->records;
    return inviter_->step(now, Inviter::Persisted{out.persist->revision});
  }

  Inviter::Output prove(std::uint64_t connection, const JoinSecret& secret, const DeviceKeys& remote,
                        Tick now = start) {
    const PairingChannel channel{fixed<Exporter>(static_cast<std::uint8_t>(connection)), remote.public_key(),
                                 inviter_keys_->public_key()};
    const Prove message{make_proof(pairing_key(secret), PairingRole::newcomer, channel), remote.box_key().public_key(),
                        "a phone", false};
    return inviter_->step(now, Inviter::Message{as_seen_by_inviter(connection, remote), *encode_pairing(message)});
  }

  std::optional<DeviceKeys> inviter_keys_, newcomer_keys_, thief_keys_;
  JoinSecret secret_, other_secret_;
  std::optional<Inviter> inviter_;
  Bytes stored_;
};

template <class T>
T only_message(const auto& out) {
  EXPECT_EQ(out.send.size(), 1U);
  if (out.send.empty()) return {};
  auto decoded = decode_pairing(out.send.front().bytes);
  EXPECT_TRUE(decoded && std::holds_alternative<T>(*decoded));
  if (!decoded || !std::holds_alternative<T>(*decoded)) return {};
  return std::get<T>(*decoded);
}

RefusalReason refusal(const Inviter::Output& out) { return only_message<Refuse>(out).reason; }

TEST_F(Pairing, GoesThroughWithTheOwnersYes) {
  EXPECT_EQ(invite().progress->stage, Inviter::Stage::waiting);
  auto phone = newcomer(secret_, inviter_keys_->public_key());
  const auto hello = phone.step(start, Newcomer::Connected{as_seen_by_newcomer(1)});
  ASSERT_EQ(hello.send.size(), 1U);

  const auto burning =
      inviter_->step(start, Inviter::Message{as_seen_by_inviter(1, *newcomer_keys_), hello.send[0].bytes});
  EXPECT_TRUE(burning.send.empty()) << "nothing is answered before the code is burnt durably";
  const auto asking = confirm(burning);
  ASSERT_TRUE(asking.progress);
  EXPECT_EQ(asking.progress->stage, Inviter::Stage::asking);
  EXPECT_EQ(asking.progress->name, "Ada's phone");

  const auto accepted = phone.step(start, Newcomer::Message{{1}, asking.send[0].bytes});
  EXPECT_EQ(phone.stage(), Newcomer::Stage::asking);
  EXPECT_EQ(accepted.progress->fingerprint, asking.progress->fingerprint);
  EXPECT_EQ(accepted.progress->fingerprint.size(), 9U);

  const auto adding = inviter_->step(start, Inviter::Answer{true});
  ASSERT_TRUE(adding.add);
  EXPECT_EQ(adding.add->device, newcomer_keys_->public_key());
  EXPECT_EQ(adding.add->box_key, newcomer_keys_->box_key().public_key());
  EXPECT_EQ(adding.add->name, "Ada's phone");

  const auto copying = inviter_->step(start, Inviter::Added{some_welcome()});
  const auto storing = phone.step(start, Newcomer::Message{{1}, copying.send[0].bytes});
  ASSERT_TRUE(storing.persist);
  EXPECT_EQ(*storing.persist, some_welcome());
  EXPECT_TRUE(storing.send.empty()) << "what is received is durable before it is said to be";
  const auto joined = phone.step(start, Newcomer::Persisted{});
  EXPECT_EQ(phone.stage(), Newcomer::Stage::joined);
  const auto done =
      inviter_->step(start, Inviter::Message{as_seen_by_inviter(1, *newcomer_keys_), joined.send[0].bytes});
  EXPECT_EQ(done.progress->stage, Inviter::Stage::done);
}

TEST_F(Pairing, AWrongCodeIsRefusedAndSaidSoOnBothSides) {
  invite();
  auto phone = newcomer(other_secret_);
  const auto hello = phone.step(start, Newcomer::Connected{as_seen_by_newcomer(1)});
  const auto out = inviter_->step(start, Inviter::Message{as_seen_by_inviter(1, *newcomer_keys_), hello.send[0].bytes});
  EXPECT_EQ(refusal(out), RefusalReason::wrong_code);
  EXPECT_EQ(out.close.size(), 1U);
  const auto failed = phone.step(start, Newcomer::Message{{1}, out.send[0].bytes});
  EXPECT_EQ(failed.progress->why->code, ErrorCode::pairing_wrong_code);
  EXPECT_TRUE(inviter_->has_open_code()) << "one wrong try does not burn it";
}

TEST_F(Pairing, FiveWrongProofsLockTheCode) {
  invite();
  for (int i = 0; i < pairing_failures_max; ++i) {
    EXPECT_EQ(refusal(prove(10 + i, other_secret_, *thief_keys_)), RefusalReason::wrong_code);
    EXPECT_EQ(inviter_->has_open_code(), i + 1 < pairing_failures_max);
  }
  EXPECT_EQ(inviter_->stage(), Inviter::Stage::failed);
  EXPECT_EQ(refusal(prove(20, secret_, *newcomer_keys_)), RefusalReason::locked_code);
}

TEST_F(Pairing, AUsedCodeLetsNobodyElseIn) {
  invite();
  confirm(prove(1, secret_, *newcomer_keys_));
  EXPECT_EQ(refusal(prove(2, secret_, *thief_keys_)), RefusalReason::used_code);
  inviter_->step(start, Inviter::Answer{true});
  inviter_->step(start, Inviter::Added{some_welcome()});
  EXPECT_EQ(refusal(prove(3, secret_, *thief_keys_)), RefusalReason::used_code);
}

TEST_F(Pairing, ACodeExpiresAfterTenMinutesOfAnyKind) {
  const auto out = invite();
  EXPECT_EQ(out.wake_at, start + pairing_code_lifetime);
  const Tick later = start + pairing_code_lifetime;
  EXPECT_EQ(refusal(prove(1, secret_, *newcomer_keys_, later)), RefusalReason::expired_code);
  EXPECT_FALSE(inviter_->has_open_code());
}

TEST_F(Pairing, ARestartForgetsOpenCodesAndRemembersBurntOnes) {
  invite();
  confirm(prove(1, secret_, *newcomer_keys_));
  inviter_.emplace(inviter_keys_->public_key(), *decode_code_records(stored_));
  EXPECT_EQ(refusal(prove(2, secret_, *thief_keys_)), RefusalReason::used_code);
  EXPECT_EQ(refusal(prove(3, secret_, *newcomer_keys_)), RefusalReason::used_code);

  inviter_->step(start, Inviter::Invite{other_secret_, DeviceKind::personal});
  std::vector<CodeRecord> open;
  open.push_back({pairing_key(other_secret_), CodeState::open});
  inviter_.emplace(inviter_keys_->public_key(), std::move(open));
  EXPECT_EQ(refusal(prove(4, other_secret_, *newcomer_keys_)), RefusalReason::expired_code);
}

TEST_F(Pairing, AProofIsWorthNothingOnAnotherConnection) {
  invite();
  const PairingChannel overheard{fixed<Exporter>(1), newcomer_keys_->public_key(), inviter_keys_->public_key()};
  const Prove replay{make_proof(pairing_key(secret_), PairingRole::newcomer, overheard),
                     newcomer_keys_->box_key().public_key(), "a phone", false};
  // The same device key on another TLS connection, and another key on the same exporter.
  auto elsewhere = as_seen_by_inviter(2, *newcomer_keys_);
  EXPECT_EQ(refusal(inviter_->step(start, Inviter::Message{elsewhere, *encode_pairing(replay)})),
            RefusalReason::wrong_code);
  auto other_key = as_seen_by_inviter(1, *thief_keys_);
  EXPECT_EQ(refusal(inviter_->step(start, Inviter::Message{other_key, *encode_pairing(replay)})),
            RefusalReason::wrong_code);
}

// A man in the middle has two TLS connections with two exporters: what he passes on proves nothing.
TEST_F(Pairing, AManInTheMiddleGetsNowhere) {
  invite();
  auto phone = newcomer(secret_);  // Typed: the newcomer knows no key.
  PairingPeer thief{{1}, fixed<Exporter>(1), thief_keys_->public_key()};
  const auto hello = phone.step(start, Newcomer::Connected{thief});
  const auto out = inviter_->step(start, Inviter::Message{as_seen_by_inviter(2, *thief_keys_), hello.send[0].bytes});
  EXPECT_EQ(refusal(out), RefusalReason::wrong_code);
  // Nor can he play the inviter's part by sending the newcomer's own proof back.
  const auto own = std::get<Prove>(*decode_pairing(hello.send[0].bytes)).proof;
  const auto failed = phone.step(start, Newcomer::Message{{1}, *encode_pairing(Accept{own})});
  EXPECT_EQ(failed.progress->why->code, ErrorCode::pairing_wrong_code);
}

TEST_F(Pairing, ALinkNamesTheOnlyInviterToTalkTo) {
  auto phone = newcomer(secret_, inviter_keys_->public_key());
  PairingPeer thief{{1}, fixed<Exporter>(1), thief_keys_->public_key()};
  const auto out = phone.step(start, Newcomer::Connected{thief});
  EXPECT_TRUE(out.send.empty()) << "no proof for a stranger";
  EXPECT_EQ(out.progress->why->code, ErrorCode::pairing_wrong_inviter);
}

// Who has the code (a photographed screen) can relay with connections of his own: then the fingerprints differ.
TEST_F(Pairing, FingerprintsDifferWhenSomebodyStandsBetween) {
  const PairingChannel left{fixed<Exporter>(1), newcomer_keys_->public_key(), thief_keys_->public_key()};
  const PairingChannel right{fixed<Exporter>(2), thief_keys_->public_key(), inviter_keys_->public_key()};
  EXPECT_NE(pairing_fingerprint(left), pairing_fingerprint(right));
  const PairingChannel same_exporter{fixed<Exporter>(1), thief_keys_->public_key(), inviter_keys_->public_key()};
  EXPECT_NE(pairing_fingerprint(left), pairing_fingerprint(same_exporter));
}

TEST_F(Pairing, TheOwnersNoIsSaidClearly) {
  invite();
  const auto asking = confirm(prove(1, secret_, *newcomer_keys_));
  EXPECT_EQ(asking.progress->stage, Inviter::Stage::asking);
  const auto out = inviter_->step(start, Inviter::Answer{false});
  EXPECT_FALSE(out.add);
  EXPECT_EQ(refusal(out), RefusalReason::declined);
  EXPECT_EQ(refusal(prove(2, secret_, *newcomer_keys_)), RefusalReason::used_code) << "burnt all the same";
}

TEST_F(Pairing, NothingIsAddedWithoutAnAnswer) {
  invite();
  EXPECT_FALSE(inviter_->step(start, Inviter::Answer{true}).add);
  const auto burning = prove(1, secret_, *newcomer_keys_);
  EXPECT_FALSE(inviter_->step(start, Inviter::Answer{true}).add) << "nor before the owner was shown who asks";
  const auto asking = confirm(burning);
  const auto late = inviter_->step(start + pairing_answer_lifetime, Inviter::Answer{true});
  EXPECT_FALSE(late.add);
  EXPECT_EQ(refusal(late), RefusalReason::timed_out);
}

TEST_F(Pairing, AnAdditionThatFailsIsSaidOnBothSides) {
  invite();
  confirm(prove(1, secret_, *newcomer_keys_));
  inviter_->step(start, Inviter::Answer{true});
  const auto out = inviter_->step(start, Inviter::AddFailed{"the disk is full"});
  EXPECT_EQ(refusal(out), RefusalReason::failed);
  EXPECT_EQ(out.progress->why->message, "the disk is full");
}

TEST_F(Pairing, ANewcomerThatComesBackGoesOnWhereItWas) {
  invite();
  auto phone = newcomer(secret_);
  const auto hello = phone.step(start, Newcomer::Connected{as_seen_by_newcomer(1)});
  const auto peer = as_seen_by_inviter(1, *newcomer_keys_);
  const auto asking = confirm(inviter_->step(start, Inviter::Message{peer, hello.send[0].bytes}));
  phone.step(start, Newcomer::Message{{1}, asking.send[0].bytes});
  phone.step(start, Newcomer::Disconnected{{1}});
  inviter_->step(start, Inviter::Disconnected{{1}});
  inviter_->step(start, Inviter::Answer{true});
  EXPECT_TRUE(inviter_->step(start, Inviter::Added{some_welcome()}).send.empty());

  const auto again = phone.step(start, Newcomer::Connected{as_seen_by_newcomer(2)});
  const auto back =
      inviter_->step(start, Inviter::Message{as_seen_by_inviter(2, *newcomer_keys_), again.send[0].bytes});
  ASSERT_EQ(back.send.size(), 2U);
  phone.step(start, Newcomer::Message{{2}, back.send[0].bytes});
  const auto storing = phone.step(start, Newcomer::Message{{2}, back.send[1].bytes});
  EXPECT_TRUE(storing.persist);
}

TEST_F(Pairing, NothingIsAnsweredBeforeTheBurntCodeIsDurable) {
  const auto opened = inviter_->step(start, Inviter::Invite{secret_, DeviceKind::personal});
  const auto burning = prove(1, secret_, *newcomer_keys_);
  ASSERT_TRUE(burning.persist);
  // An older write is confirmed, and the newcomer is back on another connection: still nothing.
  EXPECT_TRUE(inviter_->step(start, Inviter::Persisted{opened.persist->revision}).send.empty());
  EXPECT_TRUE(prove(2, secret_, *newcomer_keys_).send.empty());
  EXPECT_EQ(inviter_->step(start, Inviter::Persisted{burning.persist->revision}).send.size(), 1U);
}

TEST_F(Pairing, AWithdrawnCodeIsDeadAtOnce) {
  invite();
  EXPECT_EQ(inviter_->step(start, Inviter::Withdraw{}).progress->stage, Inviter::Stage::idle);
  EXPECT_EQ(refusal(prove(1, secret_, *newcomer_keys_)), RefusalReason::cancelled);
}

TEST_F(Pairing, ANewcomerRefusesWhatComesOutOfOrder) {
  auto phone = newcomer(secret_);
  phone.step(start, Newcomer::Connected{as_seen_by_newcomer(1)});
  const auto out = phone.step(start, Newcomer::Message{{1}, *encode_pairing(some_welcome())});
  EXPECT_EQ(out.progress->why->code, ErrorCode::pairing_out_of_order);
  EXPECT_FALSE(out.persist);
}

TEST_F(Pairing, ANewcomerDoesNotWaitForever) {
  auto phone = newcomer(secret_);
  const auto out = phone.step(start, Newcomer::Connected{as_seen_by_newcomer(1)});
  ASSERT_EQ(out.wake_at, start + pairing_silence_max);
  EXPECT_EQ(phone.step(*out.wake_at, Newcomer::Ticked{}).progress->why->code, ErrorCode::pairing_timed_out);
}

TEST_F(Pairing, CloudPeersAndBrowsersAreAddedAsWhatTheyAre) {
  invite(start, DeviceKind::cloud);
  confirm(prove(1, secret_, *newcomer_keys_));
  EXPECT_EQ(inviter_->step(start, Inviter::Answer{true}).add->kind, DeviceKind::cloud);

  inviter_.emplace(inviter_keys_->public_key(), std::vector<CodeRecord>{});
  invite();
  Newcomer browser(*newcomer_keys_, secret_, std::nullopt, "Firefox", true);
  const auto hello = browser.step(start, Newcomer::Connected{as_seen_by_newcomer(1)});
  confirm(inviter_->step(start, Inviter::Message{as_seen_by_inviter(1, *newcomer_keys_), hello.send[0].bytes}));
  EXPECT_EQ(inviter_->step(start, Inviter::Answer{true}).add->kind, DeviceKind::browser);
}

TEST_F(Pairing, GarbageClosesTheConnectionAndNothingElse) {
  invite();
  const auto out = inviter_->step(start, Inviter::Message{as_seen_by_inviter(1, *thief_keys_), to_bytes("garbage")});
  EXPECT_EQ(out.close.size(), 1U);
  EXPECT_TRUE(inviter_->has_open_code());
  const auto misplaced =
      inviter_->step(start, Inviter::Message{as_seen_by_inviter(1, *thief_keys_), *encode_pairing(Received{})});
  EXPECT_EQ(misplaced.close.size(), 1U);
}

TEST(PairingMessages, SurviveEncoding) {
  crypto::SeededEntropy entropy(5);
  const auto keys = DeviceKeys::random(entropy);
  const std::vector<PairingMessage> messages = {
      Prove{fixed<Proof>(3), keys.box_key().public_key(), "Ada's phone", true},
      Accept{fixed<Proof>(4)},
      Refuse{RefusalReason::locked_code},
      some_welcome(DeviceKind::cloud),
      Received{},
      GiveUp{},
  };
  for (const auto& message : messages) {
    const auto bytes = encode_pairing(message);
    ASSERT_TRUE(bytes);
    const auto decoded = decode_pairing(*bytes);
    ASSERT_TRUE(decoded) << decoded.error().to_string();
    EXPECT_EQ(*decoded, message);
    for (std::size_t size = 0; size < bytes->size(); ++size) EXPECT_FALSE(decode_pairing(ByteView(*bytes).first(size)));
    Bytes longer = *bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_pairing(longer));
  }
}

RC_GTEST_PROP(PairingMessages, WhatDecodesEncodesToTheSameBytes, (std::vector<std::uint8_t> noise)) {
  auto bytes = *encode_pairing(some_welcome());
  for (std::size_t i = 0; i + 1 < noise.size(); i += 2) {
    bytes[(noise[i] * 7U + i) % bytes.size()] = noise[i + 1];
  }
  const auto decoded = decode_pairing(bytes);
  if (decoded) RC_ASSERT(*encode_pairing(*decoded) == bytes);
}

TEST(PairingMessages, RefuseWhatIsOutOfBounds) {
  auto welcome = some_welcome();
  std::swap(welcome.heads[0], welcome.heads[1]);
  EXPECT_EQ(encode_pairing(welcome).error().code, ErrorCode::pairing_bad_message);
  welcome = some_welcome();
  welcome.configuration.resize(welcome_configuration_bytes_max + 1);
  EXPECT_EQ(encode_pairing(welcome).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(decode_pairing(Bytes(pairing_message_bytes_max + 1)).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(decode_pairing(Bytes{0x81, 0x09}).error().to_string(),
            "pairing_bad_message at byte 1: unknown kind of message 9");
  EXPECT_EQ(decode_pairing(Bytes{0x82, 0x02, 0x18, 0x20}).error().code, ErrorCode::pairing_bad_message);
  EXPECT_EQ(decode_pairing(Bytes{0x80}).error().code, ErrorCode::pairing_bad_message);
}

TEST(PairingMessages, NamesAreTextWithoutControls) {
  EXPECT_TRUE(check_device_name("Ada's phone 📱"));
  EXPECT_FALSE(check_device_name(""));
  EXPECT_FALSE(check_device_name("a\nb"));
  EXPECT_FALSE(check_device_name("\xff"));
  EXPECT_FALSE(check_device_name(std::string(65, 'x')));
}

TEST(CodeRecords, SurviveEncoding) {
  std::vector<CodeRecord> records;
  records.push_back({pairing_key(JoinSecret{}), CodeState::used});
  records.push_back({pairing_key(fixed<JoinSecret>(1)), CodeState::open});
  const auto bytes = encode_code_records(records);
  const auto decoded = decode_code_records(bytes);
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), 2U);
  EXPECT_EQ((*decoded)[1].state, CodeState::open);
  EXPECT_TRUE((*decoded)[0].key.equals(records[0].key));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_code_records(ByteView(bytes).first(size)));
}

}  // namespace
}  // namespace rz::identity
