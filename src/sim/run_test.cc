#include "sim/run.h"

#include <gtest/gtest.h>

namespace rz::sim {
namespace {

TEST(Simulator, AFewSeedsHold) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const RunResult result = run(draw_scenario(seed, 120));
    EXPECT_TRUE(result.ok) << "seed " << seed << ": " << result.why;
    EXPECT_GT(result.frames, 50u) << "seed " << seed;
  }
}

TEST(Simulator, AnEqualSeedGivesAnEqualRun) {
  const RunResult first = run(draw_scenario(3, 80));
  EXPECT_EQ(first.trace_hash, run(draw_scenario(3, 80)).trace_hash);
  EXPECT_NE(first.trace_hash, run(draw_scenario(4, 80)).trace_hash);
}

TEST(Simulator, WhatIsKeptOfAScenarioHappensWhenItDid) {
  const Scenario all = draw_scenario(5, 40);
  Scenario few = all;
  keep_only(few, {7, 31});
  ASSERT_EQ(few.actions.size(), 2u);
  Duration until_seventh;
  for (std::size_t i = 0; i <= 7; ++i) until_seventh = until_seventh + all.actions[i].after;
  EXPECT_EQ(few.actions[0].after, until_seventh);
  EXPECT_EQ(few.actions[1].number, 31u);
}

}  // namespace
}  // namespace rz::sim
