// What needs more than one device's yes, and who has one.
#include <gtest/gtest.h>

#include <algorithm>

#include "identity/operations.h"
#include "log/control.h"
#include "sim/network.h"
#include "sync/messages.h"

namespace rz::pod {
namespace {

using sim::Network;
using sim::NetworkOptions;

constexpr std::int64_t hour_ms = 60LL * 60 * 1000;
constexpr Duration hours(std::int64_t n) { return milliseconds(n * hour_ms); }
constexpr Duration days(std::int64_t n) { return hours(24 * n); }

const DeviceSummary& summary_of(const std::vector<DeviceSummary>& all, const PublicKey& key) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const DeviceSummary& each) { return each.key == key; });
  RZ_ASSERT(found != all.end());
  return *found;
}

DeviceSummary seen_by(Network& net, std::size_t by, std::size_t device) {
  return summary_of(net.pod(by).devices(net.now()), net.key(device));
}

// --- Who is established ----------------------------------------------------------------------------------------------

NetworkOptions slow() {
  NetworkOptions options;
  options.redial_every = seconds(60);
  return options;
}

struct Established : ::testing::Test {
  Established() : net(31, slow()) {
    net.found();
    net.add(0, "phone");
    RZ_ASSERT(net.run_until([&] { return net.connected(0, 1); }, seconds(300)));
    RZ_ASSERT(net.converge(seconds(300)));
  }
  bool established() { return seen_by(net, 0, 1).established; }
  Network net;
};

TEST_F(Established, AfterSevenDaysAndNotBefore) {
  net.run(days(6));
  net.run(hours(23));
  EXPECT_FALSE(established());
  net.run(hours(2));
  EXPECT_TRUE(established());
  EXPECT_TRUE(seen_by(net, 1, 1).established) << "the other hears of it";
}

TEST_F(Established, TheDaysGoOnAcrossRestarts) {
  net.run(days(3));
  for (int i = 0; i < 3; ++i) {
    net.crash(0);
    net.sleep(hours(20));
    ASSERT_TRUE(net.restart(0).has_value());
    net.run(hours(4));
  }
  EXPECT_FALSE(established());
  net.run(hours(26));
  EXPECT_TRUE(established());
}

TEST_F(Established, AClockThatJumpsConfirmsNobodyEarly) {
  constexpr std::int64_t years_ms = 12LL * 365 * 24 * hour_ms;
  net.run(hours(1));
  net.set_wall_clocks(years_ms);  // To 2038, and back.
  net.run(hours(2));
  EXPECT_FALSE(established());
  net.set_wall_clocks(-years_ms);
  net.run(hours(2));
  net.set_wall_clocks(0);
  net.run(hours(2));
  EXPECT_FALSE(established());
  // While the program does not run, only the wall clock can tell: it is believed for three days.
  net.crash(0);
  net.set_wall_clocks(years_ms);
  ASSERT_TRUE(net.restart(0).has_value());
  net.run(days(3));
  EXPECT_FALSE(established());
  net.run(hours(23));
  EXPECT_TRUE(established());
}

// Each setting back costs a look, not the day.
TEST_F(Established, AClockThatIsSetBackNowAndThenCostsLittle) {
  for (int day = 0; day < 9; ++day) {
    net.set_wall_clocks(-day * 24 * hour_ms);
    net.run(days(1));
  }
  EXPECT_TRUE(established());
}

TEST_F(Established, ASuspendedDeviceIsNotConfirmed) {
  ASSERT_TRUE(net.pod(0).suspend_device(net.now(), net.key(1)).has_value());
  net.pump(0);
  net.run(days(9));
  EXPECT_FALSE(established());
}

// --- Asking and answering --------------------------------------------------------------------------------------------

// Laptop 0, phone 1 and tablet 2, all established, and whoever is added.
struct Consenting : ::testing::Test {
  explicit Consenting(std::uint64_t seed = 41) : net(seed) {
    net.found();
    net.add(0, "phone");
    net.add(0, "tablet");
    document = *net.pod(0).create_document(net.now(), "Notes", "before");
    net.pump(0);
    RZ_ASSERT(net.converge());
    establish_all();
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

  Outcome ask(std::size_t by, std::size_t device) {
    auto outcome = net.pod(by).remove_device(net.now(), net.key(device), nullptr);
    EXPECT_TRUE(outcome.has_value()) << outcome.error().to_string();
    net.pump(by);
    return outcome ? *outcome : Outcome{};
  }
  bool shown(std::size_t at) {
    return net.run_until([&] { return !net.pod(at).requests().empty(); }, seconds(10));
  }
  RequestSummary only(std::size_t at) {
    const auto all = net.pod(at).requests();
    RZ_ASSERT(all.size() == 1);
    return all[0];
  }
  Status answer(std::size_t at, const Hash256& id, bool yes) {
    Status done = net.pod(at).answer_request(net.now(), id, yes);
    net.pump(at);
    return done;
  }
  bool ready(std::size_t at) {
    return net.run_until([&] { return net.pod(at).requests().size() == 1 && only(at).details_here; }, seconds(10));
  }
  bool removed(std::size_t at, std::size_t device) { return seen_by(net, at, device).removed; }
  bool removed_soon(std::size_t at, std::size_t device) {
    return net.run_until([&] { return removed(at, device); }, seconds(20));
  }

  Network net;
  log::StreamId document;
};

TEST_F(Consenting, ASecondDevicesYesRemovesAThird) {
  const Outcome asked = ask(0, 2);
  ASSERT_TRUE(asked.asked.has_value());
  EXPECT_NE(asked.missing.find("1 more of your devices"), std::string::npos) << asked.missing;
  EXPECT_TRUE(only(0).mine);
  ASSERT_TRUE(ready(1));
  const RequestSummary question = only(1);
  EXPECT_EQ(question.id, *asked.asked);
  EXPECT_EQ(question.what, RequestSummary::What::remove);
  EXPECT_EQ(question.asker, net.key(0));
  EXPECT_EQ(question.device, net.key(2));
  EXPECT_EQ(question.device_name, "tablet");
  EXPECT_TRUE(question.may_answer);
  EXPECT_FALSE(question.mine);
  EXPECT_EQ(question.left_out, std::optional<std::uint64_t>(0));
  EXPECT_EQ(question.needed, 2u);
  EXPECT_EQ(question.yes, std::vector{net.key(0)});
  net.run(seconds(5));
  EXPECT_FALSE(removed(0, 2)) << "nobody has said yes";

  ASSERT_TRUE(answer(1, question.id, true).has_value());
  ASSERT_TRUE(removed_soon(0, 2));
  ASSERT_TRUE(removed_soon(1, 2));
  ASSERT_TRUE(net.run_until([&] { return net.device(2).wiped; }));
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).requests().empty() && net.pod(1).requests().empty(); }));
  ASSERT_TRUE(net.pod(1).edit_text(net.now(), document, {{6, 0, " and after"}}).has_value());
  net.pump(1);
  ASSERT_TRUE(net.converge()) << net.describe();
  EXPECT_EQ(*net.pod(0).text(document), "before and after");
}

TEST_F(Consenting, ANoIsSaidAndMayBecomeAYes) {
  const Outcome asked = ask(0, 2);
  ASSERT_TRUE(ready(1));
  ASSERT_TRUE(answer(1, *asked.asked, false).has_value());
  ASSERT_TRUE(net.run_until([&] { return only(0).no == std::vector{net.key(1)}; }, seconds(10)));
  net.run(seconds(2));
  EXPECT_FALSE(removed(0, 2));
  EXPECT_EQ(only(1).answered, std::optional<bool>(false));
  ASSERT_TRUE(answer(1, *asked.asked, true).has_value());
  EXPECT_TRUE(removed_soon(0, 2));
  EXPECT_EQ(answer(1, *asked.asked, false).error().code, ErrorCode::not_found) << "it is done";
}

TEST_F(Consenting, WhoAskedMayWithdraw) {
  const Outcome asked = ask(0, 2);
  ASSERT_TRUE(ready(1));
  ASSERT_TRUE(net.pod(0).withdraw_request(net.now(), *asked.asked).has_value());
  net.pump(0);
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).requests().empty(); }, seconds(10)));
  EXPECT_EQ(answer(1, *asked.asked, true).error().code, ErrorCode::not_found);
  EXPECT_EQ(net.pod(1).withdraw_request(net.now(), *asked.asked).error().code, ErrorCode::not_found);
}

TEST_F(Consenting, WaitsUntilTheyMeetAndSurvivesRestartsOfBoth) {
  net.cut(0, 1);
  net.cut(0, 2);
  net.cut(1, 2);
  net.run(milliseconds(100));
  const Outcome asked = ask(0, 2);
  net.run(milliseconds(100));
  net.crash(0);
  ASSERT_TRUE(net.restart(0).has_value());
  ASSERT_EQ(net.pod(0).requests().size(), 1u);
  net.heal(0, 1);
  ASSERT_TRUE(ready(1));
  net.cut(0, 1);
  net.run(milliseconds(100));
  net.crash(1);
  ASSERT_TRUE(net.restart(1).has_value());
  ASSERT_EQ(only(1).id, *asked.asked);
  // The yes is on the phone's disk, and the process dies before it could be sent.
  ASSERT_TRUE(net.pod(1).answer_request(net.now(), *asked.asked, true).has_value());
  net.pump(1);
  net.run(milliseconds(100));
  net.crash(1);
  ASSERT_TRUE(net.restart(1).has_value());
  EXPECT_EQ(only(1).answered, std::optional<bool>(true));
  net.heal(0, 1);
  EXPECT_TRUE(removed_soon(0, 2));
  EXPECT_TRUE(removed_soon(1, 2));
}

// What leaves is durable first: the promise with the signature.
TEST_F(Consenting, NoSignatureLeavesBeforeItsPromiseIsDurable) {
  const Outcome asked = ask(0, 2);
  ASSERT_TRUE(ready(1));
  bool answered = false;
  net.on_frame = [&](std::size_t from, std::size_t, Channel channel, ByteView frame) {
    if (from != 1 || channel != Channel::sync) return;
    const auto message = sync::decode(frame);
    if (!message || !std::holds_alternative<sync::Answer>(*message)) return;
    answered = true;
    EXPECT_TRUE(net.device(1).store.get(Bytes{'i', 'p', 'r', 'o', 'm', 'i', 's', 'e', 's'})->has_value());
  };
  ASSERT_TRUE(net.pod(1).answer_request(net.now(), *asked.asked, true).has_value());
  net.pump(1);
  EXPECT_FALSE(answered);
  EXPECT_TRUE(removed_soon(0, 2));
  EXPECT_TRUE(answered);
}

TEST_F(Consenting, PassesThroughACloudPeerThatBothSee) {
  const std::size_t cloud = net.add(0, "cloud", log::DeviceKind::cloud);
  ASSERT_TRUE(net.converge());
  net.cut(0, 1);
  net.cut(0, 2);
  net.cut(1, 2);
  net.run(milliseconds(100));
  const Outcome asked = ask(0, 2);
  ASSERT_TRUE(ready(1)) << net.describe();
  ASSERT_TRUE(answer(1, *asked.asked, true).has_value());
  EXPECT_TRUE(removed_soon(0, 2));
  EXPECT_TRUE(removed_soon(cloud, 2));
  EXPECT_EQ(net.pod(cloud).answer_request(net.now(), *asked.asked, true).error().code, ErrorCode::not_found);
}

// The newcomer does not know who asks before stream zero has come: it is told again.
TEST_F(Consenting, ANewcomerHearsOfWhatWasAskedBefore) {
  (void)ask(1, 2);
  const std::size_t desk = net.add(0, "desk");
  ASSERT_TRUE(net.run_until([&] { return net.pod(desk).requests().size() == 1; }, seconds(10)));
  EXPECT_FALSE(only(desk).may_answer) << "it decides nothing yet";
}

TEST_F(Consenting, ARequestOfWhichTheChainMovedOnIsMadeAnew) {
  net.add(0, "desk");
  net.add(0, "old");
  ASSERT_TRUE(net.converge());
  const Outcome asked = ask(0, 2);
  ASSERT_TRUE(ready(1));
  // The phone's owner has the paper and removes another device: the request followed what is now the last but one.
  ASSERT_TRUE(net.pod(1).remove_device(net.now(), net.key(4), &net.paper()).has_value());
  net.pump(1);
  ASSERT_TRUE(removed_soon(0, 4));
  ASSERT_TRUE(net.run_until(
      [&] { return net.pod(1).requests().size() == 1 && only(1).id != *asked.asked && only(1).details_here; },
      seconds(20)));
  EXPECT_EQ(answer(1, *asked.asked, true).error().code, ErrorCode::not_found);
  ASSERT_TRUE(answer(1, only(1).id, true).has_value());
  EXPECT_TRUE(removed_soon(0, 2));
}

TEST_F(Consenting, ARequestThatSomebodyElseFulfilledEnds) {
  (void)ask(0, 2);
  ASSERT_TRUE(ready(1));
  ASSERT_TRUE(net.pod(1).remove_device(net.now(), net.key(2), &net.paper()).has_value());
  net.pump(1);
  ASSERT_TRUE(removed_soon(0, 2));
  EXPECT_TRUE(net.run_until([&] { return net.pod(0).requests().empty() && net.pod(1).requests().empty(); }));
}

TEST_F(Consenting, ADeviceGivesItsWordOnceInAPlace) {
  net.add(0, "desk");
  ASSERT_TRUE(net.converge());
  const Outcome first = ask(0, 2);
  const Outcome second = ask(0, 3);
  ASSERT_TRUE(net.run_until(
      [&] {
        const auto all = net.pod(1).requests();
        return all.size() == 2 && all[0].details_here && all[1].details_here;
      },
      seconds(10)));
  net.cut(0, 1);
  net.cut(1, 2);
  net.cut(1, 3);
  net.run(milliseconds(100));
  ASSERT_TRUE(answer(1, *second.asked, true).has_value());
  EXPECT_EQ(answer(1, *first.asked, true).error().code, ErrorCode::successor_promised);
  // The paper key is not barred by that: it goes before what devices signed.
  net.heal_all();
  ASSERT_TRUE(removed_soon(0, 3));
  // The other wish is made anew in the next place, and may be agreed to there.
  ASSERT_TRUE(net.run_until([&] {
    const auto all = net.pod(1).requests();
    return all.size() == 1 && all[0].id != *first.asked && all[0].details_here;
  }));
  ASSERT_TRUE(answer(1, only(1).id, true).has_value());
  EXPECT_TRUE(removed_soon(0, 2));
}

TEST_F(Consenting, ThePaperKeyIsNotBarredByAWordGiven) {
  net.add(0, "desk");
  ASSERT_TRUE(net.converge());
  const Outcome asked = ask(0, 2);
  ASSERT_TRUE(ready(1));
  net.cut(0, 1);
  net.run(milliseconds(100));
  net.filter = [](std::size_t from, std::size_t, Channel, Bytes& frame) {
    const auto message = sync::decode(frame);
    return from != 1 || !message || !std::holds_alternative<sync::Answer>(*message);
  };
  ASSERT_TRUE(answer(1, *asked.asked, true).has_value());
  net.run(milliseconds(200));
  const auto removed_desk = net.pod(1).remove_device(net.now(), net.key(3), &net.paper());
  ASSERT_TRUE(removed_desk.has_value()) << removed_desk.error().to_string();
  net.pump(1);
  net.filter = nullptr;
  net.heal_all();
  ASSERT_TRUE(removed_soon(0, 3));
  EXPECT_FALSE(net.pod(0).identity().contest.has_value());
}

TEST_F(Consenting, ALiftedDeviceSyncsAgain) {
  ASSERT_TRUE(net.pod(0).suspend_device(net.now(), net.key(2)).has_value());
  net.pump(0);
  ASSERT_TRUE(net.run_until([&] { return !net.connected(0, 2) && !net.connected(1, 2); }));
  ASSERT_TRUE(net.pod(0).edit_text(net.now(), document, {{6, 0, " and after"}}).has_value());
  net.pump(0);
  const auto asked = net.pod(0).lift_device(net.now(), net.key(2), nullptr);
  ASSERT_TRUE(asked && asked->asked);
  net.pump(0);
  ASSERT_TRUE(shown(1));
  EXPECT_EQ(only(1).what, RequestSummary::What::lift);
  ASSERT_TRUE(answer(1, *asked->asked, true).has_value());
  ASSERT_TRUE(net.run_until([&] { return !seen_by(net, 0, 2).suspended && !seen_by(net, 1, 2).suspended; }));
  ASSERT_TRUE(net.run_until([&] { return *net.pod(2).text(document) == "before and after"; })) << net.describe();
  EXPECT_FALSE(seen_by(net, 2, 2).suspended);
}

TEST_F(Consenting, ThePolicyTakesAMajorityToo) {
  const std::size_t cloud = net.add(0, "cloud", log::DeviceKind::cloud);
  ASSERT_TRUE(net.converge());
  const auto asked = net.pod(0).set_policy(net.now(), {{net.key(cloud)}}, nullptr);
  ASSERT_TRUE(asked && asked->asked);
  net.pump(0);
  ASSERT_TRUE(shown(1));
  EXPECT_EQ(only(1).what, RequestSummary::What::policy);
  ASSERT_TRUE(answer(1, *asked->asked, true).has_value());
  EXPECT_TRUE(net.run_until([&] { return net.pod(2).identity().policy.cloud_readers.size() == 1; }));
}

TEST(Consent, WhereNobodyCanHelpNothingIsAskedAndThePaperIsNamed) {
  Network net(42);
  net.found();
  net.add(0, "phone");
  ASSERT_TRUE(net.converge());
  net.sleep(days(8));
  ASSERT_TRUE(net.run_until([&] { return seen_by(net, 0, 1).established; }));
  const auto refused = net.pod(0).remove_device(net.now(), net.key(1), nullptr);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::authority_missing);
  EXPECT_NE(refused.error().message.find("paper key"), std::string::npos);
  EXPECT_TRUE(net.pod(0).requests().empty());
  // The device itself may ask to go.
  const auto going = net.pod(1).remove_device(net.now(), net.key(1), nullptr);
  ASSERT_TRUE(going && going->asked);
}

// --- Leaving ---------------------------------------------------------------------------------------------------------

TEST_F(Consenting, ADeviceThatLeavesStopsOnceAnotherKnows) {
  const Outcome asked = ask(2, 2);
  ASSERT_TRUE(ready(1));
  ASSERT_TRUE(answer(1, *asked.asked, true).has_value());
  ASSERT_TRUE(net.run_until([&] { return net.device(2).stopped && net.device(2).wiped; })) << net.describe();
  EXPECT_TRUE(removed_soon(0, 2));
  EXPECT_TRUE(removed_soon(1, 2));
  ASSERT_TRUE(net.pod(1).edit_text(net.now(), document, {{6, 0, "!"}}).has_value());
  net.pump(1);
  EXPECT_TRUE(net.converge());
}

TEST_F(Consenting, OneThatLeavesUnheardWaitsForAnother) {
  const auto signed_by_paper = [&] { return net.pod(2).remove_device(net.now(), net.key(2), &net.paper()); };
  net.cut(0, 2);
  net.cut(1, 2);
  net.run(milliseconds(100));
  ASSERT_TRUE(signed_by_paper().has_value());
  net.pump(2);
  net.run(seconds(5));
  EXPECT_TRUE(removed(2, 2));
  EXPECT_FALSE(net.device(2).stopped) << "nobody else knows yet";
  net.crash(2);
  ASSERT_TRUE(net.restart(2).has_value());
  net.run(seconds(1));
  EXPECT_FALSE(net.device(2).stopped);
  net.heal(0, 2);
  ASSERT_TRUE(net.run_until([&] { return net.device(2).stopped; }, seconds(20)));
  EXPECT_TRUE(net.device(2).wiped);
  EXPECT_TRUE(removed_soon(0, 2));
}

TEST_F(Consenting, TheOneThatLeadsLeavesAndTheOthersGoOn) {
  const auto leads = [&](std::size_t i) { return net.pod(i).status(net.now()).role == "leader"; };
  std::size_t leader = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    if (leads(i)) leader = i;
  }
  const std::size_t other = leader == 0 ? 1 : 0;
  ASSERT_TRUE(net.pod(leader).remove_device(net.now(), net.key(leader), &net.paper()).has_value());
  net.pump(leader);
  ASSERT_TRUE(net.run_until([&] { return net.device(leader).stopped; })) << net.describe();
  ASSERT_TRUE(net.pod(other).edit_text(net.now(), document, {{6, 0, "!"}}).has_value());
  net.pump(other);
  ASSERT_TRUE(net.converge()) << net.describe();
}

TEST(Leaving, TheOnlyOneThatDecidesOnTheOrderHandsItOver) {
  Network net(43);
  net.found();
  net.add(0, "phone");
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "before");
  net.pump(0);
  ASSERT_TRUE(net.converge());
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).status(net.now()).role == "learner"; }));
  ASSERT_EQ(net.pod(0).status(net.now()).voters, 1u);
  ASSERT_TRUE(net.pod(0).remove_device(net.now(), net.key(0), &net.paper()).has_value());
  net.pump(0);
  ASSERT_TRUE(net.run_until([&] { return net.device(0).stopped; })) << net.describe();
  ASSERT_TRUE(net.pod(1).edit_text(net.now(), document, {{6, 0, "!"}}).has_value());
  net.pump(1);
  ASSERT_TRUE(net.converge()) << net.describe();
  EXPECT_TRUE(net.pod(1).status(net.now()).quorum);
}

TEST(Leaving, TheLastDeviceStays) {
  Network net(44);
  net.found();
  net.add(0, "cloud", log::DeviceKind::cloud);
  ASSERT_TRUE(net.converge());
  const auto refused = net.pod(0).remove_device(net.now(), net.key(0), &net.paper());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_argument);
  net.add(0, "phone");
  ASSERT_TRUE(net.converge());
  // The phone decides nothing yet: without the paper the pod would be left to nobody.
  EXPECT_EQ(net.pod(0).remove_device(net.now(), net.key(0), nullptr).error().code, ErrorCode::authority_missing);
  EXPECT_FALSE(net.pod(0).status(net.now()).name.empty());
}

// --- Contests --------------------------------------------------------------------------------------------------------

// The laptop, alone established, removes the tablet; then it is set back to a copy of its disk from before, forgets
// what it signed, and removes the phone in the same place.
struct Contested : ::testing::Test {
  Contested() : net(45) {
    net.found();
    net.add(0, "phone");
    net.add(0, "tablet");
    net.add(0, "desk");
    RZ_ASSERT(net.converge());
    for (std::size_t i = 1; i < 4; ++i) net.cut(0, i);
    net.cut(1, 3);
    net.run(milliseconds(100));
    const store::MemoryStore copy = net.device(0).store;
    const auto promise = net.device(0).promise;
    RZ_ASSERT(net.pod(0).remove_device(net.now(), net.key(2), nullptr).has_value());
    net.pump(0);
    net.heal(0, 1);  // The phone hears of the first.
    RZ_ASSERT(net.run_until([&] { return seen_by(net, 1, 2).removed; }));
    net.cut(0, 1);
    net.crash(0);
    net.device(0).store = copy;
    net.device(0).promise = promise;
    RZ_ASSERT(net.restart(0).has_value());
    RZ_ASSERT(net.pod(0).remove_device(net.now(), net.key(1), nullptr).has_value());
    net.pump(0);
    net.heal(0, 3);  // The desk hears of the second.
    RZ_ASSERT(net.run_until([&] { return seen_by(net, 3, 1).removed; }));
    net.heal(1, 3);
    net.run(seconds(5));
  }
  const RivalSummary& rival_about(std::size_t at, std::string_view device) {
    rivals = net.pod(at).rivals();
    const auto found =
        std::find_if(rivals.begin(), rivals.end(), [&](const auto& each) { return each.device_name == device; });
    RZ_ASSERT(found != rivals.end());
    return *found;
  }
  Network net;
  std::vector<RivalSummary> rivals;
};

TEST_F(Contested, IsShownWithBothRivals) {
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).rivals().size() == 2; }, seconds(20))) << net.describe();
  const RivalSummary& first = rival_about(1, "tablet");
  EXPECT_EQ(first.operation, "remove");
  EXPECT_EQ(first.author, net.key(0));
  EXPECT_TRUE(first.followed_here) << "the phone stays with what it stored first";
  EXPECT_FALSE(first.by_paper);
  EXPECT_FALSE(rival_about(1, "phone").followed_here);
  // No device decides it.
  const auto more = net.pod(1).remove_device(net.now(), net.key(3), nullptr);
  EXPECT_EQ(more.error().code, ErrorCode::identity_contested);
}

TEST_F(Contested, ThePaperKeyKeepsTheOneThatIsFollowed) {
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).rivals().size() == 2; }, seconds(20)));
  const auto keep = rival_about(1, "tablet").id;
  ASSERT_TRUE(net.pod(1).decide_contest(net.now(), keep, net.paper()).has_value());
  net.pump(1);
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).rivals().empty(); }));
  EXPECT_TRUE(seen_by(net, 1, 2).removed);
  EXPECT_FALSE(seen_by(net, 1, 1).removed);
}

TEST_F(Contested, ThePaperKeyKeepsTheOther) {
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).rivals().size() == 2; }, seconds(20)));
  const auto tablet_removed = rival_about(1, "tablet").id;
  net.heal_all();
  // The desk follows the removal of the phone: it decides for the other one.
  ASSERT_TRUE(net.run_until([&] { return net.pod(3).rivals().size() == 2; }, seconds(20))) << net.describe();
  ASSERT_FALSE(rival_about(3, "tablet").followed_here);
  ASSERT_TRUE(net.pod(3).decide_contest(net.now(), tablet_removed, net.paper()).has_value());
  net.pump(3);
  ASSERT_TRUE(net.run_until([&] { return net.pod(3).rivals().empty() && seen_by(net, 3, 2).removed; }));
  EXPECT_FALSE(seen_by(net, 3, 1).removed);
}

TEST_F(Contested, ThePaperKeySetsBothAside) {
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).rivals().size() == 2; }, seconds(20)));
  const auto wrong = identity::PaperKey::random(net.device(1).entropy);
  EXPECT_EQ(net.pod(1).decide_contest(net.now(), std::nullopt, wrong).error().code, ErrorCode::recovery_wrong_key);
  ASSERT_TRUE(net.pod(1).decide_contest(net.now(), std::nullopt, net.paper()).has_value());
  net.pump(1);
  ASSERT_TRUE(net.run_until([&] { return net.pod(1).rivals().empty(); }));
  EXPECT_FALSE(seen_by(net, 1, 2).removed);
  EXPECT_FALSE(seen_by(net, 1, 1).removed);
  EXPECT_EQ(net.pod(1).decide_contest(net.now(), std::nullopt, net.paper()).error().code, ErrorCode::not_found);
}

TEST(Contest, TwoPapersAreDecidedByOneMore) {
  Network net(46);
  net.found();
  for (const char* name : {"phone", "tablet", "desk"}) net.add(0, name);
  ASSERT_TRUE(net.converge());
  for (std::size_t a = 0; a < 4; ++a) {
    for (std::size_t b = a + 1; b < 4; ++b) net.cut(a, b);
  }
  net.run(milliseconds(100));
  ASSERT_TRUE(net.pod(0).remove_device(net.now(), net.key(2), &net.paper()).has_value());
  ASSERT_TRUE(net.pod(1).remove_device(net.now(), net.key(3), &net.paper()).has_value());
  net.pump(0);
  net.pump(1);
  net.run(seconds(1));
  net.heal(0, 1);
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).rivals().size() == 2 && net.pod(1).rivals().size() == 2; }));
  const auto rivals = net.pod(0).rivals();
  EXPECT_TRUE(rivals[0].by_paper && rivals[1].by_paper);
  const auto keep =
      std::find_if(rivals.begin(), rivals.end(), [](const auto& each) { return each.device_name == "tablet"; });
  ASSERT_TRUE(net.pod(0).decide_contest(net.now(), keep->id, net.paper()).has_value());
  net.pump(0);
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).rivals().empty() && net.pod(1).rivals().empty(); }))
      << net.describe();
  ASSERT_TRUE(net.run_until([&] { return seen_by(net, 0, 2).removed && seen_by(net, 1, 2).removed; }));
  EXPECT_FALSE(seen_by(net, 1, 3).removed);
}

// --- Hostile devices -------------------------------------------------------------------------------------------------

struct HostileAsker : Consenting {
  sync::Requests signed_by(std::size_t device, std::uint64_t counter, std::vector<log::Operation> operations) {
    sync::Requests requests;
    requests.asker = net.key(device);
    requests.counter = counter;
    for (auto& each : operations) {
      requests.open.push_back({UnixMs{1}, *log::encode_control(log::control(std::move(each)))});
    }
    requests.signature = net.device(device).keys.signing_key().sign(
        sync::requests_domain, sync::requests_message(net.pod(0).status(net.now()).did, requests));
    return requests;
  }
  void hand(std::size_t from, std::size_t to, const sync::Message& message) {
    net.pod(to).received(net.now(), net.key(from), Channel::sync, sync::encode(message));
    net.pump(to);
  }
  log::Operation removal_of(std::size_t device, std::uint8_t cut) {
    Hash256 root;
    root.bytes[0] = cut;
    return *identity::draft_remove(net.pod(0).identity(), net.key(device), root);
  }
  static constexpr std::uint64_t late = 1ULL << 50;
};

TEST_F(HostileAsker, AFloodEndsItsConnectionAndFourAreShown) {
  std::uint64_t counter = late;
  for (int i = 0; i < 12; ++i) {
    std::vector<log::Operation> four;
    for (std::uint8_t cut = 0; cut < 4; ++cut) four.push_back(removal_of(0, static_cast<std::uint8_t>(i * 4 + cut)));
    hand(2, 1, signed_by(2, counter++, four));
    EXPECT_LE(net.pod(1).requests().size(), 4u);
  }
  bool ended = false;
  net.on_frame = [&](std::size_t from, std::size_t to, Channel channel, ByteView frame) {
    if (from != 1 || to != 2 || channel != Channel::sync) return;
    const auto message = sync::decode(frame);
    const auto* bye = message ? std::get_if<sync::Bye>(&*message) : nullptr;
    ended = ended || (bye != nullptr && bye->code == ErrorCode::sync_overrun);
  };
  net.run(milliseconds(100));
  EXPECT_FALSE(ended) << "a few are no flood";
  for (int i = 0; i < 12; ++i) hand(2, 1, signed_by(2, counter++, {removal_of(0, 1)}));
  EXPECT_TRUE(ended);
  EXPECT_LE(net.pod(1).requests().size(), 4u);
}

TEST_F(HostileAsker, AnAnswerInAnothersNameDoesNotCount) {
  const Outcome asked = ask(0, 2);
  ASSERT_TRUE(ready(1));
  sync::Answer forged{net.key(0), *asked.asked, net.key(1), true, {}};
  forged.signature = net.device(2).keys.signing_key().sign(log::endorsement_domain, Bytes{1});
  hand(2, 0, forged);
  net.run(seconds(2));
  EXPECT_FALSE(removed(0, 2));
  EXPECT_TRUE(only(0).yes == std::vector{net.key(0)});
}

TEST_F(HostileAsker, RequestsInAnothersNameAreRefused) {
  sync::Requests forged = signed_by(2, late, {removal_of(1, 1)});
  forged.asker = net.key(0);
  hand(2, 1, forged);
  net.run(milliseconds(20));
  EXPECT_TRUE(net.pod(1).requests().empty());
}

// A yes is for the operation that was shown, not for what its asker puts in its place meanwhile.
TEST_F(HostileAsker, AYesIsForWhatWasShown) {
  hand(2, 1, signed_by(2, late, {removal_of(0, 1)}));
  const Hash256 shown_id = only(1).id;
  hand(2, 1, signed_by(2, late + 1, {removal_of(1, 1)}));
  EXPECT_NE(only(1).id, shown_id);
  EXPECT_EQ(answer(1, shown_id, true).error().code, ErrorCode::not_found);
  // And not before all that it would sign is here.
  EXPECT_FALSE(only(1).details_here);
  EXPECT_EQ(answer(1, only(1).id, true).error().code, ErrorCode::not_reachable);
}

TEST_F(HostileAsker, ASuspendedDevicesRequestsVanish) {
  hand(2, 1, signed_by(2, late, {removal_of(0, 1)}));
  ASSERT_EQ(net.pod(1).requests().size(), 1u);
  ASSERT_TRUE(net.pod(1).suspend_device(net.now(), net.key(2)).has_value());
  net.pump(1);
  EXPECT_TRUE(net.pod(1).requests().empty());
}

TEST_F(HostileAsker, WhatARemovalWouldLeaveOutIsSaid) {
  net.cut(0, 2);
  net.run(milliseconds(100));
  ASSERT_TRUE(net.pod(2).edit_text(net.now(), document, {{0, 0, "late "}}).has_value());
  net.pod(2).flush(net.now());
  net.pump(2);
  net.cut(0, 1);
  ASSERT_TRUE(net.run_until([&] { return *net.pod(1).text(document) == "late before"; }));
  (void)ask(0, 2);
  net.filter = [](std::size_t from, std::size_t to, Channel, Bytes& frame) {
    const auto message = sync::decode(frame);
    return !(from == 1 && to == 0 && message && std::holds_alternative<sync::Events>(*message));
  };
  net.heal(0, 1);
  ASSERT_TRUE(ready(1));
  EXPECT_EQ(only(1).left_out, std::optional<std::uint64_t>(1));
}

}  // namespace
}  // namespace rz::pod
