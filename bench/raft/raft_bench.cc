// What consensus costs: three members in one process, no network, 100-byte entries, committed and applied on all; CPU
// nanoseconds an entry for the whole cluster. The same job as the rivals' programs (run.sh): entries are made anew, the
// log is kept in memory and compacted to the last 10,000.
//
//   raft_bench [--json] [entries]
#include <sys/resource.h>

#include <malloc.h>
#include <cstdlib>

#include "base/assert.h"
#include "figure.h"
#include "raft/raft.h"

namespace {

using namespace rz;
using namespace rz::raft;

double cpu_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

Member member(int number) {
  Member value{{}, {1}};
  value.id.bytes[0] = static_cast<std::uint8_t>(number);
  return value;
}

class Cluster {
 public:
  Cluster() {
    for (int number = 0; number < 3; ++number) {
      nodes_.push_back(
          Node{*Raft::open({.self = member(number)}, static_cast<std::uint64_t>(number), {}, {}), {}, {}, {}, 0});
    }
    step(0, FoundGeneration{{1, {}}, {1}});
    settle();
    step(0, ProposeConfiguration{{}, {1}, {member(0)}, {member(1), member(2)}});
    settle();
    step(0, ProposeConfiguration{{}, {1}, {member(0), member(1), member(2)}, {}});
    settle();
    RZ_ASSERT(nodes_[0].raft.configuration().voters.size() == 3);
  }

  void run(std::uint64_t entries, std::uint64_t batch, std::uint64_t payload_bytes) {
    const Bytes zeros(payload_bytes);
    std::uint64_t compacted = nodes_[0].applied;
    const std::uint64_t end = nodes_[0].applied + (entries + batch - 1) / batch * batch;
    for (std::uint64_t made = 0; made < entries; made += batch) {
      Propose propose;
      propose.drafts.reserve(batch);
      for (std::uint64_t i = 0; i < batch; ++i) propose.drafts.push_back({EntryKind::cut, {}, Payload::copy_of(zeros)});
      step(0, std::move(propose));
      settle();
      if (nodes_[0].applied - compacted < 20'000) continue;
      compacted = nodes_[0].applied - 10'000;
      for (std::size_t i = 0; i < 3; ++i) step(i, SnapshotTaken{{nodes_[i].applied}, {}, {compacted}});
      settle();
    }
    for (const Node& node : nodes_) RZ_ASSERT_CMP(node.applied, ==, end);
  }

 private:
  struct Node {
    Raft raft;
    std::vector<Input> inbox;
    std::vector<Input> taken;  // What is being worked on; both keep their memory.
    Output output;
    std::uint64_t applied = 0;
  };

  void step(std::size_t at, Input input) {
    Node& node = nodes_[at];
    node.raft.step({}, std::move(input), node.output);
    Output& output = node.output;
    for (auto* messages : {&output.send, &output.send_after_persist}) {
      for (Message& message : *messages) nodes_[message.to.id.bytes[0]].inbox.push_back(Received{std::move(message)});
    }
    for (const Entries& run : output.apply) {
      for (const Entry& entry : run) {
        RZ_ASSERT(entry.index().n == node.applied + 1);
        node.applied = entry.index().n;
      }
    }
    if (!output.append.empty()) node.inbox.push_back(CoverageDurable{output.append.back().last_index()});
    if (output.receipt) node.inbox.push_back(*output.receipt);
  }

  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t at = 0; at < nodes_.size(); ++at) {
        std::swap(nodes_[at].inbox, nodes_[at].taken);
        for (Input& input : nodes_[at].taken) {
          step(at, std::move(input));
          moved = true;
        }
        nodes_[at].taken.clear();
      }
    }
  }

  std::vector<Node> nodes_;
};

std::size_t heap_bytes() { return mallinfo2().uordblks; }

}  // namespace

int main(int argc, char** argv) {
  const rz::bench::Printer printer(argc, argv);
  std::uint64_t entries = 1'000'000;
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] != '-') entries = std::strtoull(argv[i], nullptr, 10);
  }
  for (const std::uint64_t batch : {1000u, 100u, 10u, 1u}) {
    Cluster cluster;
    cluster.run(entries / 20, batch, 100);  // Warm up.
    const double begin = cpu_ns();
    cluster.run(entries, batch, 100);
    printer.print({"raft.cpu_ns_per_entry.batch_" + std::to_string(batch),
                   (cpu_ns() - begin) / static_cast<double>(entries), "ns"});
  }

  constexpr std::size_t groups = 10'000;
  std::vector<Raft> idle;
  idle.reserve(groups);
  const std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < groups; ++i) {
    PersistedState state;
    state.hard_state.generation.number = 1;
    state.base_configuration.voters = {member(0), member(1), member(2)};
    state.base.generation = 1;
    idle.push_back(*Raft::open({.self = member(0)}, i, std::move(state), {}));
  }
  printer.print({"raft.idle_group_bytes", static_cast<double>(heap_bytes() - before) / groups + sizeof(Raft), "bytes"});

  Log log;
  const std::size_t empty = heap_bytes();
  for (std::uint64_t made = 0; made < 100'000; made += 100) {
    std::vector<Entry> run;
    for (std::uint64_t i = 0; i < 100; ++i) {
      const EntryHash prev = run.empty() ? log.last().hash : run.back().hash();
      const Bytes payload(100);
      run.push_back(
          Entry::make({.kind = EntryKind::cut, .generation = 1, .index = {made + i + 1}, .term = {1}, .prev = prev},
                      Payload::copy_of(payload)));
    }
    run.shrink_to_fit();
    log.append(Entries::of(std::move(run)));
  }
  printer.print({"raft.log_bytes_per_entry", static_cast<double>(heap_bytes() - empty) / 100'000, "bytes"});
  return 0;
}
