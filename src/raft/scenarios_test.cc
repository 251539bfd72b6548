// The scenarios that a Raft must survive, each under the name of those who met it.
#include <gtest/gtest.h>

#include "raft/policy/member_status.h"
#include "raft/testing/cluster.h"

namespace rz::raft::testing {
namespace {

// Links between the two groups are cut, both ways; within a group they hold.
auto split(std::set<int> left, std::set<int> right) {
  return [left = std::move(left), right = std::move(right)](const Message& message) {
    const int from = message.from.id.bytes[0];
    const int to = message.to.id.bytes[0];
    return (left.contains(from) && right.contains(to)) || (left.contains(to) && right.contains(from));
  };
}

void expect_whole(Cluster& cluster) {
  EXPECT_TRUE(cluster.converge());
  EXPECT_EQ(cluster.failure, "");
}

// Scenario 1 (Ongaro 2015): two leaders, each with a membership change of its own, must not both commit. Here: no
// change before an entry of the own term is committed, and one change in flight.
TEST(Scenario, SingleServerChangeBug) {
  Cluster cluster(1);
  cluster.bootstrap(4);
  cluster.add(5);
  cluster.add(6);
  const int first = cluster.leader();
  cluster.drop = [&](const Message& message) { return message.from.id == node_id(static_cast<std::uint8_t>(first)); };
  cluster.step(first, ProposeConfiguration{{50}, {1}, members({1, 2, 3, 4}), members({5})});
  EXPECT_FALSE(cluster.node(first).proposals.back().refused.has_value());
  cluster.step(first, ProposeConfiguration{{51}, {1}, members({1, 2, 3}), members({4})});
  EXPECT_EQ(cluster.node(first).proposals.back().refused, ErrorCode::raft_change_in_flight);
  cluster.crash(first);
  cluster.drop = nullptr;
  ASSERT_TRUE(cluster.run_to_leader());
  const int second = cluster.leader();
  cluster.step(second, ProposeConfiguration{{52}, {1}, members({1, 2, 3, 4}), members({6})});
  cluster.run(seconds(1));
  EXPECT_TRUE(cluster.raft(second).configuration().is_learner(member(6)));
  cluster.start(first);
  expect_whole(cluster);
  EXPECT_FALSE(cluster.raft(first).configuration().names(node_id(5)));
}

TEST(Scenario, NoChangeBeforeAnEntryOfTheOwnTerm) {
  Cluster cluster(2);
  cluster.bootstrap(3);
  cluster.crash(cluster.leader());
  cluster.drop = [](const Message& message) { return std::holds_alternative<AppendReply>(message.body); };
  cluster.wake_all();
  ASSERT_TRUE(cluster.run_until([&] { return cluster.leader() != 0; }, seconds(20)));
  const int led = cluster.leader();
  cluster.step(led, ProposeConfiguration{{9}, {1}, members({1, 2}), members({3})});
  EXPECT_EQ(cluster.node(led).proposals.back().refused, ErrorCode::raft_term_unconfirmed);
}

// Scenario 2 (RethinkDB #5289): a wiped device, and old messages to and from its earlier life.
TEST(Scenario, DelayedMessagesToAWipedMember) {
  Cluster cluster(3);
  cluster.bootstrap(3);
  std::vector<Message> old;
  cluster.drop = [&](const Message& message) {
    if (message.to.id == node_id(3) || message.from.id == node_id(3)) old.push_back(message);
    return false;
  };
  for (std::uint64_t i = 1; i <= 5; ++i) cluster.propose(cluster.leader(), i);
  cluster.run(seconds(3));
  ASSERT_FALSE(old.empty());
  cluster.drop = nullptr;
  cluster.add(3, 2);  // Wiped: nothing on disk, a new incarnation.
  for (const Message& message : old) cluster.deliver_after(milliseconds(1), message);
  cluster.run(seconds(1));
  EXPECT_EQ(cluster.raft(3).term(), Term{});
  EXPECT_EQ(cluster.raft(3).log().last_index(), Index{});
  // It can't replace its earlier life's vote: with one of the others gone, nobody leads.
  const int led = cluster.leader();
  const int other = led == 1 ? 2 : 1;
  cluster.crash(led);
  cluster.step(other, WakeUp{});
  cluster.run(seconds(20));
  EXPECT_EQ(cluster.leader(), 0);
  cluster.start(led);
  ASSERT_TRUE(cluster.run_to_leader());
  cluster.step(cluster.leader(), Connected{node_id(3)});
  cluster.run(milliseconds(500));
  const auto status = member_statuses(cluster.raft(cluster.leader()), cluster.now());
  EXPECT_EQ(status[2].reborn, Incarnation{2});
  // Let in again as a learner, then as a voter.
  cluster.step(cluster.leader(), ProposeConfiguration{{7}, {1}, members({1, 2}), {member(3, 2)}});
  cluster.run(seconds(2));
  cluster.step(cluster.leader(), ProposeConfiguration{{8}, {1}, {member(1), member(2), member(3, 2)}, {}});
  cluster.run(seconds(2));
  EXPECT_TRUE(cluster.raft(cluster.leader()).configuration().is_voter(member(3, 2)));
  expect_whole(cluster);
}

// Scenario 4 (etcd #14370): nothing is acknowledged before it is durable.
TEST(Scenario, AcknowledgedBeforePersisted) {
  Cluster cluster(4);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  cluster.faults.persist_us_max = 100'000'000;  // Nobody's disk answers any more.
  cluster.propose(led, 1);
  const Index proposed = cluster.raft(led).log().last_index();
  cluster.run(milliseconds(80));
  EXPECT_LT(cluster.raft(led).commit_index(), proposed);
}

// Scenario 6 (PAR/CTRL): a damaged committed entry is fetched again, not truncated; meanwhile no vote, no lead.
TEST(Scenario, EachMemberLostADifferentCommittedEntry) {
  Cluster cluster(6);
  cluster.bootstrap(3);
  for (std::uint64_t i = 1; i <= 9; ++i) cluster.propose(cluster.leader(), i);
  ASSERT_TRUE(cluster.converge());
  const auto committed = cluster.committed();
  const std::uint64_t last = cluster.raft(1).log().last_index().n;
  for (int number = 1; number <= 3; ++number) {
    cluster.crash(number);
    cluster.node(number).disk.entries.erase(last - static_cast<std::uint64_t>(number));
  }
  for (int number = 1; number <= 3; ++number) {
    cluster.start(number);
    EXPECT_TRUE(cluster.raft(number).is_damaged());
  }
  ASSERT_TRUE(cluster.run_to_leader(seconds(60)));
  expect_whole(cluster);
  for (const auto& [index, id] : committed) EXPECT_TRUE(cluster.raft(2).log().has(id)) << index;
}

TEST(Scenario, ADamagedMemberNeitherVotesNorLeads) {
  Cluster cluster(7);
  cluster.bootstrap(3);
  for (std::uint64_t i = 1; i <= 5; ++i) cluster.propose(cluster.leader(), i);
  ASSERT_TRUE(cluster.converge());
  cluster.crash(3);
  cluster.crash(2);
  cluster.node(2).disk.entries.erase(5);
  cluster.drop = [](const Message& message) { return std::holds_alternative<RepairReply>(message.body); };
  cluster.start(2);
  ASSERT_TRUE(cluster.raft(2).is_damaged());
  if (cluster.raft(1).is_leader()) cluster.step(1, TransferLeadership{});
  cluster.crash(1);
  cluster.start(1);
  cluster.run(seconds(30));
  EXPECT_EQ(cluster.leader(), 0) << "two of three, one of them damaged, are no majority";
  EXPECT_TRUE(cluster.raft(2).is_damaged());
  cluster.drop = nullptr;
  ASSERT_TRUE(cluster.run_to_leader(seconds(60)));
  expect_whole(cluster);
  EXPECT_FALSE(cluster.raft(2).is_damaged());
}

TEST(Scenario, DamageFoundWhileLeading) {
  Cluster cluster(8);
  cluster.bootstrap(3);
  for (std::uint64_t i = 1; i <= 5; ++i) cluster.propose(cluster.leader(), i);
  ASSERT_TRUE(cluster.converge());
  const int led = cluster.leader();
  cluster.step(led, Damaged{{4}});
  EXPECT_FALSE(cluster.raft(led).is_leader());
  EXPECT_TRUE(cluster.raft(led).is_damaged());
  cluster.run(seconds(10));
  ASSERT_TRUE(cluster.run_to_leader());
  expect_whole(cluster);
  EXPECT_FALSE(cluster.raft(led).is_damaged());
}

// Scenario 7 (figure 8 of the paper): an entry of an earlier term is not committed by counting.
TEST(Scenario, FigureEight) {
  Cluster cluster(9);
  cluster.bootstrap(3);
  const int first = cluster.leader();
  cluster.drop = [&](const Message& message) { return std::holds_alternative<Append>(message.body); };
  cluster.propose(first, 1);  // In the first leader's log only.
  const Index old = cluster.raft(first).log().last_index();
  cluster.run(milliseconds(50));
  cluster.crash(first);
  cluster.start(first);
  cluster.run_until([&] { return cluster.leader() != 0; }, seconds(20));
  const int second = cluster.leader();
  if (second == first) {
    // Its own entry of the new term does not reach the others, but a copy of the old one does: no commitment by
    // counting.
    cluster.drop = [&](const Message& message) { return std::holds_alternative<Append>(message.body); };
    for (int number = 1; number <= 3; ++number) {
      if (number == first) continue;
      const Entry entry = *cluster.raft(first).log().find(old);
      Append append{*cluster.raft(first).log().id_at(old.prev()), {}, Entries::of({entry})};
      cluster.deliver_after({1}, {member(static_cast<std::uint8_t>(first)), member(static_cast<std::uint8_t>(number)),
                                  cluster.raft(first).generation(), cluster.raft(first).term(), append});
    }
    cluster.run(milliseconds(500));
    EXPECT_LT(cluster.raft(first).commit_index(), old);
  }
  cluster.drop = nullptr;
  ASSERT_TRUE(cluster.run_to_leader());
  expect_whole(cluster);
}

// Scenario 7 (canonical #354): a snapshot holds no uncommitted configuration.
TEST(Scenario, SnapshotWithAnUncommittedConfiguration) {
  Cluster cluster(10);
  cluster.bootstrap(3);
  cluster.add(4);
  const int led = cluster.leader();
  cluster.propose(led, 1);
  ASSERT_TRUE(cluster.converge());
  cluster.drop = [](const Message& message) { return std::holds_alternative<Append>(message.body); };
  cluster.step(led, ProposeConfiguration{{2}, {1}, members({1, 2, 3}), members({4})});
  const Index uncommitted = cluster.raft(led).log().last_index();
  cluster.step(led, SnapshotTaken{uncommitted, {}, {}});
  EXPECT_FALSE(cluster.raft(led).snapshot().has_value()) << "what is not applied can't be in a snapshot";
  cluster.step(led, SnapshotTaken{uncommitted.prev(), {}, {}});
  ASSERT_TRUE(cluster.raft(led).snapshot().has_value());
  EXPECT_FALSE(cluster.raft(led).snapshot()->configuration.names(node_id(4)));
}

// Scenario 8: learners are promoted only when caught up, don't count in the quorum, and learn of it.
TEST(Scenario, ALearnerThatIsBehindIsNotPromoted) {
  Cluster cluster(11);
  cluster.options.caught_up_entries = 4;
  cluster.bootstrap(3);
  cluster.add(4);
  cluster.drop = split({4}, {1, 2, 3});
  int led = cluster.leader();
  cluster.step(led, ProposeConfiguration{{1}, {1}, members({1, 2, 3}), members({4})});
  for (std::uint64_t i = 1; i <= 10; ++i) cluster.propose(led, i);
  cluster.run(seconds(1));
  EXPECT_EQ(cluster.raft(led).commit_index(), cluster.raft(led).log().last_index()) << "a learner is not waited for";
  cluster.step(led, ProposeConfiguration{{2}, {1}, members({1, 2, 3, 4}), {}});
  EXPECT_EQ(cluster.node(led).proposals.back().refused, ErrorCode::raft_not_caught_up);
  cluster.drop = nullptr;
  cluster.step(led, Connected{node_id(4)});
  cluster.run(seconds(3));
  led = cluster.leader();
  cluster.step(led, ProposeConfiguration{{3}, {1}, members({1, 2, 3, 4}), {}});
  EXPECT_FALSE(cluster.node(led).proposals.back().refused.has_value());
  cluster.run(seconds(3));
  expect_whole(cluster);
  EXPECT_TRUE(cluster.raft(4).is_voter());
}

TEST(Scenario, ALearnerBehindTheCompactionGetsTheSnapshot) {
  Cluster cluster(12);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  for (std::uint64_t i = 1; i <= 20; ++i) cluster.propose(led, i);
  ASSERT_TRUE(cluster.converge());
  ContentId content;
  content.bytes.fill(1);
  cluster.step(led, SnapshotTaken{{18}, content, {18}});
  EXPECT_EQ(cluster.raft(led).log().base().index, Index{18});
  cluster.add(4);
  cluster.step(led, ProposeConfiguration{{2}, {1}, members({1, 2, 3}), members({4})});
  expect_whole(cluster);
  ASSERT_TRUE(cluster.raft(4).snapshot().has_value());
  EXPECT_EQ(cluster.raft(4).snapshot()->content, content);
  EXPECT_EQ(cluster.raft(4).configuration(), cluster.raft(led).configuration());
}

// Scenario 9: links 1-2-3 only; a member that can send but not hear. One leader stays, its term too.
TEST(Scenario, AChainOfThree) {
  Cluster cluster(13);
  cluster.bootstrap(3);
  cluster.drop = split({1}, {3});
  cluster.propose(cluster.leader(), 1);
  cluster.run(seconds(20));
  ASSERT_TRUE(cluster.run_to_leader());
  const Term term = cluster.raft(cluster.leader()).term();
  for (std::uint64_t i = 2; i < 40; ++i) {
    cluster.propose(cluster.leader(), i);
    cluster.run(milliseconds(500));
  }
  EXPECT_EQ(cluster.raft(2).term(), term);
  EXPECT_EQ(cluster.failure, "");
}

TEST(Scenario, AMemberThatSendsButDoesNotHear) {
  Cluster cluster(14);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  const int deaf = led == 3 ? 2 : 3;
  const Term term = cluster.raft(led).term();
  cluster.drop = [&](const Message& message) { return message.to.id == node_id(static_cast<std::uint8_t>(deaf)); };
  for (std::uint64_t i = 1; i < 20; ++i) {
    EXPECT_TRUE(cluster.propose(led, i));
    cluster.run(milliseconds(500));
  }
  EXPECT_EQ(cluster.raft(led).term(), term);
  cluster.drop = nullptr;
  expect_whole(cluster);
}

TEST(Scenario, ALeaderThatSendsButDoesNotHearStepsDown) {
  Cluster cluster(15);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  cluster.drop = [&](const Message& message) { return message.to.id == node_id(static_cast<std::uint8_t>(led)); };
  cluster.propose(led, 1);
  cluster.run(seconds(10));
  EXPECT_FALSE(cluster.raft(led).is_leader());
  EXPECT_NE(cluster.leader(), 0);
  EXPECT_EQ(cluster.failure, "");
}

// Scenario 11 (RethinkDB #4234): a leader that removes itself goes only when another can lead on.
TEST(Scenario, ALeaderRemovesItself) {
  Cluster cluster(16);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  std::vector<Member> rest;
  for (int number = 1; number <= 3; ++number) {
    if (number != led) rest.push_back(member(static_cast<std::uint8_t>(number)));
  }
  cluster.step(led, ProposeConfiguration{{1}, {1}, rest, {}});
  cluster.run(seconds(5));
  ASSERT_NE(cluster.leader(), 0);
  EXPECT_NE(cluster.leader(), led);
  EXPECT_EQ(cluster.raft(cluster.leader()).configuration().voters, rest);
  EXPECT_FALSE(cluster.raft(led).configuration().names(node_id(static_cast<std::uint8_t>(led)))) << "it knows";
  EXPECT_TRUE(cluster.propose(cluster.leader(), 9));
  expect_whole(cluster);
}

// Joint consensus 4.2.2: who is not in the newest configuration may have to campaign for it all the same.
TEST(Scenario, TheNewConfigurationIsOnlyWithThoseWhoLeave) {
  Cluster cluster(17);
  cluster.bootstrap(4);
  int led = cluster.leader();
  if (led == 1) {
    cluster.step(1, TransferLeadership{node_id(2)});
    cluster.run(seconds(2));
    led = cluster.leader();
  }
  ASSERT_NE(led, 1);
  cluster.drop = [&](const Message& message) {  // Node 1 never gets the configuration that leaves it alone.
    const auto* append = std::get_if<Append>(&message.body);
    return append != nullptr && message.to.id == node_id(1) && !append->entries.empty() &&
           cluster.raft(led).configuration().outgoing.empty() &&
           cluster.raft(led).configuration().voters == members({1});
  };
  cluster.step(led, ProposeConfiguration{{1}, {1}, members({1}), members({2, 3, 4})});
  cluster.run(milliseconds(200));
  cluster.crash(led);
  cluster.drop = nullptr;
  ASSERT_TRUE(cluster.run_to_leader(seconds(60)));
  expect_whole(cluster);
  EXPECT_EQ(cluster.raft(1).configuration().voters, members({1}));
}

// Scenario 12 (NuRaft #609): pre-votes that lead nowhere end as soon as they can succeed.
TEST(Scenario, PreVotesForDays) {
  Cluster cluster(18);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  const Term term = cluster.raft(led).term();
  cluster.drop = [](const Message&) { return true; };
  for (int number = 1; number <= 3; ++number) cluster.step(number, WakeUp{});
  cluster.run(seconds(3600));
  for (int number = 1; number <= 3; ++number) EXPECT_LE(cluster.raft(number).term(), term) << "terms don't inflate";
  cluster.drop = nullptr;
  EXPECT_TRUE(cluster.run_to_leader(seconds(10)));
  expect_whole(cluster);
}

// Scenario 13 (tarantool #7896): the majority is lost, the owner starts a new generation, the old members come back.
TEST(Scenario, OldMembersReturnToANewGeneration) {
  Cluster cluster(19);
  cluster.bootstrap(3);
  for (std::uint64_t i = 1; i <= 5; ++i) cluster.propose(cluster.leader(), i);
  ASSERT_TRUE(cluster.converge());
  cluster.drop = split({1}, {2, 3});
  if (!cluster.raft(2).is_leader() && !cluster.raft(3).is_leader()) {
    cluster.step(2, WakeUp{});
    cluster.run(seconds(10));
  }
  const int old_leader = cluster.raft(2).is_leader() ? 2 : 3;
  for (std::uint64_t i = 10; i <= 15; ++i) cluster.propose(old_leader, i);  // Committed there, unknown to 1.
  cluster.run(seconds(2));
  ASSERT_GT(cluster.raft(old_leader).commit_index(), cluster.raft(1).commit_index());
  cluster.step(1, FoundGeneration{generation(2), {5000}});
  cluster.run(seconds(1));
  EXPECT_TRUE(cluster.raft(1).is_leader());
  EXPECT_TRUE(cluster.propose(1, 20));
  cluster.step(1, ProposeConfiguration{{21}, {1}, members({1}), members({2, 3})});
  cluster.drop = nullptr;
  cluster.step(1, Connected{node_id(2)});
  cluster.step(1, Connected{node_id(3)});
  cluster.run(seconds(5));
  EXPECT_EQ(cluster.raft(2).generation(), generation(2));
  EXPECT_EQ(cluster.raft(3).generation(), generation(2));
  EXPECT_FALSE(cluster.raft(2).is_leader() || cluster.raft(3).is_leader());
  expect_whole(cluster);
  EXPECT_EQ(cluster.raft(2).log().last(), cluster.raft(1).log().last());
}

// Two generations at once: the higher number wins, then the smaller founding hash.
TEST(Scenario, TwoGenerationsAtOnce) {
  Cluster cluster(20);
  cluster.bootstrap(3);
  cluster.propose(cluster.leader(), 1);
  ASSERT_TRUE(cluster.converge());
  cluster.drop = [](const Message&) { return true; };
  cluster.ignore_promises = true;  // Both number 2: the checker tells generations by their numbers.
  cluster.step(1, FoundGeneration{generation(2, 9), {5000}});
  cluster.step(2, FoundGeneration{generation(2, 3), {5000}});
  cluster.run(seconds(1));
  cluster.propose(1, 2);
  cluster.propose(2, 3);
  cluster.drop = nullptr;
  for (const int led : {1, 2}) {
    const int other = 3 - led;
    cluster.step(led,
                 ProposeConfiguration{{5}, {1}, members({led}), {member(static_cast<std::uint8_t>(other)), member(3)}});
  }
  cluster.run(seconds(10));
  for (int number = 1; number <= 3; ++number) EXPECT_EQ(cluster.raft(number).generation(), generation(2, 3)) << number;
  EXPECT_TRUE(cluster.raft(2).is_leader());
  EXPECT_EQ(cluster.raft(1).log().last(), cluster.raft(2).log().last());
}

}  // namespace
}  // namespace rz::raft::testing
