// What a leader knows of one member, and how fast it may send to it (dissertation 3.5, 10.2.1).
#pragma once

#include <optional>
#include <vector>

#include "base/tick.h"
#include "raft/wire/types.h"

namespace rz::raft {

// Appends sent and not acknowledged: a window of messages and of bytes. Keeps its memory while busy, frees it when
// idle.
class InFlight {
 public:
  void add(Index last, std::size_t bytes);
  // All up to `index` have arrived.
  void free_to(Index index);
  void reset();
  bool fits(std::size_t messages_max, std::size_t bytes_max) const {
    return sent_.size() - freed_ < messages_max && bytes_ < bytes_max;
  }

 private:
  struct Sent {
    Index last;
    std::size_t bytes = 0;
  };
  std::vector<Sent> sent_;
  std::size_t freed_ = 0;  // How many at the front of sent_ have arrived.
  std::size_t bytes_ = 0;
};

// Invariant: match < next.
struct Progress {
  enum class Mode : std::uint8_t {
    probe,     // Where its log agrees is not known: one message at a time.
    pipeline,  // It is: send ahead, as far as the window allows.
    snapshot,  // It needs what is compacted: wait until it has the snapshot.
  };

  Member member;
  Mode mode = Mode::probe;
  bool paused = false;  // Probe: one is under way.
  bool silent = false;  // It has stopped its timers.
  bool damaged = false;
  bool departing = false;  // No longer in the configuration; still to learn that.
  bool asked = false;      // A timed heartbeat is unanswered.
  Index match = {};        // Durable there, pasts and all.
  Index next{1};
  Index commit_sent = {};      // The greatest commit index that it was told.
  Index sent_when_asked = {};  // Last index sent when the newest timed heartbeat went out.
  std::uint64_t round = 0;     // The newest heartbeat round that it answered.
  Tick heard_at = {};
  std::optional<Incarnation> reborn = std::nullopt;
  InFlight in_flight = {};

  void probe_from(Index index);
  void pipeline_from(Index index);
};

}  // namespace rz::raft
