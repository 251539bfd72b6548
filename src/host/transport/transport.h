// The transport: authenticated, multiplexed connections between devices, as libp2p makes them (TCP, multistream-select,
// TLS 1.3, yamux; docs/formats/net.md). It knows peers by PeerId and moves frames; what a frame means is the caller's.
//
// Contract:
//   - One thread: everything here is called from the thread that runs the io_context, and calls back on it.
//   - No handler is called from inside a call of yours: always later, from the io_context. You may call anything from
//     inside a handler, destroying the Transport too (not from a destructor that the handler's own frame still needs).
//   - A `Connection` that you are given has proved its PeerId by TLS. Who may stay is your decision: close it.
//   - A dial's callback and an open's callback are called exactly once, unless the Transport is destroyed first.
//   - After ~Transport no handler is called; what you still hold of its connections and streams answers as closed.
//
// Invariants:
//   1. Memory is bounded: a paused stream holds at most its receive window and one frame, a stream's send queue at most
//      `send_queue_bytes_max`, a session at most its share; what exceeds is refused or reset, never queued.
//   2. Bytes from outside end at most the connection that they came by.
//   3. Handlers keep what they capture alive until the stream or connection has told `on_closed`, not longer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/tick.h"
#include "crypto/sign.h"
#include "ipld/multiaddr.h"
#include "net/identify.h"
#include "net/peer_id.h"
#include "net/yamux.h"

namespace boost::asio {
class io_context;
}

namespace rz::host {

class Connection;
class Stream;
using ConnectionPtr = std::shared_ptr<Connection>;
using StreamPtr = std::shared_ptr<Stream>;

struct TransportOptions {
  std::string agent_version = "rhizome/0.1.0";  // What identify tells others.
  std::string protocol_version = "rhizome/1";   // Likewise.
  bool identify_peers = true;                   // Ask each new connection once who it is (Connection::info).

  std::uint32_t inbound_connections_max = 256;  // Handshakes under way included; more are closed unanswered.
  std::uint32_t inbound_per_address_max = 32;   // Per IPv4 address or IPv6 /64.
  std::uint32_t inbound_per_second = 32;        // New connections a second in the long run …
  std::uint32_t inbound_burst = 128;            // … and at once.

  Duration dial_timeout = seconds(10);       // TCP connect.
  Duration handshake_timeout = seconds(10);  // From TCP to a yamux session, both ways.
  Duration stream_timeout = seconds(10);     // Agreeing on a stream's protocol; and for the other side's end
                                             // of a stream that we closed.
  Duration idle_timeout = seconds(0);        // Close a connection this long without streams; 0: never.
  Duration keep_alive = seconds(0);          // Ping a connection this long without traffic; 0: be silent.
  Duration idle_probe = seconds(120);        // The kernels' own check of a quiet connection (docs/decisions/0077).
  Duration probe_timeout = seconds(5);       // An older connection of a peer that dialled anew must answer a
                                             // ping within this, or it is closed as dead.

  std::uint32_t frame_bytes_max = 4u << 20;        // A longer frame resets its stream (in) or is refused (out).
  std::uint32_t send_low_bytes = 256u << 10;       // Below this after having been above `high`: on_writable.
  std::uint32_t send_high_bytes = 1u << 20;        // At or above this Stream::writable() is false.
  std::uint32_t send_queue_bytes_max = 16u << 20;  // A frame that would take the queue over this is refused.

  net::YamuxLimits yamux;
};

// Counters since the start, for metrics.
struct TransportCounters {
  std::uint64_t dialled = 0, accepted = 0, refused = 0, handshakes_failed = 0, closed = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;  // On the wire, TLS included.
};

// One protocol's messages, in order, both ways: unsigned-varint length, then that many bytes. Half-close: after close()
// what the other side still sends is delivered.
class Stream {
 public:
  virtual ~Stream() = default;

  virtual const std::string& protocol() const = 0;
  virtual ConnectionPtr connection() const = 0;  // Null once the transport is gone.
  virtual bool is_open() const = 0;              // Frames can still be sent.

  // Queues a frame. Errors: net_stream_closed, net_frame_too_long, net_send_queue_full (nothing is queued then).
  virtual Status send_frame(ByteView frame) = 0;
  // Bytes not yet handed to the connection. At or above send_high_bytes `writable` is false; then on_writable is called
  // once, when they have fallen below send_low_bytes.
  virtual std::size_t queued_bytes() const = 0;
  virtual bool writable() const = 0;
  virtual void on_writable(std::function<void()> handler) = 0;

  // The view lasts for the call only. Frames that came before a handler was set wait for it.
  virtual void on_frame(std::function<void(ByteView frame)> handler) = 0;
  // Called once: with success when both sides closed (all frames were delivered), else with what ended it.
  virtual void on_closed(std::function<void(Status)> handler) = 0;
  // Called once when the other side will send no more; then, unless you close too, you may go on sending.
  virtual void on_remote_closed(std::function<void()> handler) = 0;

  // A paused stream delivers nothing and, once its window is full, makes the sender wait.
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;

  virtual void close() = 0;  // Ends our side after what is queued.
  virtual void reset() = 0;  // Ends both at once; what is queued is lost.
};

class Connection {
 public:
  virtual ~Connection() = default;

  virtual std::uint64_t id() const = 0;  // Unique within the transport, growing.
  virtual bool is_open() const = 0;
  virtual bool inbound() const = 0;  // They dialled.
  virtual const net::PeerId& remote_peer() const = 0;
  // Null where the peer's key is not Ed25519 (a Kubo with an RSA key, say).
  virtual const std::optional<crypto::PublicKey>& remote_key() const = 0;
  virtual const ipld::Multiaddr& remote_address() const = 0;  // Without /p2p.
  virtual const ipld::Multiaddr& local_address() const = 0;
  virtual std::optional<Duration> rtt() const = 0;  // The smoothed round trip; empty until measured.
  virtual std::uint32_t streams() const = 0;        // Open ones, identify and ping included.
  // What the peer said of itself; empty until identify has answered. Unverified claims, but for the PeerId.
  virtual const std::optional<net::Identify>& info() const = 0;

  // Opens a stream and agrees on the first of `protocols` that the peer speaks. Errors to the callback:
  // net_protocol_refused, net_stream_limit, transport_timeout, transport_closed.
  using OpenCallback = std::function<void(Result<StreamPtr>)>;
  virtual void open_stream(std::vector<std::string> protocols, OpenCallback callback) = 0;
  void open_stream(std::string protocol, OpenCallback callback) {
    open_stream(std::vector<std::string>{std::move(protocol)}, std::move(callback));
  }

  // One /ipfs/ping/1.0.0 round. Errors: as open_stream; net_stream_reset where the answer is not what was sent.
  virtual void ping(std::function<void(Result<Duration>)> callback) = 0;

  // Checks whether the other side is still there: it answers within probe_timeout, or the connection ends.
  virtual void probe() = 0;

  // RFC 8446 section 7.5: equal on both sides, distinct for every connection, label and context. At most 255 bytes.
  // Errors: transport_closed, transport_tls.
  virtual Result<Bytes> export_keying_material(std::string_view label, ByteView context, std::size_t bytes) const = 0;

  // Sends what is queued for at most a second (`reset`: not at all), then ends. Handlers of its streams hear
  // transport_closed.
  virtual void close() = 0;
  virtual void reset() = 0;
};

class Transport {
 public:
  // `key` is the device's; its public half is the PeerId. Errors: transport_tls where OpenSSL can't make a certificate.
  static Result<std::unique_ptr<Transport>> make(boost::asio::io_context& io, const crypto::SigningKey& key,
                                                 TransportOptions options = {});
  virtual ~Transport() = default;

  virtual const net::PeerId& local_peer() const = 0;

  // /ip4/A/tcp/P or /ip6/A/tcp/P; port 0 draws a free one. Returns the address with the port that it got. Errors:
  // transport_bad_address, address_in_use, transport_io (no such address here, not permitted).
  virtual Result<ipld::Multiaddr> listen(const ipld::Multiaddr& address) = 0;
  virtual std::vector<ipld::Multiaddr> listen_addresses() const = 0;
  virtual void stop_listening() = 0;
  // What identify tells others instead of the listen addresses: behind NAT, or listening on 0.0.0.0.
  virtual void announce(std::vector<ipld::Multiaddr> addresses) = 0;

  // /ip4|ip6/A/tcp/P[/p2p/PEER]. Where a peer is expected (by argument or by /p2p) another one is refused with
  // transport_wrong_peer. A connection to that peer that exists is not reused: ask connection_to first. The callback
  // runs before on_connection would; on_connection is called for inbound connections only.
  using DialCallback = std::function<void(Result<ConnectionPtr>)>;
  virtual void dial(const ipld::Multiaddr& address, std::optional<net::PeerId> expected, DialCallback callback) = 0;

  // The connection to use for a peer, null if none. Two devices that dial each other at once get two connections; both
  // work, and both sides prefer the same one: that dialled by the smaller PeerId, and among those the newest. One that
  // is not preferred and has had no streams for ten seconds is closed.
  virtual ConnectionPtr connection_to(const net::PeerId& peer) const = 0;
  virtual std::vector<ConnectionPtr> connections() const = 0;

  virtual void on_connection(std::function<void(const ConnectionPtr&)> handler) = 0;                // Inbound ones.
  virtual void on_closed(std::function<void(const ConnectionPtr&, const Error& why)> handler) = 0;  // All.

  // Inbound streams of `protocol` go to `handler`. Set its on_frame before you return, or frames wait for it. Setting
  // an empty handler ends the offer. /ipfs/id/1.0.0, /ipfs/id/push/1.0.0 and /ipfs/ping/1.0.0 are answered already.
  virtual void handle(std::string protocol, std::function<void(const StreamPtr&)> handler) = 0;

  virtual TransportCounters counters() const = 0;

  // Closes everything; connections get a moment for what is queued. Then destroy.
  virtual void close() = 0;
};

}  // namespace rz::host
