// A device with a new key: the same member, with all that it holds, while the old key is of no use any more.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/network.h"

namespace rz::pod {
namespace {

using sim::Network;
using sim::NetworkOptions;

constexpr Duration days(std::int64_t n) { return milliseconds(n * 24 * 60 * 60 * 1000); }

struct Rotation : ::testing::Test {
  explicit Rotation(std::uint64_t seed = 77, NetworkOptions options = {}) : net(seed, options) {
    net.found();
    document = *net.pod(0).create_document(net.now(), "Notes", "before");
    net.pump(0);
  }

  void add(std::string name) {
    net.add(0, std::move(name));
    ASSERT_TRUE(net.converge()) << net.describe();
  }
  void establish_all() {
    net.sleep(days(8));
    RZ_ASSERT(net.run_until(
        [&] {
          for (std::size_t by = 0; by < net.size(); ++by) {
            for (const DeviceSummary& each : net.pod(by).devices(net.now())) {
              if (each.kind == log::DeviceKind::personal && !each.established) return false;
            }
          }
          return true;
        },
        seconds(300)));
    RZ_ASSERT(net.converge());
  }
  void type(std::size_t i, std::string_view text) {
    ASSERT_TRUE(net.pod(i).edit_text(net.now(), document, {{0, 0, std::string(text)}}).has_value());
    net.pod(i).flush(net.now());
    net.pump(i);
  }
  bool rotated_soon(std::size_t i, const PublicKey& before) {
    return net.run_until([&] { return net.alive(i) && net.key(i) != before && net.pod(i).self() == net.key(i); },
                         seconds(20));
  }
  bool text_is(std::size_t i, std::string_view wanted) {
    const auto text = net.pod(i).text(document);
    return text && *text == wanted;
  }
  // Everybody has the same texts, in order, and one device for each that there is.
  void expect_whole(std::string_view text) {
    ASSERT_TRUE(net.run_until(
        [&] {
          for (std::size_t i = 0; i < net.size(); ++i) {
            if (!text_is(i, text)) return false;
          }
          return net.has_converged();
        },
        seconds(60)))
        << net.describe() << *net.pod(0).text(document);
    for (std::size_t i = 0; i < net.size(); ++i) {
      EXPECT_FALSE(net.device(i).stopped) << i;
      EXPECT_EQ(net.pod(i).devices(net.now()).size(), net.size()) << i;
      EXPECT_EQ(net.pod(i).status(net.now()).devices, net.size()) << i;
      for (const DeviceSummary& each : net.pod(i).devices(net.now())) {
        EXPECT_FALSE(each.removed);
        EXPECT_TRUE(each.member) << i << " does not see " << each.name << " in the order";
      }
    }
  }
  // The others have said yes.
  void agree(std::size_t by) {
    ASSERT_TRUE(net.run_until(
        [&] {
          const auto all = net.pod(by).requests();
          return all.size() == 1 && all[0].details_here;
        },
        seconds(20)));
    ASSERT_EQ(net.pod(by).requests()[0].what, RequestSummary::What::rotate);
    ASSERT_TRUE(net.pod(by).answer_request(net.now(), net.pod(by).requests()[0].id, true).has_value());
    net.pump(by);
  }

  Network net;
  log::StreamId document;
};

TEST_F(Rotation, APodOfOneGoesOn) {
  const PublicKey before = net.key(0);
  ASSERT_TRUE(net.converge());
  const auto outcome = net.rotate(0);
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  EXPECT_FALSE(outcome->asked.has_value());
  ASSERT_TRUE(rotated_soon(0, before));
  EXPECT_TRUE(net.run_until([&] { return net.pod(0).status(net.now()).role == "alone"; }));
  EXPECT_EQ(net.pod(0).status(net.now()).quarantined, 0u);
  type(0, "and ");
  expect_whole("and before");
  EXPECT_TRUE(net.run_until([&] { return net.device(0).former.empty(); }, seconds(5))) << "the old keys are of use yet";
  // All of it is read with the new key alone.
  net.crash(0);
  ASSERT_TRUE(net.restart(0).has_value());
  expect_whole("and before");
  EXPECT_EQ(net.pod(0).devices(net.now())[0].name, "laptop");
}

TEST_F(Rotation, OneAfterTheOther) {
  for (int i = 0; i < 3; ++i) {
    const PublicKey before = net.key(0);
    ASSERT_TRUE(net.rotate(0).has_value());
    ASSERT_TRUE(rotated_soon(0, before)) << i;
    type(0, std::to_string(i));
  }
  expect_whole("210before");
  add("phone");
  expect_whole("210before");
  type(1, "!");
  expect_whole("!210before");
}

TEST_F(Rotation, ARotatedDeviceHasItsNameStill) {
  ASSERT_TRUE(net.pod(0).rename_device(net.now(), net.key(0), "big one").has_value());
  net.pump(0);
  add("phone");
  const PublicKey before = net.key(0);
  ASSERT_TRUE(net.rotate(0).has_value());
  ASSERT_TRUE(rotated_soon(0, before));
  expect_whole("before");
  for (std::size_t i : {0u, 1u}) {
    const auto all = net.pod(i).devices(net.now());
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const auto& each) { return each.name == "big one"; })) << i;
  }
}

// The laptop alone is established, so that it needs nobody's yes.
TEST_F(Rotation, TheOthersKnowItAgain) {
  add("phone");
  const PublicKey before = net.key(0);
  ASSERT_TRUE(net.rotate(0).has_value());
  ASSERT_TRUE(rotated_soon(0, before));
  type(0, "a ");
  type(1, "b ");
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).text(document)->size() == 10; }));
  expect_whole(*net.pod(0).text(document));
  EXPECT_TRUE(net.run_until([&] { return !net.pod(1).is_device(before); }, seconds(5)));
  EXPECT_TRUE(net.pod(1).is_device(net.key(0)));
}

TEST_F(Rotation, WhoWasOutOfReachIsToldWhoItIs) {
  add("phone");
  net.cut(0, 1);
  const PublicKey before = net.key(0);
  ASSERT_TRUE(net.rotate(0).has_value());
  ASSERT_TRUE(rotated_soon(0, before));
  type(0, "a ");
  net.run(seconds(20));
  EXPECT_TRUE(net.pod(1).is_device(before)) << "it can't know";
  type(1, "b ");
  net.heal(0, 1);
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).text(document)->size() == 10; })) << net.describe();
  expect_whole(*net.pod(0).text(document));
  EXPECT_TRUE(net.run_until([&] { return !net.pod(1).is_device(before); }, seconds(5)));
}

// Twice, and started anew in between: one introduction tells both.
TEST_F(Rotation, WhoMissedTwoOfThemIsToldOfBoth) {
  add("phone");
  net.cut(0, 1);
  for (int i = 0; i < 2; ++i) {
    const PublicKey before = net.key(0);
    ASSERT_TRUE(net.rotate(0).has_value());
    ASSERT_TRUE(rotated_soon(0, before));
    net.crash(0, ~std::size_t{0});
    ASSERT_TRUE(net.restart(0).has_value());
    type(0, "a");
  }
  net.heal(0, 1);
  expect_whole("aabefore");
  type(1, "b");
  expect_whole("baabefore");
}

// Who is nobody's successor gets nothing out of it.
TEST_F(Rotation, AStrangerIsTurnedAway) {
  add("phone");
  crypto::SeededEntropy entropy(5);
  const PublicKey nobody = identity::DeviceKeys::random(entropy).public_key();
  ASSERT_TRUE(net.pod(1).may_connect(nobody));
  net.pod(1).connected(net.now(), nobody);
  bool closed = false;
  for (int i = 0; i < 12 && !closed; ++i) {
    net.sleep(seconds(1));
    net.pod(1).tick(net.now());
    const Output out = net.pod(1).take_output(net.now());
    for (const Send& each : out.send) EXPECT_NE(each.to, nobody);
    closed = std::any_of(out.close.begin(), out.close.end(), [&](const auto& each) { return each.device == nobody; });
  }
  EXPECT_TRUE(closed);
  EXPECT_FALSE(net.pod(1).may_connect(nobody)) << "at once again";
}

// --- Where the others are asked --------------------------------------------------------------------------------------

struct RotationAsked : Rotation {
  RotationAsked() : Rotation(78) {
    add("phone");
    establish_all();
  }
};

TEST_F(RotationAsked, WhatWasWrittenWhileItWaitedIsThere) {
  const PublicKey before = net.key(0);
  const auto outcome = net.rotate(0);
  ASSERT_TRUE(outcome.has_value());
  ASSERT_TRUE(outcome->asked.has_value());
  type(0, "1");
  const auto later = net.pod(0).create_document(net.now(), "Later", "new");
  ASSERT_TRUE(later.has_value());
  net.pump(0);
  net.run(seconds(1));
  net.crash(0, ~std::size_t{0});  // Another life of the process, another feed.
  ASSERT_TRUE(net.restart(0).has_value());
  ASSERT_TRUE(net.converge());
  type(0, "2");
  ASSERT_TRUE(net.converge());
  type(1, "3");
  ASSERT_TRUE(net.converge());
  agree(1);
  type(0, "4");  // After the yes was said, before it is here.
  ASSERT_TRUE(rotated_soon(0, before));
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).text(document)->size() == 10; })) << *net.pod(1).text(document);
  expect_whole(*net.pod(1).text(document));
  for (const std::size_t i : {0u, 1u}) {
    EXPECT_EQ(*net.pod(i).text(*later), "new") << i;
    EXPECT_EQ(net.pod(i).status(net.now()).quarantined, 0u) << i;
    net.crash(i, ~std::size_t{0});
    ASSERT_TRUE(net.restart(i).has_value());
    EXPECT_EQ(net.pod(i).text(document)->size(), 10u) << i;
    EXPECT_EQ(*net.pod(i).text(*later), "new") << i;
  }
  EXPECT_TRUE(net.pod(1).requests().empty());
}

TEST_F(RotationAsked, ThePaperNeedsNobody) {
  const PublicKey before = net.key(1);
  const auto outcome = net.rotate(1, &net.paper());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  EXPECT_FALSE(outcome->asked.has_value());
  ASSERT_TRUE(rotated_soon(1, before));
  type(1, "x");
  expect_whole("xbefore");
}

TEST_F(RotationAsked, MayBeTakenBack) {
  const PublicKey before = net.key(0);
  const auto outcome = net.rotate(0);
  ASSERT_TRUE(outcome && outcome->asked);
  EXPECT_EQ(net.rotate(0)->asked, outcome->asked) << "asked twice";
  ASSERT_TRUE(net.pod(0).withdraw_request(net.now(), *outcome->asked).has_value());
  net.pump(0);
  type(0, "x");
  expect_whole("xbefore");
  EXPECT_EQ(net.key(0), before);
}

TEST_F(RotationAsked, EndsWellWhereverTheProcessEnds) {
  for (int when = 0; when < 8; ++when) {
    const PublicKey before = net.key(0);
    ASSERT_TRUE(net.rotate(0, &net.paper()).has_value()) << when;
    net.run(milliseconds(3 * when));
    net.crash(0, static_cast<std::size_t>(when % 3));
    ASSERT_TRUE(net.restart(0).has_value()) << when;
    net.run(milliseconds(200));
    if (net.key(0) == before) {  // It was forgotten: said again.
      ASSERT_TRUE(net.rotate(0, &net.paper()).has_value()) << when;
    }
    ASSERT_TRUE(rotated_soon(0, before)) << when;
    ASSERT_TRUE(net.converge()) << when << net.describe();
    EXPECT_FALSE(net.pod(0).identity().contest || net.pod(1).identity().contest) << when;
  }
  type(0, "x");
  type(1, "y");
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).text(document)->size() == 8; }));
  expect_whole(*net.pod(0).text(document));
}

// The chain moved on meanwhile: the request is made anew, with the same key.
TEST_F(RotationAsked, IsAskedAnewWhereTheChainMovedOn) {
  add("tablet");
  const PublicKey before = net.key(0);
  ASSERT_TRUE(net.rotate(0)->asked.has_value());
  type(0, "1");
  const PublicKey tablet = net.key(2);
  ASSERT_TRUE(net.pod(1).remove_device(net.now(), tablet, &net.paper()).has_value());
  net.pump(1);
  ASSERT_TRUE(net.run_until([&] { return net.device(2).stopped; }));
  type(0, "2");
  net.run(seconds(2));
  agree(1);
  ASSERT_TRUE(rotated_soon(0, before));
  ASSERT_TRUE(net.run_until([&] { return text_is(1, "21before"); }));
}

// --- The order -------------------------------------------------------------------------------------------------------

struct RotationOrder : Rotation {
  explicit RotationOrder(std::uint64_t seed = 79) : Rotation(seed) {
    add("phone");
    add("tablet");
    establish_all();
    RZ_ASSERT(net.run_until([&] { return net.pod(0).status(net.now()).voters == 3; }, seconds(120)));
    RZ_ASSERT(net.converge());
  }
  std::size_t leader() {
    for (std::size_t i = 0; i < 3; ++i) {
      if (net.pod(i).status(net.now()).role == "leader") return i;
    }
    return 3;
  }
};

TEST_F(RotationOrder, ItsVoteStaysItsVote) {
  for (const bool leads : {true, false}) {
    ASSERT_TRUE(net.run_until([&] { return leader() < 3; }));
    const std::size_t who = leads ? leader() : (leader() + 1) % 3;
    const std::size_t other = (who + 1) % 3;
    const std::uint64_t generation = net.pod(other).status(net.now()).generation;
    const PublicKey before = net.key(who);
    ASSERT_TRUE(net.rotate(who)->asked.has_value());
    agree(other);
    ASSERT_TRUE(rotated_soon(who, before));
    type(who, "x");
    type(other, "y");
    ASSERT_TRUE(net.converge()) << net.describe();
    expect_whole(*net.pod(other).text(document));
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(net.pod(i).status(net.now()).voters, 3u) << i;
      EXPECT_EQ(net.pod(i).status(net.now()).generation, generation) << i;
      EXPECT_TRUE(net.run_until([&] { return !net.pod(i).is_device(before); }, seconds(5))) << i;
    }
    // A quorum that needs the rotated one.
    const std::size_t lost = 3 - who - other;
    net.crash(lost);
    type(other, "z");
    ASSERT_TRUE(net.run_until([&] { return net.pod(other).state_of(document) == WriteState::committed; }))
        << net.describe();
    ASSERT_TRUE(net.restart(lost).has_value());
    ASSERT_TRUE(net.converge());
  }
}

TEST_F(RotationOrder, ItFoundsAGenerationAsTheSameMember) {
  const PublicKey before = net.key(0);
  ASSERT_TRUE(net.rotate(0, &net.paper()).has_value());
  ASSERT_TRUE(rotated_soon(0, before));
  ASSERT_TRUE(net.converge());
  net.crash(1);
  net.crash(2);
  net.run(seconds(5));
  ASSERT_TRUE(net.pod(0).restart_cluster(net.now()).has_value());
  net.pump(0);
  type(0, "x");
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).state_of(document) == WriteState::committed; })) << net.describe();
  ASSERT_TRUE(net.restart(1).has_value());
  ASSERT_TRUE(net.restart(2).has_value());
  expect_whole("xbefore");
}

// --- The thief -------------------------------------------------------------------------------------------------------

// Somebody has a copy of the laptop's folder. The tablet, which has not heard of the rotation, takes what it says.
TEST_F(RotationOrder, WhatAThiefWritesAfterwardsIsSetAside) {
  const std::size_t thief = net.copy(0);
  for (std::size_t i = 0; i < 3; ++i) net.cut(i, thief);
  net.filter = [thief](std::size_t from, std::size_t to, Channel channel, Bytes&) {
    return channel == Channel::sync || (from != thief && to != thief);  // Two machines with one vote are another test.
  };
  net.cut(0, 2);
  net.cut(1, 2);
  const PublicKey before = net.key(0);
  ASSERT_TRUE(net.rotate(0)->asked.has_value());
  type(0, "mine ");  // While it waits.
  ASSERT_TRUE(net.run_until([&] { return text_is(1, "mine before"); }));
  agree(1);
  ASSERT_TRUE(rotated_soon(0, before));
  ASSERT_TRUE(net.restart(thief).has_value());
  net.heal(2, thief);
  type(thief, "stolen ");
  ASSERT_TRUE(net.run_until([&] { return text_is(2, "stolen before"); }, seconds(30))) << net.describe();
  net.heal(1, 2);
  net.heal(0, 2);
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(net.run_until([&] { return text_is(i, "mine before"); }, seconds(30)))
        << i << *net.pod(i).text(document);
  }
  ASSERT_TRUE(net.run_until([&] { return net.device(thief).stopped; })) << "nobody told it";
  EXPECT_TRUE(net.device(thief).wiped);
  EXPECT_FALSE(net.device(0).stopped);
  EXPECT_TRUE(net.run_until([&] { return !net.pod(2).is_device(before); }, seconds(5)));
  EXPECT_GT(net.pod(2).status(net.now()).quarantined, 0u);
}

}  // namespace
}  // namespace rz::pod
