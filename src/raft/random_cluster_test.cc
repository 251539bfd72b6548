// Randomised clusters: loss, repetition, reordering, partitions, crashes that lose what was not synced, and changes of
// membership under load. Safety is checked after every step, progress once the faults end.
#include <gtest/gtest.h>

#include <cstdlib>

#include "raft/testing/cluster.h"

namespace rz::raft::testing {
namespace {

// The first seed, and how many: RZ_RAFT_SEED=17 RZ_RAFT_SEEDS=1 repeats one.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : cluster_(seed), random_(seed ^ 0x5eed) {
    cluster_.faults.loss_per_1000 = random_.below(4) * 40;
    cluster_.faults.duplication_per_1000 = random_.below(3) * 50;
    cluster_.faults.delay_us_max = 1000 << random_.below(7);
    cluster_.faults.persist_us_max = 500 << random_.below(6);
    cluster_.faults.cover_us_max = 500 << random_.below(8);
    cluster_.options.append_bytes_max = 200 + random_.below(2000);
    cluster_.options.in_flight_messages_max = 1 + random_.below(16);
    cluster_.drop = [this](const Message& message) {
      return cut_.contains({message.from.id, message.to.id}) || cut_.contains({message.to.id, {}}) ||
             cut_.contains({message.from.id, {}});
    };
  }

  std::string run(int rounds) {
    cluster_.bootstrap(3);
    for (int round = 0; round < rounds && cluster_.failure.empty(); ++round) act();
    heal();
    if (!cluster_.failure.empty()) return cluster_.failure;
    if (!cluster_.run_to_leader(seconds(120))) return cluster_.failure + " no leader after healing " + picture();
    if (!cluster_.converge(seconds(120))) return cluster_.failure + " no convergence after healing " + picture();
    const auto takes = [this] { return cluster_.leader() != 0 && cluster_.propose(cluster_.leader(), ++request_); };
    if (!cluster_.run_until(takes, seconds(20))) return cluster_.failure + " no proposal taken " + picture();
    if (!cluster_.converge(seconds(30))) return cluster_.failure + " no convergence after a proposal " + picture();
    return cluster_.failure;
  }

  std::size_t committed() const { return cluster_.committed().size(); }

 private:
  int any() { return static_cast<int>(1 + random_.below(nodes_)); }

  void act() {
    switch (random_.below(16)) {
      case 0:
        cluster_.crash(any());
        break;
      case 1:
      case 2:
        restart_all(random_.chance(1, 2));
        break;
      case 3:
        cut_.insert({node_id(static_cast<std::uint8_t>(any())), {}});
        break;
      case 4:
        cut_.insert({node_id(static_cast<std::uint8_t>(any())), node_id(static_cast<std::uint8_t>(any()))});
        break;
      case 5:
      case 6:
        cut_.clear();
        break;
      case 7:
        change_members();
        break;
      case 8:
        snapshot();
        break;
      case 9:
        step_any(TransferLeadership{});
        break;
      case 10:
        step_any(Read{{++request_}});
        break;
      case 11:
        step_any(WakeUp{});
        break;
      case 12:
        step_any(Connected{node_id(static_cast<std::uint8_t>(any()))});
        break;
      default:
        propose();
        break;
    }
    cluster_.run({static_cast<std::int64_t>(random_.below(400'000))});
  }

  void step_any(Input input) {
    const int number = any();
    if (cluster_.nodes().contains(static_cast<std::uint8_t>(number))) cluster_.step(number, std::move(input));
  }

  void propose() {
    for (auto& [number, each] : cluster_.nodes()) {
      if (!each.raft || !each.raft->is_leader()) continue;
      const std::uint64_t count = 1 + random_.below(6);
      for (std::uint64_t i = 0; i < count; ++i) cluster_.propose(number, ++request_);
    }
  }

  void restart_all(bool only_some) {
    for (auto& [number, each] : cluster_.nodes()) {
      if (!each.raft && !(only_some && random_.chance(1, 2))) cluster_.start(number);
    }
  }

  void change_members() {
    const int led = cluster_.leader();
    if (led == 0) return;
    if (nodes_ < 5) cluster_.add(static_cast<int>(++nodes_));
    std::vector<Member> voters;
    std::vector<Member> learners;
    for (std::uint8_t number = 1; number <= nodes_; ++number) {
      const Member each = cluster_.node(number).self;
      const Configuration& current = cluster_.raft(led).configuration();
      const bool may_vote = current.is_voter(each) || current.is_learner(each);
      const std::uint64_t draw = random_.below(8);
      if (draw < 6 && may_vote) {
        voters.push_back(each);
      } else if (draw < 7 || !may_vote) {
        learners.push_back(each);
      }
    }
    cluster_.step(led, ProposeConfiguration{{++request_}, {1}, voters, learners});
  }

  void snapshot() {
    const int number = any();
    auto& each = cluster_.node(number);
    if (!each.raft || each.applied.empty()) return;
    const Index index{std::min<std::uint64_t>(each.applied.size(), each.raft->commit_index().n)};
    ContentId content;
    content.bytes.fill(static_cast<std::uint8_t>(index.n));
    cluster_.step(number, SnapshotTaken{index, content, {index.n - random_.below(index.n + 1)}});
  }

  void heal() {
    cluster_.faults.loss_per_1000 = 0;
    cut_.clear();
    restart_all(false);
    for (auto& [number, each] : cluster_.nodes()) {
      for (const auto& [other, unused] : cluster_.nodes()) cluster_.step(number, Connected{node_id(other)});
    }
  }

  std::string picture() {
    std::string text;
    for (auto& [number, each] : cluster_.nodes()) {
      text += words("\n  ", int{number}, ": ");
      if (!each.raft) continue;
      text += words("role ", static_cast<int>(each.raft->role()), " term ", each.raft->term().n, " last ",
                    each.raft->log().last_index().n, " base ", each.raft->log().base().index.n, " commit ",
                    each.raft->commit_index().n, " applied ", each.applied.size(), " voters ",
                    each.raft->configuration().voters.size(), " learners ", each.raft->configuration().learners.size(),
                    " joint ", int{each.raft->configuration().is_joint()}, " silent ", int{each.raft->is_silent()},
                    " persisted ", each.raft->persisted_index().n, " covered ", each.raft->covered_index().n);
    }
    return text;
  }

  Cluster cluster_;
  Random random_;
  std::uint64_t nodes_ = 3;
  std::uint64_t request_ = 100;
  std::set<std::pair<NodeId, NodeId>> cut_;  // (from, to); to zero: both ways with everybody.
};

TEST(RandomCluster, SafeAlwaysAndLiveOnceHealed) {
  const std::uint64_t first = from_environment("RZ_RAFT_SEED", 1);
  const std::uint64_t count = from_environment("RZ_RAFT_SEEDS", 150);
  std::size_t committed = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Chaos chaos(seed);
    const std::string failure = chaos.run(60);
    ASSERT_EQ(failure, "") << "repeat with RZ_RAFT_SEED=" << seed << " RZ_RAFT_SEEDS=1";
    committed += chaos.committed();
  }
  EXPECT_GT(committed, count * 10) << "the faults leave too little to check";
}

TEST(RandomCluster, EqualSeedsGiveEqualRuns) {
  const auto trace = [](std::uint64_t seed) {
    Cluster cluster(seed);
    std::string seen;
    cluster.observe = [&](const Cluster::Node& node, const Output& output) {
      seen += words(node.self.id.brief(), output.send.size(), output.send_after_persist.size(), output.append.size(),
                    node.raft->term().n, node.raft->log().last().hash.hex(), cluster.now().us, "\n");
    };
    cluster.faults.loss_per_1000 = 50;
    cluster.bootstrap(3);
    for (std::uint64_t i = 0; i < 50; ++i) {
      if (cluster.leader() != 0) cluster.propose(cluster.leader(), i);
      cluster.run(milliseconds(20));
    }
    return seen;
  };
  EXPECT_EQ(trace(11), trace(11));
  EXPECT_NE(trace(11), trace(12));
}

}  // namespace
}  // namespace rz::raft::testing
