#include "log/order.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "log/test_world.h"

namespace rz::log {
namespace {

using test::must;
using test::World;

// Devices write in turns on replicas of their own, with two feeds each and forks; all of it ends up in one graph.
EventGraph random_graph(World& world, Random& random, std::size_t steps) {
  std::vector<EventGraph> replicas;
  for (std::size_t i = 0; i < world.device_count; ++i) replicas.push_back(world.replica());
  EventGraph all = world.replica();
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t who = random.below(world.device_count);
    EventGraph& graph = replicas[who];
    if (random.chance(1, 4)) world.sync(replicas[random.below(world.device_count)], graph);
    if (graph.size() > 0 && random.chance(1, 12)) {
      const EventIndex old{static_cast<std::uint32_t>(random.below(graph.size()))};
      world.put(graph, world.operations(graph.header(old), words("fork ", step)));
    } else {
      world.write(graph, who, 7 + random.below(2), world.admission_of_device(who), words("step ", step));
    }
  }
  for (const EventGraph& replica : replicas) world.sync(replica, all);
  return all;
}

std::vector<EventIndex> naive_order(const EventGraph& graph, std::vector<EventIndex> events) {
  std::sort(events.begin(), events.end(), [&graph](EventIndex a, EventIndex b) {
    return std::tuple(graph.depth(a), graph.author(a), graph.own(a), graph.id(a)) <
           std::tuple(graph.depth(b), graph.author(b), graph.own(b), graph.id(b));
  });
  return events;
}

std::vector<EventIndex> all_of(const EventGraph& graph) {
  std::vector<EventIndex> events;
  for (std::uint32_t i = 0; i < graph.size(); ++i) events.push_back(EventIndex{i});
  return events;
}

RC_GTEST_PROP(Order, SortsRunsAsItWouldSortEvents, ()) {
  World world(3, 0);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const EventGraph graph = random_graph(world, random, *rc::gen::inRange<std::size_t>(1, 80));
  std::vector<EventIndex> some;
  for (const EventIndex event : all_of(graph)) {
    if (random.chance(3, 4)) some.push_back(event);
  }
  RC_ASSERT(sorted_by_order(graph, some) == naive_order(graph, some));
}

RC_GTEST_PROP(Order, ExtendsCausality, ()) {
  World world(3, 0);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const EventGraph graph = random_graph(world, random, *rc::gen::inRange<std::size_t>(1, 50));
  for (const EventIndex event : all_of(graph)) {
    graph.for_each_dependency(event, [&](EventIndex named) { RC_ASSERT(before(graph, named, event)); });
  }
}

// The linearisation from its definition: cut by cut what is new in its past, stream by stream, sorted; then the rest.
std::vector<Placed> naive_linearisation(const std::vector<const EventGraph*>& streams,
                                        const std::vector<HeadList>& cuts) {
  std::vector<std::set<std::uint32_t>> taken(streams.size());
  std::vector<Placed> all;
  const auto add = [&](std::uint32_t stream, const std::vector<EventIndex>& events) {
    std::vector<EventIndex> fresh;
    for (const EventIndex event : events) {
      if (taken[stream].insert(event.value).second) fresh.push_back(event);
    }
    for (const EventIndex event : naive_order(*streams[stream], fresh)) all.push_back({stream, event});
  };
  for (const HeadList& cut : cuts) {
    for (std::uint32_t stream = 0; stream < streams.size(); ++stream) {
      for (const StreamHeads& heads : cut) {
        if (heads.stream != streams[stream]->stream()) continue;
        std::vector<EventIndex> indices;
        for (const EventId& id : heads.heads) indices.push_back(*streams[stream]->find(id));
        add(stream, streams[stream]->closure(indices));
      }
    }
  }
  for (std::uint32_t stream = 0; stream < streams.size(); ++stream) add(stream, all_of(*streams[stream]));
  return all;
}

RC_GTEST_PROP(Linearisation, AgreesWithItsDefinitionHoweverEventsAndCutsCome, ()) {
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  World first(3, 0), second(2, 0);
  // Another stream of the same owner.
  Genesis other = must(decode_genesis(second.genesis));
  other.nonce.bytes[0] = 1;
  second.genesis = encode_genesis(other);
  second.stream = stream_id(other);
  const EventGraph a = random_graph(first, random, *rc::gen::inRange<std::size_t>(1, 40));
  const EventGraph b = random_graph(second, random, *rc::gen::inRange<std::size_t>(1, 40));
  std::vector<HeadList> cuts;
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    HeadList cut;
    for (const EventGraph* graph : {&a, &b}) {
      if (random.chance(1, 4)) continue;
      StreamHeads heads{graph->stream(), {}};
      for (int n = 0; n < 2; ++n) {
        heads.heads.push_back(graph->id(EventIndex{static_cast<std::uint32_t>(random.below(graph->size()))}));
      }
      cut.push_back(heads);
    }
    cuts.push_back(canonical(cut));
  }
  const auto whole = must(linearise({&a, &b}, cuts));
  RC_ASSERT(whole.events() == naive_linearisation(whole.streams(), cuts));

  // The same while the graphs still grow, and with the positions that it says have changed.
  EventGraph growing_a = first.replica(), growing_b = second.replica();
  Linearisation live({&growing_a, &growing_b});
  std::vector<Placed> seen;
  const auto check = [&](std::size_t changed_from) {
    RC_ASSERT(changed_from >= 0u);
    for (std::size_t i = 0; i < std::min(changed_from, seen.size()); ++i) RC_ASSERT(live.events()[i] == seen[i]);
    seen = live.events();
  };
  for (std::uint32_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    for (const auto& [from, to, world] : {std::tuple{&a, &growing_a, &first}, std::tuple{&b, &growing_b, &second}}) {
      if (i >= from->size()) continue;
      const auto& made = world->all.at(from->id(EventIndex{i}));
      must(to->append(made.header, ByteView(made.body)));
    }
    if (random.chance(1, 3)) check(live.refresh());
  }
  for (const HeadList& cut : cuts) check(must(live.add_cut(cut)));
  check(live.refresh());
  const auto ids = [](const Linearisation& linear) {
    std::vector<EventId> list;
    for (const Placed& placed : linear.events()) list.push_back(linear.streams()[placed.stream]->id(placed.event));
    return list;
  };
  RC_ASSERT(ids(live) == ids(whole));
  RC_ASSERT(live.settled() == whole.settled());
}

RC_GTEST_PROP(Coverage, EffectiveTimesAreThoseOfTheDefinition, ()) {
  World world(3, 0);
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  const EventGraph graph = random_graph(world, random, *rc::gen::inRange<std::size_t>(1, 40));
  Coverage coverage(graph);
  std::vector<Cut> cuts;
  std::vector<std::optional<std::size_t>> first(graph.size());
  std::uint64_t ms = 1'700'000'000'000;
  for (std::size_t i = 0; i < 3; ++i) {
    Cut cut{UnixMs{ms += random.below(30)}, {{graph.stream(), {}}}};
    const EventIndex head{static_cast<std::uint32_t>(random.below(graph.size()))};
    cut.heads.front().heads.push_back(graph.id(head));
    must(coverage.add(cut));
    for (const EventIndex event : graph.closure(std::span(&head, 1))) {
      if (!first[event.value]) first[event.value] = i;
    }
    cuts.push_back(cut);
    (void)coverage.effective_time(EventIndex{graph.size() - 1});  // What is remembered too early must be forgotten.
  }
  std::vector<UnixMs> effective(graph.size());
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    effective[i] = graph.time(EventIndex{i});
    graph.for_each_dependency(EventIndex{i},
                              [&](EventIndex named) { effective[i] = std::max(effective[i], effective[named.value]); });
    const std::size_t cut_before = first[i] ? *first[i] : cuts.size();
    if (cut_before > 0) effective[i] = std::max(effective[i], cuts[cut_before - 1].time);
    if (first[i]) effective[i] = std::min(effective[i], cuts[*first[i]].time);
    RC_ASSERT(coverage.effective_time(EventIndex{i}) == effective[i]);
    RC_ASSERT(coverage.covers(EventIndex{i}) == first[i].has_value());
  }
  // Causally closed, whatever the time.
  const auto mask = coverage.at(UnixMs{1'700'000'000'000 + random.below(60)});
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    if (!mask[i]) continue;
    graph.for_each_dependency(EventIndex{i}, [&](EventIndex named) { RC_ASSERT(mask[named.value]); });
  }
}

TEST(Coverage, CutTimesNeverDecrease) {
  World world(1, 0);
  EventGraph graph = world.replica();
  world.write(graph, 0, "a");
  Coverage coverage(graph);
  must(coverage.add({UnixMs{5}, {}}));
  EXPECT_EQ(coverage.add({UnixMs{4}, {}}).error().code, ErrorCode::cut_time);
  EXPECT_EQ(coverage.add({UnixMs{6}, {{graph.stream(), {EventId{}}}}}).error().code, ErrorCode::not_found);
}

TEST(Cut, HoldsTheStreamsThatChanged) {
  World world(1, 0);
  EventGraph graph = world.replica();
  const EventGraph* graphs[] = {&graph};
  EXPECT_TRUE(changed_heads(graphs, {}).empty());
  world.write(graph, 0, "a");
  HeadList last = changed_heads(graphs, {});
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last.front().heads, graph.frontier());
  EXPECT_TRUE(changed_heads(graphs, last).empty());
  world.write(graph, 0, "b");
  const HeadList next = changed_heads(graphs, last);
  merge_heads(last, next);
  EXPECT_EQ(last, next);
}

}  // namespace
}  // namespace rz::log
