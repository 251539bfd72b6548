#include "raft/progress.h"

#include <algorithm>

namespace rz::raft {

void InFlight::add(Index last, std::size_t bytes) {
  if (freed_ == sent_.size()) {
    sent_.clear();
    freed_ = 0;
  } else if (freed_ > sent_.size() / 2) {
    sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(freed_));
    freed_ = 0;
  }
  sent_.push_back({last, bytes});
  bytes_ += bytes;
}

void InFlight::free_to(Index index) {
  for (; freed_ < sent_.size() && sent_[freed_].last <= index; ++freed_) bytes_ -= sent_[freed_].bytes;
}

void InFlight::reset() { *this = {}; }

void Progress::probe_from(Index index) {
  mode = Mode::probe;
  paused = false;
  next = std::max(index, match.next());
  in_flight.reset();
}

void Progress::pipeline_from(Index index) {
  mode = Mode::pipeline;
  next = std::max(index, match.next());
  in_flight.reset();
}

}  // namespace rz::raft
