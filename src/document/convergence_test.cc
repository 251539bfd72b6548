// Any delivery order and any batching give the same state, patches tell the truth, local echo equals replay.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <algorithm>

#include "document/test_replicas.h"

namespace rz::document {
namespace testing {
namespace {

Value random_value(Random& random) {
  switch (random.below(10)) {
    case 0:
      return {Null{}};
    case 1:
      return {random.chance(1, 2)};
    case 2:
      return {static_cast<std::int64_t>(random.below(100)) - 50};
    case 3:
      return {0.5 + static_cast<double>(random.below(9))};
    case 4:
      return {std::string("s") + std::to_string(random.below(100))};
    case 5:
      return {Bytes{1, 2, static_cast<std::uint8_t>(random.below(256))}};
    default:
      return empty_container(static_cast<Type>(random.below(4)));
  }
}

std::string random_text(Random& random) {
  static const std::vector<std::string> pieces{"a", "b", "c", "é", "ß", "水", "🌱", "xyz", "hello ", "\n"};
  std::string text;
  for (std::uint64_t i = 0; i <= random.below(3); ++i) text += pieces[random.below(pieces.size())];
  return text;
}

void collect(const Value& value, const Path& path, std::vector<std::pair<Path, const Value*>>& out) {
  if (!value.is_container()) return;
  out.emplace_back(path, &value);
  if (const auto* map = std::get_if<MapValue>(&value.is)) {
    for (const auto& [key, item] : map->entries) {
      if (key.empty()) continue;
      Path below = path;
      below.emplace_back(key);
      collect(item, below, out);
    }
  }
  if (const auto* list = std::get_if<ListValue>(&value.is)) {
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      Path below = path;
      below.emplace_back(std::uint64_t{i});
      collect(list->items[i], below, out);
    }
  }
}

}  // namespace

void edit_at_random(Replica& replica, Random& random) {
  Document& document = replica.document;
  // Inside another's provisional tail nothing can be done.
  const auto follow = [&](Result<Patches> patches) {
    if (!patches && patches.error().code == ErrorCode::unsupported) return;
    replica.follow(std::move(patches));
  };
  const Value value = document.value();
  std::vector<std::pair<Path, const Value*>> containers;
  collect(value, {}, containers);
  const Value body_value{TextValue{document.text(body()).value()}};
  if (random.chance(1, 3)) containers.emplace_back(body(), &body_value);
  const auto& [path, at] = containers[random.below(containers.size())];
  if (std::holds_alternative<MapValue>(at->is)) {
    const std::string key(1, static_cast<char>('a' + random.below(4)));
    if (at->find(key) != nullptr && random.chance(1, 4)) return follow(document.map_delete(path, key));
    return follow(document.map_set(path, key, random_value(random)));
  }
  if (std::holds_alternative<CounterValue>(at->is)) {
    return follow(document.counter_add(path, static_cast<std::int64_t>(random.below(9)) - 4));
  }
  const std::uint64_t length = document.length(path).value();
  const bool is_text = std::holds_alternative<TextValue>(at->is);
  if (length > 0 && random.chance(2, 5)) {
    const std::uint64_t position = random.below(length);
    const std::uint64_t count = 1 + random.below(std::min<std::uint64_t>(length - position, 4));
    if (is_text) return follow(document.text_delete(path, position, count));
    if (random.chance(1, 2)) return follow(document.list_delete(path, position, count));
    return follow(document.list_set(path, position, random_value(random)));
  }
  const std::uint64_t position = random.below(length + 1);
  if (is_text) return follow(document.text_insert(path, position, random_text(random)));
  const std::vector<Value> values{random_value(random), random_value(random)};
  follow(document.list_insert(path, position, std::span(values).first(1 + random.below(2))));
}

}  // namespace testing

namespace {

using testing::edit_at_random;
using testing::Replica;
using testing::TestEvent;
using testing::World;

struct Scene {
  explicit Scene(std::uint64_t seed, std::size_t replicas_count, int steps) : random(seed), world(seed ^ 0x5eed) {
    for (std::size_t i = 0; i < replicas_count; ++i) replicas.push_back(std::make_unique<Replica>(world, i));
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      Replica& replica = *replicas[random.below(replicas.size())];
      const std::uint64_t what = random.below(10);
      if (what < 6) {
        edit_at_random(replica, random);
      } else if (what < 8) {
        replica.close();
      } else {
        replica.take_all_of(*replicas[random.below(replicas.size())]);
      }
    }
    for (auto& replica : replicas) replica->close();
  }
  void exchange_everything() {
    for (auto& replica : replicas) replica->close();
    for (auto& replica : replicas) {
      for (const auto& event : world.events) replica->take_with_past(*event);
    }
  }

  Random random;
  World world;
  std::vector<std::unique_ptr<Replica>> replicas;
};

TEST(Convergence, AnyDeliveryOrderGivesTheSameState) {
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE(seed);
    Scene scene(seed, 2 + seed % 3, 60);
    scene.exchange_everything();
    const std::string expected = scene.replicas[0]->json();
    for (const auto& replica : scene.replicas) ASSERT_EQ(replica->json(), expected);
    for (int round = 0; round < 3; ++round) {
      Replica fresh(scene.world, 100);
      for (const TestEvent* event : scene.world.shuffled(scene.random)) fresh.take(*event);
      ASSERT_EQ(fresh.json(), expected);
      ASSERT_EQ(fresh.document.version(), scene.replicas[0]->document.version());
    }
    Replica batch(scene.world, 101);
    std::vector<AppliedEvent> events;
    for (const auto& event : scene.world.events) events.push_back({event->with_parents(), event->payload});
    for (std::size_t i = events.size(); i > 1; --i) std::swap(events[i - 1], events[scene.random.below(i)]);
    batch.follow(batch.document.apply_all(events));
    ASSERT_EQ(batch.json(), expected);
  }
}

TEST(Convergence, VoidEventsLeaveNoHole) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Scene scene(seed * 7919, 3, 50);
    // Some lose their effect before they arrive, some after, some for a while, at every replica at another moment.
    std::set<EventId> without;
    for (const auto& event : scene.world.events) {
      if (scene.random.chance(1, 4)) without.insert(event->info.id);
    }
    const auto set = [&](Replica& replica, const EventId& id, bool effect) {
      replica.follow(replica.document.set_effect(id, effect));
    };
    std::string expected;
    for (auto& replica : scene.replicas) {
      for (const EventId& id : without) {
        if (scene.random.chance(1, 2)) set(*replica, id, false);
      }
      for (const TestEvent* event : scene.world.shuffled(scene.random)) {
        replica->take_with_past(*event);
        if (scene.random.chance(1, 3)) set(*replica, event->info.id, scene.random.chance(1, 2));
      }
      for (const auto& event : scene.world.events) set(*replica, event->info.id, !without.contains(event->info.id));
      if (expected.empty()) expected = replica->json();
      ASSERT_EQ(replica->json(), expected);
    }
    // As if it had been so from the start.
    Replica fresh(scene.world, 100);
    for (const EventId& id : without) set(fresh, id, false);
    for (const TestEvent* event : scene.world.shuffled(scene.random)) fresh.take(*event);
    ASSERT_EQ(fresh.json(), expected);
    // Editing goes on above void events, and all agree on that too.
    for (int i = 0; i < 6; ++i) edit_at_random(fresh, scene.random);
    const TestEvent* last = fresh.close();
    if (last == nullptr) continue;
    for (auto& replica : scene.replicas) {
      replica->take(*last);
      ASSERT_EQ(replica->json(), fresh.json());
    }
  }
}

// Events that leave what counts, and everything that builds on them, come and go without a trace.
TEST(Convergence, RetractedEventsAreAsIfTheyHadNeverCome) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Scene scene(seed * 6121, 3, 50);
    std::set<EventId> out;
    for (const auto& event : scene.world.events) {
      const bool follows = std::any_of(event->parents.begin(), event->parents.end(),
                                       [&](const EventId& parent) { return out.contains(parent); });
      if (follows || scene.random.chance(1, 12)) out.insert(event->info.id);
    }
    Replica replica(scene.world, 100);
    for (const TestEvent* event : scene.world.shuffled(scene.random)) {
      if (scene.random.chance(1, 8)) replica.follow(replica.document.set_effect(event->info.id, false));
      replica.take(*event);
    }
    const auto with_effect = [&](Replica& whose) {
      for (const auto& event : scene.world.events) whose.follow(whose.document.set_effect(event->info.id, true));
    };
    if (scene.random.chance(1, 2)) with_effect(replica);
    const std::string all = [&] {
      Replica whole(scene.world, 101);
      for (const auto& event : scene.world.events) whole.take(*event);
      return whole.json();
    }();
    for (std::size_t i = scene.world.events.size(); i-- > 0;) {
      const EventId& id = scene.world.events[i]->info.id;
      if (out.contains(id)) replica.follow(replica.document.retract(id));
    }
    with_effect(replica);
    Replica fresh(scene.world, 102);
    for (const TestEvent* event : scene.world.shuffled(scene.random)) {
      if (!out.contains(event->info.id)) fresh.take(*event);
    }
    ASSERT_EQ(replica.json(), fresh.json());
    ASSERT_EQ(replica.document.version(), fresh.document.version());
    // A checkpoint knows nothing of them either.
    auto saved = Document::load(replica.document.save());
    ASSERT_TRUE(saved.has_value()) << saved.error().to_string();
    ASSERT_EQ(to_json(saved->value()), fresh.json());
    ASSERT_EQ(saved->version(), fresh.document.version());
    // They come back: accepted, or brought in by another's word.
    for (const TestEvent* event : scene.world.shuffled(scene.random)) replica.take(*event);
    ASSERT_EQ(replica.json(), all);
  }
}

TEST(Convergence, WhatOthersBuildOnIsNotRetracted) {
  World world(3);
  Replica replica(world, 1);
  replica.follow(replica.document.text_insert(body(), 0, "a"));
  const EventId first = replica.close()->info.id;
  replica.follow(replica.document.text_insert(body(), 1, "b"));
  EXPECT_EQ(replica.document.retract(first).error().code, ErrorCode::bad_argument) << "the open event builds on it";
  replica.close();
  EXPECT_EQ(replica.document.retract(first).error().code, ErrorCode::bad_argument) << "a closed event builds on it";
  EXPECT_EQ(*replica.document.text(body()), "ab");
}

TEST(Convergence, ProvisionalTailsAreReplacedOrDropped) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Scene scene(seed * 104729, 3, 25);
    scene.exchange_everything();
    Replica& writer = *scene.replicas[0];
    Replica& watcher = *scene.replicas[1];
    Replica& third = *scene.replicas[2];
    for (int round = 0; round < 6; ++round) {
      const std::uint64_t next_seq = [&] {
        std::uint64_t seq = 0;
        for (const auto& event : scene.world.events) seq += event->info.author == writer.author ? 1 : 0;
        return seq;
      }();
      const bool known = std::all_of(scene.world.events.begin(), scene.world.events.end(),
                                     [&](const auto& event) { return watcher.document.contains(event->info.id); });
      ASSERT_TRUE(known);
      for (int i = 0; i < 5; ++i) {
        edit_at_random(writer, scene.random);
        if (writer.document.open_operations() == 0) continue;
        // What the closed event will say, less its name.
        World probe = scene.world;
        const auto parents = writer.document.open_parents();
        const TestEvent& closed = probe.make(writer.author, 0, parents, {});
        EventInfo info = closed.with_parents();
        info.id = EventId{};
        info.seq = next_seq;
        const Bytes payload = writer.document.open_payload();
        watcher.follow(watcher.document.apply_provisional(info, payload));
        if (scene.random.chance(1, 3)) edit_at_random(watcher, scene.random);
        if (scene.random.chance(1, 5)) {
          watcher.follow(watcher.document.drop_provisional(writer.author, 0, next_seq));
        }
      }
      if (scene.random.chance(1, 4)) edit_at_random(third, scene.random);
      scene.exchange_everything();
      ASSERT_EQ(watcher.json(), writer.json());
      ASSERT_EQ(third.json(), writer.json());
    }
    Replica fresh(scene.world, 100);
    for (const TestEvent* event : scene.world.shuffled(scene.random)) fresh.take(*event);
    ASSERT_EQ(fresh.json(), writer.json());
  }
}

RC_GTEST_PROP(Convergence, LocalEchoEqualsReplay, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  Scene scene(seed, 1, 40);
  Replica fresh(scene.world, 100);
  for (const auto& event : scene.world.events) fresh.take(*event);
  RC_ASSERT(fresh.json() == scene.replicas[0]->json());
}

TEST(Convergence, TransactionsAreAllOrNothing) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Scene scene(seed * 31, 2, 30);
    scene.exchange_everything();
    Replica& replica = *scene.replicas[0];
    for (int i = 0; i < static_cast<int>(seed % 3); ++i) edit_at_random(replica, scene.random);
    const std::string before = replica.json();
    const Bytes payload = replica.document.open_payload();
    const std::vector<Value> list{{MapValue{}}};
    const std::vector<Edit> edits{
        {body(), TextInsert{0, "new"}},
        {{}, MapSet{"a", {ListValue{}}}},
        {{std::string("a")}, ListInsert{0, {{MapValue{}}, {std::int64_t{1}}}}},
        {{std::string("a"), std::uint64_t{0}}, MapSet{"b", {TextValue{}}}},
        {{std::string("a"), std::uint64_t{0}, std::string("b")}, TextInsert{0, "deep"}},
        {body(), TextDelete{0, 1'000'000}},
    };
    const auto refused = replica.document.transact(edits);
    ASSERT_FALSE(refused.has_value());
    ASSERT_EQ(refused.error().code, ErrorCode::position_out_of_range);
    ASSERT_EQ(refused.error().offset, 5u);
    ASSERT_EQ(replica.json(), before);
    ASSERT_EQ(replica.document.open_payload(), payload);
    replica.follow(replica.document.transact(std::span(edits).first(5)));
    ASSERT_EQ(replica.document.text({std::string("a"), std::uint64_t{0}, std::string("b")}).value(), "deep");
    replica.close();
    scene.exchange_everything();
    ASSERT_EQ(scene.replicas[1]->json(), replica.json());
  }
}

}  // namespace
}  // namespace rz::document
