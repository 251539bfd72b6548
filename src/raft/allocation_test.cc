// The steady path allocates for a proposal, never for an entry; and payloads are shared, not copied.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <utility>

#include "raft/raft.h"

namespace {
std::size_t allocations = 0;
}  // namespace

// Counted for the whole test program; what other tests allocate does not matter.
void* operator new(std::size_t bytes) {
  ++allocations;
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace rz::raft {
namespace {

Member member(int number) {
  Member value{{}, {1}};
  value.id.bytes[0] = static_cast<std::uint8_t>(number);
  return value;
}

// Three members whose messages arrive at once, and whose disks are done at once.
class Trio {
 public:
  Trio() {
    for (int number = 0; number < 3; ++number) {
      nodes_.push_back({*Raft::open({.self = member(number)}, static_cast<std::uint64_t>(number), {}, {}), {}, {}, {}});
    }
    step(0, FoundGeneration{{1, {}}, {1}});
    step(0, ProposeConfiguration{{}, {1}, {member(0)}, {member(1), member(2)}});
    step(0, ProposeConfiguration{{}, {1}, {member(0), member(1), member(2)}, {}});
  }

  const Raft& raft(std::size_t at) const { return nodes_[at].raft; }

  // What so many proposals of so many entries allocate, but for the entries' payloads and the list of them.
  std::size_t cost(std::size_t proposals, std::size_t entries) {
    std::size_t cost = 0;
    for (std::size_t made = 0; made < proposals; ++made) {
      Propose propose;
      for (std::size_t i = 0; i < entries; ++i)
        propose.drafts.push_back({EntryKind::cut, {}, Payload::own(Bytes(100))});
      const std::size_t before = allocations;
      step(0, std::move(propose));
      cost += allocations - before;
    }
    return cost;
  }

 private:
  struct Node {
    Raft raft;
    std::vector<Input> inbox;
    std::vector<Input> taken;  // What is being worked on; both keep their memory.
    Output output;
  };

  void step(std::size_t at, Input input) {
    take(at, std::move(input));
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t node = 0; node < nodes_.size(); ++node) {
        std::swap(nodes_[node].inbox, nodes_[node].taken);
        for (Input& next : nodes_[node].taken) {
          take(node, std::move(next));
          moved = true;
        }
        nodes_[node].taken.clear();
      }
    }
  }

  void take(std::size_t at, Input input) {
    Node& node = nodes_[at];
    node.raft.step({}, std::move(input), node.output);
    for (auto* messages : {&node.output.send, &node.output.send_after_persist}) {
      for (Message& message : *messages) nodes_[message.to.id.bytes[0]].inbox.push_back(Received{std::move(message)});
    }
    if (!node.output.append.empty()) {
      node.inbox.push_back(CoverageDurable{node.output.append.back().last_index()});
    }
    if (node.output.receipt) node.inbox.push_back(*node.output.receipt);
  }

  std::vector<Node> nodes_;
};

TEST(Allocation, NoneForAnEntry) {
  Trio trio;
  ASSERT_EQ(trio.raft(0).configuration().voters.size(), 3u);
  (void)trio.cost(500, 10);  // Vectors have grown.
  const std::size_t few = trio.cost(200, 10);
  const std::size_t many = trio.cost(200, 200);
  EXPECT_GT(few, 0u);
  EXPECT_LE(many, few + few / 10) << "190 more entries a proposal, and yet the same";
  EXPECT_LE(few, 200u * 4) << "for a proposal, in all three members together";
}

TEST(Allocation, PayloadsAreShared) {
  Trio trio;
  (void)trio.cost(1, 10);
  const Index last = trio.raft(0).log().last_index();
  ASSERT_EQ(trio.raft(2).commit_index(), last);
  for (Index at = last; at.n > last.n - 10; at = at.prev()) {
    const Entry* first = trio.raft(0).log().find(at);
    EXPECT_EQ(trio.raft(1).log().find(at), first) << "one entry in memory, in both logs";
    EXPECT_EQ(trio.raft(2).log().find(at)->payload().view().data(), first->payload().view().data());
  }
}

}  // namespace
}  // namespace rz::raft
