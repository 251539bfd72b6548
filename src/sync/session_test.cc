// Two sessions over two graphs: exactly what lacks travels, once, in order, under the window; liars get errors.
#include "sync/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "log/test_world.h"

namespace rz::sync {
namespace {

using log::EventGraph;
using log::EventIndex;
using log::test::must;
using log::test::World;

// One device: a graph of the world's one stream, what of it is durable, and the last cut.
struct Side final : Replica {
  Side(World& of, std::size_t number) : world(of), device(number), graph_(of.replica()) {}

  std::vector<log::StreamId> streams() const override { return {world.stream}; }
  const EventGraph* graph(const log::StreamId& id) const override { return id == world.stream ? &graph_ : nullptr; }
  std::uint32_t durable(const log::StreamId&) const override { return durable_; }
  std::vector<EventIndex> beyond_last_cut(const log::StreamId&) const override {
    std::vector<EventIndex> beyond;
    for (EventIndex event; event.value < graph_.size(); ++event.value) {
      if (!cut.contains(graph_.id(event))) beyond.push_back(event);
    }
    return beyond;
  }
  log::HeldBody body(const log::StreamId&, EventIndex event) const override {
    return {log::BodyForm::stored, world.all.at(graph_.id(event)).body};
  }

  EventIndex write(std::string_view text) {
    const EventIndex event = world.write(graph_, device, text);
    must(graph_.offer_seal(world.seal(graph_.id(event))));
    return event;
  }
  void persist() { durable_ = graph_.size(); }
  Hello hello() const { return {world.owner, 1, 1, cut_index, Hash256{}}; }
  void open(SessionOptions options = {}) { session.emplace(*this, world.author(device), hello(), options); }

  World& world;
  std::size_t device;
  EventGraph graph_;
  std::uint32_t durable_ = 0;
  std::uint64_t cut_index = 0;
  std::set<log::EventId> cut;
  std::optional<Session> session;
  std::vector<log::EventId> received;  // Every event that came, as often as it came.
};

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() : world_(3, 0), a_(world_, 0), b_(world_, 1) {}

  // Hands one frame over as a pod does. `persisted`: whether what it brings is durable at once.
  Status deliver(Side& to, ByteView frame, bool persisted = true) { return deliver_in(world_, to, frame, persisted); }
  Status deliver_in(World& world, Side& to, ByteView frame, bool persisted = false) {
    RZ_TRY(Message message, decode(frame));
    Session& session = *to.session;
    if (const auto* hello = std::get_if<Hello>(&message)) return session.on_hello(*hello);
    if (const auto* have = std::get_if<Have>(&message)) return session.on_have(now_, *have);
    if (const auto* ack = std::get_if<Ack>(&message)) return session.on_ack(*ack);
    if (const auto* want = std::get_if<Want>(&message)) return session.on_want(*want);
    const auto& events = std::get<Events>(message);
    RZ_CHECK(session.on_events(events, frame.size()));
    auto run = must(log::decode_run(events.run, world.stream, {}));
    for (const log::DecodedEvent& event : run.events) to.received.push_back(event.id);
    if (events.seal && events.seal->head == run.events.back().id) run.seal = events.seal;
    const std::uint32_t begin = to.graph_.size();
    must(log::offer_run(to.graph_, run));
    if (events.seal && !run.seal) must(to.graph_.offer_seal(*events.seal));
    const log::DecodedEvent& last = run.events.back();
    session.on_taken(world.stream, {{last.header.author, last.header.feed}, last.header.seq, last.id});
    session.on_admitted(now_, world.stream, EventIndex{begin});
    if (!persisted) return {};
    to.persist();
    session.acknowledge(events.number);
    session.on_durable(world.stream);
    return {};
  }

  // Until nobody has anything to say at this moment. Returns how many frames travelled.
  std::size_t exchange(Side& a, Side& b) {
    std::size_t frames = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (auto [from, to] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
        while (auto frame = from->session->poll(now_)) {
          must(deliver(*to, *frame));
          moved = true;
          ++frames;
        }
      }
    }
    return frames;
  }

  void connect() {
    a_.open();
    b_.open();
    exchange(a_, b_);
  }

  static bool has_repeats(std::vector<log::EventId> ids) {
    std::sort(ids.begin(), ids.end());
    return std::adjacent_find(ids.begin(), ids.end()) != ids.end();
  }

  World world_;
  Side a_;
  Side b_;
  Tick now_{1'000'000};
};

TEST_F(SessionTest, ExactlyWhatLacksTravelsOnce) {
  for (int i = 0; i < 50; ++i) a_.write(words("a", i));
  a_.persist();
  world_.sync(a_.graph_, b_.graph_);
  for (int i = 0; i < 7; ++i) a_.write(words("more ", i));
  for (int i = 0; i < 5; ++i) b_.write(words("b", i));
  a_.persist();
  b_.persist();
  connect();
  EXPECT_EQ(b_.received.size(), 7u);
  EXPECT_EQ(a_.received.size(), 5u);
  EXPECT_EQ(a_.graph_.digest(), b_.graph_.digest());
  EXPECT_TRUE(a_.session->peer_stores(world_.stream, {world_.author(0), {7}}, log::Seq{56}));
  EXPECT_EQ(exchange(a_, b_), 0u);
}

TEST_F(SessionTest, WhatIsWrittenLaterGoesOutAtOnce) {
  connect();
  for (int i = 0; i < 20; ++i) {
    Side& writer = i % 3 == 0 ? b_ : a_;
    const EventIndex event = writer.write(words(i));
    writer.session->on_admitted(now_, world_.stream, event);
    writer.persist();
    writer.session->on_durable(world_.stream);
    exchange(a_, b_);
    ASSERT_EQ(a_.graph_.digest(), b_.graph_.digest());
  }
  EXPECT_FALSE(has_repeats(a_.received));
  EXPECT_FALSE(has_repeats(b_.received));
  EXPECT_EQ(a_.received.size() + b_.received.size(), 20u);
}

TEST_F(SessionTest, AfterAReconnectNothingAcknowledgedIsSentAgain) {
  for (int i = 0; i < 1000; ++i) a_.write(words(i));
  a_.persist();
  SessionOptions small;
  small.run_events_max = 10;  // A run goes on to the next seal, though.
  a_.open(small);
  b_.open(small);
  // Half of it comes and is stored, then the connection breaks.
  for (int i = 0; i < 2; ++i) {
    while (auto frame = b_.session->poll(now_)) must(deliver(a_, *frame));
    for (int n = 0; n < 4; ++n) {
      if (auto frame = a_.session->poll(now_)) must(deliver(b_, *frame));
    }
  }
  const std::size_t before = b_.received.size();
  ASSERT_GT(before, 0u);
  ASSERT_LT(before, 1000u);
  a_.open();
  b_.open();
  exchange(a_, b_);
  EXPECT_EQ(b_.received.size(), 1000u);
  EXPECT_FALSE(has_repeats(b_.received));
}

// What came but was not durable when the connection broke is asked for again: memory promises nothing.
TEST_F(SessionTest, AHaveSpeaksOfDurableEventsOnly) {
  for (int i = 0; i < 10; ++i) a_.write(words(i));
  a_.persist();
  world_.sync(a_.graph_, b_.graph_);
  b_.durable_ = 4;
  a_.open();
  b_.open();
  (void)b_.session->poll(now_);
  must(b_.session->on_hello(a_.hello()));
  const auto have = std::get<Have>(must(decode(*b_.session->poll(now_))));
  ASSERT_EQ(have.streams.size(), 1u);
  ASSERT_EQ(have.streams[0].rows.size(), 1u);
  EXPECT_EQ(have.streams[0].rows[0].seq.value, 3u);
  EXPECT_EQ(have.streams[0].rows[0].id, b_.graph_.id(EventIndex{3}));
  b_.durable_ = 0;
  b_.open();
  (void)b_.session->poll(now_);
  must(b_.session->on_hello(a_.hello()));
  EXPECT_TRUE(std::get<Have>(must(decode(*b_.session->poll(now_)))).streams[0].rows.empty());
}

TEST_F(SessionTest, WithACutInCommonOnlyWhatLiesBeyondIsTold) {
  for (int i = 0; i < 30; ++i) a_.write(words(i));
  world_.sync(a_.graph_, b_.graph_);
  for (Side* side : {&a_, &b_}) {
    for (std::uint32_t n = 0; n < side->graph_.size(); ++n) side->cut.insert(side->graph_.id(EventIndex{n}));
    side->cut_index = 5;
    side->persist();
  }
  connect();
  EXPECT_TRUE(a_.received.empty() && b_.received.empty());

  // An event that no cut holds lies *below* one that a later cut holds: it still goes out.
  b_.write("beyond");
  b_.persist();
  world_.sync(a_.graph_, b_.graph_);
  Side third(world_, 2);
  world_.sync(a_.graph_, third.graph_);
  third.write("from elsewhere");
  world_.sync(third.graph_, a_.graph_);
  world_.sync(third.graph_, b_.graph_);
  for (Side* side : {&a_, &b_}) {
    for (std::uint32_t n = 0; n < third.graph_.size(); ++n) side->cut.insert(third.graph_.id(EventIndex{n}));
    side->cut_index = 6;
    side->persist();
  }
  ASSERT_TRUE(b_.cut.contains(b_.graph_.id(EventIndex{b_.graph_.size() - 1})));
  connect();
  EXPECT_EQ(a_.received.size(), 1u);
  EXPECT_TRUE(b_.received.empty());
  EXPECT_EQ(a_.graph_.digest(), b_.graph_.digest());
}

// A cut that is applied between the hello and the other's answer changes nothing of what the two took for granted.
TEST_F(SessionTest, ACutAppliedMeanwhileHidesNothing) {
  for (int i = 0; i < 5; ++i) a_.write(words(i));
  world_.sync(a_.graph_, b_.graph_);
  for (Side* side : {&a_, &b_}) {
    for (std::uint32_t n = 0; n < 5; ++n) side->cut.insert(side->graph_.id(EventIndex{n}));
    side->cut_index = 5;
    side->persist();
  }
  a_.write("new");
  a_.persist();
  a_.open();
  b_.open();
  a_.cut.insert(a_.graph_.id(EventIndex{5}));
  a_.cut_index = 6;
  exchange(a_, b_);
  EXPECT_EQ(b_.received.size(), 1u);
  EXPECT_EQ(a_.graph_.digest(), b_.graph_.digest());
}

TEST_F(SessionTest, APeerThatAcknowledgesNothingGetsAWindowfulAndNoMore) {
  for (int i = 0; i < 600; ++i) a_.write(std::string(1000, 'x'));
  a_.persist();
  SessionOptions options;
  options.window_bytes = 128 * 1024;
  options.run_bytes_max = 4 * 1024;
  a_.open(options);
  b_.open(options);
  std::size_t bytes = 0;
  must(deliver(a_, *b_.session->poll(now_)));
  must(deliver(b_, *a_.session->poll(now_)));
  must(deliver(a_, *b_.session->poll(now_)));
  while (auto frame = a_.session->poll(now_)) {
    must(deliver(b_, *frame, false));
    bytes += frame->size();
  }
  EXPECT_GT(bytes, options.window_bytes / 2);
  EXPECT_LT(bytes, options.window_bytes + 80 * 1024);  // One run more, to its seal.
  EXPECT_GT(a_.session->backlog_events(), 100u);
  // Once it does, it goes on.
  b_.persist();
  b_.session->acknowledge(b_.session->last_received());
  exchange(a_, b_);
  EXPECT_EQ(b_.received.size(), 600u);
  EXPECT_EQ(a_.session->backlog_events(), 0u);
}

TEST_F(SessionTest, AnothersEventIsPassedOnOnlyIfNobodyElseDid) {
  connect();
  Side third(world_, 2);
  third.write("one");
  world_.sync(third.graph_, a_.graph_);
  a_.session->on_admitted(now_, world_.stream, EventIndex{0});
  EXPECT_EQ(exchange(a_, b_), 0u);  // Held back: its author will have sent it.
  ASSERT_TRUE(a_.session->wake_at().has_value());
  // It did: each says that it has it.
  a_.persist();
  a_.session->on_durable(world_.stream);
  world_.sync(third.graph_, b_.graph_);
  b_.session->on_admitted(now_, world_.stream, EventIndex{0});
  b_.persist();
  b_.session->on_durable(world_.stream);
  exchange(a_, b_);
  now_ = now_ + seconds(1);
  exchange(a_, b_);
  EXPECT_TRUE(a_.received.empty() && b_.received.empty());

  // This time it didn't.
  const EventIndex second = third.write("two");
  world_.sync(third.graph_, a_.graph_);
  a_.session->on_admitted(now_, world_.stream, second);
  exchange(a_, b_);
  EXPECT_TRUE(b_.received.empty()) << b_.received.size();
  now_ = *a_.session->wake_at();
  exchange(a_, b_);
  EXPECT_EQ(b_.received.size(), 1u);
  EXPECT_EQ(a_.graph_.digest(), b_.graph_.digest());
}

TEST_F(SessionTest, WantedEventsAreSentAgain) {
  for (int i = 0; i < 3; ++i) a_.write(words(i));
  a_.persist();
  connect();
  b_.session->want(world_.stream, {a_.graph_.id(EventIndex{1}), log::EventId{}});
  exchange(a_, b_);
  EXPECT_EQ(b_.received.size(), 4u);
  EXPECT_EQ(std::count(b_.received.begin(), b_.received.end(), a_.graph_.id(EventIndex{1})), 2);
}

// --- Liars -----------------------------------------------------------------------------------------------------------

ErrorCode code_of(const Status& status) { return status ? ErrorCode{} : status.error().code; }

TEST_F(SessionTest, FramesOutOfTurnAreErrors) {
  a_.open();
  EXPECT_EQ(code_of(a_.session->on_have(now_, Have{})), ErrorCode::sync_out_of_turn);
  EXPECT_EQ(code_of(a_.session->on_events({1, world_.stream, {}, {}}, 10)), ErrorCode::sync_out_of_turn);
  EXPECT_EQ(code_of(a_.session->on_ack(Ack{1})), ErrorCode::sync_out_of_turn);
  Hello foreign = b_.hello();
  foreign.did.bytes[0] ^= 1;
  EXPECT_EQ(code_of(a_.session->on_hello(foreign)), ErrorCode::sync_wrong_pod);
  must(a_.session->on_hello(b_.hello()));
  EXPECT_EQ(code_of(a_.session->on_hello(b_.hello())), ErrorCode::sync_out_of_turn);
  EXPECT_EQ(code_of(a_.session->on_events({2, world_.stream, {}, {}}, 10)), ErrorCode::sync_out_of_turn);
  must(a_.session->on_events({1, world_.stream, {}, {}}, 10));
  EXPECT_EQ(code_of(a_.session->on_events({1, world_.stream, {}, {}}, 10)), ErrorCode::sync_out_of_turn);
}

TEST_F(SessionTest, OverrunningTheWindowIsAnError) {
  SessionOptions options;
  options.window_bytes = 1024 * 1024;
  a_.open(options);
  must(a_.session->on_hello(b_.hello()));
  std::uint64_t number = 0;
  Status taken;
  while (taken) taken = a_.session->on_events({++number, world_.stream, {}, {}}, 1024 * 1024);
  EXPECT_EQ(code_of(taken), ErrorCode::sync_overrun);
  EXPECT_LE(number, 8u);
}

TEST_F(SessionTest, WantsOfNobodysEventsAndFloodsOfThemCostNothing) {
  for (int i = 0; i < 10; ++i) a_.write(words(i));
  a_.persist();
  connect();
  Want want{world_.stream, {}};
  for (std::uint8_t i = 0; i < 200; ++i) {
    log::EventId id;
    id.bytes[0] = i;
    want.events.push_back(id);
  }
  must(a_.session->on_want(want));
  EXPECT_EQ(a_.session->backlog_events(), 0u);
  Want true_ones{world_.stream, {}};
  for (std::uint32_t i = 0; i < 10; ++i) true_ones.events.push_back(a_.graph_.id(EventIndex{i}));
  std::sort(true_ones.events.begin(), true_ones.events.end());
  for (int i = 0; i < 20'000; ++i) must(a_.session->on_want(true_ones));
  EXPECT_LE(a_.session->backlog_events(), 4097u * 10);
  must(a_.session->on_want({log::StreamId{}, true_ones.events}));
}

// Whatever order two devices write, persist, connect and break off in: they end equal.
TEST_F(SessionTest, RandomBreaksEndEqual) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    World world(2, 0);
    Side a(world, 0);
    Side b(world, 1);
    a.open();
    b.open();
    for (int step = 0; step < 120; ++step) {
      Side& side = random.chance(1, 2) ? a : b;
      switch (random.below(8)) {
        case 0:
          a.open();
          b.open();
          break;
        case 1:
        case 2: {
          const EventIndex event = side.write(words(step));
          side.session->on_admitted(now_, world.stream, event);
          break;
        }
        case 3:
          side.persist();
          side.session->on_durable(world.stream);
          side.session->acknowledge(side.session->last_received());
          break;
        default: {
          Side& other = &side == &a ? b : a;
          if (auto frame = side.session->poll(now_)) {
            Status done = deliver_in(world, other, *frame);
            ASSERT_TRUE(done.has_value()) << done.error().to_string();
          }
        }
      }
    }
    a.persist();
    b.persist();
    a.open();
    b.open();
    for (bool moved = true; moved;) {
      moved = false;
      for (auto [from, to] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
        while (auto frame = from->session->poll(now_)) {
          must(deliver_in(world, *to, *frame));
          moved = true;
        }
        to->persist();
        to->session->acknowledge(to->session->last_received());
      }
    }
    ASSERT_EQ(a.graph_.digest(), b.graph_.digest());
  }
}

TEST(SessionLimits, WhoNamesChainsWithoutEndIsLeft) {
  World world(2, 0);
  Side a(world, 0);
  SessionOptions options;
  options.rows_known_max = 100;
  a.open(options);
  must(a.session->on_hello(a.hello()));
  Status said;
  std::uint64_t feed = 0;
  for (int round = 0; round < 12 && said; ++round) {
    Have have{{{world.stream, {}}}, false};
    for (int i = 0; i < 10; ++i) {
      log::FeedHead row;
      row.feed.feed.value = feed++;
      have.streams[0].rows.push_back(row);
    }
    said = a.session->on_have(Tick{1}, have);
    if (said) said = a.session->on_have(Tick{1}, have);  // Said twice, it counts once.
  }
  ASSERT_FALSE(said.has_value());
  EXPECT_EQ(said.error().code, ErrorCode::sync_overrun);
  EXPECT_EQ(feed, 110u);
}

}  // namespace
}  // namespace rz::sync
