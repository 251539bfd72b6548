// Raft: agreement among a person's devices on one log of cuts and configurations.
//
// One state machine, sans-IO: `step(now, input)` takes what happened and returns what to do. Equal seed, options and
// inputs give equal outputs, byte for byte. After Ongaro, "Consensus: Bridging Theory and Practice" (2014), cited as
// "dissertation" by section; what we changed for devices is in docs/decisions/0020-raft-core.md.
//
// What the host must do
//   1. Carry out an Output's fields in their order. Outputs may overlap: a later step may come before an earlier
//      output is durable, but persisting happens in the order of outputs, atomically per output.
//   2. `send_after_persist` waits until the persistence fields of this output and of all earlier ones are durable.
//      Then, too, step `receipt` back, if there is one (the newest stands for all before it).
//   3. Step with Ticked at `wake_at` or soon after; without one, no timer runs.
//   4. Step CoverageDurable as the pasts of appended cuts become durable here and their payloads are checked against
//      their roots. A leader's host proposes a cut only when that is so already.
//   5. Never pass a message of a device that is not authenticated as the device that it names as its sender.
//
// Not thread-safe; movable. Only `pod` (and tests, simulators) may own one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"
#include "raft/progress.h"
#include "raft/wire/host_interface.h"
#include "raft/wire/log.h"
#include "raft/wire/quorum.h"

namespace rz::raft {

class Raft {
 public:
  // `seed` draws election timeouts. Errors: raft_bad_state where what was persisted contradicts itself.
  static Result<Raft> open(Options options, std::uint64_t seed, PersistedState persisted, Tick now);

  Output step(Tick now, Input input);
  // The same into an output that is reused (and cleared first), so that a busy group allocates little.
  void step(Tick now, Input input, Output& output);

  const Member& self() const { return options_.self; }
  Role role() const { return role_; }
  bool is_leader() const { return role_ == Role::leader; }
  const std::optional<NodeId>& leader() const { return leader_; }
  const Generation& generation() const { return hard_state_.generation; }
  Term term() const { return hard_state_.term; }
  const HardState& hard_state() const { return hard_state_; }
  Index commit_index() const { return commit_; }
  // Up to where entries, and up to where the pasts of their cuts, are durable here.
  Index persisted_index() const { return persisted_; }
  Index covered_index() const { return covered_; }
  const Log& log() const { return log_; }
  // The newest configuration in the log, committed or not: the one in force (dissertation 4.1).
  const Configuration& configuration() const { return configurations_.back().configuration; }
  Index configuration_index() const { return configurations_.back().index; }
  bool is_voter() const { return configuration().is_voter(options_.self); }
  // Undamaged, and a voter; or one before a change that is not committed yet: without it, the change might never be
  // (dissertation 4.2.2).
  bool may_campaign() const;
  bool is_damaged() const { return !lost_.empty(); }
  // Its timers are stopped: nothing happens until somebody wants something.
  bool is_silent() const { return silent_; }
  // The newest snapshot that this member can serve or start from.
  const std::optional<SnapshotRecord>& snapshot() const { return snapshot_; }
  // Of another member; null where it has none in this incarnation. Only a leader's tells anything.
  const Progress* progress_of(const Member& member) const;
  bool is_active(const Progress& progress) const;
  bool is_caught_up(const Progress& progress) const;

 private:
  struct ConfigurationAt {
    Index index;
    Configuration configuration;
  };
  struct QueuedRead {  // At the leader: waits for a round of heartbeats.
    Member from;
    RequestId request;
    Index index;
    std::uint64_t round = 0;
  };
  struct OwnRead {  // At whoever was asked: waits for an index, then for its application.
    RequestId request;
    std::optional<Index> index;
  };
  static constexpr Tick never{~std::uint64_t{0}};
  static constexpr Index no_index{~std::uint64_t{0}};  // Greater than every other.

  Raft(Options options, std::uint64_t seed, PersistedState persisted, Tick now);

  // raft.cc: the step and what frames it.
  void on(Ticked event);
  void on(Received event);
  void on(const Persisted& event);
  void on(const CoverageDurable& event);
  bool admit(const Message& message);
  bool admit_generation(const Message& message);
  bool admit_term(const Message& message);
  void send(const Member& to, MessageBody body) { send_in(hard_state_.term, to, std::move(body)); }
  void send_in(Term term, const Member& to, MessageBody body);
  void send_after_persist(const Member& to, MessageBody body);
  Progress* progress_of(const Member& member) {
    return const_cast<Progress*>(std::as_const(*this).progress_of(member));
  }
  const Member* other_leader() const;
  Index vouched() const { return std::min(persisted_, covered_); }
  Index acknowledged() const { return std::min(vouched(), verified_); }

  // The greatest value that a quorum has reached: this member's is `own`, another's `value_of(progress)`.
  template <class ValueOf>
  std::uint64_t reached(std::uint64_t own, ValueOf&& value_of) const {
    return quorum_value(configuration(), [&](const Member& member) -> std::uint64_t {
      if (member == options_.self) return own;
      const Progress* progress = progress_of(member);
      return progress == nullptr ? 0 : value_of(*progress);
    });
  }
  // Whether it holds of a quorum.
  template <class Holds>
  bool quorum(bool own, Holds&& holds) const {
    return reached(own ? 1 : 0, [&](const Progress& progress) { return holds(progress) ? 1 : 0; }) == 1;
  }

  // election.cc
  void restart_election_timer();
  bool hears_leader() const;
  void election_timed_out();
  void become_follower(Term term, const std::optional<NodeId>& leader);
  void note_leader(const Member& leader);
  void campaign(Role as, bool by_transfer);
  void count_votes();
  void become_leader();
  void take_lead();
  void check_quorum();
  void on(const ForgetLeader& event);
  void on(const TransferLeadership& event);
  void on(const Leave& event);
  void try_transfer();
  void end_transfer();
  void receive(const Message& message, const VoteRequest& request);
  void receive(const Message& message, const VoteReply& reply);
  void receive(const Message& message, const TimeoutNow& now);
  void receive(const Message& message, const Leaving& leaving);

  // replication.cc
  void on(Propose event);
  void propose(RequestId request, std::optional<ErrorCode> refused, UnixMs time, std::vector<Draft> drafts);
  void append_own(UnixMs time, std::vector<Draft> drafts);
  UnixMs last_time() const;
  void accept(Entries entries);
  void advance_coverage(Index at_least);
  void send_appends(Progress& progress);
  void send_commit(Progress& progress);
  void acknowledge();
  void maybe_commit();
  void truncate_from(Index begin);
  void advance(Progress& progress, Index match);
  void receive(const Message& message, const Append& append);
  void receive(const Message& message, const AppendReply& reply);

  // heartbeat.cc
  void beat();
  void send_heartbeat(Progress& progress, bool asks, bool silent);
  bool may_be_silent() const;
  void end_silence();
  void on(const WakeUp& event);
  void on(const Connected& event);
  void receive(const Message& message, const Heartbeat& heartbeat);
  void receive(const Message& message, const HeartbeatReply& reply);
  void receive(const Message& message, const Wake& wake);

  // membership.cc
  void on(ProposeConfiguration event);
  std::optional<ErrorCode> refuse_change(const Configuration& next) const;
  void adopt_configuration(const Entry& entry);
  void configuration_committed();
  void track_members();
  const Configuration& configuration_at(Index index) const;
  void on(const FoundGeneration& event);
  void on(const Superseded& event);
  void adopt_generation(const Generation& generation);

  // read_index.cc
  void on(const Read& event);
  void queue_read(const Member& from, RequestId request);
  void serve_reads();
  void finish_reads();
  void refuse_own_reads();
  void receive(const Message& message, const ReadRequest& request);
  void receive(const Message& message, const ReadReply& reply);

  // snapshot.cc
  void on(const SnapshotTaken& event);
  void on(const SnapshotInstalled& event);
  void send_snapshot(Progress& progress);
  void begin_anew();
  void restart_log(const EntryId& base, Configuration configuration);
  void receive(const Message& message, const InstallSnapshot& install);

  // repair.cc
  void on(const Damaged& event);
  void request_repair();
  void check_whole();
  void receive(const Message& message, const RepairRequest& request);
  void receive(const Message& message, const RepairReply& reply);

  Options options_;
  Random random_;
  Tick now_;
  Output* out_ = nullptr;  // During a step.

  // What survives a crash (see PersistedState), and how much of it surely does.
  HardState hard_state_;
  Log log_;
  std::vector<ConfigurationAt> configurations_;  // Of this generation: as of the base, then every one in the log.
  std::optional<SnapshotRecord> snapshot_;
  std::vector<EntryId> lost_;                // Promised, but not in the log (repair.cc).
  std::vector<Entry> stranded_;              // What is intact of them, in index order.
  std::optional<SnapshotRecord> set_aside_;  // Covers some of them: of use again once they are here.
  Term persisted_term_;                      // Of the newest hard state that is durable.
  Index persisted_;                          // Entries up to here are durable.
  Index covered_;                            // The pasts of all cuts up to here are durable.

  // Every member.
  Role role_ = Role::follower;
  std::optional<NodeId> leader_;
  Index commit_;    // Known to be committed, in this generation.
  Index applied_;   // Given out in `apply`.
  Index verified_;  // Agrees with the log of this term's leader.
  Index acked_;     // Of the step under way: what that leader was told.
  bool silent_ = false;
  bool leaving_ = false;
  Tick leader_heard_at_;
  std::optional<SnapshotRecord> installing_;
  std::vector<OwnRead> own_reads_;

  // A leader, or who wants to be one.
  std::vector<Progress> progress_;  // In order of id, without itself.
  std::vector<QueuedRead> reads_;   // In order of their rounds.
  std::optional<NodeId> transfer_to_;
  Index term_start_;         // The first entry of its term.
  std::uint64_t round_ = 0;  // Of heartbeats that want an answer.
  bool woken_ = false;       // From silence: the next beat is for everybody, even those that had not been heard.

  // Timers; `never` where one does not run.
  Tick election_due_ = never;
  Tick heartbeat_due_ = never;
  Tick quorum_check_due_ = never;
  Tick transfer_due_ = never;
  Tick repair_due_ = never;
};

}  // namespace rz::raft
