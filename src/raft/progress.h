// What a leader, or who wants to be one, knows of another member, and how fast it may send to it (dissertation 3.5,
// 10.2.1).
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "base/tick.h"
#include "raft/wire/types.h"

namespace rz::raft {

// Invariant: match < next.
struct Progress {
  enum class Mode : std::uint8_t {
    probe,     // Where its log agrees is not known: one message at a time.
    pipeline,  // It is: send ahead, as far as the window allows.
    snapshot,  // It needs what is compacted: wait until it has the snapshot.
  };
  enum class Vote : std::uint8_t { missing, granted, refused };
  Member member;
  Mode mode = Mode::probe;
  Vote vote = Vote::missing;  // To a candidate.
  bool paused = false;        // Probe: one is under way.
  bool silent = false;        // It has stopped its timers.
  bool damaged = false;
  bool departing = false;  // No longer in the configuration; still to learn that.
  Index match = {};        // Durable there, pasts and all.
  Index next{1};
  Index commit_sent = {};      // The greatest commit index that it was told.
  Index sent_when_asked = {};  // Last index sent when the newest timed heartbeat went out.
  std::uint64_t round = 0;     // The newest heartbeat round that it answered.
  Tick heard_at = {};
  std::optional<Incarnation> reborn = std::nullopt;
  std::vector<Index> in_flight = {};  // The last entries of appends sent ahead and not acknowledged.

  void restart(Mode in, Index from) {
    mode = in;
    paused = false;
    next = std::max(from, match.next());
    in_flight.clear();
  }
  void acknowledged_to(Index index) {
    in_flight.erase(in_flight.begin(), std::upper_bound(in_flight.begin(), in_flight.end(), index));
  }
};

}  // namespace rz::raft
