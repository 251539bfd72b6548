#include "net/ping.h"

#include <algorithm>

namespace rz::net {

Bytes PingResponder::receive(ByteView input) {
  append(partial_, input);
  const std::size_t whole = partial_.size() - partial_.size() % ping_bytes;
  const auto end = partial_.begin() + static_cast<std::ptrdiff_t>(whole);
  Bytes answer(partial_.begin(), end);
  partial_.erase(partial_.begin(), end);
  return answer;
}

Bytes PingInitiator::start(Tick now) {
  RZ_REQUIRE(expected_.empty());
  for (std::size_t i = 0; i < ping_bytes; ++i) expected_.push_back(static_cast<std::uint8_t>(random_.next()));
  matched_ = 0;
  started_ = now;
  return expected_;
}

Result<std::optional<Duration>> PingInitiator::receive(Tick now, ByteView input) {
  if (input.empty()) return std::optional<Duration>();
  if (input.size() > expected_.size() - matched_ ||
      !std::equal(input.begin(), input.end(), expected_.begin() + static_cast<std::ptrdiff_t>(matched_))) {
    return fail(ErrorCode::net_stream_reset, "a ping came back altered");
  }
  matched_ += input.size();
  if (matched_ < expected_.size()) return std::optional<Duration>();
  expected_.clear();
  matched_ = 0;
  return std::optional(now - started_);
}

}  // namespace rz::net
