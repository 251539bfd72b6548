// Counts that are kept up to date say what `what_counts` says, after every step of any history.
#include "log/counts_running.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "log/test_world.h"

namespace rz::log {
namespace {

using test::World;

// Devices that write into replicas of their own; one graph that gets it all in bits, and is judged after each.
class Growing {
 public:
  Growing(World& world, std::uint64_t seed) : all(world.replica()), world_(world), random_(seed) {
    for (std::size_t i = 0; i < world.device_count; ++i) replicas_.push_back(world.replica());
  }

  void step(bool may_grant) {
    const std::size_t device = random_.below(replicas_.size());
    EventGraph& graph = replicas_[device];
    if (random_.chance(1, 3)) world_.sync(replicas_[random_.below(replicas_.size())], graph);
    if (may_grant && random_.chance(1, 12)) {
      const std::size_t guest = world_.device_count;
      world_.act(graph, device, Grant{Audience::of(world_.author(guest)), RightSet({"write"}), "", {}, {}});
    } else if (random_.chance(1, 4)) {
      world_.act(graph, device, List{world_.genesis, Keeping::kept});
    } else {
      world_.write(graph, device, words("write ", count_++));
    }
    if (random_.chance(1, 2)) world_.sync(graph, all);
  }

  // A removal that leaves standing what somebody has seen of the device.
  void remove_a_device() {
    const std::size_t device = random_.below(world_.device_count);
    std::vector<EventId> heads;
    const EventGraph& seen = replicas_[random_.below(replicas_.size())];
    for (const EventIndex head : seen.heads_of(world_.author(device))) heads.push_back(seen.id(head));
    world_.fact(device).removed_with = heads;
  }

  EventGraph all;

 private:
  World& world_;
  Random random_;
  std::vector<EventGraph> replicas_;
  int count_ = 0;
};

RC_GTEST_PROP(RunningCounts, SayWhatTheWholeEvaluationSays, ()) {
  World world(3, 1);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  Random random(seed ^ 77);
  if (random.chance(1, 2)) world.fact(2).rights = RightSet{};  // A cloud peer.
  const bool may_grant = random.chance(1, 3);
  Growing growing(world, seed);
  RunningCounts running;
  bool changed = true;
  for (int step = 0; step < 40; ++step) {
    growing.step(may_grant);
    if (random.chance(1, 12)) {
      growing.remove_a_device();
      changed = true;
    }
    const std::vector<Verdict> before = running.counts().verdicts;
    const auto replaced = running.update(growing.all, world.facts, changed);
    changed = false;
    RC_ASSERT(running.counts() == what_counts(growing.all, world.facts));
    if (replaced) {
      RC_ASSERT(*replaced == before);
    } else {
      RC_ASSERT(std::equal(before.begin(), before.end(), running.counts().verdicts.begin()));
    }
  }
}

TEST(RunningCounts, AreNotEvaluatedAnewForWhatFollowsFromItsAuthor) {
  World world(2, 0);
  EventGraph graph = world.replica();
  RunningCounts running;
  (void)running.update(graph, world.facts, true);
  for (int i = 0; i < 50; ++i) {
    world.write(graph, 0, words("write ", i));
    world.act(graph, 1, List{world.genesis, Keeping::kept});
    (void)running.update(graph, world.facts, false);
  }
  EXPECT_EQ(running.evaluations(), 1u);
  EXPECT_EQ(running.counts(), what_counts(graph, world.facts));
}

// Who was removed can't make the others evaluate everything again with each event of a flood.
TEST(RunningCounts, AFloodOfARemovedDeviceCostsWhatItBrings) {
  World world(2, 0);
  EventGraph graph = world.replica();
  EventGraph flood = world.replica();
  world.write(graph, 0, "before");
  world.fact(1).removed_with = std::vector<EventId>{};
  RunningCounts running;
  (void)running.update(graph, world.facts, true);
  for (int i = 0; i < 20; ++i) {
    world.write(flood, 1, words("flood ", i));
    world.sync(flood, graph);
    (void)running.update(graph, world.facts, false);
  }
  EXPECT_EQ(running.evaluations(), 1u);
  EXPECT_EQ(running.counts(), what_counts(graph, world.facts));
  EXPECT_EQ(running.counts().quarantined_by_author.at(world.author(1)), 20u);
}

}  // namespace
}  // namespace rz::log
