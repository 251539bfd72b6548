// yamux (libp2p/specs, yamux; hashicorp/yamux spec.md): many streams over one connection, each with its own flow
// control. One `Yamux` is one side of one session: bytes in, calls in, events and bytes out; no clock, no socket.
//
// Use: `receive` what came; take `next_event` until it is empty; read by `readable` and `consume`; `pull` what to send
// whenever the connection can take more. Nothing calls back.
//
// Flow control: a stream's receive window starts at 256 KiB, as the protocol fixes, and doubles, up to a cap, whenever
// its reader has taken half of it within two round trips of the last time: then the window, not the reader, is the
// limit, and it converges on the bandwidth-delay product. The round trip is measured by ping at the start and again
// under load; an idle session sends nothing.
//
// Invariants:
//   1. A stream's buffered bytes + what its peer may still send = its window, but for what was consumed and not yet
//      told.
//   2. Memory is bounded by the limits, whatever the peer sends and even if it never reads.
//   3. Bytes of one stream keep their order; streams take turns, frame by frame.
//   4. After an error of `receive` the session is dead; `pull` still gives the go-away that says so.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "base/bytes.h"
#include "base/tick.h"
#include "net/yamux_frame.h"
#include "net/yamux_stream.h"

namespace rz::net {

struct YamuxLimits {
  std::uint32_t inbound_streams_max = 256;          // Opened by the peer; more are refused by a reset.
  std::uint32_t outbound_unacknowledged_max = 256;  // Opened by us and not answered; more can't be opened.
  std::uint32_t window_bytes_max = 16u << 20;       // A window's cap; at least 256 KiB.
  std::uint64_t receive_bytes_max = 64u << 20;      // Of all streams: windows stop growing, then streams are reset.
  std::uint32_t payload_bytes_max = 32u << 10;      // Of a data frame that we send: how long others wait for a turn.
  std::uint32_t control_frames_max = 1024;          // Owed answers (pongs, resets); more is a flood.
};

// What happened, oldest first.
struct StreamOpened {
  StreamId stream;
};  // By the peer.
struct StreamReadable {
  StreamId stream;
};  // There is more to read than there was.
struct StreamRemoteClosed {
  StreamId stream;
};  // The peer will send no more; comes after the bytes.
struct StreamSent {
  StreamId stream;
};  // Some of its queue was pulled.
struct StreamReset {
  StreamId stream;
  ErrorCode why;
};  // By the peer, or by a limit. It is gone.
struct StreamFinished {
  StreamId stream;
};  // Both sides closed, all consumed. It is gone.
struct PongReceived {
  Duration rtt;
};  // A ping of ours came back after `rtt`.
struct GoneAway {
  GoAwayReason reason;
};  // The peer opens nothing more and wants nothing more opened.
using YamuxEvent = std::variant<StreamOpened, StreamReadable, StreamRemoteClosed, StreamSent, StreamReset,
                                StreamFinished, PongReceived, GoneAway>;

class Yamux {
 public:
  enum class Role : std::uint8_t { dialer, listener };  // The connection's; decides who has the odd ids.

  Yamux(Role role, const YamuxLimits& limits);

  // Bytes from the connection, in any pieces. Errors (the session is dead then): net_bad_yamux_*, net_bad_stream_id,
  // net_window_exceeded, net_window_overflow, net_flood; net_session_closed after an error or close. Offsets count from
  // the session's start.
  Status receive(Tick now, ByteView bytes);

  std::optional<YamuxEvent> next_event();

  // Appends frames to `out` until it has grown by at least `budget` bytes or there is nothing more to send: owed
  // answers first, then windows, then data in turns.
  void pull(Bytes& out, std::size_t budget);
  bool wants_to_send() const;

  // Errors: net_stream_limit (too many unacknowledged, or ids used up), net_session_closed (dead or gone away).
  Result<StreamId> open();

  // Queues bytes; the caller bounds the queue (`queued_bytes`). Errors: net_stream_closed.
  Status write(StreamId stream, Bytes bytes);
  std::size_t queued_bytes(StreamId stream) const;  // 0 for a stream that is gone.

  // What waits to be read; lasts until the next non-const call. Empty for a stream that is gone.
  ByteView readable(StreamId stream) const;
  // The reader took so many bytes of `readable`, which opens the window. Requires that they are there.
  void consume(Tick now, StreamId stream, std::size_t bytes);

  void close_stream(StreamId stream);  // Ends our side after what is queued. Nothing if it is gone.
  void reset_stream(StreamId stream);  // Ends both sides at once; no event follows.

  // Tells the peer to open nothing more. Streams go on.
  void go_away(GoAwayReason reason);

  // Measures the round trip: PongReceived follows, if the peer lives. One at a time; a second call does nothing.
  void ping(Tick now);
  std::optional<Tick> ping_sent_at() const { return ping_ ? std::optional(ping_->sent_at) : std::nullopt; }
  std::optional<Duration> rtt() const { return rtt_; }

  bool is_dead() const { return dead_; }
  bool is_gone_away() const { return remote_gone_away_; }
  std::size_t streams() const { return streams_.size(); }
  std::uint64_t buffered_bytes() const { return buffered_; }
  std::uint32_t window_bytes(StreamId stream) const;  // The receive window as grown so far; 0 if it is gone.

  // Aborts where an invariant does not hold: for tests and the simulator.
  void check_state() const;

 private:
  struct Ping {
    std::uint32_t value;
    Tick sent_at;
  };

  Status handle_header(Tick now, const YamuxHeader& header);
  Status handle_stream_frame(const YamuxHeader& header);
  Status handle_syn(const YamuxHeader& header);
  Status handle_window_update(YamuxStream& stream, const YamuxHeader& header);
  Status begin_payload(YamuxStream* stream, const YamuxHeader& header);
  Status handle_ping(Tick now, const YamuxHeader& header);
  Status handle_payload(ByteView bytes);
  void finish_frame(const YamuxHeader& header);
  std::unexpected<Error> die(ErrorCode code, std::string_view why);

  Status owe(const YamuxHeader& frame);
  void grow_window(Tick now, YamuxStream& stream);
  void make_ready(YamuxStream& stream);
  std::uint16_t first_flags(YamuxStream& stream);
  void put_window_update(StreamId id, Bytes& out);
  void put_data(StreamId id, Bytes& out);
  void drop(StreamId id);
  void drop_if_finished(StreamId id);

  const Role role_;
  const YamuxLimits limits_;
  std::map<StreamId, YamuxStream> streams_;
  std::deque<YamuxEvent> events_;
  std::deque<YamuxHeader> owed_;     // Pongs, resets, our ping and go-away, in order.
  std::set<StreamId> owed_windows_;  // Streams with a window update (or SYN, ACK) to send.
  std::deque<StreamId> ready_;       // Streams with data or a FIN that may be sent now, in turn.
  std::uint32_t next_id_;
  std::uint32_t inbound_ = 0;         // Streams opened by the peer.
  std::uint32_t unacknowledged_ = 0;  // Streams opened by us without ACK.
  std::uint64_t buffered_ = 0;        // Received and not consumed, all streams.
  std::uint64_t granted_ = 0;         // The sum of receive windows.
  std::uint64_t offset_ = 0;          // Of the next byte in the session's input.

  Bytes header_;                        // The part of a header that has come.
  std::optional<YamuxHeader> payload_;  // The data frame under way; `length` counts down.
  bool payload_wanted_ = false;         // Its stream exists.

  std::optional<Ping> ping_;
  std::uint32_t next_ping_ = 1;
  std::optional<Duration> rtt_;
  std::optional<Tick> rtt_measured_at_;
  bool dead_ = false;
  bool remote_gone_away_ = false;
  bool gone_away_ = false;
};

}  // namespace rz::net
