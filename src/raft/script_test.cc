// Scripted tests in the manner of etcd's: a file under testdata/ holds commands, a line `----`, and the whole trace
// that they give. RZ_RERECORD=1 writes the traces anew; read the difference before keeping it.
//
//   add 1 [incarnation]            a new member with nothing on its disk
//   found 1 [generation]           the owner's act
//   propose 1 NAME [NAME ...]      cuts, in one proposal
//   configure 1 1,2,3 [4,5]        voters and learners
//   tick 1 MS                      time moves for everybody; the member is stepped
//   persist 1                      its outputs become durable, and what waited for that is sent
//   cover 1                        all pasts are durable there
//   deliver 1 2                    what 1 has sent to 2 arrives; `drop 1 2` loses it
//   settle [silently]              persist, cover and deliver until nothing moves
//   crash 1, start 1               loses what was not persisted
//   lose 1 INDEX                   the disk loses an entry, but not its identifier
//   wake 1, leave 1, read 1 ID, transfer 1 [2], snapshot 1 INDEX COMPACT_TO, connected 1 2, forget 1
//   status                         everybody's state
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "raft/testing/cluster.h"

namespace rz::raft::testing {
namespace {

std::string show(const NodeId& id) { return std::to_string(id.bytes[0]); }
std::string show(const EntryId& id) { return words(id.index.n, "@", id.term.n); }
std::string show(const Entries& entries) {
  if (entries.empty()) return "nothing";
  std::string text;
  for (const Entry& entry : entries) {
    text += words(text.empty() ? "" : " ", id_of(entry).index.n, "@", entry.term().n, ":", name_of(entry.kind()));
    if (entry.kind() == EntryKind::cut) text += words("(", as_text(entry.payload().view()), ")");
  }
  return text;
}
std::string show(const std::vector<Member>& list) {
  std::string text;
  for (const Member& each : list) {
    text += words(text.empty() ? "" : ",", show(each.id));
    if (each.incarnation.n != 1) text += words("'", each.incarnation.n);
  }
  return text.empty() ? "-" : text;
}
std::string show(const Configuration& configuration) {
  return words("voters ", show(configuration.voters), " learners ", show(configuration.learners), " outgoing ",
               show(configuration.outgoing));
}
std::string_view show(Role role) {
  constexpr std::string_view names[] = {"follower", "pre-candidate", "candidate", "leader"};
  return names[static_cast<std::size_t>(role)];
}

struct ShowBody {
  std::string operator()(const VoteRequest& body) const {
    return words(body.pre ? "PreVote" : "Vote", body.by_transfer ? " by transfer" : "", " last ", show(body.last));
  }
  std::string operator()(const VoteReply& body) const {
    return words(body.pre ? "PreVoteReply " : "VoteReply ", body.granted ? "granted" : "refused");
  }
  std::string operator()(const Append& body) const {
    return words("Append after ", show(body.prev), " commit ", body.commit.n, ": ", show(body.entries));
  }
  std::string operator()(const AppendReply& body) const {
    if (body.rejected) return words("AppendReply rejected ", body.last_seen.n, " hint ", show(body.hint));
    return words("AppendReply match ", body.match.n, " seen ", body.last_seen.n);
  }
  std::string operator()(const Heartbeat& body) const {
    return words("Heartbeat commit ", body.commit.n, " round ", body.round, body.silent ? " silent" : "");
  }
  std::string operator()(const HeartbeatReply& body) const {
    return words("HeartbeatReply match ", body.match.n, " round ", body.round, body.silent ? " silent" : "",
                 body.damaged ? " damaged" : "");
  }
  std::string operator()(const InstallSnapshot& body) const {
    return words("InstallSnapshot ", show(body.record.last), " ", show(body.record.configuration));
  }
  std::string operator()(const ReadRequest& body) const { return words("Read ", body.request.n); }
  std::string operator()(const ReadReply& body) const {
    return words("ReadReply ", body.request.n, body.refused ? " refused" : words(" at ", body.index.n));
  }
  std::string operator()(const TimeoutNow&) const { return "TimeoutNow"; }
  std::string operator()(const Wake&) const { return "Wake"; }
  std::string operator()(const Leaving&) const { return "Leaving"; }
  std::string operator()(const RepairRequest& body) const { return words("Repair? ", body.begin.n, "..", body.end.n); }
  std::string operator()(const RepairReply& body) const { return words("Repair: ", show(body.entries)); }
};

class Script {
 public:
  std::string run(const std::string& line) {
    trace_.clear();
    silent_ = false;
    std::istringstream input(line);
    std::string command;
    input >> command;
    std::vector<std::string> words_left;
    for (std::string word; input >> word;) words_left.push_back(word);
    execute(command, words_left);
    return trace_.empty() ? "ok\n" : trace_;
  }

 private:
  struct Node {
    Member self;
    std::unique_ptr<Raft> raft;
    Disk disk;
    std::deque<Output> unsynced;
    Index applied;
  };

  static int number(const std::string& word) { return std::atoi(word.c_str()); }
  static std::vector<Member> list(const std::string& word) {
    std::vector<Member> all;
    std::istringstream input(word);
    for (std::string part; std::getline(input, part, ',');)
      all.push_back(member(static_cast<std::uint8_t>(number(part))));
    return all;
  }

  void say(const std::string& text) {
    if (!silent_) trace_ += text + "\n";
  }

  void execute(const std::string& command, const std::vector<std::string>& words_left) {
    const auto word = [&](std::size_t at) { return at < words_left.size() ? words_left[at] : std::string(); };
    const int at = number(word(0));
    const int to = number(word(1));
    if (command == "add") {
      nodes_[at] = {};
      nodes_[at].self = member(static_cast<std::uint8_t>(at), to == 0 ? 1 : static_cast<std::uint64_t>(to));
      return start(at);
    }
    if (command == "found")
      return step(at, FoundGeneration{generation(to == 0 ? 1 : static_cast<std::uint64_t>(to)), {1}});
    if (command == "configure") return step(at, ProposeConfiguration{{1}, {1}, list(word(1)), list(word(2))});
    if (command == "propose") {
      Propose propose{{1}, {1}, {}};
      for (std::size_t i = 1; i < words_left.size(); ++i) {
        propose.drafts.push_back({EntryKind::cut, {}, Payload::own(to_bytes(words_left[i]))});
      }
      return step(at, std::move(propose));
    }
    if (command == "tick") {
      now_ = now_ + milliseconds(to);
      return step(at, Ticked{});
    }
    if (command == "persist") return persist(at);
    if (command == "cover") return step(at, CoverageDurable{nodes_[at].raft->log().last_index()});
    if (command == "deliver") return deliver(at, to);
    if (command == "drop") {
      links_[{at, to}].clear();
      return;
    }
    if (command == "settle") {
      silent_ = word(0) == "silently";
      return settle();
    }
    if (command == "crash") {
      nodes_[at].raft.reset();
      nodes_[at].unsynced.clear();
      return;
    }
    if (command == "start") return start(at);
    if (command == "lose") {
      nodes_[at].disk.entries.erase(static_cast<std::uint64_t>(to));
      return;
    }
    if (command == "wake") return step(at, WakeUp{});
    if (command == "leave") return step(at, Leave{});
    if (command == "forget") return step(at, ForgetLeader{});
    if (command == "read") return step(at, Read{{static_cast<std::uint64_t>(to)}});
    if (command == "connected") return step(at, Connected{node_id(static_cast<std::uint8_t>(to))});
    if (command == "transfer") {
      TransferLeadership transfer;
      if (to != 0) transfer.to = node_id(static_cast<std::uint8_t>(to));
      return step(at, transfer);
    }
    if (command == "snapshot") {
      const Index compact_to{static_cast<std::uint64_t>(number(word(2)))};
      return step(at, SnapshotTaken{{static_cast<std::uint64_t>(to)}, {}, compact_to});
    }
    if (command == "status") return status();
    FAIL() << "unknown command: " << command;
  }

  void start(int at) {
    Node& node = nodes_[at];
    Options options;
    options.self = node.self;
    // No spread: timeouts in scripts are exactly what the script says.
    auto opened = Raft::open(options, static_cast<std::uint64_t>(at), node.disk.read(), now_);
    ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
    node.raft = std::make_unique<Raft>(*std::move(opened));
    node.applied = node.disk.applied;
    if (node.raft->is_damaged()) say(words(at, " is damaged"));
  }

  void step(int at, Input input) {
    Node& node = nodes_[at];
    if (!node.raft) return say(words(at, " is down"));
    const StateMark before = mark_of(*node.raft);
    Output output = node.raft->step(now_, std::move(input));
    const Status state = check_state(*node.raft);
    const Status change = check_change(before, *node.raft);
    ASSERT_TRUE(state.has_value()) << state.error().message;
    ASSERT_TRUE(change.has_value()) << change.error().message;
    report(at, output, before);
    for (const Message& message : output.send) link(message);
    if (output.install) {
      say(words(at, " fetches the snapshot"));
      step(at, SnapshotInstalled{*output.install});
    }
    if (output.receipt || !output.send_after_persist.empty()) node.unsynced.push_back(std::move(output));
  }

  void link(const Message& message) { links_[{message.from.id.bytes[0], message.to.id.bytes[0]}].push_back(message); }

  void report(int at, const Output& output, const StateMark& before) {
    const std::string who = words(at, " ");
    if (output.hard_state) {
      const HardState& hard = *output.hard_state;
      say(words(who, "hard state: generation ", hard.generation.number, " term ", hard.term.n, " vote ",
                hard.vote ? show(*hard.vote) : "-"));
    }
    if (output.start) say(words(who, "log starts after ", show(output.start->base)));
    for (const Entries& run : output.append) say(words(who, "appends ", show(run)));
    if (output.snapshot) say(words(who, "snapshot ", show(output.snapshot->last)));
    for (const Message& message : output.send) {
      say(words(who, "sends ", show(message.to.id), " t", message.term.n, " ", std::visit(ShowBody{}, message.body)));
    }
    for (const Message& message : output.send_after_persist) {
      say(words(who, "will send ", show(message.to.id), " t", message.term.n, " ",
                std::visit(ShowBody{}, message.body)));
    }
    const Raft& raft = *nodes_[at].raft;
    if (output.void_after) {
      say(words(who, "is in generation ", raft.generation().number, ", keeps applied ", output.void_after->n));
    }
    if (output.reset_to) say(words(who, "state is that of ", show(output.reset_to->last)));
    for (const Entries& run : output.apply) say(words(who, "applies ", show(run)));
    for (const ReadOutcome& read : output.reads) {
      say(words(who, "read ", read.request.n, read.refused ? " refused" : words(" ready at ", read.index.n)));
    }
    for (const ProposeOutcome& outcome : output.proposals) {
      say(words(who, "proposal ",
                outcome.refused ? words("refused: ", rz::name_of(*outcome.refused))
                                : words("taken at ", outcome.first.n, "..", outcome.last.n)));
    }
    if (before.role != raft.role() || before.hard_state.term != raft.term() || before.leader != raft.leader()) {
      say(words(who, "is ", show(raft.role()), " in term ", raft.term().n, ", leader ",
                raft.leader() ? show(*raft.leader()) : "-"));
    }
    for (const Member& each : output.leaving) say(words(who, "hears that ", show(each.id), " leaves"));
    if (before.damaged != raft.is_damaged()) say(words(who, raft.is_damaged() ? "is damaged" : "is whole again"));
  }

  void persist(int at) {
    Node& node = nodes_[at];
    while (!node.unsynced.empty()) {
      const Output output = std::move(node.unsynced.front());
      node.unsynced.pop_front();
      node.disk.write(output);
      for (const Message& message : output.send_after_persist) link(message);
      if (output.receipt) step(at, *output.receipt);
    }
  }

  void deliver(int from, int to) {
    std::deque<Message> messages = std::exchange(links_[{from, to}], {});
    for (const Message& message : messages) {
      say(words(to, " gets from ", from, " t", message.term.n, " ", std::visit(ShowBody{}, message.body)));
      step(to, Received{message});
    }
  }

  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& [at, node] : nodes_) {
        if (!node.raft) continue;
        if (node.raft->covered_index() < node.raft->log().last_index()) execute("cover", {std::to_string(at)});
        moved = moved || !node.unsynced.empty();
        persist(at);
      }
      for (const auto& [from, unused] : nodes_) {
        for (auto& [to, node] : nodes_) {
          if (links_[{from, to}].empty()) continue;
          moved = true;
          node.raft ? deliver(from, to) : links_[{from, to}].clear();
        }
      }
    }
  }

  void status() {
    for (const auto& [at, node] : nodes_) {
      if (!node.raft) {
        say(words(at, " down"));
        continue;
      }
      const Raft& raft = *node.raft;
      say(words(at, " ", show(raft.role()), " g", raft.generation().number, " t", raft.term().n, " last ",
                show(raft.log().last()), " base ", raft.log().base().index.n, " commit ", raft.commit_index().n,
                raft.is_silent() ? " silent" : "", raft.is_damaged() ? " damaged" : "", " ",
                show(raft.configuration())));
    }
  }

  std::map<int, Node> nodes_;
  std::map<std::pair<int, int>, std::deque<Message>> links_;
  Tick now_{1'000'000};
  bool silent_ = false;
  std::string trace_;
};

class Scripted : public ::testing::TestWithParam<std::string> {};

// Blocks are: comments and commands, `----`, the trace, an empty line.
TEST_P(Scripted, GivesItsTrace) {
  const std::string path = std::string(RZ_ROOM_DIR "/testdata/") + GetParam() + ".txt";
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path;
  const bool rerecord = std::getenv("RZ_RERECORD") != nullptr;
  Script script;
  std::string recorded;
  std::string found;
  std::string expected;
  bool in_trace = false;
  int line_number = 0;
  const auto end_block = [&] {
    if (!rerecord) EXPECT_EQ(found, expected) << path << ":" << line_number;
    recorded += found + "\n";
    found.clear();
    expected.clear();
    in_trace = false;
  };
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    if (in_trace) {
      line.empty() ? end_block() : void(expected += line + "\n");
      continue;
    }
    recorded += line + "\n";
    if (line == "----") {
      in_trace = true;
    } else if (!line.empty() && line[0] != '#') {
      found += script.run(line);
    }
  }
  if (in_trace) end_block();
  if (rerecord) std::ofstream(path) << recorded;
}

std::vector<std::string> scripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(RZ_ROOM_DIR "/testdata")) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Testdata, Scripted, ::testing::ValuesIn(scripts()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace rz::raft::testing
