#include "identity/fold.h"

#include <gtest/gtest.h>

#include "identity/pod_fixture.h"

namespace rz::identity {
namespace {

using testing::Pod;
using testing::Replica;

const Device& device_in(const IdentityState& state, const AuthorKey& key) {
  const Device* device = state.find(key);
  RZ_ASSERT(device != nullptr);
  return *device;
}

TEST(Fold, TheGenesisNamesOneEstablishedDevice) {
  Pod pod;
  const auto state = pod.device(0).state();
  ASSERT_EQ(state.devices.size(), 1U);
  EXPECT_EQ(state.established(), std::vector{pod.device(0).key()});
  EXPECT_EQ(state.operations_count, 0U);
  EXPECT_EQ(state.recovery_hash, pod.genesis().recovery_hash);
}

TEST(Fold, OnePersonalDeviceAddsADevice) {
  Pod pod;
  auto& second = pod.add();
  // Not established, and yet it may add.
  auto& third = pod.add(1);
  const auto state = pod.device(0).state();
  EXPECT_EQ(state.devices.size(), 3U);
  EXPECT_FALSE(device_in(state, second.key()).established);
  EXPECT_EQ(device_in(state, third.key()).added_by, second.key());
  EXPECT_EQ(state.operations_count, 2U);
}

TEST(Fold, ConcurrentAdditionsUnite) {
  Pod pod;
  pod.add();
  auto& a = pod.stranger();
  auto& b = pod.stranger();
  pod.device(0).write(pod.addition(a));
  pod.device(1).write(pod.addition(b));
  pod.sync();
  for (std::size_t i = 0; i < pod.size(); ++i) EXPECT_EQ(pod.device(i).state().devices.size(), 4U);
}

TEST(Fold, AStrangersAdditionIsNotEvenStored) {
  Pod pod;
  auto& stranger = pod.stranger();
  auto& friend_of_his = pod.stranger();
  log::Header header;
  header.kind = log::EventKind::control;
  header.stream = pod.device(0).graph().stream();
  header.author = stranger.key();
  header.prev = log::as_event_id(header.stream);
  const auto body = *log::encode_control(log::control(pod.addition(friend_of_his)));
  ASSERT_TRUE(log::set_plain_body(header, body));
  auto& graph = pod.device(0).graph();
  const auto offered = graph.offer(header, body);
  const auto sealed = graph.offer_seal(log::make_seal(stranger.keys().signing_key(), log::event_id(header)));
  EXPECT_FALSE(offered && sealed && graph.contains(log::event_id(header)));
  EXPECT_EQ(graph.size(), 0U);
  EXPECT_EQ(graph.pending_count(), 0U);
}

TEST(Fold, AMajorityOfTheEstablishedEstablishesOneMore) {
  Pod pod;
  pod.grow_established(1);
  EXPECT_EQ(pod.device(0).state().established().size(), 2U);
  auto& third = pod.add();
  pod.device(0).write(*draft_confirm(pod.device(0).state(), pod.device(0).key(), third.key()));
  pod.sync();
  auto state = pod.device(1).state();
  EXPECT_FALSE(device_in(state, third.key()).established) << "one of two is no majority";
  EXPECT_EQ(device_in(state, third.key()).confirmed_by, std::vector{pod.device(0).key()});
  pod.device(1).write(*draft_confirm(state, pod.device(1).key(), third.key()));
  pod.sync();
  EXPECT_TRUE(device_in(pod.device(2).state(), third.key()).established);
}

TEST(Fold, ConcurrentConfirmationsCountTogether) {
  Pod pod;
  pod.grow_established(1);
  auto& third = pod.add();
  for (std::size_t i = 0; i < 2; ++i) {
    pod.device(i).write(*draft_confirm(pod.device(i).state(), pod.device(i).key(), third.key()));
  }
  EXPECT_FALSE(device_in(pod.device(0).state(), third.key()).established);
  pod.sync();
  EXPECT_TRUE(device_in(pod.device(0).state(), third.key()).established);
}

TEST(Fold, UnestablishedDevicesDoNotConfirmEachOther) {
  Pod pod;
  pod.add();
  pod.add();
  const auto state = pod.device(0).state();
  for (std::size_t i = 1; i <= 2; ++i) {
    const auto& other = device_in(state, pod.device(3 - i).key());
    pod.device(i).write(log::ConfirmDevice{other.key, other.admission, {}});
  }
  pod.sync();
  EXPECT_EQ(pod.device(0).state().established().size(), 1U);
}

TEST(Fold, AnyPersonalDeviceSuspendsAndAMajorityLifts) {
  Pod pod;
  pod.grow_established(2);
  auto& thief = pod.device(2);
  auto& fresh = pod.add();
  fresh.write(*draft_suspend(fresh.state(), fresh.key(), thief.key()));
  pod.sync();
  auto state = pod.device(0).state();
  EXPECT_TRUE(device_in(state, thief.key()).suspended);
  EXPECT_EQ(readers(state).size(), 3U) << "a suspended device gets no new keys";
  EXPECT_EQ(state.established().size(), 3U) << "suspension never affects what counts";

  auto lift = *draft_lift(state, thief.key());
  const auto alone = check_authority(state, pod.device(0).key(), lift);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().message,
            "needs the yes of 1 more of your devices (1 of 3 established devices said yes), or the paper key");
  pod.device(0).write(lift);
  pod.sync();
  EXPECT_TRUE(device_in(pod.device(1).state(), thief.key()).suspended);
  lift = pod.endorsed(pod.device(0), lift, {&pod.device(1)});
  EXPECT_TRUE(check_authority(pod.device(0).state(), pod.device(0).key(), lift));
  pod.device(0).write(lift);
  pod.sync();
  EXPECT_FALSE(device_in(pod.device(1).state(), thief.key()).suspended);
}

TEST(Fold, ALiftDoesNotReachASuspensionItDidNotName) {
  Pod pod;
  pod.grow_established(2);
  auto& target = pod.device(2);
  pod.device(0).write(*draft_suspend(pod.device(0).state(), pod.device(0).key(), target.key()));
  const auto lift = pod.with_paper(pod.device(0), *draft_lift(pod.device(0).state(), target.key()), pod.paper());
  pod.device(0).write(lift);
  pod.device(1).write(*draft_suspend(pod.device(1).state(), pod.device(1).key(), target.key()));
  pod.sync();
  EXPECT_TRUE(device_in(pod.device(0).state(), target.key()).suspended);
}

TEST(Fold, RemovingAPersonalDeviceNeedsAMajority) {
  Pod pod;
  pod.grow_established(2);
  auto& lost = pod.device(2);
  auto& owner = pod.device(0);
  auto removal = *draft_remove(owner.state(), lost.key(), owner.cut_of(lost.key()));
  EXPECT_EQ(check_authority(owner.state(), owner.key(), removal).error().code, ErrorCode::authority_missing);
  owner.write(removal);
  pod.sync();
  EXPECT_TRUE(device_in(pod.device(1).state(), lost.key()).in_pod()) << "one of three does not remove";

  removal = pod.endorsed(owner, removal, {&pod.device(1)});
  EXPECT_TRUE(check_authority(owner.state(), owner.key(), removal));
  const auto id = owner.write(removal);
  pod.sync();
  const auto state = pod.device(1).state();
  ASSERT_TRUE(device_in(state, lost.key()).removed);
  EXPECT_EQ(device_in(state, lost.key()).removed->operation, id);
  EXPECT_EQ(state.chain, std::vector{id});
  EXPECT_EQ(state.established().size(), 2U);
}

TEST(Fold, ASignatureOverAnotherOperationDoesNotCount) {
  Pod pod;
  pod.grow_established(2);
  auto& owner = pod.device(0);
  const auto policy = pod.endorsed(owner, *draft_policy(owner.state(), {}), {&pod.device(1)});
  auto removal = *draft_remove(owner.state(), pod.device(2).key(), owner.cut_of(pod.device(2).key()));
  *log::endorsement_of(removal) = *log::endorsement_of(policy);
  owner.write(removal);
  pod.sync();
  EXPECT_TRUE(device_in(pod.device(1).state(), pod.device(2).key()).in_pod());
  // Nor a signature for the same words from another author's mouth.
  auto for_owner = pod.endorsed(owner, *draft_policy(owner.state(), {}), {&pod.device(1)});
  pod.device(2).write(for_owner);
  pod.sync();
  EXPECT_TRUE(pod.device(0).state().chain.empty());
}

TEST(Fold, ARemovedDeviceNeverComesBack) {
  Pod pod;
  pod.grow_established(2);
  auto& lost = pod.device(2);
  auto& owner = pod.device(0);
  const auto cut = owner.cut_of(lost.key());
  owner.write(pod.endorsed(owner, *draft_remove(owner.state(), lost.key(), cut), {&pod.device(1)}));
  // Somebody who has not heard of it adds it again, and somebody who has, too.
  pod.device(3 - 2).write(pod.addition(lost));
  pod.sync();
  owner.write(pod.addition(lost));
  pod.sync();
  const auto state = pod.device(1).state();
  EXPECT_FALSE(device_in(state, lost.key()).in_pod());
  EXPECT_EQ(draft_add(state, owner.key(), pod.addition(lost)).error().code, ErrorCode::device_known);
  EXPECT_EQ(check_authority(state, lost.key(), pod.addition(lost)).error().code, ErrorCode::not_a_device);
}

TEST(Fold, WhatARemovedDeviceBackdatesIsQuarantined) {
  Pod pod;
  pod.grow_established(2);
  auto& lost = pod.device(2);
  auto& owner = pod.device(0);
  const auto cut = owner.cut_of(lost.key());
  owner.write(pod.endorsed(owner, *draft_remove(owner.state(), lost.key(), cut), {&pod.device(1)}));
  // The thief writes on, as if before the removal: he adds a device of his, which adds another.
  auto& accomplice = pod.stranger();
  lost.write(pod.addition(accomplice));
  accomplice.pull(lost);
  auto& third = pod.stranger();
  accomplice.write(pod.addition(third));
  pod.sync();
  const auto folded = pod.device(1).fold();
  EXPECT_EQ(folded.state.find(accomplice.key()), nullptr);
  EXPECT_EQ(folded.state.find(third.key()), nullptr);
  EXPECT_EQ(folded.state.quarantined_count, 2U);
}

TEST(Fold, ARemovalWaitsForItsHeadTree) {
  Pod pod;
  pod.grow_established(2);
  auto& lost = pod.device(2);
  auto& owner = pod.device(0);
  const auto cut = owner.cut_of(lost.key());
  const auto list = pod.cuts().lists.at(cut);
  owner.write(pod.endorsed(owner, *draft_remove(owner.state(), lost.key(), cut), {&pod.device(1)}));
  pod.sync();
  pod.cuts().lists.erase(cut);
  auto state = owner.state();
  EXPECT_TRUE(device_in(state, lost.key()).in_pod());
  EXPECT_TRUE(device_in(state, lost.key()).leaving);
  EXPECT_FALSE(device_in(state, lost.key()).may_speak());
  EXPECT_EQ(state.missing_cuts, std::vector{cut});
  pod.cuts().lists[cut] = list;
  state = owner.state();
  EXPECT_FALSE(device_in(state, lost.key()).in_pod());
  EXPECT_TRUE(state.missing_cuts.empty());
}

TEST(Fold, ACloudPeerHasNoVoice) {
  Pod pod;
  pod.grow_established(1);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  auto& accomplice = pod.stranger();
  const auto before = pod.device(0).state();
  cloud.write(pod.addition(accomplice));
  cloud.write(log::SuspendDevice{pod.device(0).key()});
  cloud.write(log::SetServices{{{"s", "t", "e"}}});
  cloud.write(log::RemoveDevice{pod.device(1).key(), cloud.cut_of(pod.device(1).key()), {}, {}});
  cloud.write(log::ConfirmDevice{cloud.key(), device_in(before, cloud.key()).admission, {}});
  cloud.write(log::FoundGeneration{9, std::nullopt, {cloud.key()}});
  pod.sync();
  const auto state = pod.device(0).state();
  EXPECT_EQ(state.devices, before.devices);
  EXPECT_TRUE(state.services.empty());
  EXPECT_EQ(state.generation.number, 0U);
  EXPECT_EQ(state.operations_count, before.operations_count);
  EXPECT_EQ(check_authority(state, cloud.key(), pod.addition(accomplice)).error().message,
            "a cloud peer has no voice in the identity");
}

TEST(Fold, OneEstablishedDeviceRemovesACloudPeer) {
  Pod pod;
  pod.grow_established(2);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  auto& fresh = pod.add();
  const auto cut = fresh.cut_of(cloud.key());
  EXPECT_EQ(draft_remove_cloud(fresh.state(), fresh.key(), cloud.key(), cut).error().code,
            ErrorCode::authority_missing);
  fresh.write(log::RemoveDevice{cloud.key(), cut, {}, {}});
  pod.sync();
  EXPECT_TRUE(device_in(pod.device(0).state(), cloud.key()).in_pod());
  pod.device(1).write(*draft_remove_cloud(pod.device(1).state(), pod.device(1).key(), cloud.key(), cut));
  pod.sync();
  EXPECT_FALSE(device_in(pod.device(0).state(), cloud.key()).in_pod());
  EXPECT_TRUE(pod.device(0).state().chain.empty()) << "no link of the chain";
}

TEST(Fold, ACloudPeerPullsNothingOutOfQuarantine) {
  Pod pod;
  pod.grow_established(2);
  auto& lost = pod.device(2);
  auto& owner = pod.device(0);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  const auto cut = owner.cut_of(lost.key());
  auto& accomplice = pod.stranger();
  owner.write(pod.endorsed(owner, *draft_remove(owner.state(), lost.key(), cut), {&pod.device(1)}));
  lost.write(pod.addition(accomplice));
  // The lying peer names the quarantined head as something it has seen.
  cloud.pull(lost);
  cloud.write(log::SuspendDevice{owner.key()});
  owner.pull(cloud);
  owner.pull(lost);
  EXPECT_EQ(owner.state().find(accomplice.key()), nullptr);
}

TEST(Fold, ServicesAreARegisterOfTheEstablished) {
  Pod pod;
  pod.grow_established(1);
  auto& fresh = pod.add();
  fresh.write(log::SetServices{{{"x", "t", "e"}}});
  pod.device(0).write(*draft_services(pod.device(0).state(), pod.device(0).key(), {{"b", "t", "1"}, {"a", "t", "0"}}));
  pod.device(1).write(*draft_services(pod.device(1).state(), pod.device(1).key(), {{"c", "t", "2"}}));
  pod.sync();
  const auto state = pod.device(0).state();
  EXPECT_EQ(state, pod.device(1).state());
  EXPECT_EQ(state, fresh.state());
  EXPECT_NE(state.services.front().id, "x");
  EXPECT_FALSE(draft_services(state, pod.device(0).key(), {{"a", "", ""}, {"a", "", ""}}));
}

TEST(Fold, NamesAreARegisterOfEachDevice) {
  Pod pod;
  auto& phone = pod.add();
  auto& cloud = pod.add(0, DeviceKind::cloud);
  auto& laptop = pod.device(0);
  EXPECT_EQ(laptop.state().find(laptop.key())->name, "");
  const auto before = laptop.state().operations_count;
  laptop.write(*draft_name(laptop.state(), laptop.key(), laptop.key(), "laptop"));
  EXPECT_EQ(laptop.state().find(laptop.key())->name, "laptop");
  // One device names another, and a cloud peer; what a cloud peer says of names counts as little as all it says.
  laptop.write(*draft_name(laptop.state(), laptop.key(), cloud.key(), "attic"));
  cloud.write(log::NameDevice{laptop.key(), "mine"});
  // Concurrent names: everybody takes the same one; and whoever has seen them has the last word.
  laptop.write(*draft_name(laptop.state(), laptop.key(), phone.key(), "left"));
  phone.write(*draft_name(phone.state(), phone.key(), phone.key(), "right"));
  pod.sync();
  auto state = laptop.state();
  EXPECT_EQ(state, phone.state());
  EXPECT_EQ(state, cloud.state());
  EXPECT_EQ(state.find(laptop.key())->name, "laptop");
  EXPECT_EQ(state.find(cloud.key())->name, "attic");
  EXPECT_NE(state.find(phone.key())->name, "a device");
  laptop.write(*draft_name(laptop.state(), laptop.key(), phone.key(), "phone"));
  pod.sync();
  state = phone.state();
  EXPECT_EQ(state.find(phone.key())->name, "phone");
  EXPECT_EQ(state.operations_count, before);  // Names make no new version of the DID Document.
}

TEST(Fold, AWrongNameIsRefusedAndHasNoEffect) {
  Pod pod;
  auto& phone = pod.add();
  auto& laptop = pod.device(0);
  const auto code = [&](Replica& self, const AuthorKey& device, std::string_view name) {
    const auto drafted = draft_name(self.state(), self.key(), device, name);
    return drafted ? ErrorCode{} : drafted.error().code;
  };
  auto& stranger = pod.stranger();
  EXPECT_EQ(code(laptop, laptop.key(), ""), ErrorCode::bad_argument);
  EXPECT_EQ(code(laptop, laptop.key(), "two\nlines"), ErrorCode::bad_argument);
  EXPECT_EQ(code(laptop, stranger.key(), "x"), ErrorCode::not_found);
  EXPECT_EQ(code(stranger, laptop.key(), "x"), ErrorCode::not_a_device);
  laptop.write(*draft_name(laptop.state(), laptop.key(), laptop.key(), "laptop"));
  laptop.write(log::NameDevice{laptop.key(), "two\nlines"});
  laptop.write(log::NameDevice{laptop.key(), ""});
  EXPECT_EQ(laptop.state().find(laptop.key())->name, "laptop");
  // A suspended device, stolen perhaps, does not pass for another.
  laptop.write(*draft_suspend(laptop.state(), laptop.key(), phone.key()));
  pod.sync();
  EXPECT_EQ(code(phone, phone.key(), "laptop"), ErrorCode::device_suspended);
  phone.write(log::NameDevice{phone.key(), "laptop"});
  pod.sync();
  EXPECT_EQ(laptop.state().find(phone.key())->name, "a device");
}

TEST(Fold, TheHigherGenerationWins) {
  Pod pod;
  pod.add();
  const auto a = pod.device(0).write(
      *draft_generation(pod.device(0).state(), pod.device(0).key(), {pod.device(0).key()}, std::nullopt));
  const auto b = pod.device(1).write(
      *draft_generation(pod.device(1).state(), pod.device(1).key(), {pod.device(1).key()}, std::nullopt));
  pod.sync();
  EXPECT_EQ(pod.device(0).state().generation.founded_by, std::min(a, b));
  const auto c = pod.device(1).write(
      *draft_generation(pod.device(1).state(), pod.device(1).key(), {pod.device(1).key()}, std::nullopt));
  pod.sync();
  EXPECT_EQ(pod.device(0).state().generation.number, 2U);
  EXPECT_EQ(pod.device(0).state().generation.founded_by, c);
}

TEST(Fold, AnOperationOfALaterVersionHidesWhatFollows) {
  Pod pod;
  pod.add();
  const log::ControlBody body{std::string(log::rights::device), log::Unknown{"teleport", {}, 0}};
  auto& cloud = pod.add(0, DeviceKind::cloud);
  const auto write_unknown = [&](Replica& by) {
    log::Header header = by.graph().next_header({by.key(), {77}}, by.admission_here());
    header.kind = log::EventKind::control;
    const auto bytes = *log::encode_control(body);
    RZ_ASSERT(log::set_plain_body(header, bytes).has_value());
    RZ_ASSERT(by.graph().append(header, bytes).has_value());
  };
  write_unknown(cloud);
  EXPECT_FALSE(cloud.state().needs_upgrade) << "its author lacks the right that it names";
  write_unknown(pod.device(1));
  auto& late = pod.stranger();
  pod.device(1).write(pod.addition(late));
  const auto state = pod.device(1).state();
  EXPECT_TRUE(state.needs_upgrade);
  EXPECT_EQ(state.find(late.key()), nullptr);
}

TEST(Fold, FactsNameDevicesRightsAndCuts) {
  Pod pod;
  pod.grow_established(2);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  auto& lost = pod.device(2);
  auto& owner = pod.device(0);
  log::StreamId other;
  other.bytes.fill(1);
  const EventId head{other.bytes};
  const auto cut = pod.cuts().add({{other, {head}}});
  owner.write(pod.endorsed(owner, *draft_remove(owner.state(), lost.key(), cut), {&pod.device(1)}));
  const auto state = owner.state();
  const auto facts = facts_for(state, other, pod.cuts());
  ASSERT_EQ(facts.devices.size(), 4U);
  for (const auto& fact : facts.devices) {
    EXPECT_EQ(fact.rights.is_all(), fact.device != cloud.key());
    EXPECT_EQ(fact.removed_with.has_value(), fact.device == lost.key());
  }
  const auto at = std::find_if(facts.devices.begin(), facts.devices.end(),
                               [&](const auto& fact) { return fact.device == lost.key(); });
  EXPECT_EQ(at->removed_with, std::vector{head});
  const auto elsewhere = facts_for(state, state.did, pod.cuts());
  const auto there = std::find_if(elsewhere.devices.begin(), elsewhere.devices.end(),
                                  [&](const auto& fact) { return fact.device == lost.key(); });
  EXPECT_TRUE(there->removed_with && there->removed_with->empty()) << "no head of that stream was in the cut";
}

TEST(Fold, BeyondThreeVotersOnlyEstablishedDevicesVote) {
  Pod pod;
  pod.grow_established(2);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  auto& browser = pod.add(0, DeviceKind::browser);
  auto& fresh = pod.add();
  const auto state = pod.device(0).state();
  const std::vector two = {pod.device(0).key(), pod.device(1).key()};
  const std::vector three = {pod.device(0).key(), pod.device(1).key(), cloud.key()};
  EXPECT_TRUE(may_vote(state, cloud.key(), two));
  EXPECT_TRUE(may_vote(state, fresh.key(), two));
  EXPECT_FALSE(may_vote(state, browser.key(), two)) << "a browser profile is a learner for ever";
  EXPECT_FALSE(may_vote(state, fresh.key(), three));
  EXPECT_TRUE(may_vote(state, pod.device(2).key(), three));
  EXPECT_TRUE(may_vote(state, cloud.key(), three)) << "who is one of three already stays";
  EXPECT_FALSE(may_vote(state, pod.stranger().key(), {}));
}

TEST(Fold, ConfirmationsFallDueAfterSevenDays) {
  Pod pod;
  auto& second = pod.add();
  const auto state = pod.device(0).state();
  const auto seen = [&](std::uint64_t for_ms) { return std::vector<SeenDevice>{{second.key(), for_ms}}; };
  EXPECT_TRUE(due_confirmations(state, pod.device(0).key(), seen(confirm_after_ms - 1)).empty());
  EXPECT_EQ(due_confirmations(state, pod.device(0).key(), seen(confirm_after_ms)), std::vector{second.key()});
  EXPECT_TRUE(due_confirmations(state, second.key(), seen(confirm_after_ms)).empty());
  EXPECT_TRUE(due_confirmations(state, pod.device(0).key(), {}).empty());
}

TEST(Policy, SurvivesEncodingAndDefaultsToNobody) {
  Pod pod;
  auto& cloud = pod.add(0, DeviceKind::cloud);
  auto& owner = pod.device(0);
  EXPECT_EQ(readers(owner.state()).size(), 1U);
  owner.write(*draft_policy(owner.state(), {{cloud.key()}}));
  EXPECT_EQ(owner.state().policy.cloud_readers, std::vector{cloud.key()});
  EXPECT_EQ(readers(owner.state()).size(), 2U);
  const auto bytes = encode_policy({{cloud.key()}});
  for (std::size_t size = 1; size < bytes.size(); ++size) EXPECT_FALSE(decode_policy(ByteView(bytes).first(size)));
  EXPECT_EQ(decode_policy({}), Policy{});
  EXPECT_EQ(decode_policy(Bytes{0x82, 0x02, 0x80}).error().code, ErrorCode::identity_bad_policy);
}

}  // namespace
}  // namespace rz::identity
