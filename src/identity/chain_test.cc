// The chain of decisive operations: contests, promises, the paper key, recovery and veto, rotation.
#include <gtest/gtest.h>

#include "identity/fold.h"
#include "identity/pod_fixture.h"
#include "identity/recovery.h"

namespace rz::identity {
namespace {

using testing::Pod;
using testing::Replica;

bool in_pod(const IdentityState& state, const AuthorKey& key) {
  const Device* device = state.find(key);
  return device != nullptr && device->in_pod();
}

log::Operation removal(Replica& by, const Replica& device) {
  return *draft_remove(by.state(), device.key(), by.cut_of(device.key()));
}

// Two changes that both follow the genesis, by one device alone in its pod (a copied machine, say).
struct Contested : ::testing::Test {
  Contested() {
    second = &pod.add();
    third = &pod.add();
    auto& owner = pod.device(0);
    const auto admission = owner.admission_here();
    const auto heads = owner.graph().frontier();
    one = owner.write_behind(removal(owner, *second), admission, heads);
    second->pull(owner);
    other = owner.write_behind(removal_of_third(), admission, heads);
    third_saw = other;
  }
  log::Operation removal_of_third() {
    // As the copy saw it: nothing of the first removal.
    return log::RemoveDevice{third->key(), pod.device(0).cut_of(third->key()), {}, {}};
  }
  Pod pod;
  Replica* second = nullptr;
  Replica* third = nullptr;
  EventId one, other, third_saw;
};

TEST_F(Contested, IsSeenByAllAndDecidedByNobody) {
  pod.sync();
  const auto state = third->state();
  ASSERT_TRUE(state.contest);
  EXPECT_EQ(state.contest->after, EventId{});
  std::vector rivals = {one, other};
  std::sort(rivals.begin(), rivals.end());
  EXPECT_EQ(state.contest->rivals, rivals);
  EXPECT_FALSE(state.contest->stayed);
  EXPECT_TRUE(in_pod(state, second->key()) && in_pod(state, third->key()));
  ASSERT_EQ(state.equivocators.size(), 1U);
  EXPECT_EQ(state.equivocators[0].device, pod.device(0).key());
}

TEST_F(Contested, EachDeviceStaysWithWhatItStoredFirst) {
  second->stance.stayed_with = second->state().chain;
  EXPECT_EQ(second->stance.stayed_with, std::vector{one});
  pod.sync();
  const auto state = second->state();
  ASSERT_TRUE(state.contest);
  EXPECT_EQ(state.contest->stayed, one);
  EXPECT_FALSE(in_pod(state, second->key()));
  EXPECT_TRUE(in_pod(state, third->key()));
}

TEST_F(Contested, DevicesCanNotDecideIt) {
  pod.sync();
  auto& owner = pod.device(0);
  auto policy = *draft_policy(owner.state(), {});
  EXPECT_EQ(check_authority(owner.state(), owner.key(), policy).error().code, ErrorCode::identity_contested);
  ASSERT_TRUE(decide(owner.state(), one, policy));
  owner.write(policy);
  EXPECT_TRUE(owner.state().contest);
}

TEST_F(Contested, ThePaperKeyKeepsTheRivalThatItFollows) {
  pod.sync();
  auto& owner = pod.device(0);
  auto policy = *draft_policy(owner.state(), {});
  ASSERT_TRUE(decide(owner.state(), other, policy));
  const auto id = owner.write(pod.with_paper(owner, policy, pod.paper()));
  pod.sync();
  second->stance.stayed_with = {one};  // Even who stayed with the other one.
  for (Replica* each : {&owner, second, third}) {
    const auto state = each->state();
    EXPECT_FALSE(state.contest);
    EXPECT_EQ(state.chain, (std::vector{other, id}));
    EXPECT_TRUE(in_pod(state, second->key()));
    EXPECT_FALSE(in_pod(state, third->key()));
  }
}

TEST_F(Contested, ThePaperKeyNamingBothReplacesBoth) {
  pod.sync();
  auto& owner = pod.device(0);
  auto policy = *draft_policy(owner.state(), {});
  ASSERT_TRUE(decide(owner.state(), std::nullopt, policy));
  const auto id = owner.write(pod.with_paper(owner, policy, pod.paper()));
  pod.sync();
  const auto state = third->state();
  EXPECT_FALSE(state.contest);
  EXPECT_EQ(state.chain, std::vector{id});
  EXPECT_TRUE(in_pod(state, second->key()) && in_pod(state, third->key()));
}

TEST(Chain, ThePaperKeysSuccessorWins) {
  Pod pod;
  pod.grow_established(2);
  auto& owner = pod.device(0);
  // A majority removes the owner's device; the owner, not knowing, removes another with the paper key.
  const auto mine = owner.write(pod.with_paper(owner, removal(owner, pod.device(2)), pod.paper()));
  auto theirs = removal(pod.device(1), owner);
  pod.device(1).write(pod.endorsed(pod.device(1), theirs, {&pod.device(2)}));
  pod.sync();
  for (std::size_t i = 0; i < pod.size(); ++i) {
    const auto state = pod.device(i).state();
    EXPECT_FALSE(state.contest);
    EXPECT_EQ(state.chain, std::vector{mine});
    EXPECT_TRUE(in_pod(state, owner.key()));
    EXPECT_FALSE(in_pod(state, pod.device(2).key()));
  }
}

TEST(Chain, OperationsFollowEachOther) {
  Pod pod;
  pod.grow_established(2);
  auto& owner = pod.device(0);
  const auto first = owner.write(pod.endorsed(owner, *draft_policy(owner.state(), {}), {&pod.device(1)}));
  pod.sync();
  const auto second = owner.write(pod.endorsed(owner, removal(owner, pod.device(2)), {&pod.device(1)}));
  pod.sync();
  EXPECT_EQ(pod.device(1).state().chain, (std::vector{first, second}));
  // Two are left and established: one alone is no majority.
  auto& other = pod.device(1);
  const auto refused = check_authority(owner.state(), owner.key(), removal(owner, other));
  EXPECT_EQ(refused.error().message,
            "needs the yes of 1 more of your devices (1 of 2 established devices said yes), or the paper key");
}

TEST(Chain, ADeviceSignsOneSuccessor) {
  Pod pod;
  pod.grow_established(2);
  auto& owner = pod.device(0);
  auto& signer = pod.device(1);
  const auto first = *draft_policy(owner.state(), {});
  const auto second = removal(owner, pod.device(2));
  const auto signature = co_sign(signer.state(), signer.promises, signer.keys(), owner.key(), first);
  ASSERT_TRUE(signature);
  ASSERT_TRUE(signature->persist_first) << "the promise is durable before the signature leaves";
  keep_promise(signer.promises, *signature->persist_first);
  const auto again = co_sign(signer.state(), signer.promises, signer.keys(), owner.key(), first);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->persist_first) << "the same one may be signed twice";
  EXPECT_EQ(co_sign(signer.state(), signer.promises, signer.keys(), owner.key(), second).error().code,
            ErrorCode::successor_promised);
  EXPECT_EQ(promise(signer.state(), signer.promises, signer.key(), second).error().code, ErrorCode::successor_promised);
  // What is no link of the chain needs no promise.
  const auto none = promise(signer.state(), signer.promises, signer.key(), pod.addition(owner));
  EXPECT_TRUE(none && !none->has_value());
}

TEST(Chain, UnestablishedDevicesDoNotSign) {
  Pod pod;
  pod.add();
  auto& owner = pod.device(0);
  const auto operation = *draft_policy(owner.state(), {});
  EXPECT_EQ(co_sign(pod.device(1).state(), {}, pod.device(1).keys(), owner.key(), operation).error().code,
            ErrorCode::authority_missing);
  EXPECT_EQ(co_sign(owner.state(), {}, owner.keys(), owner.key(), pod.addition(owner)).error().code,
            ErrorCode::bad_argument);
}

// A device that knows the chain's tip can't write a rival on purpose.
TEST(Chain, WhoKnowsASuccessorFollowsIt) {
  Pod pod;
  pod.add();
  auto& owner = pod.device(0);
  const auto first = owner.write(*draft_policy(owner.state(), {}));
  owner.write(log::SetPolicy{encode_policy({{pod.device(1).key()}}), {}, {}});
  const auto state = owner.state();
  EXPECT_FALSE(state.contest);
  EXPECT_EQ(state.chain, std::vector{first});
}

TEST(Chain, RotationReplacesAKeyAndKeepsItsStanding) {
  Pod pod;
  pod.grow_established(1);
  auto& owner = pod.device(0);
  auto& fresh = pod.stranger();
  auto rotate = *draft_rotate(owner.state(), fresh.keys().signing_key(), owner.key(),
                              fresh.keys().box_key().public_key(), owner.cut_of(owner.key()));
  const auto id = owner.write(pod.endorsed(owner, rotate, {&pod.device(1)}));
  pod.sync();
  const auto state = pod.device(1).state();
  EXPECT_FALSE(in_pod(state, owner.key()));
  EXPECT_EQ(state.find(owner.key())->removed->successor, fresh.key());
  ASSERT_TRUE(in_pod(state, fresh.key()));
  EXPECT_TRUE(state.find(fresh.key())->established);
  EXPECT_EQ(state.find(fresh.key())->admission, id);
  // The new key speaks.
  auto& another = pod.stranger();
  fresh.write(pod.addition(another));
  pod.sync();
  EXPECT_TRUE(in_pod(pod.device(1).state(), another.key()));
}

TEST(Chain, RotationNeedsTheNewKeysConsent) {
  Pod pod;
  auto& owner = pod.device(0);
  auto& fresh = pod.stranger();
  auto rotate = *draft_rotate(owner.state(), fresh.keys().signing_key(), owner.key(),
                              fresh.keys().box_key().public_key(), owner.cut_of(owner.key()));
  std::get<log::RotateKeys>(rotate).possession.bytes[0] ^= 1;
  owner.write(rotate);
  EXPECT_TRUE(owner.state().chain.empty());
}

// ---- Recovery ----

struct Recovered {
  Replica* device;
  EventId operation;
};

Recovered recover(Pod& pod, Replica& from, const PaperKey& paper, const PaperKey& next) {
  auto& device = pod.stranger();
  device.pull(from);
  const auto operation = make_recovery(device.state(), paper, next, pod.addition(device));
  RZ_ASSERT(operation.has_value());
  return {&device, device.write(*operation, log::as_event_id(device.graph().stream()))};
}

TEST(RecoveryFold, ThePaperBringsBackAPodWithoutDevices) {
  Pod pod;
  pod.grow_established(2);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  const auto next = PaperKey::random(pod.entropy());
  auto [device, id] = recover(pod, cloud, pod.paper(), next);
  auto state = device->state();
  EXPECT_TRUE(in_pod(state, device->key()));
  EXPECT_TRUE(state.find(device->key())->established);
  ASSERT_EQ(state.recoveries.size(), 1U);
  EXPECT_EQ(state.recoveries[0].device, device->key());
  // The old paper is worth nothing now, the next one is in force: with it the lost devices go.
  auto remove = removal(*device, pod.device(0));
  EXPECT_EQ(sign_with_paper(state, pod.paper(), device->key(), remove).error().code, ErrorCode::recovery_wrong_key);
  device->write(pod.with_paper(*device, remove, next));
  pod.sync();
  EXPECT_FALSE(in_pod(cloud.state(), pod.device(0).key()));
  EXPECT_EQ(cloud.state().recovery_box, next.box_key().public_key());
}

TEST(RecoveryFold, AnotherPaperRecoversNothing) {
  Pod pod;
  auto& device = pod.stranger();
  device.pull(pod.device(0));
  const auto wrong = PaperKey::random(pod.entropy());
  const auto next = PaperKey::random(pod.entropy());
  EXPECT_EQ(make_recovery(device.state(), wrong, next, pod.addition(device)).error().code,
            ErrorCode::recovery_wrong_key);
}

TEST(RecoveryFold, AFoundPaperIsVetoed) {
  Pod pod;
  pod.grow_established(2);
  const auto next = PaperKey::random(pod.entropy());
  auto [thief, id] = recover(pod, pod.device(0), pod.paper(), next);
  // The thief removes the owner at once, and adds a device of his.
  for (std::size_t i = 0; i < 3; ++i) thief->write(pod.with_paper(*thief, removal(*thief, pod.device(i)), next));
  auto& accomplice = pod.stranger();
  thief->write(pod.addition(accomplice));
  pod.sync();
  auto state = pod.device(0).state();
  EXPECT_FALSE(in_pod(state, pod.device(0).key()));
  EXPECT_TRUE(in_pod(state, accomplice.key()));

  // Removed, it neither wipes its key yet nor has it lost its say in this.
  EXPECT_FALSE(must_wipe(state, pod.device(0).key(), UnixMs{1}, {1 + recovery_pending_ms / 2}));
  EXPECT_TRUE(must_wipe(state, pod.device(0).key(), UnixMs{1}, {1 + recovery_pending_ms}));
  auto veto = *draft_veto(state, id);
  EXPECT_EQ(check_authority(state, pod.device(0).key(), veto).error().code, ErrorCode::authority_missing);
  pod.device(0).write(veto);
  pod.sync();
  EXPECT_TRUE(in_pod(pod.device(1).state(), thief->key())) << "one of three does not veto";
  veto = pod.endorsed(pod.device(0), veto, {&pod.device(1)});
  EXPECT_TRUE(check_authority(state, pod.device(0).key(), veto));
  EXPECT_EQ(co_sign(thief->state(), {}, thief->keys(), pod.device(0).key(), veto).error().code,
            ErrorCode::authority_missing);
  pod.device(0).write(veto);
  pod.sync();
  for (std::size_t i = 0; i < 3; ++i) {
    state = pod.device(i).state();
    EXPECT_FALSE(in_pod(state, thief->key()));
    EXPECT_FALSE(in_pod(state, accomplice.key())) << "what stands on a vetoed recovery falls with it";
    EXPECT_TRUE(in_pod(state, pod.device(0).key()));
    EXPECT_EQ(state.established().size(), 3U);
    EXPECT_TRUE(state.chain.empty());
    EXPECT_EQ(state.recovery_hash, pod.genesis().recovery_hash);
  }
}

TEST(RecoveryFold, ALoneDeviceDoesNotVeto) {
  Pod pod;
  const auto next = PaperKey::random(pod.entropy());
  auto [device, id] = recover(pod, pod.device(0), pod.paper(), next);
  pod.sync();
  auto& owner = pod.device(0);
  const auto veto = *draft_veto(owner.state(), id);
  const auto refused = check_authority(owner.state(), owner.key(), veto);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "needs the yes of 1 more of your devices (1 of 1 established device said yes)");
  owner.write(veto);
  pod.sync();
  EXPECT_TRUE(in_pod(owner.state(), device->key()));
}

TEST(Wipe, FollowsARemovalAtOnceIfNoRecoveryIsInQuestion) {
  Pod pod;
  pod.grow_established(2);
  auto& owner = pod.device(0);
  const auto& lost = pod.device(2).key();
  EXPECT_FALSE(must_wipe(owner.state(), lost, std::nullopt, {5}));
  owner.write(pod.endorsed(owner, removal(owner, pod.device(2)), {&pod.device(1)}));
  EXPECT_TRUE(must_wipe(owner.state(), lost, std::nullopt, {5}));
  EXPECT_FALSE(must_wipe(owner.state(), pod.stranger().key(), std::nullopt, {5}));
}

TEST(RecoveryFold, TwoRecoveriesWithOnePaperAreAContest) {
  Pod pod;
  pod.grow_established(1);
  const auto next_a = PaperKey::random(pod.entropy());
  const auto next_b = PaperKey::random(pod.entropy());
  const auto a = recover(pod, pod.device(0), pod.paper(), next_a);
  const auto b = recover(pod, pod.device(0), pod.paper(), next_b);
  pod.device(0).pull(*a.device);
  pod.device(0).stance.stayed_with = pod.device(0).state().chain;
  pod.sync();
  const auto state = pod.device(0).state();
  ASSERT_TRUE(state.contest);
  EXPECT_EQ(state.contest->stayed, a.operation);
  EXPECT_TRUE(in_pod(state, a.device->key()));
  EXPECT_FALSE(in_pod(state, b.device->key()));
  // The two devices of before settle it by a veto.
  const auto veto = pod.endorsed(pod.device(0), *draft_veto(state, b.operation), {&pod.device(1)});
  pod.device(0).write(veto);
  pod.sync();
  const auto settled = pod.device(1).state();
  EXPECT_FALSE(settled.contest);
  EXPECT_EQ(settled.chain, std::vector{a.operation});
}

TEST(RecoveryPending, LastsSeventyTwoHours) {
  EXPECT_TRUE(is_recovery_pending({1000}, {1000}));
  EXPECT_TRUE(is_recovery_pending({1000}, {999 + recovery_pending_ms}));
  EXPECT_FALSE(is_recovery_pending({1000}, {1000 + recovery_pending_ms}));
  EXPECT_TRUE(is_recovery_pending({1000}, {0})) << "a clock set back does not shorten it";
}

struct RecoveryMessage : ::testing::Test {
  RecoveryMessage() {
    channel.exporter.bytes.fill(1);
    channel.recoverer = pod.stranger().key();
    channel.member = pod.device(0).key();
  }
  Pod pod;
  RecoveryChannel channel;
};

TEST_F(RecoveryMessage, ProvesThePaperToAMember) {
  const auto state = pod.device(0).state();
  const auto request = make_recovery_request(pod.paper(), state.did, channel);
  const auto bytes = encode_recovery_request(request);
  EXPECT_EQ(decode_recovery_request(bytes), request);
  EXPECT_TRUE(check_recovery_request(request, state, channel));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_recovery_request(ByteView(bytes).first(size)));
  }
}

TEST_F(RecoveryMessage, IsWorthNothingElsewhere) {
  const auto state = pod.device(0).state();
  const auto request = make_recovery_request(pod.paper(), state.did, channel);
  auto other = channel;
  other.exporter.bytes.fill(2);
  EXPECT_EQ(check_recovery_request(request, state, other).error().code, ErrorCode::recovery_wrong_key);
  other = channel;
  other.member = pod.stranger().key();
  EXPECT_FALSE(check_recovery_request(request, state, other));
  const auto wrong = make_recovery_request(PaperKey::random(pod.entropy()), state.did, channel);
  EXPECT_EQ(check_recovery_request(wrong, state, channel).error().code, ErrorCode::recovery_wrong_key);
  EXPECT_FALSE(check_recovery_request(request, Pod(2).device(0).state(), channel));
}

}  // namespace
}  // namespace rz::identity
