// Absent members in whole pods: devices that sleep, are lost one after the other, and come back.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/network.h"

namespace rz::pod {
namespace {

using sim::Network;

// Impatient, so that days pass in seconds.
const raft::PolicyOptions impatient{seconds(20), seconds(5), seconds(10), 5};

class Membership : public ::testing::Test {
 protected:
  Membership() : net_(41, {.membership = impatient}) {
    net_.found("laptop");
    document_ = *net_.pod(0).create_document(net_.now(), "Notes", "start");
    net_.pump(0);
  }

  PodStatus status(std::size_t i) { return net_.pod(i).status(net_.now()); }
  bool votes(std::size_t at, std::size_t device) {
    for (const DeviceSummary& each : net_.pod(at).devices(net_.now())) {
      if (each.key == net_.key(device)) return each.voter;
    }
    return false;
  }
  bool leads(std::size_t i) { return net_.alive(i) && (status(i).role == "leader" || status(i).role == "alone"); }
  // What is written at the device is put in order.
  ::testing::AssertionResult orders(std::size_t i, Duration limit = seconds(60)) {
    RZ_ASSERT(net_.pod(i).edit_text(net_.now(), document_, {{0, 0, "."}}).has_value());
    net_.pod(i).flush(net_.now());
    net_.pump(i);
    const bool done = net_.run_until([&] { return net_.pod(i).state_of(document_) == WriteState::committed; }, limit);
    return done ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << net_.describe();
  }
  bool voters_become(std::size_t at, std::uint32_t count, Duration limit = seconds(120)) {
    const bool came = net_.run_until([&] { return status(at).voters == count; }, limit);
    net_.run(seconds(1));  // To the end of that change.
    return came;
  }

  Network net_;
  log::StreamId document_;
};

TEST_F(Membership, NewcomersVoteAsSoonAsTheyHaveCaughtUp) {
  net_.add(0, "phone");
  net_.run(seconds(3));
  EXPECT_EQ(status(0).voters, 1u) << "of two, both would have to answer";
  net_.add(0, "tablet");
  EXPECT_TRUE(voters_become(0, 3, seconds(4))) << net_.describe();
}

// Without an always-on voter, a pod of three that loses one goes to its most available device: it survives the loss of
// either learner.
TEST_F(Membership, ThreeThatLoseOneGoToOneVoter) {
  net_.add(0, "phone");
  net_.add(0, "tablet");
  ASSERT_TRUE(voters_become(0, 3));
  net_.crash(2);
  ASSERT_TRUE(orders(0)) << "two of three go on at once";
  net_.run(seconds(60));
  ASSERT_TRUE(orders(0));
  ASSERT_TRUE(voters_become(0, 1)) << net_.describe();
  const std::size_t voter = votes(0, 0) ? 0 : 1;
  net_.crash(1 - voter);
  EXPECT_TRUE(orders(voter)) << "and without the other learner";
  const std::vector<Alarm> alarms = net_.pod(voter).alarms();
  EXPECT_TRUE(std::any_of(alarms.begin(), alarms.end(),
                          [](const Alarm& each) { return each.text.find("alone decides") != std::string::npos; }));
}

// The guarantee: with an always-on voter, one loss after the other, down to the last device.
TEST_F(Membership, LossesOneByOneDownToTheAlwaysOnDevice) {
  net_.add(0, "cloud", log::DeviceKind::cloud);
  net_.add(0, "phone");
  ASSERT_TRUE(voters_become(0, 3));
  net_.add(0, "tablet");
  net_.run(seconds(20));
  std::size_t writer = 3;
  for (const std::size_t lost : {0u, 2u}) {
    net_.crash(lost);
    ASSERT_TRUE(orders(writer)) << "after losing " << lost;
    net_.run(seconds(60));
    ASSERT_TRUE(orders(writer)) << "after losing " << lost;
    net_.run(seconds(60));
    EXPECT_TRUE(votes(writer, 1));
  }
  // The last personal device goes too: the cloud peer alone can still order.
  net_.crash(3);
  ASSERT_TRUE(net_.run_until([&] { return leads(1); }, seconds(120))) << net_.describe();
  net_.run(seconds(60));
  // And those who return find a pod that goes on.
  ASSERT_TRUE(net_.restart(0).has_value());
  ASSERT_TRUE(orders(0));
  ASSERT_TRUE(net_.restart(2).has_value());
  ASSERT_TRUE(voters_become(0, 3)) << net_.describe();
  EXPECT_TRUE(net_.converge()) << net_.describe();
}

// Back again, a device first keeps a copy; it decides only once it was there for a while, and not at each visit.
TEST_F(Membership, WhoReturnsIsALearnerUntilItStays) {
  net_.add(0, "phone");
  net_.add(0, "tablet");
  ASSERT_TRUE(voters_become(0, 3));
  net_.crash(2);
  net_.run(seconds(2));
  ASSERT_TRUE(orders(0));
  ASSERT_TRUE(voters_become(0, 1)) << net_.describe();
  std::uint64_t changes = 0;
  for (int visit = 0; visit < 4; ++visit) {
    ASSERT_TRUE(net_.restart(2).has_value());
    for (int second = 0; second < 3; ++second) {
      net_.run(seconds(1));
      changes += status(0).voters == 1 ? 0 : 1;
    }
    net_.crash(2);
    net_.run(seconds(3));
  }
  EXPECT_EQ(changes, 0u) << "a device that comes and goes changes nothing";
  ASSERT_TRUE(net_.restart(2).has_value());
  ASSERT_TRUE(voters_become(0, 3)) << net_.describe();
  EXPECT_TRUE(orders(2));
}

TEST_F(Membership, PlannedSleepHandsOverFirst) {
  net_.add(0, "phone");
  net_.add(0, "tablet");
  ASSERT_TRUE(voters_become(0, 3));
  ASSERT_TRUE(net_.run_until([&] { return leads(0); }));
  net_.pod(0).prepare_sleep(net_.now());
  net_.pump(0);
  ASSERT_TRUE(net_.run_until([&] { return leads(1) || leads(2); }, seconds(2))) << net_.describe();
  ASSERT_TRUE(net_.run_until([&] { return !votes(1, 0); }, seconds(5))) << net_.describe();
  net_.crash(0);
  ASSERT_TRUE(orders(votes(1, 1) ? 1 : 2, seconds(2))) << "nobody waits for the one that sleeps";
  // Awake again, it is back.
  ASSERT_TRUE(net_.restart(0).has_value());
  EXPECT_TRUE(voters_become(1, 3)) << net_.describe();
}

// Of two devices one votes. Before it sleeps, the other one does.
TEST_F(Membership, TheOnlyVoterHandsItsVoteOver) {
  net_.add(0, "phone");
  ASSERT_TRUE(net_.converge());
  ASSERT_EQ(status(0).voters, 1u);
  net_.pod(0).prepare_sleep(net_.now());
  net_.pump(0);
  ASSERT_TRUE(net_.run_until([&] { return leads(1); }, seconds(20))) << net_.describe();
  net_.crash(0);
  EXPECT_TRUE(orders(1));
}

TEST_F(Membership, TheOwnerMayChooseWhoDecides) {
  net_.add(0, "phone");
  net_.add(0, "tablet");
  ASSERT_TRUE(voters_become(0, 3));
  ASSERT_TRUE(net_.run_until([&] { return leads(0); }));
  const Status elsewhere = net_.pod(1).transfer_leadership(net_.now(), net_.key(1));
  ASSERT_FALSE(elsewhere.has_value());
  EXPECT_EQ(elsewhere.error().code, ErrorCode::raft_not_leader);
  ASSERT_TRUE(net_.pod(0).transfer_leadership(net_.now(), net_.key(1)).has_value());
  net_.pump(0);
  ASSERT_TRUE(net_.run_until([&] { return leads(1); }, seconds(5)));
  ASSERT_TRUE(net_.run_until([&] { return status(1).quorum; }));
  ASSERT_TRUE(orders(1));
  ASSERT_TRUE(net_.pod(1).set_voter(net_.now(), net_.key(2), false).has_value());
  net_.pump(1);
  ASSERT_TRUE(net_.run_until([&] { return !votes(0, 2); }, seconds(5)));
  net_.run(seconds(1));
  ASSERT_TRUE(net_.pod(1).set_voter(net_.now(), net_.key(0), false).has_value());
  net_.pump(1);
  ASSERT_TRUE(net_.run_until([&] { return status(1).voters == 1; }, seconds(5)));
  const Status last = net_.pod(1).set_voter(net_.now(), net_.key(1), false);
  ASSERT_FALSE(last.has_value()) << "somebody has to decide";
  EXPECT_EQ(last.error().code, ErrorCode::bad_argument);
}

}  // namespace
}  // namespace rz::pod
