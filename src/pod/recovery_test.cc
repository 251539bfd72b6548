// A pod that comes back from the paper and one blind member, and who is not let in.
#include "identity/recovery.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/network.h"
#include "sync/messages.h"

namespace rz::pod {
namespace {

using sim::Network;

identity::PaperKey copy_of(const identity::PaperKey& paper) { return identity::PaperKey(paper.seed().clone()); }

class Recovering : public ::testing::Test {
 protected:
  explicit Recovering(std::uint64_t seed = 40) : net_(seed), entropy_(seed), paper_(begin()) {}

  // A laptop, a phone and a blind cloud peer, with what they wrote.
  identity::PaperKey begin() {
    net_.found("laptop");
    net_.add(0, "phone");
    net_.add(0, "cloud", log::DeviceKind::cloud);
    for (int i = 0; i < 3; ++i) {
      documents_.push_back(*net_.pod(0).create_document(net_.now(), words("Note ", i), words("text ", i)));
    }
    net_.pump(0);
    RZ_ASSERT(net_.converge());
    RZ_ASSERT(net_.pod(1).edit_text(net_.now(), documents_[1], {{0, 0, "the phone's "}}).has_value());
    net_.pump(1);
    RZ_ASSERT(net_.converge());
    return copy_of(net_.paper());
  }

  void lose_all_but_the_cloud() {
    net_.crash(0);
    net_.crash(1);
  }

  bool fetch(std::size_t device, std::size_t member = cloud) {
    const auto done = [&] { return net_.pod(device).recovery_progress(net_.key(member)).complete(); };
    if (net_.run_until(done, seconds(20))) return true;
    const RecoveryProgress at = net_.pod(device).recovery_progress(net_.key(member));
    ADD_FAILURE() << "connected " << at.connected << " told " << at.told << " events " << at.events << " missing "
                  << at.events_missing << " cuts " << at.cuts_missing << " unsaved " << at.streams_unsaved
                  << net_.describe();
    return false;
  }

  // All of a recovery. Returns the new device's number; the next paper is in `next_`.
  std::size_t recover(const identity::PaperKey& paper, bool new_generation = true, std::string name = "new laptop") {
    const auto device = net_.recovering(cloud, std::move(name), paper);
    RZ_ASSERT(device.has_value());
    RZ_ASSERT(fetch(*device));
    finish(*device, paper, new_generation);
    return *device;
  }

  void finish(std::size_t device, const identity::PaperKey& paper, bool new_generation = true) {
    next_.emplace(identity::PaperKey::random(entropy_));
    const Status done = net_.pod(device).recover(net_.now(), paper, *next_, new_generation);
    RZ_ASSERT(done.has_value());
    net_.pump(device);
    RZ_ASSERT(net_.run_until([&] { return net_.pod(device).recovery_announced(net_.now()); }));
    net_.end_guest(device, cloud);
  }

  bool ordered(std::size_t device, const log::StreamId& document) {
    return net_.run_until([&] { return net_.pod(device).state_of(document) == WriteState::committed; });
  }

  static constexpr std::size_t cloud = 2;
  Network net_;
  crypto::SeededEntropy entropy_;
  std::vector<log::StreamId> documents_;
  identity::PaperKey paper_;
  std::optional<identity::PaperKey> next_;
};

TEST_F(Recovering, EverythingThatReachedTheCloudPeerComesBack) {
  lose_all_but_the_cloud();
  const log::HeadList stored = net_.pod(cloud).frontier();
  const auto device = net_.recovering(cloud, "new laptop", paper_);
  ASSERT_TRUE(device.has_value());
  ASSERT_TRUE(fetch(*device));
  // The same events, to the last; and nothing can be read yet.
  EXPECT_EQ(net_.pod(*device).frontier(), stored);
  EXPECT_FALSE(net_.pod(*device).text(documents_[0]).has_value());

  finish(*device, paper_);
  EXPECT_EQ(*net_.pod(*device).text(documents_[0]), "text 0");
  EXPECT_EQ(*net_.pod(*device).text(documents_[1]), "the phone's text 1");
  EXPECT_EQ(*net_.pod(*device).title(documents_[2]), "Note 2");
  ASSERT_TRUE(net_.run_until([&] { return net_.connected(*device, cloud); }));
  ASSERT_TRUE(net_.pod(*device).edit_text(net_.now(), documents_[0], {{0, 0, "later "}}).has_value());
  net_.pump(*device);
  EXPECT_TRUE(ordered(*device, documents_[0])) << net_.describe();
  ASSERT_TRUE(net_.converge()) << net_.describe();
  EXPECT_EQ(net_.pod(cloud).status(net_.now()).generation, 2u);
  EXPECT_FALSE(net_.pod(cloud).text(documents_[0]).has_value()) << "the cloud peer is blind still";
  // And after a restart it reads what it read: the older keys are wrapped for it, and for the next paper.
  net_.crash(*device);
  ASSERT_TRUE(net_.restart(*device).has_value());
  EXPECT_EQ(*net_.pod(*device).text(documents_[0]), "later text 0");
  EXPECT_EQ(*net_.pod(*device).text(documents_[1]), "the phone's text 1");
  EXPECT_EQ(net_.pod(*device).identity().recovery_hash, crypto::sha256(next_->signing_key().public_key().view()));
}

TEST_F(Recovering, ThePaperIsGoodOnceAndTheNextOneAfterIt) {
  lose_all_but_the_cloud();
  const std::size_t first = recover(paper_);
  ASSERT_TRUE(net_.pod(first).edit_text(net_.now(), documents_[0], {{0, 0, "first "}}).has_value());
  net_.pump(first);
  ASSERT_TRUE(net_.converge()) << net_.describe();
  net_.crash(first);
  EXPECT_FALSE(net_.recovering(cloud, "thief", paper_).has_value()) << "a paper that was used opens nothing any more";
  const identity::PaperKey next = copy_of(*next_);
  const std::size_t second = recover(next, true, "second laptop");
  EXPECT_EQ(*net_.pod(second).text(documents_[0]), "first text 0");
  EXPECT_EQ(*net_.pod(second).text(documents_[1]), "the phone's text 1");
  ASSERT_TRUE(net_.converge()) << net_.describe();
  EXPECT_EQ(net_.pod(second).status(net_.now()).generation, 3u);
}

TEST_F(Recovering, WhoeverHasNotThePaperIsToldNothing) {
  EXPECT_FALSE(net_.recovering(cloud, "thief", identity::PaperKey::random(entropy_)).has_value());
  // Overheard on one connection, it is worth nothing on the next; garbage and silence are neither.
  identity::RecoveryChannel channel;
  channel.exporter.bytes.fill(3);
  channel.recoverer = identity::DeviceKeys::random(entropy_).public_key();
  channel.member = net_.key(cloud);
  const log::Did did = net_.pod(cloud).status(net_.now()).did;
  const Bytes overheard = identity::encode_recovery_request(identity::make_recovery_request(paper_, did, channel));
  channel.exporter.bytes.fill(4);
  std::uint64_t stream = 1000;
  for (const ByteView frame : {ByteView(overheard), ByteView(overheard).first(20), ByteView()}) {
    const identity::ConnectionId id{stream++};
    ASSERT_TRUE(net_.pod(cloud).guest_opened(net_.now(), id));
    EXPECT_FALSE(net_.pod(cloud).guest_knocked(net_.now(), id, channel, frame).has_value());
    EXPECT_FALSE(net_.pod(cloud).guest_knocked(net_.now(), id, channel, frame).has_value()) << "one try a stream";
  }
  const Output out = net_.pod(cloud).take_output(net_.now());
  EXPECT_TRUE(
      std::none_of(out.send.begin(), out.send.end(), [&](const Send& send) { return send.to == channel.recoverer; }));
}

TEST_F(Recovering, StreamsThatProveNothingAreResetAfterTenSeconds) {
  std::size_t taken = 0;
  for (std::uint64_t i = 0; i < 100; ++i) taken += net_.pod(cloud).guest_opened(net_.now(), {2000 + i}) ? 1 : 0;
  EXPECT_EQ(taken, identity::RecoveryDoor::waiting_max);
  const Now later{net_.now().tick + seconds(11), net_.now().wall};
  net_.pod(cloud).tick(later);
  EXPECT_EQ(net_.pod(cloud).take_output(later).guest_reset.size(), taken);
  EXPECT_TRUE(net_.pod(cloud).guest_opened(later, {5000}));
}

TEST_F(Recovering, AGuestGivesNothingButItsRecovery) {
  const auto guest = net_.recovering(cloud, "guest", paper_);
  ASSERT_TRUE(guest && fetch(*guest));
  const log::HeadList before = net_.pod(cloud).frontier();
  // Events of a document in a device's name: the guest has them, but a stream that is not zero is not its to give.
  const sync::Events events{1, documents_[0], {1, 2, 3}, std::nullopt};
  net_.pod(cloud).guest_received(net_.now(), net_.key(*guest), sync::encode(events));
  net_.pump(cloud);
  net_.run(milliseconds(100));
  EXPECT_FALSE(net_.connected(*guest, cloud)) << "it is turned out for that";
  EXPECT_EQ(net_.pod(cloud).frontier(), before);
}

TEST_F(Recovering, AGuestThatIsSilentGoes) {
  const auto guest = net_.recovering(cloud, "guest", paper_);
  ASSERT_TRUE(guest && fetch(*guest));
  net_.run(seconds(70));
  EXPECT_FALSE(net_.connected(*guest, cloud));
}

// A guest counts for nothing: not for copies, not for the quorum, not as a device.
TEST_F(Recovering, AGuestIsNoDevice) {
  const auto guest = net_.recovering(cloud, "guest", paper_);
  ASSERT_TRUE(guest && fetch(*guest));
  EXPECT_FALSE(net_.pod(cloud).is_device(net_.key(*guest)));
  EXPECT_EQ(net_.pod(cloud).status(net_.now()).devices, 3u);
  EXPECT_FALSE(net_.pod(*guest).create_document(net_.now(), "mine", "x").has_value());
}

TEST_F(Recovering, AFetchThatWasBrokenOffGoesOn) {
  lose_all_but_the_cloud();
  const auto device = net_.recovering(cloud, "new laptop", paper_);
  ASSERT_TRUE(device.has_value());
  // Dies with a part of it on its disk.
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(*device).recovery_progress(net_.key(cloud)).events > 0; }));
  net_.crash(*device, 1);
  ASSERT_TRUE(net_.restart(*device).has_value());
  net_.run(seconds(1));
  EXPECT_FALSE(net_.connected(*device, cloud)) << "it is no device yet, and nobody serves it by itself";
  net_.crash(*device);
  ASSERT_TRUE(net_.recovering(cloud, "new laptop", paper_, device).has_value());
  ASSERT_TRUE(fetch(*device));
  finish(*device, paper_);
  EXPECT_EQ(*net_.pod(*device).text(documents_[0]), "text 0");
  ASSERT_TRUE(net_.converge()) << net_.describe();
}

// The recovery is durable here, and its news is lost on the way: said once more, with the same paper, it is taken.
TEST_F(Recovering, WhatNobodyHeardIsSaidAgain) {
  lose_all_but_the_cloud();
  const auto device = net_.recovering(cloud, "new laptop", paper_);
  ASSERT_TRUE(device && fetch(*device));
  const auto next = identity::PaperKey::random(entropy_);
  net_.filter = [&](std::size_t from, std::size_t, Channel, Bytes&) { return from != *device; };
  ASSERT_TRUE(net_.pod(*device).recover(net_.now(), paper_, next, true).has_value());
  net_.pump(*device);
  net_.run(seconds(1));
  EXPECT_FALSE(net_.pod(*device).recovery_announced(net_.now()));
  net_.filter = {};
  net_.crash(*device);
  ASSERT_TRUE(net_.restart(*device).has_value());
  EXPECT_EQ(*net_.pod(*device).text(documents_[0]), "text 0") << "it is whole without the others";
  EXPECT_FALSE(net_.pod(*device).alarms().empty());
  ASSERT_TRUE(net_.pod(*device).edit_text(net_.now(), documents_[0], {{0, 0, "alone "}}).has_value());
  net_.pump(*device);
  net_.run(seconds(1));
  EXPECT_FALSE(net_.connected(*device, cloud));
  net_.crash(*device);
  ASSERT_TRUE(net_.recovering(cloud, "new laptop", paper_, device).has_value());
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(*device).recovery_announced(net_.now()); }));
  net_.end_guest(*device, cloud);
  ASSERT_TRUE(net_.converge()) << net_.describe();
  EXPECT_EQ(*net_.pod(*device).text(documents_[0]), "alone text 0");
}

// The paper and a device that still lives: its edits of these very minutes come along, and its order goes on.
TEST_F(Recovering, WhileOthersWriteTheirOrderGoesOn) {
  const std::size_t device = recover(paper_, false);
  ASSERT_TRUE(net_.pod(1).edit_text(net_.now(), documents_[2], {{0, 0, "meanwhile "}}).has_value());
  net_.pump(1);
  ASSERT_TRUE(net_.converge()) << net_.describe();
  EXPECT_EQ(*net_.pod(device).text(documents_[2]), "meanwhile text 2");
  EXPECT_EQ(net_.pod(device).status(net_.now()).generation, 1u);
  EXPECT_EQ(net_.pod(0).status(net_.now()).devices, 4u);
}

TEST_F(Recovering, IsPendingForThreeDaysAndRemovesNobodyMeanwhile) {
  const std::size_t device = recover(paper_, false);
  ASSERT_TRUE(net_.converge()) << net_.describe();
  const auto pending = net_.pod(device).status(net_.now()).recovery;
  ASSERT_TRUE(pending.has_value());
  EXPECT_TRUE(pending->own);
  const auto seen = net_.pod(0).status(net_.now()).recovery;
  ASSERT_TRUE(seen.has_value()) << "the others say so";
  EXPECT_FALSE(seen->own);
  EXPECT_FALSE(seen->may_veto) << "a lone established device does not veto";
  EXPECT_EQ(seen->name, "new laptop");
  const auto removed = net_.pod(device).remove_device(net_.now(), net_.key(1), &*next_);
  ASSERT_FALSE(removed.has_value());
  EXPECT_EQ(removed.error().code, ErrorCode::authority_missing);
  const Now later{net_.now().tick, UnixMs{net_.now().wall.ms + identity::recovery_pending_ms}};
  EXPECT_FALSE(net_.pod(device).status(later).recovery.has_value());
  EXPECT_TRUE(net_.pod(device).remove_device(later, net_.key(1), &*next_).has_value());
}

// Two established devices (the laptop, and one that recovered before) undo what a found paper did.
TEST_F(Recovering, AVetoEndsIt) {
  const std::size_t second = recover(paper_, false, "desk");
  ASSERT_TRUE(net_.converge()) << net_.describe();
  const identity::PaperKey found = copy_of(*next_);
  const std::size_t thief = recover(found, false, "thief");
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(0).is_device(net_.key(thief)); }));
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(second).is_device(net_.key(thief)); }));
  EXPECT_EQ(net_.pod(thief).undo_recovery(net_.now()).error().code, ErrorCode::not_found) << "not its own";
  EXPECT_EQ(net_.pod(1).undo_recovery(net_.now()).error().code, ErrorCode::authority_missing) << "not established";
  // To the device that recovered before, the other recovery is the news.
  ASSERT_TRUE(net_.pod(second).status(net_.now()).recovery.has_value());
  EXPECT_EQ(net_.pod(second).status(net_.now()).recovery->name, "thief");
  // One alone is not enough: it asks.
  const auto outcome = net_.pod(0).undo_recovery(net_.now());
  ASSERT_TRUE(outcome.has_value()) << outcome.error().to_string();
  ASSERT_TRUE(outcome->asked.has_value());
  net_.pump(0);
  ASSERT_TRUE(net_.run_until([&] { return net_.pod(second).requests().size() == 1; }));
  const RequestSummary request = net_.pod(second).requests().front();
  EXPECT_EQ(request.what, RequestSummary::What::veto);
  EXPECT_EQ(request.device_name, "thief");
  EXPECT_TRUE(net_.pod(0).is_device(net_.key(thief)));
  ASSERT_TRUE(net_.pod(second).answer_request(net_.now(), request.id, true).has_value());
  net_.pump(second);
  ASSERT_TRUE(net_.run_until([&] { return !net_.pod(cloud).is_device(net_.key(thief)); }));
  ASSERT_TRUE(net_.run_until([&] { return net_.device(thief).stopped; })) << "it is told so, and ends";
  EXPECT_FALSE(net_.pod(0).status(net_.now()).recovery && !net_.pod(0).status(net_.now()).recovery->own &&
               net_.pod(0).status(net_.now()).recovery->device == net_.key(thief));
  ASSERT_TRUE(net_.pod(second).edit_text(net_.now(), documents_[0], {{0, 0, "ours "}}).has_value());
  net_.pump(second);
  ASSERT_TRUE(net_.converge()) << net_.describe();
}

// What a removed device back-dated stays in quarantine, because the head tree of its removal comes along.
TEST(RecoveringQuarantine, IsKept) {
  Network net(41);
  net.found("laptop");
  net.add(0, "tablet");
  net.add(0, "cloud", log::DeviceKind::cloud);
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "before");
  net.pump(0);
  ASSERT_TRUE(net.converge());
  // The tablet writes where only the cloud peer hears it; the laptop removes it without having seen that.
  net.cut(0, 1);
  net.cut(0, 2);
  ASSERT_TRUE(net.pod(1).edit_text(net.now(), document, {{0, 0, "back-dated "}}).has_value());
  net.pod(1).flush(net.now());
  net.pump(1);
  net.run(seconds(2));
  ASSERT_TRUE(net.pod(0).remove_device(net.now(), net.key(1), &net.paper()).has_value());
  net.pump(0);
  net.cut(1, 2);
  net.heal(0, 2);
  ASSERT_TRUE(net.run_until([&] { return net.pod(2).frontier() == net.pod(0).frontier(); }));
  net.run(seconds(2));
  ASSERT_EQ(*net.pod(0).text(document), "before");
  net.crash(0);
  net.crash(1);

  const auto device = net.recovering(2, "new laptop", net.paper());
  ASSERT_TRUE(device.has_value());
  ASSERT_TRUE(net.run_until([&] { return net.pod(*device).recovery_progress(net.key(2)).complete(); }));
  crypto::SeededEntropy entropy(9);
  const auto next = identity::PaperKey::random(entropy);
  ASSERT_TRUE(net.pod(*device).recover(net.now(), net.paper(), next, true).has_value());
  net.pump(*device);
  EXPECT_EQ(*net.pod(*device).text(document), "before");
  EXPECT_TRUE(net.pod(*device).identity().missing_cuts.empty());
  const auto devices = net.pod(*device).devices(net.now());
  const auto tablet = std::find_if(devices.begin(), devices.end(), [&](const auto& d) { return d.key == net.key(1); });
  ASSERT_NE(tablet, devices.end());
  EXPECT_TRUE(tablet->removed);
}

}  // namespace
}  // namespace rz::pod
