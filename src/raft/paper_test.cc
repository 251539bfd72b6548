// What the dissertation (and the design) asks of each part, by section.
#include <gtest/gtest.h>

#include "raft/testing/cluster.h"
#include "raft/wire/quorum.h"

namespace rz::raft::testing {
namespace {

template <class Body>
std::vector<Message> only(const std::vector<Message>& messages) {
  std::vector<Message> found;
  for (const Message& message : messages) {
    if (std::holds_alternative<Body>(message.body)) found.push_back(message);
  }
  return found;
}

const EntryId candidate_last{1, {1}, {5}, {}};

// A follower of 1, 2, 3 with no entries.
PersistedState new_state() {
  PersistedState state;
  state.hard_state = {generation(1), {1}, std::nullopt};
  state.base.generation = 1;
  state.base_configuration.voters = members({1, 2, 3});
  return state;
}

Raft follower(PersistedState state = new_state()) { return *Raft::open({.self = member(1)}, 1, std::move(state), {}); }

Message from(int number, std::uint64_t term, MessageBody body) {
  return {member(static_cast<std::uint8_t>(number)), member(1), generation(1), {term}, std::move(body)};
}

TEST(Paper34, OneVoteATermFirstComeFirstServed) {
  Raft one = follower();
  const Tick late{10'000'000};
  Output output = one.step(late, Received{from(2, 2, VoteRequest{false, false, candidate_last})});
  ASSERT_EQ(output.send_after_persist.size(), 1u);
  EXPECT_TRUE(std::get<VoteReply>(output.send_after_persist[0].body).granted);
  EXPECT_EQ(output.hard_state->vote, node_id(2));
  EXPECT_TRUE(output.send.empty()) << "a vote is a promise: not before it is durable";
  output = one.step(late, Received{from(3, 2, VoteRequest{false, false, candidate_last})});
  EXPECT_FALSE(std::get<VoteReply>(output.send_after_persist[0].body).granted);
}

TEST(Paper34, TheOwnVoteCountsOnceDurable) {
  PersistedState state = new_state();
  state.base_configuration.voters = members({1});
  Raft one = follower(state);
  const Output output = one.step({10'000'000}, Ticked{});
  EXPECT_FALSE(one.is_leader());
  ASSERT_TRUE(output.receipt.has_value());
  one.step({10'000'000}, *output.receipt);
  EXPECT_TRUE(one.is_leader());
}

TEST(Paper361, AnOutdatedLogGetsNoVote) {
  Cluster cluster(1);
  cluster.bootstrap(3);
  cluster.propose(cluster.leader(), 1);
  ASSERT_TRUE(cluster.converge());
  const int led = cluster.leader();
  const int other = led == 1 ? 2 : 1;
  const Output output = cluster.raft(other).step(
      cluster.now() + seconds(100), Received{{member(3),
                                              member(static_cast<std::uint8_t>(other)),
                                              generation(1),
                                              {99},
                                              VoteRequest{false, true, *cluster.raft(other).log().id_at({1})}}});
  EXPECT_FALSE(std::get<VoteReply>(output.send_after_persist.back().body).granted);
}

TEST(Paper423, AVoterThatHearsItsLeaderIgnoresCandidates) {
  Raft one = follower();
  one.step({1'000'000}, Received{from(2, 1, Heartbeat{})});
  const Output output = one.step({1'000'001}, Received{from(3, 2, VoteRequest{false, false, candidate_last})});
  EXPECT_TRUE(output.send_after_persist.empty());
  EXPECT_EQ(one.term(), Term{1});
  one.step({1'000'002}, ForgetLeader{});
  EXPECT_EQ(
      one.step({1'000'003}, Received{from(3, 2, VoteRequest{false, false, candidate_last})}).send_after_persist.size(),
      1u);
}

TEST(Paper96, PreVoteLeavesTheTermAlone) {
  Raft one = follower();
  const Output output = one.step({10'000'000}, Ticked{});
  EXPECT_EQ(one.role(), Role::pre_candidate);
  EXPECT_EQ(one.term(), Term{1});
  EXPECT_EQ(only<VoteRequest>(output.send).size(), 2u);
  EXPECT_FALSE(output.hard_state.has_value());
}

TEST(Paper310, LeadershipIsHandedOver) {
  Cluster cluster(2);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  const int next = led == 3 ? 1 : 3;
  cluster.step(led, TransferLeadership{node_id(static_cast<std::uint8_t>(next))});
  EXPECT_FALSE(cluster.propose(led, 5)) << "no proposals meanwhile";
  cluster.run(milliseconds(300));
  EXPECT_EQ(cluster.leader(), next);
  EXPECT_EQ(cluster.failure, "");
}

TEST(Paper310, LeavingHandsOverAndTellsTheNextLeader) {
  Cluster cluster(3);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  cluster.step(led, Leave{});
  cluster.run(seconds(3));
  const int next = cluster.leader();
  ASSERT_NE(next, led);
  ASSERT_FALSE(cluster.node(next).leaving.empty());
  EXPECT_EQ(cluster.node(next).leaving[0], member(static_cast<std::uint8_t>(led)));
}

// Every half of a joint configuration decides on its own (4.3).
TEST(Paper43, JointQuorums) {
  const Configuration joint{members({1, 2, 3}), {}, members({3, 4, 5})};
  const auto reached = [&](std::map<NodeId, std::uint64_t> values) {
    return quorum_value(joint, [&](const Member& each) { return values[each.id]; });
  };
  EXPECT_EQ(reached({{node_id(1), 9}, {node_id(2), 9}}), 0u);
  EXPECT_EQ(reached({{node_id(1), 9}, {node_id(2), 8}, {node_id(4), 7}, {node_id(5), 6}}), 6u);
  EXPECT_EQ(reached({{node_id(3), 9}, {node_id(2), 8}, {node_id(5), 5}}), 5u);
  // Votes are counted the same way: as 0 and 1.
  const auto won = [&](std::set<int> granted) {
    return quorum_value(joint, [&](const Member& each) { return granted.contains(each.id.bytes[0]) ? 1u : 0u; }) == 1;
  };
  EXPECT_FALSE(won({1, 2}));
  EXPECT_FALSE(won({1, 2, 4}));
  EXPECT_TRUE(won({1, 2, 4, 5}));
  EXPECT_TRUE(won({2, 3, 4}));
  EXPECT_EQ(quorum_value({}, [](const Member&) { return 1u; }), 0u) << "nobody is no quorum";
}

TEST(Paper43, ThreeBecomeFiveBecomeTwoUnderLoad) {
  Cluster cluster(4);
  cluster.bootstrap(3);
  cluster.add(4);
  cluster.add(5);
  std::uint64_t value = 100;
  const auto change = [&](std::vector<Member> voters, std::vector<Member> learners) {
    const Configuration wanted{voters, learners, {}};
    for (int tries = 0; tries < 200; ++tries) {
      const int led = cluster.leader();
      if (led != 0) {
        cluster.propose(led, ++value);
        if (cluster.raft(led).configuration() == wanted) return;
        cluster.step(led, ProposeConfiguration{{++value}, {1}, voters, learners});
      }
      cluster.run(milliseconds(30));
    }
    FAIL() << "never changed";
  };
  change(members({1, 2, 3}), members({4, 5}));
  change(members({1, 2, 3, 4, 5}), {});
  change(members({4, 5}), {});
  EXPECT_TRUE(cluster.converge());
  EXPECT_EQ(cluster.failure, "");
  EXPECT_EQ(cluster.raft(cluster.leader()).configuration().voters, members({4, 5}));
}

TEST(Paper64, ReadsSeeWhatWasCommittedBefore) {
  Cluster cluster(5);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  const int other = led == 1 ? 2 : 1;
  cluster.propose(led, 1);
  const Index proposed = cluster.raft(led).log().last_index();
  ASSERT_TRUE(cluster.converge());
  for (const int reader : {led, other}) {
    cluster.step(reader, Read{{77}});
    cluster.run(milliseconds(200));
    ASSERT_FALSE(cluster.node(reader).reads.empty()) << reader;
    EXPECT_FALSE(cluster.node(reader).reads.back().refused);
    EXPECT_GE(cluster.node(reader).reads.back().index, proposed);
  }
}

// Scenario 4 (etcd #20418) and Redis-Raft: a deposed leader that does not know it answers no read.
TEST(Paper64, ADeposedLeaderServesNoRead) {
  Cluster cluster(6);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  cluster.drop = [&](const Message& message) {
    const NodeId cut_off = node_id(static_cast<std::uint8_t>(led));
    return message.from.id == cut_off || message.to.id == cut_off;
  };
  cluster.step(led, Read{{1}});
  cluster.run(seconds(5));
  ASSERT_FALSE(cluster.node(led).reads.empty());
  EXPECT_TRUE(cluster.node(led).reads.back().refused);
}

TEST(PaperDurability, AVoterAcknowledgesACutOnlyWithItsPast) {
  Cluster cluster(7);
  cluster.bootstrap(3);
  const int led = cluster.leader();
  cluster.auto_cover = false;
  cluster.propose(led, 1);
  cluster.run(seconds(2));
  const Index last = cluster.raft(led).log().last_index();
  EXPECT_LT(cluster.raft(led).commit_index(), last) << "stored by nobody but the leader";
  const int other = led == 1 ? 2 : 1;
  EXPECT_EQ(cluster.raft(other).persisted_index(), last);
  cluster.step(other, CoverageDurable{last});
  cluster.run(milliseconds(100));
  EXPECT_EQ(cluster.raft(led).commit_index(), last);
}

// Silence: no timers, no packets; ended by a proposal, a reader, or whoever has something to order.
TEST(PaperSilence, ASettledGroupIsSilentForDays) {
  Cluster cluster(8);
  cluster.bootstrap(3);
  cluster.propose(cluster.leader(), 1);
  ASSERT_TRUE(cluster.converge());
  cluster.run(seconds(5));
  const int led = cluster.leader();
  std::uint64_t sent = 0;
  for (auto& [number, each] : cluster.nodes()) {
    EXPECT_TRUE(each.raft->is_silent()) << int{number};
    sent += each.sent;
  }
  cluster.run(seconds(3 * 86'400));
  std::uint64_t sent_later = 0;
  for (auto& [number, each] : cluster.nodes()) sent_later += each.sent;
  EXPECT_EQ(sent, sent_later);
  EXPECT_EQ(cluster.leader(), led);
  EXPECT_TRUE(cluster.propose(led, 2));
  EXPECT_TRUE(cluster.converge(seconds(1)));
}

TEST(PaperSilence, AFollowerWakesTheLeaderOrReplacesIt) {
  Cluster cluster(9);
  cluster.bootstrap(3);
  cluster.run(seconds(5));
  const int led = cluster.leader();
  const int other = led == 1 ? 2 : 1;
  const Term term = cluster.raft(led).term();
  ASSERT_TRUE(cluster.raft(other).is_silent());
  cluster.step(other, WakeUp{});
  cluster.run(milliseconds(20));
  EXPECT_FALSE(cluster.raft(led).is_silent());
  cluster.run(seconds(5));
  EXPECT_EQ(cluster.raft(led).term(), term);
  ASSERT_TRUE(cluster.raft(other).is_silent());
  cluster.crash(led);
  cluster.run(seconds(100));
  EXPECT_EQ(cluster.leader(), 0) << "nobody wants anything";
  cluster.step(other, WakeUp{});
  EXPECT_TRUE(cluster.run_to_leader(seconds(10)));
}

TEST(PaperSilence, ARestartInASilentGroupCausesNoElection) {
  Cluster cluster(10);
  cluster.bootstrap(3);
  cluster.run(seconds(5));
  const int led = cluster.leader();
  const Term term = cluster.raft(led).term();
  const int other = led == 1 ? 2 : 1;
  cluster.crash(other);
  cluster.start(other);
  cluster.run(seconds(20));
  EXPECT_EQ(cluster.leader(), led);
  EXPECT_EQ(cluster.raft(led).term(), term);
  EXPECT_TRUE(cluster.raft(other).is_silent());
}

TEST(PaperFlow, AFollowerThatDoesNotAnswerFillsOnlyItsWindow) {
  Cluster cluster(11);
  cluster.options.in_flight_messages_max = 8;
  cluster.bootstrap(3);
  const int led = cluster.leader();
  const int slow = led == 3 ? 2 : 3;
  std::uint64_t appends = 0;
  cluster.drop = [&](const Message& message) {
    const bool to_slow = message.to.id == node_id(static_cast<std::uint8_t>(slow));
    appends += to_slow && std::holds_alternative<Append>(message.body) ? 1 : 0;
    return to_slow;
  };
  for (std::uint64_t i = 1; i <= 200; ++i) {
    cluster.propose(led, i);
    cluster.run({500});
  }
  EXPECT_LE(appends, 8u);
  cluster.drop = nullptr;
  EXPECT_TRUE(cluster.converge());
  EXPECT_EQ(cluster.failure, "");
}

TEST(PaperFlow, ALeaderRefusesMoreThanItMayHold) {
  Cluster cluster(12);
  cluster.options.uncommitted_bytes_max = 2000;
  cluster.bootstrap(3);
  const int led = cluster.leader();
  cluster.drop = [](const Message&) { return true; };
  std::uint64_t taken = 0;
  while (cluster.propose(led, taken + 1)) ++taken;
  EXPECT_EQ(cluster.node(led).proposals.back().refused, ErrorCode::raft_busy);
  EXPECT_GT(taken, 5u);
  EXPECT_LT(taken, 20u);
}

TEST(PaperFlow, AnIdleGroupIsSmall) { EXPECT_LT(sizeof(Raft), 1500u); }

}  // namespace
}  // namespace rz::raft::testing
