// Devices that are suspended, removed, or must not be able to read.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/network.h"
#include "sync/messages.h"

namespace rz::pod {
namespace {

using sim::Network;

const DeviceSummary& summary_of(const std::vector<DeviceSummary>& all, const PublicKey& key) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const DeviceSummary& each) { return each.key == key; });
  RZ_ASSERT(found != all.end());
  return *found;
}

bool holds(const store::MemoryStore& store, ByteView what) {
  return std::any_of(store.records().begin(), store.records().end(), [&](const auto& record) {
    return as_text(record.second).find(as_text(what)) != std::string_view::npos;
  });
}

TEST(Devices, ACloudPeerStoresEverythingAndReadsNothing) {
  Network net(11);
  net.found();
  net.add(0, "cloud", log::DeviceKind::cloud);
  const std::string secret_title = "A-title-nobody-else-reads";
  const std::string secret_text = "plaintext that must not reach the provider";
  const auto document = *net.pod(0).create_document(net.now(), secret_title, secret_text);
  net.pump(0);
  ASSERT_TRUE(net.converge());

  EXPECT_EQ(net.pod(0).frontier(), net.pod(1).frontier());
  EXPECT_FALSE(net.pod(1).text(document).has_value());
  const auto listed = net.pod(1).documents();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_FALSE(listed[0].readable);
  EXPECT_FALSE(net.pod(1).create_document(net.now(), "mine", "x").has_value());
  // Sealed deterministically, so pieces would be found if any body went out in the clear. Nor does the writer's own
  // store hold plaintext: bodies are stored as they are hashed.
  for (const std::string& secret : {secret_title, secret_text, std::string("rhizome/document")}) {
    EXPECT_FALSE(holds(net.device(1).store, as_bytes(secret))) << secret;
    EXPECT_FALSE(holds(net.device(0).store, as_bytes(secret))) << secret;
  }
  EXPECT_TRUE(holds(net.device(1).store, as_bytes("laptop")) || holds(net.device(1).store, as_bytes("cloud")))
      << "the search finds nothing at all";
}

TEST(Devices, EachKnowsHowFullTheOthersDisksAre) {
  Network net(13);
  net.found();
  net.add(0, "phone");
  ASSERT_TRUE(net.converge());
  const auto told = [&] { return summary_of(net.pod(0).devices(net.now()), net.key(1)).room; };
  EXPECT_FALSE(told().has_value());
  constexpr std::uint64_t mib = 1024 * 1024;
  net.pod(1).set_room(net.now(), {100 * mib, 900 * mib});
  net.pump(1);
  ASSERT_TRUE(net.run_until([&] { return told().has_value(); }));
  EXPECT_EQ(told()->stored, 100 * mib);
  EXPECT_EQ(told()->free, 900 * mib);
  // A little more is not worth waking anybody.
  net.pod(1).set_room(net.now(), {101 * mib, 899 * mib});
  net.pump(1);
  net.run(seconds(2));
  EXPECT_EQ(told()->stored, 100 * mib);
  net.pod(1).set_room(net.now(), {120 * mib, 880 * mib});
  net.pump(1);
  ASSERT_TRUE(net.run_until([&] { return told()->stored == 120 * mib; }));
  // Who comes back says it again.
  net.cut(0, 1);
  net.run(seconds(5));
  net.pod(1).set_room(net.now(), {10 * mib, 990 * mib});
  net.heal(0, 1);
  ASSERT_TRUE(net.run_until([&] { return told()->stored == 10 * mib; }));
}

TEST(Devices, ASuspendedDeviceIsDisconnectedAndCatchesNothing) {
  Network net(12);
  net.found();
  net.add(0, "phone");
  net.add(0, "tablet");
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "before");
  net.pump(0);
  ASSERT_TRUE(net.converge());
  ASSERT_TRUE(net.run_until([&] { return net.connected(0, 2) && net.connected(1, 2); }));

  ASSERT_TRUE(net.pod(0).suspend_device(net.now(), net.key(2)).has_value());
  net.pump(0);
  ASSERT_TRUE(net.run_until([&] { return !net.connected(0, 2) && !net.connected(1, 2); }));
  ASSERT_TRUE(net.pod(0).edit_text(net.now(), document, {{6, 0, " and after"}}).has_value());
  net.pump(0);
  net.run(seconds(5));
  EXPECT_FALSE(net.connected(0, 2));
  EXPECT_FALSE(net.pod(1).is_device(net.key(2)));
  EXPECT_EQ(*net.pod(1).text(document), "before and after");
  EXPECT_EQ(*net.pod(2).text(document), "before");
  EXPECT_FALSE(net.device(2).stopped);  // Suspended is not removed.
  EXPECT_TRUE(summary_of(net.pod(1).devices(net.now()), net.key(2)).suspended);
}

class Removal : public ::testing::Test {
 protected:
  explicit Removal(std::uint64_t seed = 13) : net_(seed) {
    net_.found();
    net_.add(0, "phone");
    net_.add(0, "tablet");
    document_ = *net_.pod(0).create_document(net_.now(), "Notes", "before");
    net_.pump(0);
    RZ_ASSERT(net_.converge());
  }

  void remove_tablet() {
    const auto removed = net_.pod(0).remove_device(net_.now(), net_.key(2), &net_.paper());
    ASSERT_TRUE(removed.has_value()) << removed.error().to_string();
    net_.pump(0);
  }

  bool removed_at(std::size_t device) { return summary_of(net_.pod(device).devices(net_.now()), net_.key(2)).removed; }

  Network net_;
  log::StreamId document_;
};

TEST_F(Removal, CountsEverywhereAndTheOthersGoOn) {
  remove_tablet();
  ASSERT_TRUE(net_.run_until([&] { return removed_at(0) && removed_at(1); }));
  // It hears of it, and wipes its key.
  ASSERT_TRUE(net_.run_until([&] { return net_.device(2).stopped && net_.device(2).wiped; }));
  ASSERT_TRUE(net_.pod(1).edit_text(net_.now(), document_, {{6, 0, " and after"}}).has_value());
  net_.pump(1);
  ASSERT_TRUE(net_.converge());
  EXPECT_EQ(*net_.pod(0).text(document_), "before and after");
  // Still so after a restart: the head tree is stored, not only known.
  for (const std::size_t i : {0u, 1u}) {
    net_.crash(i);
    ASSERT_TRUE(net_.restart(i).has_value());
    EXPECT_TRUE(removed_at(i));
    EXPECT_TRUE(net_.pod(i).identity().missing_cuts.empty());
  }
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(0).status(net_.now()).quorum; }));
  EXPECT_EQ(net_.pod(0).status(net_.now()).devices, 2u);
  EXPECT_FALSE(net_.connected(0, 2));
}

TEST_F(Removal, CantReadWhatComesAfter) {
  net_.cut(2, 0);
  net_.cut(2, 1);
  remove_tablet();
  ASSERT_TRUE(net_.run_until([&] { return removed_at(0) && removed_at(1); }));
  net_.run(seconds(1));
  const std::string secret = "only for those who stayed";
  const auto later = *net_.pod(1).create_document(net_.now(), "Later", secret);
  ASSERT_TRUE(net_.pod(0).edit_text(net_.now(), document_, {{0, 0, secret}}).has_value());
  net_.pump(0);
  net_.pump(1);
  ASSERT_TRUE(net_.run_until([&] {
    const auto text = net_.pod(0).text(later);
    return text && *text == secret && *net_.pod(1).text(document_) == secret + "before";
  }));
  // The thief copies everything that the others store, ciphertext and wrapped keys, and opens it with the tablet's key.
  net_.crash(2);
  store::MemoryStore& copy = net_.device(2).store;
  copy = net_.device(0).store;
  net_.device(2).promise = net_.device(0).promise;
  ASSERT_TRUE(net_.restart(2).has_value());
  EXPECT_FALSE(net_.pod(2).text(later).has_value());
  const auto old = net_.pod(2).text(document_);
  EXPECT_TRUE(old && old->find(secret) == std::string::npos);
}

TEST_F(Removal, ItsLaterEventsAreQuarantined) {
  net_.cut(2, 0);
  net_.cut(2, 1);
  remove_tablet();
  ASSERT_TRUE(net_.run_until([&] { return removed_at(1); }));
  // Unaware, the tablet writes on; then somebody carries its events in: the phone had been connected to it alone.
  ASSERT_TRUE(net_.pod(2).edit_text(net_.now(), document_, {{0, 0, "from the tablet: "}}).has_value());
  net_.pod(2).flush(net_.now());
  net_.pump(2);
  net_.run(seconds(1));
  EXPECT_EQ(*net_.pod(2).text(document_), "from the tablet: before");
  net_.heal_all();
  net_.run(seconds(3));
  EXPECT_EQ(*net_.pod(0).text(document_), "before");
  EXPECT_EQ(*net_.pod(1).text(document_), "before");
}

// The event reached one device before it heard of the removal: it has it, shows it no longer, and says so to nobody.
TEST_F(Removal, WhatTheRemoverHadNotSeenIsQuarantinedEverywhere) {
  net_.cut(0, 1);
  net_.cut(0, 2);
  ASSERT_TRUE(net_.pod(2).edit_text(net_.now(), document_, {{0, 0, "late "}}).has_value());
  net_.pod(2).flush(net_.now());
  net_.pump(2);
  ASSERT_TRUE(net_.run_until([&] { return *net_.pod(1).text(document_) == "late before"; }));
  remove_tablet();
  net_.run(milliseconds(100));
  net_.heal(0, 1);
  ASSERT_TRUE(net_.run_until([&] { return removed_at(1) && *net_.pod(1).text(document_) == "before"; }));
  ASSERT_TRUE(net_.pod(1).edit_text(net_.now(), document_, {{6, 0, "!"}}).has_value());
  net_.pump(1);
  ASSERT_TRUE(net_.converge()) << net_.describe();
  EXPECT_EQ(*net_.pod(0).text(document_), "before!");
  EXPECT_EQ(*net_.pod(1).text(document_), "before!");
}

// An own event that named the quarantined head would vouch for it, and bring it back at the next recount.
TEST_F(Removal, WhatIsSetAsideStaysSoUntilItIsAccepted) {
  net_.cut(0, 1);
  net_.cut(0, 2);
  ASSERT_TRUE(net_.pod(2).edit_text(net_.now(), document_, {{0, 0, "late "}}).has_value());
  net_.pod(2).flush(net_.now());
  net_.pump(2);
  ASSERT_TRUE(net_.run_until([&] { return *net_.pod(1).text(document_) == "late before"; }));
  remove_tablet();
  net_.run(milliseconds(100));
  net_.heal(0, 1);
  ASSERT_TRUE(net_.run_until([&] { return removed_at(1) && *net_.pod(1).text(document_) == "before"; }));
  for (const std::size_t i : {1u, 0u}) {
    ASSERT_TRUE(net_.pod(i).edit_text(net_.now(), document_, {{6, 0, "!"}}).has_value());
    net_.pump(i);
    ASSERT_TRUE(net_.converge()) << net_.describe();
  }
  for (const std::size_t i : {0u, 1u}) {
    net_.crash(i);
    ASSERT_TRUE(net_.restart(i).has_value());
    EXPECT_EQ(*net_.pod(i).text(document_), "before!!") << "as counted anew from the store";
    EXPECT_EQ(net_.pod(i).status(net_.now()).quarantined, 1u);
    EXPECT_EQ(net_.pod(i).documents()[0].quarantined, 1u);
  }
  ASSERT_TRUE(net_.pod(0).accept_quarantined(net_.now(), document_).has_value());
  net_.pump(0);
  ASSERT_TRUE(net_.converge()) << net_.describe();
  EXPECT_EQ(*net_.pod(0).text(document_), "late before!!");
  EXPECT_EQ(*net_.pod(1).text(document_), "late before!!");
  EXPECT_EQ(net_.pod(1).status(net_.now()).quarantined, 0u);
  EXPECT_FALSE(net_.pod(1).accept_quarantined(net_.now(), document_).has_value()) << "nothing is left";
}

// What was typed on top of it before the removal was known vouches for it: the person saw it.
TEST_F(Removal, WhatWasBuiltUponBeforeTheRemovalWasKnownStays) {
  net_.cut(0, 1);
  net_.cut(0, 2);
  ASSERT_TRUE(net_.pod(2).edit_text(net_.now(), document_, {{0, 0, "late "}}).has_value());
  net_.pod(2).flush(net_.now());
  net_.pump(2);
  ASSERT_TRUE(net_.run_until([&] { return *net_.pod(1).text(document_) == "late before"; }));
  remove_tablet();
  net_.run(milliseconds(100));
  ASSERT_TRUE(net_.pod(1).edit_text(net_.now(), document_, {{11, 0, "!"}}).has_value());  // Still open when it hears.
  net_.heal(0, 1);
  net_.pump(1);
  ASSERT_TRUE(net_.run_until([&] { return removed_at(1); }));
  ASSERT_TRUE(net_.converge()) << net_.describe();
  EXPECT_EQ(*net_.pod(0).text(document_), "late before!");
  EXPECT_EQ(*net_.pod(1).text(document_), "late before!");
}

TEST_F(Removal, ASuspendedDeviceIsToldThatItCanNotWriteOnceItHoldsNoKey) {
  ASSERT_TRUE(net_.pod(0).suspend_device(net_.now(), net_.key(2)).has_value());
  net_.pump(0);
  // It hears of it, and of the epoch that came after, which is not wrapped for it.
  ASSERT_TRUE(net_.run_until([&] { return !net_.connected(0, 2) && !net_.connected(1, 2); }));
  net_.run(seconds(2));
  const auto edited = net_.pod(2).edit_text(net_.now(), document_, {{0, 0, "x"}});
  if (!edited) {
    EXPECT_EQ(edited.error().code, ErrorCode::not_found);
  } else {
    net_.pod(2).flush(net_.now());
    net_.pump(2);
    net_.run(seconds(1));
    EXPECT_GE(net_.pod(2).state_of(document_), WriteState::local) << "accepted, so it must be kept";
  }
}

TEST_F(Removal, ACrashBetweenPromiseAndOperationIsMadeGood) {
  // The promise reaches the disk, the process dies before it hears so: nothing has been signed twice, and it goes on.
  const auto removed = net_.pod(0).remove_device(net_.now(), net_.key(2), &net_.paper());
  ASSERT_TRUE(removed.has_value());
  net_.pump(0);
  net_.crash(0, 1);
  ASSERT_TRUE(net_.restart(0).has_value());
  ASSERT_TRUE(net_.run_until([&] { return removed_at(0) && removed_at(1); }));
}

// Whatever arrives when: devices that hold the same events show the same, now and counted anew from their stores.
TEST(RemovalRandom, DevicesAgreeOnWhatIsSetAside) {
  std::uint64_t ever_set_aside = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    Network net(seed * 977);
    net.found();
    for (const char* name : {"phone", "desk", "tablet"}) net.add(0, name);
    const auto document = *net.pod(0).create_document(net.now(), "Notes", "0123456789");
    net.pump(0);
    ASSERT_TRUE(net.converge());
    const auto type = [&](std::size_t i) {
      const std::uint64_t length = *net.pod(i).text_length(document);
      const std::uint64_t removed = net.random().chance(1, 3) ? std::min<std::uint64_t>(length, 2) : 0;
      const TextEdit edit{net.random().below(length - removed + 1), removed,
                          std::string(1, static_cast<char>('a' + i))};
      ASSERT_TRUE(net.pod(i).edit_text(net.now(), document, {edit}).has_value());
      if (net.random().chance(1, 2)) net.pod(i).flush(net.now());
      net.pump(i);
    };
    for (int step = 0; step < 60; ++step) {
      const std::size_t a = net.random().below(4);
      const std::size_t b = net.random().below(4);
      if (a != b && net.random().chance(1, 3)) net.cut(a, b);
      if (a != b && net.random().chance(1, 3)) net.heal(a, b);
      const std::size_t who = net.random().below(4);
      if (net.alive(who) && !net.device(who).stopped) type(who);
      if (step == 30) {
        // What the remover has not seen, and the phone has.
        net.cut(0, 3);
        net.cut(0, 1);
        net.cut(0, 2);
        net.heal(1, 3);
        net.run(seconds(1));
        for (int i = 0; i < 3; ++i) type(3);
        net.pod(3).flush(net.now());
        net.pump(3);
        net.run(seconds(1));
        ASSERT_TRUE(net.pod(0).remove_device(net.now(), net.key(3), &net.paper()).has_value());
        net.pump(0);
        net.heal(0, 1);
        net.run(seconds(1));
      }
      net.run(milliseconds(net.random().below(300)));
    }
    net.heal_all();
    ASSERT_TRUE(net.converge()) << net.describe();
    const std::string text = *net.pod(0).text(document);
    for (const std::size_t i : {0u, 1u, 2u}) {
      EXPECT_EQ(*net.pod(i).text(document), text);
      const std::uint64_t set_aside = net.pod(i).status(net.now()).quarantined;
      ever_set_aside += set_aside;
      net.crash(i);
      ASSERT_TRUE(net.restart(i).has_value());
      EXPECT_EQ(*net.pod(i).text(document), text) << "counted anew";
      EXPECT_EQ(net.pod(i).status(net.now()).quarantined, set_aside);
    }
  }
  EXPECT_GT(ever_set_aside, 0u) << "the seeds show nothing";
}

TEST_F(Removal, NeedsThePaperKeyOrAMajority) {
  // The phone is not established: its word alone removes nobody.
  const auto asked = net_.pod(1).remove_device(net_.now(), net_.key(2), nullptr);
  ASSERT_TRUE(asked && asked->asked) << "the laptop is asked";
  net_.pump(1);
  net_.run(seconds(1));
  EXPECT_FALSE(removed_at(0));
  EXPECT_FALSE(removed_at(1));
}

TEST(Devices, ARemovedCloudPeerIsLeft) {
  Network net(14);
  net.found();
  net.add(0, "cloud", log::DeviceKind::cloud);
  net.add(0, "phone");
  ASSERT_TRUE(net.converge());
  ASSERT_TRUE(net.pod(0).remove_device(net.now(), net.key(1), nullptr).has_value());
  net.pump(0);
  ASSERT_TRUE(net.run_until([&] { return !net.connected(0, 1) && !net.connected(2, 1); }));
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "free");
  net.pump(0);
  ASSERT_TRUE(net.run_until([&] { return net.device(1).stopped; }));
  ASSERT_TRUE(net.converge());
  EXPECT_EQ(*net.pod(2).text(document), "free");
}

// --- News for those who are shut out ---------------------------------------------------------------------------------

TEST_F(Removal, ADeviceThatWasOfflineHearsOfItWhenItComesBack) {
  net_.cut(2, 0);
  net_.cut(2, 1);
  remove_tablet();
  ASSERT_TRUE(net_.run_until([&] { return removed_at(0) && removed_at(1); }));
  net_.run(seconds(5));
  EXPECT_FALSE(net_.device(2).stopped);
  net_.heal_all();
  ASSERT_TRUE(net_.run_until([&] { return net_.device(2).stopped && net_.device(2).wiped; }, seconds(20)));
}

TEST_F(Removal, ADeviceThatWasSuspendedFirstHearsOfIt) {
  ASSERT_TRUE(net_.pod(0).suspend_device(net_.now(), net_.key(2)).has_value());
  net_.pump(0);
  ASSERT_TRUE(net_.run_until([&] { return !net_.connected(0, 2) && !net_.connected(1, 2); }));
  net_.run(seconds(5));
  EXPECT_FALSE(net_.device(2).stopped) << "suspended is not removed";
  EXPECT_TRUE(summary_of(net_.pod(2).devices(net_.now()), net_.key(2)).suspended);
  remove_tablet();
  ASSERT_TRUE(net_.run_until([&] { return net_.device(2).stopped && net_.device(2).wiped; }, seconds(20)));
}

// It is told what proves it, and nothing else: no document, no later event of stream zero, no order, no places.
TEST_F(Removal, TheNewsIsWhatProvesItAndNothingElse) {
  net_.cut(2, 0);
  net_.cut(2, 1);
  remove_tablet();
  ASSERT_TRUE(net_.run_until([&] { return removed_at(0) && removed_at(1); }));
  (void)net_.pod(0).create_document(net_.now(), "Later", "secret");
  net_.pump(0);
  ASSERT_TRUE(net_.pod(0).rename_device(net_.now(), net_.key(1), "a later name").has_value());
  net_.pump(0);
  net_.run(seconds(3));
  const log::StreamId zero = net_.pod(0).status(net_.now()).did;
  std::size_t told = 0;
  net_.on_frame = [&](std::size_t from, std::size_t to, Channel channel, ByteView frame) {
    if (to != 2 || from == 2) return;
    ASSERT_EQ(channel, Channel::sync);
    const auto message = sync::decode(frame);
    ASSERT_TRUE(message.has_value());
    if (const auto* hello = std::get_if<sync::Hello>(&*message)) {
      EXPECT_EQ(hello->cut_index, 0u);
      return;
    }
    if (const auto* events = std::get_if<sync::Events>(&*message)) {
      EXPECT_EQ(events->stream, zero);
      EXPECT_EQ(as_text(frame).find("a later name"), std::string_view::npos);
      ++told;
      return;
    }
    const bool rest = std::holds_alternative<sync::CutTree>(*message) || std::holds_alternative<sync::Bye>(*message);
    EXPECT_TRUE(rest) << message->index();
  };
  net_.heal(0, 2);  // Of the laptop's own events it seals just what it tells.
  ASSERT_TRUE(net_.run_until([&] { return net_.device(2).stopped; }, seconds(20)));
  net_.run(milliseconds(100));
  EXPECT_GT(told, 0u);
  EXPECT_FALSE(net_.connected(0, 2));
}

// One that was shut out and will not go is told now and then, not at every try.
TEST_F(Removal, WhoIsShutOutIsNotToldEveryMoment) {
  ASSERT_TRUE(net_.pod(0).suspend_device(net_.now(), net_.key(2)).has_value());
  net_.pump(0);
  ASSERT_TRUE(net_.run_until([&] { return !net_.connected(0, 2) && !net_.connected(1, 2); }));
  std::size_t hellos = 0;
  net_.on_frame = [&](std::size_t from, std::size_t to, Channel, ByteView frame) {
    const auto message = sync::decode(frame);
    if (from == 0 && to == 2 && message && std::holds_alternative<sync::Hello>(*message)) ++hellos;
  };
  net_.run(seconds(20));
  EXPECT_GE(hellos, 5u);
  EXPECT_LE(hellos, 11u);
}

TEST_F(Removal, ADeviceThatWasOfflineHearsOfItsSuspensionAndOfTheLift) {
  net_.cut(2, 0);
  net_.cut(2, 1);
  ASSERT_TRUE(net_.pod(0).suspend_device(net_.now(), net_.key(2)).has_value());
  net_.pump(0);
  net_.run(seconds(1));
  EXPECT_FALSE(summary_of(net_.pod(2).devices(net_.now()), net_.key(2)).suspended);
  net_.heal_all();
  ASSERT_TRUE(net_.run_until([&] { return summary_of(net_.pod(2).devices(net_.now()), net_.key(2)).suspended; }));
  ASSERT_TRUE(net_.pod(0).edit_text(net_.now(), document_, {{6, 0, " and after"}}).has_value());
  net_.pump(0);
  net_.run(seconds(3));
  EXPECT_EQ(*net_.pod(2).text(document_), "before");
  // The laptop alone is established: its word lifts it.
  const auto lifted = net_.pod(0).lift_device(net_.now(), net_.key(2), nullptr);
  ASSERT_TRUE(lifted && !lifted->asked);
  net_.pump(0);
  ASSERT_TRUE(net_.run_until([&] { return *net_.pod(2).text(document_) == "before and after"; }, seconds(20)));
  EXPECT_FALSE(summary_of(net_.pod(2).devices(net_.now()), net_.key(2)).suspended);
  ASSERT_TRUE(net_.converge()) << net_.describe();
}

TEST(Devices, ANewcomerReadsWhatWasWrittenBefore) {
  Network net(15);
  net.found();
  const auto document = *net.pod(0).create_document(net.now(), "Old", "from before you came");
  net.pump(0);
  ASSERT_TRUE(net.converge());
  net.add(0, "phone");
  ASSERT_TRUE(net.converge());
  EXPECT_EQ(*net.pod(1).text(document), "from before you came");
  EXPECT_EQ(net.pod(1).status(net.now()).devices, 2u);
}

TEST(Devices, PlacesSurviveARestart) {
  Network net(16);
  net.found();
  net.add(0, "phone");
  ASSERT_TRUE(net.run_until([&] { return net.pod(0).places().size() == 1; }));
  net.run(milliseconds(50));
  net.crash(1);
  net.crash(0);
  ASSERT_TRUE(net.restart(0).has_value());
  ASSERT_EQ(net.pod(0).places().size(), 1u);
  EXPECT_EQ(net.pod(0).places()[0].first, net.key(1));
  EXPECT_FALSE(net.pod(0).places()[0].second.empty());
}

}  // namespace
}  // namespace rz::pod
