// What a host exchanges with a member of consensus: what it was, what happened, and what to do about it.
//
// An Input is one thing that happened; an Output lists effects in the order in which the host carries them out. See
// raft.h for the contract of both.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/tick.h"
#include "raft/wire/persisted.h"

namespace rz::raft {

struct Options {
  Member self;
  Duration heartbeat_interval = milliseconds(100);
  Duration election_timeout = milliseconds(1000);  // At least; each wait is drawn from [1, 2) of it.
  std::size_t append_bytes_max = 256 * 1024;       // Entries a message, by cost; always at least one entry.
  std::size_t in_flight_messages_max = 64;         // Unacknowledged appends a follower.
  std::size_t in_flight_bytes_max = 4 * 1024 * 1024;
  std::size_t uncommitted_bytes_max = 16 * 1024 * 1024;  // Beyond, a leader refuses proposals.
  std::uint64_t caught_up_entries = 64;                  // A learner this near the end of the log may be promoted.
};

// --- What happened -----------------------------------------------------------------------------------------------

struct Ticked {};  // Time moved; `now` says how far.
struct Received {
  Message message;
};
// The fields of the output that carried this receipt, and of all earlier ones, survive a crash from now on.
struct Persisted {
  std::uint64_t generation = 0;
  Term term;
  EntryId last;
};
// The pasts of all cuts up to `index` are durable here, and their payloads match their roots.
struct CoverageDurable {
  Index index;
};
struct Draft {
  EntryKind kind = EntryKind::cut;  // Or pod_snapshot.
  Root root;
  Payload payload;
};
Draft draft_of(const Configuration& configuration);
struct Propose {
  RequestId request;
  UnixMs time;  // The proposer's wall clock; raised to the time of the entry before.
  std::vector<Draft> drafts;
};
// Change to these voters and learners, by joint consensus, any number at once. A voter to be must be a learner that
// has caught up, or a voter already. Entered and left by itself.
struct ProposeConfiguration {
  RequestId request;
  UnixMs time;
  std::vector<Member> voters;
  std::vector<Member> learners;
};
// Ask for an index at which a read is linearisable. Works on any member.
struct Read {
  RequestId request;
};
struct TransferLeadership {
  std::optional<NodeId> to;  // None: the voter that is furthest.
};
struct WakeUp {};        // This member has something to be ordered: end the silence.
struct Leave {};         // This device is about to sleep or go: hand over leadership, tell the leader.
struct ForgetLeader {};  // Stop waiting for the leader that is known to be gone; votes may be granted at once.
struct Connected {       // A link to the member came up: probe it.
  NodeId node;
};
// The store found entries unreadable, or an identifier without its entry: [first, end of log].
struct Damaged {
  Index first;
};
// The application's state up to `index`, which it has applied, is durable under `content`. Entries up to `compact_to`
// (at most `index`) may go.
struct SnapshotTaken {
  Index index;
  ContentId content;
  Index compact_to;
};
// The snapshot of an earlier Output::install is here, durable, with the pasts of all its cuts.
struct SnapshotInstalled {
  SnapshotRecord record;
};
// The owner's explicit act: start a generation, with this device as its one voter. Number 1 founds a pod.
struct FoundGeneration {
  Generation generation;
  UnixMs time;
};

// Another generation is known to have won: leave this one, and learn from its members who votes in it.
struct Superseded {
  Generation generation;
};

using Input = std::variant<Ticked, Received, Persisted, CoverageDurable, Propose, ProposeConfiguration, Read,
                           TransferLeadership, WakeUp, Leave, ForgetLeader, Connected, Damaged, SnapshotTaken,
                           SnapshotInstalled, FoundGeneration, Superseded>;

// --- What to do --------------------------------------------------------------------------------------------------

enum class Role : std::uint8_t { follower, pre_candidate, candidate, leader };

// Taken into the leader's log at [first, last], which does not mean committed: watch `apply` for the same term and
// index. Or refused, and surely without effect: `refused` says why (not_leader, transferring, ...).
struct ProposeOutcome {
  RequestId request;
  std::optional<ErrorCode> refused = std::nullopt;
  Index first = {};
  Index last = {};
  Term term = {};
};

// Everything up to `index` is in this or an earlier output's `apply`; a read of that state is linearisable. Or refused:
// ask again.
struct ReadOutcome {
  RequestId request;
  bool refused = false;
  Index index;
};

// Carry out in field order.
struct Output {
  std::optional<HardState> hard_state;      // Persist.
  std::optional<LogStart> start;            // Persist.
  std::vector<Entries> append;              // Persist; the first entry replaces all at or after it.
  std::optional<SnapshotRecord> snapshot;   // Persist: the newest snapshot, to start from and to serve.
  std::optional<SnapshotRecord> install;    // Fetch the content by name, from any member; then step SnapshotInstalled.
  std::optional<Persisted> receipt;         // Step back once all of the above is durable.
  std::vector<Message> send;                // Send at once: a loss costs time, never safety.
  std::vector<Message> send_after_persist;  // Send when the fields above are durable, of earlier outputs too.
  // Another generation won. Entries after this one that were applied are void: refold from it.
  std::optional<Index> void_after;
  std::optional<SnapshotRecord> reset_to;  // The applied state is now that of this snapshot, just installed.
  std::vector<Entries> apply;  // Committed and durable here: in index order, each index once. A cut may come
                               // before its past is here.
  std::vector<ReadOutcome> reads;
  std::vector<ProposeOutcome> proposals;
  std::vector<Member> leaving;  // Members that asked to be demoted (leader only).
  std::optional<Tick> wake_at;  // Step with Ticked at this tick or soon after.

  void clear();
};

}  // namespace rz::raft
