// The policy of absent members, rule by rule, and on a simulated cluster down to the last device.
#include "raft/policy/absent_members.h"

#include <gtest/gtest.h>

#include "raft/testing/cluster.h"

namespace rz::raft {
namespace {

using testing::member;
using testing::members;
using testing::node_id;

class Policy : public ::testing::Test {
 protected:
  void set(std::vector<Member> voters, std::vector<Member> learners) {
    configuration = {std::move(voters), std::move(learners), {}};
    status.clear();
    facts.clear();
    for (const Member& each : configuration.members()) {
      MemberStatus one{.member = each, .voter = configuration.is_voter(each)};
      one.active = one.caught_up = true;
      status.push_back(one);
      facts.push_back({each.id, false, true, false});
    }
  }
  MemberStatus& of(int number) {
    for (MemberStatus& each : status) {
      if (each.member.id == node_id(static_cast<std::uint8_t>(number))) return each;
    }
    return status.front();
  }
  void always_on(int number) {
    for (MemberFacts& each : facts) each.always_on |= each.id == node_id(static_cast<std::uint8_t>(number));
  }
  void leaves(int number) {
    for (MemberFacts& each : facts) each.leaving |= each.id == node_id(static_cast<std::uint8_t>(number));
  }
  std::optional<ChangeProposal> after(Duration duration) {
    policy.consider(now, configuration, status, facts);
    now = now + duration;
    return policy.consider(now, configuration, status, facts);
  }

  AbsentMembers policy;
  Configuration configuration;
  std::vector<MemberStatus> status;
  std::vector<MemberFacts> facts;
  Tick now{1};
};

TEST_F(Policy, LeavesWellAlone) {
  set(members({1, 2, 3}), {});
  EXPECT_FALSE(after(seconds(100'000)).has_value());
}

TEST_F(Policy, AbsenceIsPatient) {
  set(members({1, 2, 3}), {});
  of(3).active = false;
  EXPECT_FALSE(after(seconds(599)).has_value());
  EXPECT_TRUE(after(seconds(2)).has_value());
}

// Of three that lose one, two would both have to answer: one votes.
TEST_F(Policy, ThreeThatLoseOneBecomeOne) {
  set(members({1, 2, 3}), {});
  of(3).active = false;
  const auto proposal = after(seconds(700));
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(proposal->voters, members({1}));
  EXPECT_EQ(proposal->learners, members({2, 3}));
  EXPECT_EQ(proposal->reason, ChangeReason::absent);
}

TEST_F(Policy, TheAlwaysOnMemberStays) {
  set(members({1, 2, 3}), {});
  always_on(2);
  of(3).active = false;
  EXPECT_EQ(after(seconds(700))->voters, members({2}));
}

TEST_F(Policy, FiveThatLoseOneBecomeThree) {
  set(members({1, 2, 3, 4, 5}), {});
  of(1).active = false;
  EXPECT_EQ(after(seconds(700))->voters, members({2, 3, 4}));
}

TEST_F(Policy, TwoBecomeOneOnlyWhileBothAnswer) {
  set(members({1, 2}), {});
  of(2).active = false;
  EXPECT_FALSE(after(seconds(700)).has_value());
  of(2).active = true;
  EXPECT_EQ(after(seconds(1))->voters, members({1}));
}

TEST_F(Policy, TwoBecomeOneWhereThatOneIsAlwaysOn) {
  set(members({1, 2}), {});
  always_on(1);
  of(2).active = false;
  EXPECT_EQ(after(seconds(700))->voters, members({1}));
}

TEST_F(Policy, AReturningDeviceWaitsAwhile) {
  set(members({1}), members({2, 3}));
  of(3).active = of(3).caught_up = false;
  EXPECT_FALSE(after(seconds(100)).has_value()) << "one more voter would make two";
  of(3).active = of(3).caught_up = true;
  EXPECT_FALSE(after(seconds(59)).has_value());
  const auto proposal = after(seconds(2));
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(proposal->voters, members({1, 2, 3}));
  EXPECT_EQ(proposal->reason, ChangeReason::returned);
}

TEST_F(Policy, FlappingNeverPromotes) {
  set(members({1}), members({2, 3}));
  for (int i = 0; i < 100; ++i) {
    of(3).active = i % 2 == 0;
    EXPECT_FALSE(after(seconds(30)).has_value());
  }
}

TEST_F(Policy, OneAutomaticChangeAnInterval) {
  set(members({1}), members({2, 3}));
  ASSERT_TRUE(after(seconds(61)).has_value());
  policy.changed(now);
  EXPECT_FALSE(after(seconds(119)).has_value());
  EXPECT_TRUE(after(seconds(2)).has_value());
}

TEST_F(Policy, WhoAsksIsDemotedAtOnce) {
  set(members({1, 2, 3}), {});
  policy.changed(now);
  leaves(1);
  const auto proposal = after(seconds(1));
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(proposal->reason, ChangeReason::asked);
  EXPECT_EQ(proposal->voters, members({2}));
}

TEST_F(Policy, AWipedVoterComesBackAsALearner) {
  set(members({1, 2, 3}), {});
  of(2).reborn = Incarnation{9};
  const auto proposal = after(seconds(0));
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(proposal->voters, members({1, 3}));
  EXPECT_EQ(proposal->learners, std::vector<Member>{member(2, 9)});
}

TEST_F(Policy, ANewcomerNeedNotWait) {
  set(members({1}), {});
  EXPECT_FALSE(after(seconds(1)).has_value());
  set(members({1}), members({2, 3}));
  const auto proposal = policy.consider(now, configuration, status, facts);
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(proposal->voters, members({1, 2, 3}));
  // Unless it went away meanwhile.
  of(3).active = false;
  EXPECT_FALSE(policy.consider(now, configuration, status, facts).has_value());
  of(3).active = true;
  EXPECT_FALSE(policy.consider(now, configuration, status, facts).has_value());
}

TEST_F(Policy, TheOneVoterHandsOverBeforeItSleeps) {
  set(members({1}), members({2, 3}));
  leaves(1);
  of(2).caught_up = false;
  const auto proposal = after(seconds(0));
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(proposal->voters, members({3}));
  EXPECT_EQ(proposal->reason, ChangeReason::asked);
}

TEST_F(Policy, WhoMayNotVoteNeverDoes) {
  set(members({1}), members({2, 3}));
  facts[1].may_vote = false;
  EXPECT_FALSE(after(seconds(1000)).has_value());
}

TEST_F(Policy, NobodyIsEverRemoved) {
  set(members({1, 2, 3, 4}), members({5}));
  of(4).active = of(5).active = false;
  const auto proposal = after(seconds(100'000));
  ASSERT_TRUE(proposal.has_value());
  EXPECT_EQ(proposal->voters.size() + proposal->learners.size(), 5u);
}

// With an always-on voter, one loss after the other down to the last device leaves the pod able to order.
TEST(PolicyOnACluster, SequentialLossesDownToTheLast) {
  testing::Cluster cluster(5);
  cluster.bootstrap(5);
  const PolicyOptions options{seconds(20), seconds(5), seconds(10), 5};
  AbsentMembers policy(options);
  int judged_by = 0;
  const auto live = [&](int seconds_long) {
    for (int second = 0; second < seconds_long; ++second) {
      cluster.run(seconds(1));
      const int led = cluster.leader();
      if (led == 0) continue;
      if (led != judged_by) policy = AbsentMembers(options);
      judged_by = led;
      std::vector<MemberFacts> facts;
      for (int number = 1; number <= 5; ++number) {
        facts.push_back({node_id(static_cast<std::uint8_t>(number)), number == 1, true, false});
      }
      cluster.step(led, WakeUp{});
      const auto proposal = policy.consider(cluster.now(), cluster.raft(led).configuration(),
                                            member_statuses(cluster.raft(led), cluster.now()), facts);
      if (!proposal) continue;
      cluster.step(led, ProposeConfiguration{{1}, {1}, proposal->voters, proposal->learners});
      if (!cluster.node(led).proposals.back().refused) policy.changed(cluster.now());
    }
  };
  for (const int lost : {5, 4, 3, 2}) {
    cluster.crash(lost);
    live(60);
    ASSERT_EQ(cluster.failure, "");
    ASSERT_NE(cluster.leader(), 0) << "after losing " << lost;
    ASSERT_TRUE(cluster.propose(cluster.leader(), static_cast<std::uint64_t>(lost)));
    const Index last = cluster.raft(cluster.leader()).log().last_index();
    EXPECT_TRUE(cluster.run_until([&] { return cluster.raft(cluster.leader()).commit_index() >= last; }, seconds(10)));
  }
  EXPECT_EQ(cluster.raft(1).configuration().voters, members({1}));
  for (const int back : {2, 3}) cluster.start(back);
  live(60);
  EXPECT_EQ(cluster.raft(cluster.leader()).configuration().voters.size(), 3u);
  EXPECT_EQ(cluster.failure, "");
}

}  // namespace
}  // namespace rz::raft
