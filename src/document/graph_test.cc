// The event graph against sets of ancestors.
#include "document/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"

namespace rz::document {
namespace {

TEST(Graph, DifferenceHeadsAndCriticalEventsAgreeWithSets) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    Graph graph;
    std::vector<std::set<EventIndex>> past;  // Each with itself.
    const std::uint64_t spread = 1 + random.below(5);
    for (EventIndex event = 0; event < 60; ++event) {
      Version parents;
      std::set<EventIndex> before;
      const std::uint64_t count = event == 0 || random.chance(1, 30) ? 0 : 1 + random.below(3);
      for (std::uint64_t i = 0; i < count; ++i) {
        const auto parent = static_cast<EventIndex>(event - 1 - random.below(std::min<std::uint64_t>(event, spread)));
        parents.push_back(parent);
        before.insert(past[parent].begin(), past[parent].end());
      }
      before.insert(event);
      past.push_back(before);
      EventInfo info;
      info.id.bytes[0] = static_cast<std::uint8_t>(event + 1);
      info.id.bytes[20] = static_cast<std::uint8_t>(seed);
      info.author.bytes[0] = static_cast<std::uint8_t>(random.below(3));
      ASSERT_EQ(graph.add(info, parents, Graph::Standing::closed), event);
      ASSERT_EQ(graph.find(info.id), event);

      Version heads;
      for (EventIndex head = 0; head <= event; ++head) {
        const bool is_covered = std::any_of(past.begin() + head + 1, past.end(),
                                            [&](const auto& ancestors) { return ancestors.contains(head); });
        if (!is_covered) heads.push_back(head);
      }
      ASSERT_EQ(graph.closed_heads(), heads);
      EventIndex critical = event_none;
      for (EventIndex candidate = 0; candidate <= event; ++candidate) {
        bool is_critical = past[candidate].size() == candidate + 1u;
        for (EventIndex later = candidate; later <= event; ++later) {
          is_critical = is_critical && past[later].contains(candidate);
        }
        if (is_critical) critical = candidate;
      }
      ASSERT_EQ(graph.last_critical(), critical);
      for (EventIndex other = 0; other <= event; ++other) {
        ASSERT_EQ(graph.in_past_of(other, event), before.contains(other));
      }
      const auto a = static_cast<EventIndex>(random.below(event + 1));
      const auto b = static_cast<EventIndex>(random.below(event + 1));
      const Version left = graph.reduce({a, event});
      const Version right = graph.reduce({b});
      std::set<EventIndex> left_past = past[a];
      left_past.insert(before.begin(), before.end());
      std::vector<EventIndex> only_left;
      std::vector<EventIndex> only_right;
      graph.difference(left, right, only_left, only_right);
      for (EventIndex probe = 0; probe <= event; ++probe) {
        const bool in_left = left_past.contains(probe);
        const bool in_right = past[b].contains(probe);
        ASSERT_EQ(std::count(only_left.begin(), only_left.end(), probe), in_left && !in_right ? 1 : 0);
        ASSERT_EQ(std::count(only_right.begin(), only_right.end(), probe), in_right && !in_left ? 1 : 0);
      }
    }
  }
}

}  // namespace
}  // namespace rz::document
