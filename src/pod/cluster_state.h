// What a device keeps about the order beside Raft itself: which cuts wait for their past, and what is applied.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "log/head_tree.h"
#include "raft/policy/absent_members.h"

namespace rz::pod {

struct ClusterState {
  // Entries in the log whose cut's past must be durable here before they are acknowledged, ascending.
  struct Uncovered {
    raft::Index index;
    raft::Root root;
    log::HeadList heads;
    bool readable = true;  // False: the payload does not match the root; never acknowledged.
    Tick since;
  };
  std::deque<Uncovered> uncovered;
  raft::Index covered;
  std::optional<Tick> asked_at;  // When the missing heads of the first one were asked for.

  // Committed cuts whose heads are not all here yet, in order.
  struct Committed {
    raft::Index index;
    raft::EntryHash hash;
    UnixMs time;
    log::HeadList heads;
    std::size_t streams_here = 0;  // Of `heads`, from the first: those that are here. What is here stays.
  };
  std::deque<Committed> to_apply;
  raft::Index applied;
  raft::EntryHash applied_hash;
  UnixMs applied_time;
  std::map<log::StreamId, std::vector<log::EventId>> heads;         // After the applied cuts.
  std::map<log::StreamId, std::vector<log::EventId>> logged_heads;  // Leader: after all cuts in its log.
  std::set<log::StreamId> dirty;                                    // Streams that may have something to cut.
  std::uint64_t proposals_under_way = 0;
  raft::Index last_proposed;
  std::uint64_t next_request = 1;
  std::optional<Tick> raft_wake;
  std::optional<Tick> order_due;  // Silent follower: when to wake the leader if something is still not in order.
  std::optional<Tick> membership_due;
  Tick membership_busy_until;                 // Until then it is looked at often, although the group is silent.
  std::optional<raft::AbsentMembers> absent;  // Leader.
  std::set<raft::NodeId> leaving;             // Leader: who said that it will sleep, and was not heard to be back.
  std::optional<ErrorCode> refused;           // Why the newest refused proposal was.
  std::uint64_t incarnation = 0;
  bool founding = false;       // While the event of a new generation is written here.
  raft::Index saved;           // The applied state that the store holds.
  bool erasing_saved = false;  // The store may still hold one that is void.
  // Where this device alone decides, order says nothing of a second disk: up to where another member is known to store
  // what is ordered, and which streams a later entry changed.
  raft::Index copied;
  bool alone = false;  // As of the last look.
  std::map<log::StreamId, raft::Index> uncopied;

  // A snapshot that the leader named because the log here ends before its own begins.
  std::optional<raft::SnapshotRecord> install;
  std::optional<Committed> install_state;  // Its content, once it is here.
  Bytes install_bytes;
  std::optional<Tick> install_asked;
};

// [index, hash, time, head list]: the state that a log's start stands for, and that an export has.
Bytes encode_applied(const ClusterState& cluster);
// Strict. Errors: those of the DAG-CBOR reader and of decode_head_list.
Result<ClusterState::Committed> decode_applied(ByteView value);

}  // namespace rz::pod
