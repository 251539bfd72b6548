// A cluster of members in one process under one seed: network, disks and time are models. For tests.
//
// It carries out outputs as a host would, but later: persistence takes time and is lost by a crash, messages are
// delayed, lost, repeated and reordered. After every step it checks each member (invariants.h) and the cluster:
//
//   election safety      at most one leader a term of a generation
//   leader completeness  a new leader's log holds everything committed in earlier terms of its generation
//   state machine safety what one member applies at an index, every member of that generation does
//   log matching         equal (generation, term, index) means equal hash, hence equal logs up to there
//   durability           what is committed stays committed: the first value seen at an index is the only one
//   order of outputs     applied indices have no gap and no repetition
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>

#include "raft/invariants.h"
#include "raft/raft.h"

namespace rz::raft::testing {

inline NodeId node_id(std::uint8_t number) {
  NodeId id;
  id.bytes.fill(number);
  return id;
}

inline Member member(std::uint8_t number, std::uint64_t incarnation = 1) { return {node_id(number), {incarnation}}; }

inline std::vector<Member> members(std::initializer_list<int> numbers) {
  std::vector<Member> list;
  for (const int number : numbers) list.push_back(member(static_cast<std::uint8_t>(number)));
  return list;
}

inline Generation generation(std::uint64_t number, std::uint8_t founding = 7) {
  Generation value{number, {}};
  value.founding.bytes.fill(founding);
  return value;
}

inline Draft cut(std::uint64_t number) {
  Draft draft{.kind = EntryKind::cut, .root = {}, .payload = Payload::own(to_bytes(words("cut ", number)))};
  for (std::size_t i = 0; i < 8; ++i) draft.root.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return draft;
}

// What survives a crash.
struct Disk {
  HardState hard_state;
  std::optional<SnapshotRecord> snapshot;
  EntryId base;
  Configuration base_configuration;
  std::map<std::uint64_t, Entry> entries;
  std::map<std::uint64_t, EntryId> ids;  // Kept apart from the entries.
  Index applied;

  void write(const Output& output) {
    if (output.hard_state) hard_state = *output.hard_state;
    if (output.start) {
      base = output.start->base;
      base_configuration = output.start->configuration;
      std::erase_if(entries, [&](const auto& at) { return at.first <= base.index.n || !output.start->keeps_later; });
      std::erase_if(ids, [&](const auto& at) { return at.first <= base.index.n || !output.start->keeps_later; });
    }
    for (const Entries& run : output.append) {
      entries.erase(entries.lower_bound(run.first_index().n), entries.end());
      ids.erase(ids.lower_bound(run.first_index().n), ids.end());
      for (const Entry& entry : run) {
        entries[entry.index().n] = entry;
        ids[entry.index().n] = id_of(entry);
      }
    }
    if (output.snapshot) snapshot = output.snapshot;
  }

  PersistedState read() const {
    PersistedState state{hard_state, snapshot, base, base_configuration, {}, applied, {}, {}, {}};
    std::uint64_t next = base.index.n + 1;
    for (; entries.contains(next); ++next) state.entries.push_back(entries.at(next));
    for (auto at = entries.lower_bound(next); at != entries.end(); ++at) state.stranded.push_back(at->second);
    for (auto id = ids.lower_bound(next); id != ids.end(); ++id) state.lost.push_back(id->second);
    return state;
  }
};

struct Faults {
  std::uint64_t loss_per_1000 = 0;
  std::uint64_t duplication_per_1000 = 0;
  std::uint64_t delay_us_max = 2000;  // Uniform from 100 us: messages overtake each other.
  std::uint64_t persist_us_max = 1000;
  std::uint64_t cover_us_max = 1000;
};

class Cluster {
 public:
  struct Node {
    Member self;
    std::unique_ptr<Raft> raft;  // Null while crashed.
    Disk disk;
    std::deque<Output> unsynced;
    std::uint64_t life = 0;        // Events of an earlier life are void.
    std::vector<EntryId> applied;  // By index from 1, as the application saw them.
    std::vector<ReadOutcome> reads;
    std::vector<ProposeOutcome> proposals;
    std::vector<Member> leaving;
    std::uint64_t steps = 0;
    std::uint64_t sent = 0;
    Tick wake = {};
  };

  explicit Cluster(std::uint64_t seed) : random_(seed) { options.self = {}; }

  Options options;
  Faults faults;
  std::string failure;  // The first broken invariant; empty if none.
  std::function<bool(const Message&)> drop;
  std::function<void(const Node&, const Output&)> observe;
  bool auto_cover = true;
  bool ignore_promises = false;  // Do not check: a test that breaks disks on purpose looks for itself.

  Tick now() const { return now_; }
  Random& random() { return random_; }
  Node& node(int number) { return nodes_.at(static_cast<std::uint8_t>(number)); }
  Raft& raft(int number) { return *node(number).raft; }
  std::map<std::uint8_t, Node>& nodes() { return nodes_; }
  const std::map<std::uint64_t, EntryId>& committed() const { return committed_; }

  void add(int number, std::uint64_t incarnation = 1) {
    const auto id = static_cast<std::uint8_t>(number);
    Node& added = nodes_[id];
    const std::uint64_t life = added.life;
    added = {};
    added.life = life + 1;
    added.self = member(id, incarnation);
    start(number);
  }

  void start(int number) {
    Node& started = node(number);
    Options own = options;
    own.self = started.self;
    ++started.life;
    started.wake = {};
    auto opened = Raft::open(own, random_.next(), started.disk.read(), now_);
    if (!opened) return fail_with("open: " + opened.error().to_string());
    started.raft = std::make_unique<Raft>(*std::move(opened));
    started.applied.resize(started.disk.applied.n);
    step(number, Ticked{});
    if (auto_cover && started.raft) step(number, CoverageDurable{started.raft->log().last_index()});
  }

  // Loses what was not synced; `torn` outputs at the front got to the disk all the same.
  void crash(int number) {
    Node& crashed = node(number);
    for (std::uint64_t torn = random_.below(crashed.unsynced.size() + 1); torn > 0; --torn) {
      crashed.disk.write(crashed.unsynced.front());
      crashed.unsynced.pop_front();
    }
    crashed.unsynced.clear();
    crashed.raft.reset();
    ++crashed.life;
  }

  // Node 1 founds the pod, and the others are let in.
  void bootstrap(int count) {
    for (int number = 1; number <= count; ++number) add(number);
    step(1, FoundGeneration{generation(1), {1000}});
    run(milliseconds(50));
    if (count == 1) return;
    std::vector<Member> others;
    for (int number = 2; number <= count; ++number) others.push_back(member(static_cast<std::uint8_t>(number)));
    step(1, ProposeConfiguration{{1}, {1000}, {member(1)}, others});
    run(milliseconds(300));
    std::vector<Member> all = others;
    all.push_back(member(1));
    step(1, ProposeConfiguration{{2}, {1000}, all, {}});
    run(milliseconds(300));
  }

  void step(int number, Input input) {
    Node& stepped = node(number);
    if (!stepped.raft || !failure.empty()) return;
    const StateMark before = mark_of(*stepped.raft);
    Output output = stepped.raft->step(now_, std::move(input));
    ++stepped.steps;
    check(stepped, before);
    if (observe) observe(stepped, output);
    carry_out(number, std::move(output));
  }

  // The leader of the newest term; 0 if there is none.
  int leader() const {
    int found = 0;
    std::pair<std::uint64_t, Term> newest{};
    for (const auto& [number, each] : nodes_) {
      if (!each.raft || !each.raft->is_leader()) continue;
      const std::pair age{each.raft->generation().number, each.raft->term()};
      if (found == 0 || age > newest) {
        newest = age;
        found = number;
      }
    }
    return found;
  }

  bool propose(int number, std::uint64_t value) {
    if (!node(number).raft) return false;
    step(number, Propose{{value}, {1000 + now_.us / 1000}, {cut(value)}});
    const auto& outcomes = node(number).proposals;
    return !outcomes.empty() && outcomes.back().request.n == value && !outcomes.back().refused;
  }

  void run(Duration duration) {
    const Tick end = now_ + duration;
    while (failure.empty() && !events_.empty() && events_.begin()->first <= end) {
      auto first = events_.begin();
      now_ = std::max(now_, first->first);
      const std::function<void()> event = std::move(first->second);
      events_.erase(first);
      event();
    }
    now_ = std::max(now_, end);
  }

  // Runs until it holds, at most so long; whether it did.
  bool run_until(const std::function<bool()>& holds, Duration at_most) {
    const Tick end = now_ + at_most;
    while (failure.empty() && now_ < end) {
      if (holds()) return true;
      run(milliseconds(10));
    }
    return failure.empty() && holds();
  }

  // Somebody wants something: silence ends.
  void wake_all() {
    for (auto& [number, each] : nodes_) step(number, WakeUp{});
  }

  bool run_to_leader(Duration at_most = seconds(20)) {
    wake_all();
    return run_until(
        [&] { return leader() != 0 && raft(leader()).commit_index() == raft(leader()).log().last_index(); }, at_most);
  }

  // Every running member of the leader's configuration has applied everything.
  bool converge(Duration at_most = seconds(60)) {
    return run_until(
        [&] {
          const int led = leader();
          if (led == 0) return false;
          const Index last = raft(led).log().last_index();
          for (auto& [number, each] : nodes_) {
            if (!each.raft || !raft(led).configuration().names(each.self.id)) continue;
            if (each.applied.size() != last.n || each.raft->is_damaged()) return false;
          }
          return raft(led).commit_index() == last && raft(led).configuration_index() <= last &&
                 !raft(led).configuration().is_joint();
        },
        at_most);
  }

  void fail_with(const std::string& what) {
    if (failure.empty()) failure = what + " at " + std::to_string(now_.us) + " us";
  }

  void deliver_after(Duration delay, const Message& message) {
    schedule(delay, [this, message] {
      for (auto& [number, each] : nodes_) {
        if (each.self.id == message.to.id) step(number, Received{message});
      }
    });
  }

 private:
  void schedule(Duration delay, std::function<void()> event) { events_.emplace(now_ + delay, std::move(event)); }

  Duration draw(std::uint64_t us_max) { return {static_cast<std::int64_t>(100 + random_.below(us_max + 1))}; }

  void send(Node& from, const Message& message) {
    ++from.sent;
    if (drop && drop(message)) return;
    if (random_.chance(faults.loss_per_1000, 1000)) return;
    deliver_after(draw(faults.delay_us_max), message);
    if (random_.chance(faults.duplication_per_1000, 1000)) deliver_after(draw(faults.delay_us_max * 20), message);
  }

  void carry_out(int number, Output output) {
    Node& from = node(number);
    const std::uint64_t life = from.life;
    const bool persists = output.receipt.has_value();
    for (const Message& message : output.send) send(from, message);
    apply(from, output);
    for (const ReadOutcome& read : output.reads) from.reads.push_back(read);
    for (const ProposeOutcome& outcome : output.proposals) from.proposals.push_back(outcome);
    for (const Member& each : output.leaving) from.leaving.push_back(each);
    if (output.install) {
      schedule(draw(faults.cover_us_max * 10), [this, number, life, record = *output.install] {
        if (node(number).life == life) step(number, SnapshotInstalled{record});
      });
    }
    if (output.wake_at && (from.wake <= now_ || *output.wake_at < from.wake)) {
      from.wake = *output.wake_at;
      const Duration delay = *output.wake_at > now_ ? *output.wake_at - now_ : Duration{0};
      schedule(delay, [this, number, life] {
        if (node(number).life != life) return;
        node(number).wake = {};
        step(number, Ticked{});
      });
    }
    const bool covers = !output.append.empty() && auto_cover;
    if (persists || !output.send_after_persist.empty()) {
      from.unsynced.push_back(std::move(output));
      const Duration delay = persists ? draw(faults.persist_us_max) : Duration{0};
      schedule(delay, [this, number, life] {
        if (node(number).life == life) sync_one(number);
      });
    }
    if (covers) {
      schedule(draw(faults.cover_us_max), [this, number, life, upto = raft(number).log().last_index()] {
        if (node(number).life == life) step(number, CoverageDurable{std::min(upto, raft(number).log().last_index())});
      });
    }
  }

  // Outputs become durable in their order.
  void sync_one(int number) {
    Node& from = node(number);
    if (from.unsynced.empty()) return;
    const Output output = std::move(from.unsynced.front());
    from.unsynced.pop_front();
    from.disk.write(output);
    from.disk.applied = std::min(Index{from.applied.size()}, from.raft->log().last_index());
    for (const Message& message : output.send_after_persist) send(from, message);
    if (output.receipt) step(number, *output.receipt);
  }

  void apply(Node& to, const Output& output) {
    if (output.void_after) to.applied.resize(std::min<std::size_t>(to.applied.size(), output.void_after->n));
    if (output.reset_to) {
      to.applied.resize(output.reset_to->last.index.n);
      if (to.applied.size() > 0) to.applied.back() = output.reset_to->last;
    }
    for (const Entries& run : output.apply) {
      for (const Entry& entry : run) {
        if (entry.index().n != to.applied.size() + 1) fail_with("applied out of order");
        to.applied.push_back(id_of(entry));
        record_committed(entry);
      }
    }
  }

  void record_committed(const Entry& entry) {
    if (ignore_promises) return;
    const auto [at, is_new] = committed_.emplace(entry.index().n, id_of(entry));
    if (is_new || at->second.hash == entry.hash()) return;
    if (entry.header().generation > at->second.generation) {
      committed_.erase(at, committed_.end());
      committed_.emplace(entry.index().n, id_of(entry));
    } else if (entry.header().generation == at->second.generation) {
      fail_with(words("state machine safety: two entries at index ", entry.index().n));
    }
  }

  void check(Node& stepped, const StateMark& before) {
    const Raft& after = *stepped.raft;
    if (const Status status = check_state(after); !status) fail_with(status.error().message);
    if (const Status status = check_change(before, after); !status) fail_with(status.error().message);
    if (ignore_promises) return;
    const Entry* last = after.log().find(after.log().last_index());
    if (last != nullptr) {
      const auto [at, is_new] =
          matching_.emplace(std::tuple(last->header().generation, last->term().n, last->index().n), last->hash());
      if (!is_new && at->second != last->hash()) fail_with("log matching");
    }
    if (before.role == Role::leader || !after.is_leader()) return;
    const auto [at, is_new] = leaders_.emplace(std::pair(after.generation().number, after.term().n), stepped.self.id);
    if (!is_new && at->second != stepped.self.id) fail_with("election safety");
    for (auto entry = committed_.upper_bound(after.log().base().index.n); entry != committed_.end(); ++entry) {
      if (entry->second.generation == after.generation().number && !after.log().has(entry->second)) {
        fail_with(words("leader completeness: index ", entry->first));
      }
    }
  }

  Random random_;
  Tick now_{1'000'000};
  std::map<std::uint8_t, Node> nodes_;
  std::multimap<Tick, std::function<void()>> events_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, NodeId> leaders_;
  std::map<std::uint64_t, EntryId> committed_;
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>, EntryHash> matching_;
};

}  // namespace rz::raft::testing
