// New generations of the cluster: what the owner does when the devices that decided on the order are lost.
#include <gtest/gtest.h>

#include "sim/network.h"

namespace rz::pod {
namespace {

using sim::Network;

class Generations : public ::testing::Test {
 protected:
  explicit Generations(std::uint64_t seed = 31, sim::NetworkOptions options = {}) : net_(seed, options) {
    net_.found("laptop");
    net_.add(0, "phone");
    net_.add(0, "tablet");
    document_ = *net_.pod(0).create_document(net_.now(), "Notes", "before");
    net_.pump(0);
    RZ_ASSERT(net_.converge());
    RZ_ASSERT(net_.run_until([&] { return status(0).voters == 3; }));
    net_.run(seconds(2));  // To the end of that change: within it, the first device must answer.
  }

  PodStatus status(std::size_t i) { return net_.pod(i).status(net_.now()); }
  void write(std::size_t i, std::string_view text) {
    RZ_ASSERT(net_.pod(i).edit_text(net_.now(), document_, {{0, 0, std::string(text)}}).has_value());
    net_.pod(i).flush(net_.now());
    net_.pump(i);
  }
  Status restart(std::size_t i, bool although_answering = false) {
    const Status done = net_.pod(i).restart_cluster(net_.now(), although_answering);
    net_.pump(i);
    return done;
  }

  Network net_;
  log::StreamId document_;
};

TEST_F(Generations, AreRefusedWhileAMajorityAnswers) {
  ASSERT_TRUE(net_.run_until([&] { return net_.connected(0, 1) && net_.connected(0, 2); }));
  const Status refused = restart(0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_argument);
  EXPECT_EQ(status(0).generation, 1u);
}

TEST_F(Generations, GoOnWhereTheMajorityIsLost) {
  net_.crash(1);
  net_.crash(2);
  net_.run(seconds(5));
  write(0, "alone ");
  net_.run(seconds(10));
  ASSERT_EQ(net_.pod(0).state_of(document_), WriteState::local) << "one of three must not order";
  const Status done = restart(0);
  ASSERT_TRUE(done.has_value()) << done.error().to_string();
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(0).state_of(document_) == WriteState::committed; }));
  EXPECT_EQ(status(0).generation, 2u);
  EXPECT_EQ(status(0).voters, 1u);
  // After a crash too.
  net_.crash(0);
  ASSERT_TRUE(net_.restart(0).has_value());
  ASSERT_TRUE(net_.run_until([&] { return status(0).generation == 2 && status(0).role == "alone"; }) ||
              status(0).role == "leader");
  // The others were not lost after all: they rejoin as learners, and vote again once they have caught up.
  ASSERT_TRUE(net_.restart(1).has_value());
  ASSERT_TRUE(net_.restart(2).has_value());
  ASSERT_TRUE(net_.run_until([&] { return status(1).generation == 2 && status(2).generation == 2; }));
  ASSERT_TRUE(net_.run_until([&] { return status(0).voters == 3; }, seconds(600))) << net_.describe();
  ASSERT_TRUE(net_.converge()) << net_.describe();
  EXPECT_EQ(*net_.pod(2).text(document_), "alone before");
}

// The founder lagged: the others had agreed on more. As order that is void, as writing it is not.
TEST_F(Generations, WhatTheFounderHadNotSeenIsOrderedAnew) {
  net_.cut(0, 1);
  net_.cut(0, 2);
  write(1, "unseen ");
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(1).state_of(document_) == WriteState::committed; }));
  ASSERT_TRUE(restart(0).has_value());
  write(0, "founder ");
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(0).state_of(document_) == WriteState::committed; }));
  net_.heal_all();
  ASSERT_TRUE(net_.run_until([&] { return status(1).generation == 2 && status(2).generation == 2; }))
      << net_.describe();
  ASSERT_TRUE(net_.converge()) << net_.describe();
  const std::string text = *net_.pod(0).text(document_);
  EXPECT_NE(text.find("unseen"), std::string::npos);
  EXPECT_NE(text.find("founder"), std::string::npos);
  EXPECT_EQ(*net_.pod(1).text(document_), text);
  EXPECT_EQ(*net_.pod(2).text(document_), text);
  const std::vector<Alarm> alarms = net_.pod(1).alarms();
  EXPECT_TRUE(std::any_of(alarms.begin(), alarms.end(),
                          [](const Alarm& each) { return each.text.find("is void") != std::string::npos; }));
}

// Two devices that don't see each other are both told to begin anew: when they meet, one of the two is followed, by
// all.
TEST_F(Generations, TwoAtOnceBecomeOne) {
  net_.cut(0, 1);
  net_.cut(0, 2);
  net_.cut(1, 2);
  net_.run(seconds(3));
  ASSERT_TRUE(restart(0).has_value());
  ASSERT_TRUE(restart(1).has_value());
  write(0, "one ");
  write(1, "two ");
  const auto committed = [&](std::size_t i) { return net_.pod(i).state_of(document_) == WriteState::committed; };
  ASSERT_TRUE(net_.run_until([&] { return committed(0) && committed(1); }));
  net_.heal_all();
  ASSERT_TRUE(net_.converge(seconds(120))) << net_.describe();
  for (const std::size_t i : {0u, 1u, 2u}) {
    EXPECT_EQ(status(i).generation, 2u);
    EXPECT_TRUE(net_.pod(i).identity().generation == net_.pod(0).identity().generation);
    EXPECT_EQ(*net_.pod(i).text(document_), *net_.pod(0).text(document_));
  }
  ASSERT_TRUE(net_.run_until([&] { return status(0).voters == 3; }, seconds(600))) << net_.describe();
  for (const std::size_t i : {0u, 1u, 2u}) {
    net_.crash(i);
    ASSERT_TRUE(net_.restart(i).has_value());
  }
  write(2, "three ");
  ASSERT_TRUE(net_.converge(seconds(120))) << net_.describe();
}

// Logs that are compacted can't be compared entry by entry: the loser begins anew from the winner's saved state.
class CompactedGenerations : public Generations {
 protected:
  CompactedGenerations() : Generations(32, {.compact_every = 8, .compact_keep = 2}) {}
};

TEST_F(CompactedGenerations, ReplaceEvenWhatIsCompacted) {
  net_.cut(0, 1);
  net_.cut(0, 2);
  for (int i = 0; i < 40; ++i) {
    write(1, words(i, " "));
    ASSERT_TRUE(net_.run_until([&] { return net_.pod(1).state_of(document_) == WriteState::committed; }))
        << i << net_.describe();
  }
  ASSERT_TRUE(restart(0).has_value());
  for (int i = 0; i < 12; ++i) {
    write(0, words("f", i, " "));
    ASSERT_TRUE(net_.run_until([&] { return net_.pod(0).state_of(document_) == WriteState::committed; }));
  }
  net_.heal_all();
  ASSERT_TRUE(net_.converge(seconds(120))) << net_.describe();
  EXPECT_EQ(status(2).generation, 2u);
  EXPECT_EQ(*net_.pod(1).text(document_), *net_.pod(0).text(document_));
  for (const std::size_t i : {1u, 2u}) {
    net_.crash(i);
    ASSERT_TRUE(net_.restart(i).has_value());
  }
  write(2, "after all ");
  ASSERT_TRUE(net_.converge(seconds(120))) << net_.describe();
  EXPECT_EQ(*net_.pod(1).text(document_), *net_.pod(0).text(document_));
}

// A hired device can't begin a generation: order is the owner's to restart.
TEST(GenerationsOfOthers, ACloudPeerCantFoundOne) {
  Network net(33);
  net.found("laptop");
  net.add(0, "cloud", log::DeviceKind::cloud);
  ASSERT_TRUE(net.converge());
  net.crash(0);
  EXPECT_FALSE(net.pod(1).restart_cluster(net.now(), true).has_value());
  EXPECT_EQ(net.pod(1).status(net.now()).generation, 1u);
}

// The laptop alone decided on the order, and is lost: the phone's owner suspends it there, and that is all it takes.
TEST(LoneVoter, WhoeverShutsItOutDecides) {
  sim::Network net(77);
  net.found();
  net.add(0, "phone");
  net.add(0, "tablet");
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "before ");
  net.pump(0);
  ASSERT_TRUE(net.converge());
  ASSERT_EQ(net.pod(1).status(net.now()).voters, 1u);
  net.crash(0, 99);
  ASSERT_TRUE(net.pod(1).suspend_device(net.now(), net.key(0)).has_value());
  net.pump(1);
  ASSERT_TRUE(net.run_until([&] { return net.pod(2).identity().find(net.key(0))->suspended; }));
  ASSERT_TRUE(net.pod(2).edit_text(net.now(), document, {{0, 0, "after "}}).has_value());
  net.pump(2);
  ASSERT_TRUE(net.run_until([&] {
    return net.pod(1).state_of(document) == WriteState::committed &&
           net.pod(2).state_of(document) == WriteState::committed;
  })) << net.describe();
  EXPECT_EQ(net.pod(2).status(net.now()).generation, 2u);
  EXPECT_EQ(*net.pod(1).text(document), "after before ");
}

}  // namespace
}  // namespace rz::pod
