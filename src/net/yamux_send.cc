// The session: what goes to the other side.
#include <algorithm>

#include "base/assert.h"
#include "net/yamux.h"

namespace rz::net {

bool Yamux::wants_to_send() const { return !owed_.empty() || !owed_windows_.empty() || !ready_.empty(); }

void Yamux::pull(Bytes& out, std::size_t budget) {
  const std::size_t end = out.size() + budget;
  // A reset never overtakes its own SYN: reset_stream forgets a stream whose SYN was not sent.
  while (out.size() < end && !owed_.empty()) {
    put_yamux_header(out, owed_.front());
    owed_.pop_front();
  }
  while (out.size() < end && !owed_windows_.empty()) {
    const StreamId id = *owed_windows_.begin();
    owed_windows_.erase(owed_windows_.begin());
    put_window_update(id, out);
  }
  while (out.size() < end && !ready_.empty()) {
    const StreamId id = ready_.front();
    ready_.pop_front();
    put_data(id, out);
  }
}

// SYN or ACK, on the first frame that we send in a stream.
std::uint16_t Yamux::first_flags(YamuxStream& stream) {
  std::uint16_t flags = 0;
  if (std::exchange(stream.syn_owed, false)) flags |= flag::syn;
  if (std::exchange(stream.ack_owed, false)) flags |= flag::ack;
  return flags;
}

void Yamux::put_window_update(StreamId id, Bytes& out) {
  auto& stream = streams_.at(id);
  std::uint32_t granted = 0;
  if (!stream.remote_closed) granted = std::exchange(stream.consumed, 0);
  stream.receivable += granted;
  const std::uint16_t flags = first_flags(stream);
  if (granted == 0 && flags == 0) return;
  put_yamux_header(out, {FrameType::window_update, flags, id, granted});
}

void Yamux::put_data(StreamId id, Bytes& out) {
  auto& stream = streams_.at(id);
  stream.ready = false;
  const std::size_t allowed = std::min(limits_.payload_bytes_max, stream.sendable);
  const std::size_t count = std::min(allowed, stream.queue.size());
  const bool fin = stream.closing && count == stream.queue.size();
  std::uint16_t flags = first_flags(stream);
  if (fin) flags |= flag::fin;
  put_yamux_header(out, {FrameType::data, flags, id, static_cast<std::uint32_t>(count)});
  stream.queue.pull(out, count);
  stream.sendable -= static_cast<std::uint32_t>(count);
  if (count > 0) events_.push_back(StreamSent{id});
  if (fin) {
    stream.closed = true;
    drop_if_finished(id);
  } else {
    make_ready(stream);
  }
}

}  // namespace rz::net
