// What members say to each other. A message may be late, repeated, out of order or lost.
//
// Every message names the sender's and the receiver's incarnation, so that an old message to or from a wiped device is
// recognised and dropped (RethinkDB #5289), and the generation, so that two clusters' lives never mix.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "raft/wire/configuration.h"
#include "raft/wire/types.h"

namespace rz::raft {

// State up to and including an entry, named by content (dissertation 5.1). It describes committed state only.
struct SnapshotRecord {
  EntryId last;                 // The last entry that it covers.
  Configuration configuration;  // As of that entry.
  UnixMs time;                  // Of that entry.
  ContentId content;
  friend bool operator==(const SnapshotRecord&, const SnapshotRecord&) = default;
};

// RequestVote (3.4) and its rehearsal, pre-vote (9.6).
struct VoteRequest {
  bool pre = false;
  bool by_transfer = false;  // The leader asked for it (3.10): a voter that hears a leader answers all the same.
  EntryId last;              // The candidate's last entry.
};
struct VoteReply {
  bool pre = false;
  bool granted = false;
};

// AppendEntries with entries, or with none to probe (3.5).
struct Append {
  EntryId prev;  // The entry just before `entries`.
  Index commit;
  Entries entries;
};
struct AppendReply {
  bool rejected = false;
  Index match = {};      // Accepted: durable here up to this index, with all its cuts' pasts. Rejected: 0.
  EntryId hint = {};     // Rejected: an entry of the receiver at or before the conflict.
  Index last_seen = {};  // Accepted: the log agrees up to here, durable or not. Rejected: the index that was probed.
};

// Tells the commit index, keeps elections away, confirms a read round, and proposes silence.
struct Heartbeat {
  Index commit;  // Never beyond what this receiver has acknowledged.
  std::uint64_t round = 0;
  bool wants_reply = false;
  bool silent = false;  // Stop the timers: nothing more will come until somebody wants something.
};
struct HeartbeatReply {
  std::uint64_t round = 0;
  Index match = {};      // As in AppendReply.
  Index agreed = {};     // The log agrees with the leader's up to here, durable or not.
  bool silent = false;   // The receiver has stopped its timers.
  bool damaged = false;  // It neither votes nor leads until repaired.
};

// InstallSnapshot (5.2): only the name; the content is fetched by content, from anybody. Answered by AppendReply.
struct InstallSnapshot {
  SnapshotRecord record;
};

// ReadIndex asked by a follower (6.4). The request id is the follower's own.
struct ReadRequest {
  RequestId request;
};
struct ReadReply {
  RequestId request;
  Index index;
  bool refused = false;  // Not the leader (any more).
};

struct TimeoutNow {};  // Campaign at once (3.10).
struct Wake {};        // To a silent leader: somebody wants something.
struct Leaving {};     // To the leader: I am going to sleep; let the policy demote me.

// Repair of damaged entries from anybody who holds them, by identifier (PAR/CTRL).
struct RepairRequest {
  Index begin;
  Index end;
};
struct RepairReply {
  Entries entries;
};

using MessageBody =
    std::variant<VoteRequest, VoteReply, Append, AppendReply, Heartbeat, HeartbeatReply, InstallSnapshot, ReadRequest,
                 ReadReply, TimeoutNow, Wake, Leaving, RepairRequest, RepairReply>;

// Sent by leaders only.
bool is_leaders(const MessageBody& body);
// Means the same in any term.
bool is_timeless(const MessageBody& body);

struct Message {
  Member from;
  Member to;
  Generation generation;
  Term term;
  MessageBody body;
};

}  // namespace rz::raft
