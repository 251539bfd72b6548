// The grant, and the member's door.
#include "identity/recovery.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "identity/pod_fixture.h"
#include "log/genesis.h"

namespace rz::identity {
namespace {

using testing::Pod;

struct Door : ::testing::Test {
  Door() {
    channel.exporter.bytes.fill(1);
    channel.recoverer = pod.stranger().key();
    channel.member = pod.device(0).key();
    state = pod.device(0).state();
    genesis = log::encode_identity_genesis(pod.genesis());
  }
  Bytes request(const PaperKey& paper) const {
    return encode_recovery_request(make_recovery_request(paper, state.did, channel));
  }
  Result<Bytes> knock(const Bytes& frame, Tick now = Tick{1'000'000}) {
    const ConnectionId stream{next++};
    EXPECT_TRUE(door.opened(now, stream));
    return door.knock(now, stream, channel, state, genesis, frame);
  }

  Pod pod;
  RecoveryChannel channel;
  IdentityState state;
  Bytes genesis;
  RecoveryDoor door;
  std::uint64_t next = 1;
};

TEST_F(Door, OpensToWhoHoldsThePaperInForce) {
  const auto answer = knock(request(pod.paper()));
  ASSERT_TRUE(answer.has_value()) << answer.error().to_string();
  const auto grant = decode_recovery_grant(*answer);
  ASSERT_TRUE(grant.has_value());
  EXPECT_EQ(grant->genesis, genesis);
  EXPECT_TRUE(check_recovery_grant(*grant, state.did));
  Did other = state.did;
  other.bytes[5] ^= 1;
  EXPECT_EQ(check_recovery_grant(*grant, other).error().code, ErrorCode::sync_wrong_pod);
}

TEST_F(Door, StaysShutToAllOthers) {
  EXPECT_EQ(knock(request(PaperKey::random(pod.entropy()))).error().code, ErrorCode::recovery_wrong_key);
  EXPECT_FALSE(knock({}).has_value());
  EXPECT_FALSE(knock(Bytes(5000, 0)).has_value());
  const ConnectionId never{99};
  EXPECT_FALSE(door.knock(Tick{1}, never, channel, state, genesis, request(pod.paper())).has_value());
}

TEST_F(Door, GivesOneTryAStream) {
  const ConnectionId stream{5};
  ASSERT_TRUE(door.opened(Tick{1'000'000}, stream));
  EXPECT_FALSE(door.knock(Tick{1'000'000}, stream, channel, state, genesis, {}).has_value());
  EXPECT_FALSE(door.knock(Tick{1'000'000}, stream, channel, state, genesis, request(pod.paper())).has_value());
}

TEST_F(Door, LimitsHowOftenAnybodyTries) {
  const Bytes wrong = request(PaperKey::random(pod.entropy()));
  for (std::uint32_t i = 0; i < RecoveryDoor::tries_burst; ++i) {
    EXPECT_EQ(knock(wrong).error().code, ErrorCode::recovery_wrong_key);
  }
  EXPECT_EQ(knock(request(pod.paper())).error().code, ErrorCode::limit_exceeded);
  // Later it opens again: whoever floods it delays others by no more than that.
  EXPECT_TRUE(knock(request(pod.paper()), Tick{1'000'000} + RecoveryDoor::try_every).has_value());
}

TEST_F(Door, HoldsFewStreamsAndNotForLong) {
  const Tick now{1'000'000};
  for (std::uint64_t i = 0; i < RecoveryDoor::waiting_max; ++i) EXPECT_TRUE(door.opened(now, {100 + i}));
  EXPECT_FALSE(door.opened(now, {500}));
  door.closed({100});
  EXPECT_TRUE(door.opened(now, {500}));
  EXPECT_EQ(door.wake_at(), now + RecoveryDoor::patience);
  EXPECT_TRUE(door.expire(now).empty());
  EXPECT_EQ(door.expire(now + RecoveryDoor::patience).size(), RecoveryDoor::waiting_max);
  EXPECT_FALSE(door.wake_at().has_value());
}

TEST_F(Door, AGrantHasOneForm) {
  const Bytes bytes = encode_recovery_grant({genesis});
  EXPECT_EQ(to_hex(ByteView(bytes).first(2)), "8201") << "docs/formats/recovery.md";
  EXPECT_EQ(encode_recovery_grant(*decode_recovery_grant(bytes)), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_recovery_grant(ByteView(bytes).first(size)).has_value());
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_recovery_grant(longer).has_value());
  Bytes later = bytes;
  later[1] = 2;
  EXPECT_EQ(decode_recovery_grant(later).error().code, ErrorCode::recovery_bad_message);
  EXPECT_EQ(decode_recovery_grant(encode_recovery_grant({Bytes(1025)})).error().code, ErrorCode::limit_exceeded);
  EXPECT_FALSE(check_recovery_grant({Bytes(10)}, state.did));
}

// The vectors of docs/formats/recovery.md.
TEST(RecoveryVectors, AreThoseOfThePage) {
  const auto paper = PaperKey::parse(std::string("abandon abandon abandon abandon abandon abandon abandon abandon ") +
                                     "abandon abandon abandon abandon abandon abandon abandon abandon " +
                                     "abandon abandon abandon abandon abandon abandon abandon art");
  ASSERT_TRUE(paper.has_value());
  Did did;
  did.bytes.fill(7);
  RecoveryChannel channel;
  channel.exporter.bytes.fill(1);
  channel.recoverer.bytes.fill(2);
  channel.member.bytes.fill(3);
  const std::string request = to_hex(encode_recovery_request(make_recovery_request(*paper, did, channel)));
  std::ifstream page(std::string(RZ_SOURCE_DIR) + "/docs/formats/recovery.md");
  std::map<std::string, std::string> said;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line == "```vectors") inside = true;
    if (line == "```") inside = false;
    const std::size_t space = line.find(' ');
    if (inside && space != std::string::npos) {
      said[line.substr(0, space)] += line.substr(line.find_first_not_of(' ', space));
    }
  }
  EXPECT_EQ(said["paper"], paper->signing_key().public_key().hex());
  EXPECT_EQ(said["request"], request);
}

}  // namespace
}  // namespace rz::identity
