// The session: calls from this side. What comes from the other is in yamux_receive.cc, what goes there in
// yamux_send.cc.
#include "net/yamux.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::net {

namespace {

constexpr std::uint32_t stream_id_max = 0xffffffff - 1;

// Under load the round trip is measured anew after this long.
constexpr Duration rtt_valid_for = seconds(10);

}  // namespace

Yamux::Yamux(Role role, const YamuxLimits& limits)
    : role_(role), limits_(limits), next_id_(role == Role::dialer ? 1 : 2) {
  RZ_REQUIRE(limits.window_bytes_max >= yamux_initial_window_bytes);
  RZ_REQUIRE(limits.payload_bytes_max > 0);
}

std::optional<YamuxEvent> Yamux::next_event() {
  if (events_.empty()) return std::nullopt;
  auto event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Result<StreamId> Yamux::open() {
  if (dead_ || remote_gone_away_ || gone_away_) return fail(ErrorCode::net_session_closed, "no stream can be opened");
  if (unacknowledged_ >= limits_.outbound_unacknowledged_max) {
    return fail(ErrorCode::net_stream_limit, words(unacknowledged_, " streams wait to be taken"));
  }
  if (next_id_ >= stream_id_max - 1) return fail(ErrorCode::net_stream_limit, "all stream ids are used up");
  const StreamId id{next_id_};
  next_id_ += 2;
  auto& stream = streams_[id];
  stream.id = id;
  stream.syn_owed = true;
  ++unacknowledged_;
  granted_ += stream.window;
  owed_windows_.insert(id);
  return id;
}

Status Yamux::write(StreamId id, Bytes bytes) {
  const auto found = streams_.find(id);
  if (dead_ || found == streams_.end() || found->second.closing) {
    return fail(ErrorCode::net_stream_closed, words("stream ", id.value, " takes no more"));
  }
  found->second.queue.push(std::move(bytes));
  make_ready(found->second);
  return {};
}

std::size_t Yamux::queued_bytes(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? 0 : found->second.queue.size();
}

ByteView Yamux::readable(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? ByteView() : found->second.received.view();
}

std::uint32_t Yamux::window_bytes(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? 0 : found->second.window;
}

void Yamux::consume(Tick now, StreamId id, std::size_t bytes) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) {
    RZ_REQUIRE(bytes == 0);
    return;
  }
  auto& stream = found->second;
  stream.received.consume(bytes);
  buffered_ -= bytes;
  stream.consumed += static_cast<std::uint32_t>(bytes);
  // Giving back in halves keeps the peer sending without a frame for every read.
  if (!stream.remote_closed && stream.consumed >= stream.window / 2) {
    grow_window(now, stream);
    owed_windows_.insert(id);
  }
  drop_if_finished(id);
}

// Called when half a window was consumed since the last time (at least). If that took less than two round trips, the
// peer could have sent more than the window let it.
void Yamux::grow_window(Tick now, YamuxStream& stream) {
  const auto last = std::exchange(stream.granted_at, now);
  if (!rtt_measured_at_ || now - *rtt_measured_at_ >= rtt_valid_for) ping(now);
  if (!last || !rtt_ || now - *last > *rtt_ * 2) return;
  const std::uint32_t wanted =
      stream.window <= limits_.window_bytes_max / 2 ? stream.window * 2 : limits_.window_bytes_max;
  const std::uint32_t more = wanted - stream.window;
  if (more == 0 || granted_ + more > limits_.receive_bytes_max) return;
  stream.window = wanted;
  stream.consumed += more;  // Granted with what was read.
  granted_ += more;
}

void Yamux::close_stream(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second.closing) return;
  found->second.closing = true;
  make_ready(found->second);
}

void Yamux::reset_stream(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  // A stream whose SYN was never sent is unknown to the peer: there is nothing to reset.
  if (!found->second.syn_owed && !dead_) owed_.push_back({FrameType::window_update, flag::rst, id, 0});
  drop(id);
}

void Yamux::go_away(GoAwayReason reason) {
  if (gone_away_) return;
  gone_away_ = true;
  owed_.push_back({FrameType::go_away, 0, {}, static_cast<std::uint32_t>(reason)});
}

void Yamux::ping(Tick now) {
  if (ping_ || dead_) return;
  ping_ = Ping{next_ping_++, now};
  owed_.push_back({FrameType::ping, flag::syn, {}, ping_->value});
}

// A stream stands in the turn list while it has something that may be sent: bytes and a window for them, or a FIN.
void Yamux::make_ready(YamuxStream& stream) {
  if (stream.ready) return;
  const bool bytes = !stream.queue.empty() && stream.sendable > 0;
  const bool fin = stream.closing && !stream.closed && stream.queue.empty();
  if (!bytes && !fin) return;
  stream.ready = true;
  ready_.push_back(stream.id);
}

void Yamux::drop(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const auto& stream = found->second;
  buffered_ -= stream.received.size();
  granted_ -= stream.window;
  if (stream.inbound) {
    --inbound_;
  } else if (!stream.acknowledged) {
    --unacknowledged_;
  }
  owed_windows_.erase(id);
  std::erase(ready_, id);
  streams_.erase(found);
}

void Yamux::drop_if_finished(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const auto& stream = found->second;
  if (!stream.closed || !stream.remote_closed || stream.received.size() > 0) return;
  drop(id);
  events_.push_back(StreamFinished{id});
}

void Yamux::check_state() const {
  std::uint64_t buffered = 0;
  std::uint64_t granted = 0;
  std::uint32_t inbound = 0;
  std::uint32_t unacknowledged = 0;
  for (const auto& [id, stream] : streams_) {
    RZ_ASSERT(stream.id == id);
    const bool arriving = payload_ && payload_wanted_ && payload_->stream == id;
    const std::uint64_t held =
        stream.received.size() + stream.receivable + stream.consumed + (arriving ? payload_->length : 0);
    RZ_ASSERT_CMP(held, ==, stream.window);
    buffered += stream.received.size();
    granted += stream.window;
    inbound += stream.inbound ? 1 : 0;
    unacknowledged += !stream.inbound && !stream.acknowledged ? 1 : 0;
    RZ_ASSERT(!stream.closed || stream.queue.empty());
    RZ_ASSERT(stream.ready == (std::ranges::find(ready_, id) != ready_.end()));
  }
  RZ_ASSERT_CMP(buffered, ==, buffered_);
  RZ_ASSERT_CMP(granted, ==, granted_);
  RZ_ASSERT_CMP(inbound, ==, inbound_);
  RZ_ASSERT_CMP(unacknowledged, ==, unacknowledged_);
  RZ_ASSERT_CMP(inbound_, <=, limits_.inbound_streams_max);
  for (const StreamId id : owed_windows_) RZ_ASSERT(streams_.contains(id));
}

}  // namespace rz::net
