#include "identity/epochs.h"

#include <gtest/gtest.h>

#include "identity/pod_fixture.h"

namespace rz::identity {
namespace {

using testing::Pod;
using testing::Replica;

// Stream zero with epochs, as one device sees it.
struct Epochs : ::testing::Test {
  EpochId open(Replica& by) {
    auto opened = open_pod_epoch(by.state(), pod.entropy());
    RZ_ASSERT(opened.has_value());
    return log::as_epoch_id(by.write(opened->operation));
  }
  EpochTable table(Replica& at) {
    const auto facts = facts_for(at.state(), at.graph().stream(), pod.cuts());
    return epoch_table(at.graph(), log::what_counts(at.graph(), facts));
  }
  std::vector<EpochId> maximal(Replica& at) {
    const auto facts = facts_for(at.state(), at.graph().stream(), pod.cuts());
    return log::maximal_epochs(at.graph(), log::what_counts(at.graph(), facts));
  }
  EpochDuty duty(Replica& at) { return pod_epoch_duty(at.state(), table(at), maximal(at)); }
  EpochKeys unlocked(Replica& at) {
    EpochKeys keys(at.graph().stream());
    keys.unlock(table(at), at.keys().box_key());
    return keys;
  }
  // Carries out what is due at `by`, as a pod does.
  void fulfil(Replica& by) {
    const auto due = duty(by);
    const auto keys = unlocked(by);
    for (const auto& missing : due.wrap) {
      const auto* key = keys.find(missing.epoch);
      if (key != nullptr) by.write(*wrap_epoch(missing.epoch, *key, {missing.box}, pod.entropy()));
    }
    if (due.open) open(by);
    if (due.join) by.write(*join_epochs(maximal(by), by.graph().stream(), keys));
  }

  Pod pod;
};

TEST_F(Epochs, AreReadByDevicesAndThePaperButNoCloudPeer) {
  pod.grow_established(1);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  EXPECT_TRUE(duty(pod.device(0)).open);
  const auto epoch = open(pod.device(0));
  pod.sync();
  EXPECT_NE(unlocked(pod.device(1)).find(epoch), nullptr);
  EXPECT_EQ(unlocked(cloud).find(epoch), nullptr);
  EpochKeys by_paper(cloud.graph().stream());
  EXPECT_EQ(by_paper.unlock(table(cloud), pod.paper().box_key()), 1U);
  const auto due = duty(pod.device(0));
  EXPECT_FALSE(due.open || due.join);
  EXPECT_TRUE(due.wrap.empty());
}

TEST_F(Epochs, ANewDeviceIsGivenAllOlderKeys) {
  const auto first = open(pod.device(0));
  const auto second = open(pod.device(0));
  auto& phone = pod.add();
  EXPECT_EQ(unlocked(phone).size(), 0U);
  EXPECT_EQ(duty(pod.device(0)).wrap.size(), 2U);
  fulfil(pod.device(0));
  pod.sync();
  const auto keys = unlocked(phone);
  EXPECT_NE(keys.find(first), nullptr);
  EXPECT_NE(keys.find(second), nullptr);
  EXPECT_TRUE(duty(phone).wrap.empty());
}

TEST_F(Epochs, RotateWhenAReaderIsRemovedOrSuspended) {
  pod.grow_established(2);
  auto& owner = pod.device(0);
  auto& lost = pod.device(2);
  open(owner);
  EXPECT_FALSE(duty(owner).open);
  owner.write(*draft_suspend(owner.state(), owner.key(), lost.key()));
  EXPECT_TRUE(duty(owner).open);
  const auto after = open(owner);
  EXPECT_FALSE(duty(owner).open);
  pod.sync();
  EXPECT_EQ(unlocked(lost).find(after), nullptr);

  const auto remove = *draft_remove(owner.state(), lost.key(), owner.cut_of(lost.key()));
  owner.write(pod.endorsed(owner, remove, {&pod.device(1)}));
  pod.sync();
  EXPECT_FALSE(duty(owner).open) << "the key was rotated when it was suspended";
}

TEST_F(Epochs, ACloudPeerReadsOnlyByPolicy) {
  auto& owner = pod.device(0);
  auto& cloud = pod.add(0, DeviceKind::cloud);
  open(owner);
  owner.write(*draft_policy(owner.state(), {{cloud.key()}}));
  fulfil(owner);
  pod.sync();
  EXPECT_EQ(unlocked(cloud).size(), 1U);
  owner.write(*draft_policy(owner.state(), {}));
  EXPECT_TRUE(duty(owner).open);
}

TEST_F(Epochs, ConcurrentOnesAreUnited) {
  pod.grow_established(1);
  const auto a = open(pod.device(0));
  const auto b = open(pod.device(1));
  pod.sync();
  EXPECT_EQ(maximal(pod.device(0)).size(), 2U);
  EXPECT_TRUE(duty(pod.device(0)).join);
  fulfil(pod.device(0));
  pod.sync();
  ASSERT_EQ(maximal(pod.device(1)).size(), 1U);
  const auto joint = maximal(pod.device(1)).front();
  const auto here = unlocked(pod.device(0));
  const auto there = unlocked(pod.device(1));
  ASSERT_NE(there.find(joint), nullptr);
  EXPECT_TRUE(there.find(joint)->equals(*here.find(joint)));
  EXPECT_FALSE(duty(pod.device(1)).join);
  // Who has one part only has not the joint key.
  EpochKeys half(pod.device(0).graph().stream());
  EXPECT_TRUE(half.add(a, *here.find(a), table(pod.device(0)).at(a).commitment));
  EpochTable only_joint = {{joint, table(pod.device(0)).at(joint)}};
  EXPECT_EQ(half.unlock(only_joint, pod.add().keys().box_key()), 0U);
  EXPECT_EQ(half.find(b), nullptr);
}

TEST_F(Epochs, AKeyThatDoesNotMatchItsCommitmentIsNotUsed) {
  auto& owner = pod.device(0);
  auto& phone = pod.add();
  const auto epoch = open(owner);
  auto wrong = crypto::Secret32::random(pod.entropy());
  EpochKeys keys(owner.graph().stream());
  EXPECT_EQ(keys.add(epoch, wrong, table(owner).at(epoch).commitment).error().code, ErrorCode::epoch_mismatch);
  // A liar wraps another key first: the right one, wrapped later, is still found.
  const auto mine = unlocked(owner);
  auto box = phone.keys().box_key().public_key();
  auto facts = table(owner);
  const auto bad = wrap_epoch(epoch, wrong, {box}, pod.entropy());
  facts.at(epoch).wraps.insert(facts.at(epoch).wraps.begin(), bad->wraps[0]);
  EXPECT_EQ(keys.unlock(facts, phone.keys().box_key()), 1U);
  EXPECT_TRUE(keys.find(epoch)->equals(*mine.find(epoch)));
}

TEST_F(Epochs, KeysDifferByStreamAndPurpose) {
  const auto epoch = open(pod.device(0));
  const auto keys = unlocked(pod.device(0));
  const auto* key = keys.find(epoch);
  ASSERT_NE(key, nullptr);
  const auto snapshot = keys.snapshot_key(epoch);
  ASSERT_TRUE(snapshot);
  EXPECT_FALSE(snapshot->equals(*key));
  log::StreamId stream;
  EXPECT_TRUE(keys.body_key(epoch, stream));
  EXPECT_EQ(keys.body_key(EpochId{}, stream).error().code, ErrorCode::epoch_unknown);
  EXPECT_EQ(keys.snapshot_key(EpochId{}).error().code, ErrorCode::epoch_unknown);
}

TEST_F(Epochs, ASmallOrderBoxKeyIsRefused) {
  EXPECT_EQ(open_epoch(pod.device(0).graph().stream(), {crypto::BoxPublicKey{}}, pod.entropy()).error().code,
            ErrorCode::bad_argument);
}

TEST_F(Epochs, WhatARemovedDeviceOpensDoesNotCount) {
  pod.grow_established(2);
  auto& owner = pod.device(0);
  auto& lost = pod.device(2);
  const auto good = open(owner);
  pod.sync();
  const auto cut = owner.cut_of(lost.key());
  owner.write(pod.endorsed(owner, *draft_remove(owner.state(), lost.key(), cut), {&pod.device(1)}));
  const auto evil = open(lost);
  pod.sync();
  EXPECT_EQ(table(owner).count(evil), 0U);
  EXPECT_EQ(maximal(owner), std::vector{good});
}

}  // namespace
}  // namespace rz::identity
