// One stream of a yamux session, as the session keeps it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/bytes.h"
#include "base/tick.h"
#include "net/yamux_frame.h"

namespace rz::net {

// Bytes that come at one end and go at the other, in one piece so that a reader sees them at once. Amortised O(1) a
// byte: the consumed front is cut off only when it is the greater part.
class ReceiveBuffer {
 public:
  ByteView view() const { return ByteView(bytes_).subspan(begin_); }
  std::size_t size() const { return bytes_.size() - begin_; }
  void append(ByteView more) { rz::append(bytes_, more); }
  void consume(std::size_t count);

 private:
  Bytes bytes_;
  std::size_t begin_ = 0;
};

// Chunks that wait to be sent.
class SendQueue {
 public:
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void push(Bytes chunk);
  // Moves the first `count` bytes to the end of `out`. Requires that they are there.
  void pull(Bytes& out, std::size_t count);

 private:
  std::deque<Bytes> chunks_;
  std::size_t begin_ = 0;  // In the first chunk.
  std::size_t size_ = 0;
};

struct YamuxStream {
  StreamId id;
  bool inbound = false;

  // Receiving.
  ReceiveBuffer received;
  std::uint32_t window = yamux_initial_window_bytes;      // The receive window; only grows.
  std::uint32_t receivable = yamux_initial_window_bytes;  // What the peer may still send.
  std::uint32_t consumed = 0;                             // Read, and not yet granted anew.
  std::optional<Tick> granted_at;                         // When the window was last given back.
  bool remote_closed = false;

  // Sending.
  SendQueue queue;
  std::uint32_t sendable = yamux_initial_window_bytes;  // What we may still send.
  bool syn_owed = false;                                // To be put on our next frame.
  bool ack_owed = false;                                // Likewise.
  bool acknowledged = false;                            // The peer answered our SYN.
  bool closing = false;                                 // A FIN follows the queue.
  bool closed = false;                                  // It was sent.
  bool ready = false;                                   // Stands in the session's turn list.
};

}  // namespace rz::net
