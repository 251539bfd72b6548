#include "log/run.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "log/test_world.h"

namespace rz::log {
namespace {

using test::must;
using test::World;

struct Written {
  FeedRun run;
  std::vector<Bytes> sealed;     // Ciphertext of each event, or its plain body.
  std::vector<Bytes> plaintext;  // Empty where the body is not sealed.
  std::vector<EventId> ids;
};

// A feed that changes its epoch, has control events and parents, and a clock that jumps.
Written random_feed(const World& world, Random& random, const std::vector<BodyKey>& keys, std::size_t count) {
  Written written;
  Header header;
  header.stream = world.stream;
  header.author = world.author(0);
  header.feed = FeedId{random.below(integer_end)};
  header.seq = Seq{random.below(100)};
  header.prev = EventId{World::crypto_hash("before")};
  std::uint64_t ms = 1'700'000'000'000;
  for (std::size_t i = 0; i < count; ++i) {
    ms += random.below(500);
    header.time = UnixMs{random.chance(1, 9) ? random.below(integer_end) : ms};
    header.parents.clear();
    for (std::uint64_t n = random.chance(1, 3) ? random.below(4) : 0; n > 0; --n) {
      header.parents.push_back(EventId{World::crypto_hash(words("parent ", i, " ", n))});
    }
    std::sort(header.parents.begin(), header.parents.end());
    const Bytes plaintext = to_bytes(words("plaintext ", i));
    const bool is_control = random.chance(1, 6);
    const bool is_sealed = !is_control && random.chance(4, 5);
    header.kind = is_control ? EventKind::control : EventKind::operations;
    header.epoch = {};
    if (is_sealed) {
      const BodyKey& key = keys[random.below(keys.size())];
      header.epoch = key.epoch();
      written.sealed.push_back(must(key.seal(header, plaintext)));
      written.plaintext.push_back(plaintext);
    } else {
      must(set_plain_body(header, plaintext));
      written.sealed.push_back(plaintext);
      written.plaintext.push_back({});
    }
    const std::uint64_t form = random.below(is_sealed ? 3 : 2);
    if (form == 0) {
      written.run.events.push_back({header, BodyForm::stored, written.sealed.back()});
    } else if (form == 1) {
      written.run.events.push_back({header, BodyForm::absent, {}});
    } else {
      written.run.events.push_back({header, BodyForm::plain, plaintext});
    }
    written.ids.push_back(event_id(header));
    header.prev = written.ids.back();
    ++header.seq.value;
  }
  if (random.chance(2, 3)) written.run.seal = make_seal(world.keys[0], header.prev);
  return written;
}

std::vector<BodyKey> two_keys(const StreamId& stream) {
  std::vector<BodyKey> keys;
  for (std::uint64_t i = 0; i < 2; ++i) {
    keys.emplace_back(test::secret_of(i), stream, EpochId{World::crypto_hash(words("epoch ", i))});
  }
  return keys;
}

BodyKeys holder_of(const std::vector<BodyKey>& keys) {
  return [&keys](const EpochId& epoch) -> const BodyKey* {
    for (const BodyKey& key : keys) {
      if (key.epoch() == epoch) return &key;
    }
    return nullptr;
  };
}

RC_GTEST_PROP(FeedRun, HoldersOfTheKeyRebuildCiphertextAndCidsExactly, ()) {
  const World world(1, 0);
  const std::vector<BodyKey> keys = two_keys(world.stream);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const Written written = random_feed(world, random, keys, *rc::gen::inRange<std::size_t>(1, 40));
  const Bytes wire = must(encode_run(written.run));
  const DecodedRun decoded = must(decode_run(wire, world.stream, holder_of(keys)));
  RC_ASSERT(decoded.events.size() == written.ids.size());
  RC_ASSERT(decoded.seal == written.run.seal);
  FeedRun again;
  again.seal = decoded.seal;
  for (std::size_t i = 0; i < decoded.events.size(); ++i) {
    const DecodedEvent& event = decoded.events[i];
    RC_ASSERT(event.id == written.ids[i]);
    RC_ASSERT(to_cid(event.id) == to_cid(event_id(written.run.events[i].header)));
    RC_ASSERT(event.header == written.run.events[i].header);
    if (event.form != BodyForm::absent) RC_ASSERT(event.stored == written.sealed[i]);
    if (event.form == BodyForm::plain) RC_ASSERT(event.plaintext == written.plaintext[i]);
    again.events.push_back({event.header, event.form, event.form == BodyForm::plain ? event.plaintext : event.stored});
  }
  RC_ASSERT(must(encode_run(again)) == wire);
}

RC_GTEST_PROP(FeedRun, DamageIsNoticedOrChangesEveryCidAfterIt, ()) {
  const World world(1, 0);
  const std::vector<BodyKey> keys = two_keys(world.stream);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const Written written = random_feed(world, random, keys, *rc::gen::inRange<std::size_t>(1, 12));
  const Bytes wire = must(encode_run(written.run));
  Bytes changed = wire;
  changed[random.below(changed.size())] ^= static_cast<std::uint8_t>(1 + random.below(255));
  if (const auto decoded = decode_run(changed, world.stream, holder_of(keys))) {
    const bool seal_differs = decoded->seal != written.run.seal;
    RC_ASSERT(decoded->events.size() != written.ids.size() || decoded->events.back().id != written.ids.back() ||
              seal_differs);
    FeedRun again{{}, decoded->seal};
    for (const DecodedEvent& event : decoded->events) {
      again.events.push_back(
          {event.header, event.form, event.form == BodyForm::plain ? event.plaintext : event.stored});
    }
    RC_ASSERT(must(encode_run(again)) == changed);  // One encoding only.
  }
  RC_ASSERT(!decode_run(ByteView(wire).first(random.below(wire.size())), world.stream, holder_of(keys)));
}

TEST(FeedRun, RefusesEachBreachByItsOwnError) {
  World world(1, 0);
  const std::vector<BodyKey> keys = two_keys(world.stream);
  EventGraph graph = world.replica();
  for (int i = 0; i < 3; ++i) world.write(graph, 0, words("event ", i));
  const IndexRun all = graph.missing_for({}).front();
  FeedRun run = make_run(
      graph, all, [&](EventIndex event) { return HeldBody{BodyForm::stored, world.all.at(graph.id(event)).body}; });
  const Bytes wire = must(encode_run(run));
  const auto code = [&](Bytes bytes) {
    const auto decoded = decode_run(bytes, world.stream, {});
    return decoded ? ErrorCode{} : decoded.error().code;
  };
  EXPECT_EQ(code(wire), ErrorCode{});
  Bytes bad = wire;
  bad[0] = 2;
  EXPECT_EQ(code(bad), ErrorCode::run_version);
  bad = wire;
  bad[1] = 2;
  EXPECT_EQ(code(bad), ErrorCode::run_value);
  bad = wire;
  bad.push_back(0);
  EXPECT_EQ(code(bad), ErrorCode::trailing_bytes);
  bad = wire;
  bad.pop_back();
  EXPECT_EQ(code(bad), ErrorCode::truncated);

  FeedRun gap = run;
  gap.events.erase(gap.events.begin() + 1);
  EXPECT_EQ(encode_run(gap).error().code, ErrorCode::run_broken);
  FeedRun wrong_seal = run;
  wrong_seal.seal = world.seal(graph.id(EventIndex{0}));
  EXPECT_EQ(encode_run(wrong_seal).error().code, ErrorCode::run_broken);
  EXPECT_EQ(encode_run({}).error().code, ErrorCode::limit_exceeded);

  Header header = run.events.front().header;
  header.epoch = keys[0].epoch();
  FeedRun plain;
  (void)must(keys[0].seal(header, as_bytes("text")));
  plain.events.push_back({header, BodyForm::plain, to_bytes("text")});
  EXPECT_EQ(code(must(encode_run(plain))), ErrorCode::run_key);

  // A run that a stranger sealed admits nothing.
  FeedRun forged = run;
  forged.seal = make_seal(test::key_of(5), graph.id(EventIndex{2}));
  EventGraph peer = world.replica();
  const DecodedRun decoded = must(decode_run(must(encode_run(forged)), world.stream, {}));
  EXPECT_EQ(offer_run(peer, decoded).error().code, ErrorCode::seal_invalid);
  EXPECT_EQ(peer.size() + peer.pending_count(), 0u);
}

TEST(FeedRun, TheOwnStoreNeedsNoSeals) {
  World world(2, 0);
  EventGraph graph = world.replica();
  for (std::size_t i = 0; i < 6; ++i) world.write(graph, i % 2, words("event ", i));
  EventGraph restored = world.replica();
  for (const IndexRun& run : graph.missing_for({})) {
    const FeedRun made = make_run(graph, run, [](EventIndex) { return HeldBody{}; });
    EXPECT_FALSE(made.seal);
    must(restore_run(restored, must(decode_run(must(encode_run(made)), world.stream, {}))));
  }
  EXPECT_EQ(restored.digest(), graph.digest());
  EXPECT_FALSE(restored.has_body(EventIndex{0}));
  EXPECT_EQ(restored.unsealed_heads().size(), 2u);
}

TEST(FeedRun, AnEventTakesAboutTenBytesBesideItsBody) {
  World world(1, 0);
  EventGraph graph = world.replica();
  std::size_t bodies = 0;
  for (int i = 0; i < 1000; ++i) {
    const EventIndex event = world.write(graph, 0, words("event ", i));
    bodies += graph.body_size(event);
  }
  std::size_t bytes = 0;
  for (const IndexRun& run : graph.missing_for({})) {
    FeedRun made = make_run(
        graph, run, [&](EventIndex event) { return HeldBody{BodyForm::stored, world.all.at(graph.id(event)).body}; });
    made.seal = world.seal(graph.id(run.events.back()));
    bytes += must(encode_run(made)).size();
  }
  EXPECT_LT(static_cast<double>(bytes - bodies) / 1000, 10.0);
}

}  // namespace
}  // namespace rz::log
