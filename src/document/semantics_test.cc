// What operations mean, case by case: registers, containers, effect, upgrades, forks, limits.
#include <gtest/gtest.h>

#include "document/payload.h"
#include "document/test_replicas.h"

namespace rz::document {
namespace {

using testing::author_of;
using testing::Replica;
using testing::TestEvent;
using testing::World;

const Path root;
Path at(auto... steps) { return Path{PathStep(steps)...}; }
std::string key(const char* name) { return name; }

struct Pair {
  explicit Pair(std::uint64_t seed = 1) : world(seed), a(world, 1), b(world, 2) {}
  void exchange() {
    a.close();
    b.close();
    a.take_all_of(b);
    b.take_all_of(a);
    ASSERT_EQ(a.json(), b.json());
  }
  World world;
  Replica a;
  Replica b;
};

TEST(Semantics, ConcurrentWritesTheGreatestWinsAndTheOthersAreReadable) {
  Pair pair;
  pair.a.follow(pair.a.document.map_set(root, "k", {std::int64_t{1}}));
  pair.b.follow(pair.b.document.map_set(root, "k", {std::int64_t{2}}));
  pair.exchange();
  // Same depth: the greater author.
  const bool a_greater = author_of(2) < author_of(1);
  const std::int64_t winner = a_greater ? 1 : 2;
  EXPECT_EQ(pair.a.document.get(at(key("k"))).value(), Value{winner});
  const auto conflicts = pair.a.document.conflicts(at(key("k"))).value();
  EXPECT_EQ(conflicts, (std::vector<Value>{{winner}, {3 - winner}}));
  EXPECT_EQ(pair.b.document.conflicts(at(key("k"))).value(), conflicts);
  pair.a.follow(pair.a.document.map_set(root, "k", {std::int64_t{3}}));
  pair.exchange();
  EXPECT_EQ(pair.b.document.conflicts(at(key("k"))).value(), (std::vector<Value>{{std::int64_t{3}}}));
}

TEST(Semantics, DepthComesBeforeAuthor) {
  Pair pair;
  // One of the two writes after having seen the other's event, so its depth is greater, whoever it is.
  for (Replica* deeper : {&pair.a, &pair.b}) {
    Replica& other = deeper == &pair.a ? pair.b : pair.a;
    World world(9);
    Replica x(world, 1);
    Replica y(world, 2);
    Replica& deep = deeper == &pair.a ? x : y;
    Replica& shallow = deeper == &pair.a ? y : x;
    (void)other;
    shallow.follow(shallow.document.map_set(root, "other", {true}));
    deep.take(*shallow.close());
    deep.follow(deep.document.map_set(root, "k", {std::string("deep")}));
    shallow.follow(shallow.document.map_set(root, "k", {std::string("shallow")}));
    deep.close();
    shallow.close();
    shallow.take_all_of(deep);
    deep.take_all_of(shallow);
    EXPECT_EQ(shallow.document.get(at(key("k"))).value(), Value{std::string("deep")});
    EXPECT_EQ(deep.json(), shallow.json());
  }
}

TEST(Semantics, DeletionOfAKeyIsAWrite) {
  Pair pair;
  pair.a.follow(pair.a.document.map_set(root, "k", {std::int64_t{1}}));
  pair.exchange();
  pair.a.follow(pair.a.document.map_delete(root, "k"));
  EXPECT_FALSE(pair.a.document.get(at(key("k"))).has_value());
  EXPECT_EQ(pair.a.document.map_delete(root, "k").error().code, ErrorCode::path_not_found);
  pair.b.follow(pair.b.document.map_set(root, "k", {std::int64_t{2}}));
  pair.exchange();
  EXPECT_EQ(pair.a.document.conflicts(at(key("k"))).value(), (std::vector<Value>{{std::int64_t{2}}}));
}

TEST(Semantics, CountersSum) {
  Pair pair;
  pair.a.follow(pair.a.document.map_set(root, "n", empty_container(Type::counter)));
  pair.exchange();
  pair.a.follow(pair.a.document.counter_add(at(key("n")), 5));
  pair.b.follow(pair.b.document.counter_add(at(key("n")), -7));
  pair.exchange();
  EXPECT_EQ(pair.a.document.get(at(key("n"))).value(), Value{CounterValue{-2}});
}

TEST(Semantics, WritesToOneElementAndItsDeletion) {
  Pair pair;
  pair.a.follow(pair.a.document.map_set(root, "l", empty_container(Type::list)));
  const std::vector<Value> values{{std::string("x")}, {std::string("y")}, {std::string("z")}};
  pair.a.follow(pair.a.document.list_insert(at(key("l")), 0, values));
  pair.exchange();
  pair.a.follow(pair.a.document.list_set(at(key("l")), 1, {std::string("A")}));
  pair.b.follow(pair.b.document.list_delete(at(key("l")), 0, 1));
  pair.b.follow(pair.b.document.list_set(at(key("l")), 0, {std::string("B")}));
  pair.exchange();
  EXPECT_EQ(pair.a.document.length(at(key("l"))).value(), 2u);
  EXPECT_EQ(pair.a.document.conflicts(at(key("l"), std::uint64_t{0})).value().size(), 2u);
  pair.a.follow(pair.a.document.list_set(at(key("l")), 0, {std::string("C")}));
  pair.b.follow(pair.b.document.list_delete(at(key("l")), 0, 1));
  pair.exchange();
  EXPECT_EQ(pair.a.json(), R"({"l":["z"]})");
}

TEST(Semantics, RefusedEditsChangeNothing) {
  Pair pair;
  Document& document = pair.a.document;
  EXPECT_EQ(document.text_insert(body(), 1, "x").error().code, ErrorCode::position_out_of_range);
  EXPECT_EQ(document.text_insert(body(), 0, "\xff").error().code, ErrorCode::bad_argument);
  EXPECT_EQ(document.text_insert(root, 0, "x").error().code, ErrorCode::wrong_container);
  EXPECT_EQ(document.text_insert(at(key("no")), 0, "x").error().code, ErrorCode::path_not_found);
  EXPECT_EQ(document.map_set(root, "", {true}).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(document.map_set(root, "k", {std::int64_t{1} << 53}).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(document.map_set(root, "k", {TextValue{"x"}}).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(document.text_insert(body(), 0, std::string(600'000, 'x')).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(document.open_operations(), 0u);
  EXPECT_EQ(pair.a.json(), "{}");
  EXPECT_EQ(document.close_open_event({}).error().code, ErrorCode::bad_argument);
  const std::vector<EventId> unknown{EventId{{1}}};
  EventInfo info;
  info.id.bytes[0] = 9;
  info.parents = unknown;
  EXPECT_EQ(document.apply(info, {}).error().code, ErrorCode::event_parent_unknown);
  EXPECT_EQ(document.apply_provisional(info, {}).error().code, ErrorCode::event_parent_unknown);
}

TEST(Semantics, APayloadThatDoesNotParseIsANoOpForAll) {
  Pair pair;
  const TestEvent& bad = pair.world.make(author_of(5), 0, {}, Bytes{1, 2, 3});
  pair.a.take(bad);
  pair.a.follow(pair.a.document.text_insert(body(), 0, "after"));
  pair.exchange();
  EXPECT_TRUE(pair.b.document.contains(bad.info.id));
  EXPECT_EQ(pair.b.document.text(body()).value(), "after");
  EXPECT_FALSE(pair.b.document.needs_upgrade());
}

TEST(Semantics, AnUnknownKindStopsItsContainerOnly) {
  Pair pair;
  pair.a.follow(pair.a.document.text_insert(body(), 0, "before"));
  const TestEvent& before = *pair.a.close();
  pair.b.take(before);
  Payload payload;
  payload.containers.emplace_back().kind = ContainerName::Kind::body;
  Op op;
  op.kind = static_cast<OpKind>(9);
  op.count = 2;
  payload.ops.push_back(op);
  payload.opaque.push_back({1});
  const TestEvent& unknown = pair.world.make(author_of(5), 0, {before.info.id}, encode_payload(payload));
  // Concurrent with it: counts. After it: does not, here or anywhere.
  pair.b.follow(pair.b.document.text_insert(body(), 6, ", beside"));
  const TestEvent& beside = *pair.b.close();
  PayloadBuilder builder;
  ContainerName name;
  name.kind = ContainerName::Kind::body;
  builder.text_insert(builder.container(name), 0, "after ", 6);
  builder.map_set(builder.container({}), "k", Atom(true));
  const TestEvent& after =
      pair.world.make(author_of(6), 0, {unknown.info.id, beside.info.id}, encode_payload(builder.payload()));
  Random random(3);
  for (int round = 0; round < 6; ++round) {
    Replica fresh(pair.world, 9);
    for (const TestEvent* event : pair.world.shuffled(random)) fresh.take(*event);
    EXPECT_EQ(fresh.json(), R"({"":"before, beside","k":true})");
    EXPECT_TRUE(fresh.document.needs_upgrade(body()).value());
    EXPECT_FALSE(fresh.document.needs_upgrade(root).value());
    EXPECT_EQ(fresh.document.text_insert(body(), 0, "x").error().code, ErrorCode::unsupported);
    EXPECT_TRUE(fresh.document.map_set(root, "j", {true}).has_value());
  }
  EXPECT_TRUE(after.info.depth > 1);
}

TEST(Semantics, AForkedFeedConverges) {
  // Two contradicting events of one (author, feed, seq), and work on top of each.
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    World world(seed);
    Replica x(world, 1);
    Replica y(world, 1);
    Replica z(world, 3);
    for (Replica* twin : {&x, &y}) {
      twin->follow(twin->document.text_insert(body(), 0, twin == &x ? "first" : "second"));
      twin->follow(twin->document.map_set(root, "k", {std::string(twin == &x ? "x" : "y")}));
    }
    const auto fork = [&](Replica& twin) {
      auto& event = const_cast<TestEvent&>(world.make(author_of(1), 0, {}, twin.document.open_payload()));
      event.info.seq = 0;
      twin.follow(twin.document.close_open_event(event.with_parents()));
    };
    fork(x);
    // y has the other branch before it closes its own: closing decides the order anew.
    y.follow(y.document.apply(world.events[0]->with_parents(), world.events[0]->payload));
    fork(y);
    x.take(*world.events[1]);
    z.take(*world.events[1]);
    z.take(*world.events[0]);
    EXPECT_EQ(x.json(), y.json());
    EXPECT_EQ(x.json(), z.json());
  }
}

TEST(Semantics, ContainersNestOnlySoDeep) {
  Pair pair;
  Path path;
  for (int depth = 0; depth < 64; ++depth) {
    pair.a.follow(pair.a.document.map_set(path, "d", empty_container(Type::map)));
    path.emplace_back(key("d"));
  }
  EXPECT_EQ(pair.a.document.map_set(path, "d", empty_container(Type::map)).error().code, ErrorCode::limit_exceeded);
  pair.a.follow(pair.a.document.map_set(path, "d", {true}));
  // A hostile payload that goes on: null stands in the place of what is too deep.
  PayloadBuilder builder;
  ContainerName name;
  for (std::uint32_t depth = 0; depth < 5000; ++depth) {
    builder.map_set(builder.container(name), "e", Atom(Type::map));
    name.kind = ContainerName::Kind::own;
    name.offset = depth;
  }
  pair.b.take(pair.world.make(author_of(7), 0, {}, encode_payload(builder.payload())));
  pair.exchange();
  Path deep(65, PathStep(key("e")));
  EXPECT_EQ(pair.b.document.get(deep).value(), Value{Null{}});
}

TEST(Semantics, ParentsWithoutOperationsMayBeNamed) {
  Pair pair;
  pair.a.follow(pair.a.document.text_insert(body(), 0, "x"));
  const TestEvent& other = pair.world.make(author_of(4), 0, {}, {});
  pair.a.follow(pair.a.document.apply(other.with_parents(), other.payload));
  const TestEvent& closed = pair.world.make(author_of(1), 0, {other.info.id}, pair.a.document.open_payload());
  pair.a.follow(pair.a.document.close_open_event(closed.with_parents()));
  EXPECT_EQ(pair.a.document.version(), (std::vector<EventId>{closed.info.id}));
  pair.b.take_with_past(closed);
  EXPECT_EQ(pair.b.json(), pair.a.json());
  EXPECT_EQ(pair.b.document.version(), pair.a.document.version());
}

TEST(Semantics, ABoundTailChangesNothingThatIsShown) {
  Pair pair;
  pair.a.follow(pair.a.document.text_insert(body(), 0, "hello"));
  EventInfo info;
  info.author = author_of(1);
  info.depth = info.own = 1;
  pair.b.follow(pair.b.document.apply_provisional(info, pair.a.document.open_payload()));
  EXPECT_EQ(pair.b.document.text(body()).value(), "hello");
  EXPECT_TRUE(pair.b.document.version().empty());
  const TestEvent& closed = *pair.a.close();
  const auto patches = pair.b.document.apply(closed.with_parents(), closed.payload);
  ASSERT_TRUE(patches.has_value());
  EXPECT_TRUE(patches->empty());
  EXPECT_EQ(pair.b.document.version(), pair.a.document.version());
  // Late repetition of the tail changes nothing.
  EXPECT_TRUE(pair.b.document.apply_provisional(info, closed.payload)->empty());
}

TEST(Semantics, PatchesAreMinimal) {
  Pair pair;
  pair.a.follow(pair.a.document.text_insert(body(), 0, "The quick fox"));
  pair.exchange();
  pair.a.follow(pair.a.document.text_insert(body(), 9, " brown"));
  pair.b.follow(pair.b.document.text_insert(body(), 0, "é: "));
  pair.b.follow(pair.b.document.text_delete(body(), 3, 4));
  const TestEvent& event = *pair.b.close();
  pair.a.close();
  const auto patches = pair.a.document.apply(event.with_parents(), event.payload).value();
  EXPECT_EQ(patches, (Patches{{body(), TextSplice{0, 4, "é: "}}}));
}

TEST(Values, JsonAndCbor) {
  MapValue map;
  map.entries = {{"", {TextValue{"b\"\n"}}}, {"aa", {0.5}}, {"b", {ListValue{{{Null{}}, {true}, {Bytes{1, 2}}}}}}};
  const Value value{map};
  EXPECT_EQ(to_json(value), R"({"":"b\"\n","aa":0.5,"b":[null,true,{"/":{"bytes":"AQI"}}]})");
  EXPECT_EQ(to_hex(to_dag_cbor(value)),
            "a3"
            "60"
            "6362220a"
            "61"
            "62"
            "83f6f5420102"
            "62"
            "6161"
            "fb3fe0000000000000");
}

}  // namespace
}  // namespace rz::document
