// A stream over a yamux session: agrees on the protocol, then cuts frames (or, for ping, hands out raw bytes).
// Internal.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/transport/core.h"
#include "net/framing.h"
#include "net/multistream.h"

namespace rz::host {

class StreamImpl final : public Stream, public std::enable_shared_from_this<StreamImpl> {
 public:
  using OpenCallback = std::function<void(Result<std::shared_ptr<StreamImpl>>)>;

  // The side that opened it proposes `protocols`; the other (by the second) answers.
  StreamImpl(const std::shared_ptr<ConnectionImpl>& connection, net::StreamId id, std::vector<std::string> protocols,
             OpenCallback callback);
  StreamImpl(const std::shared_ptr<ConnectionImpl>& connection, net::StreamId id);
  void start();  // Once it is owned by a shared_ptr.

  const std::string& protocol() const override { return protocol_; }
  ConnectionPtr connection() const override;
  bool is_open() const override;
  Status send_frame(ByteView frame) override;
  std::size_t queued_bytes() const override;
  bool writable() const override;
  void on_writable(std::function<void()> handler) override { writable_handler_ = make_handler(std::move(handler)); }
  void on_frame(std::function<void(ByteView)> handler) override;
  void on_closed(std::function<void(Status)> handler) override { closed_handler_ = make_handler(std::move(handler)); }
  void on_remote_closed(std::function<void()> handler) override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  void close() override;
  void reset() override;

  // For the transport's own protocols.
  void set_frame_bytes_max(std::size_t bytes) { reader_ = net::FrameReader(bytes); }
  void on_bytes(std::function<void(ByteView)> handler);
  Status send_bytes(ByteView bytes);

  // From the connection, as its session tells.
  void readable();
  void remote_closed();
  void sent();
  void abandon();  // The transport is gone: no handler hears of it.
  // It is gone from the session. The last call.
  void ended(Status why);

 private:
  enum class Stage : std::uint8_t { negotiating, open, ended };

  void negotiate(ConnectionImpl& connection);
  Status propose(ByteView& input);
  Status answer(ByteView& input);
  void agreed(std::string protocol);
  void deliver(ConnectionImpl& connection);
  bool deliver_some(ConnectionImpl& connection);
  void deliver_later();
  void fail(const Error& why);  // Resets it in the session, then `ended`.
  void send_negotiation(ConnectionImpl& connection);
  void arm_timeout(Duration delay, std::string_view what);
  void disarm();

  std::weak_ptr<ConnectionImpl> connection_;
  net::StreamId id_;
  Stage stage_ = Stage::negotiating;
  std::optional<net::MultistreamDialer> dialer_;
  std::optional<net::MultistreamListener> listener_;
  OpenCallback open_callback_;
  std::string protocol_;
  net::FrameReader reader_;
  Handler<ByteView> frame_handler_;
  Handler<ByteView> bytes_handler_;
  Handler<> writable_handler_;
  Handler<Status> closed_handler_;
  Handler<> remote_closed_handler_;
  TimerId timeout_;
  bool paused_ = false;
  bool closing_ = false;             // We send no more.
  bool above_high_ = false;          // The queue reached send_high_bytes and has not fallen below send_low_bytes.
  bool remote_closed_ = false;       // They send no more …
  bool remote_closed_told_ = false;  // … and the handler has heard.
  bool deliver_posted_ = false;
  bool delivering_ = false;          // A view of the session's buffer is with a handler.
  std::optional<Error> fail_after_;  // Reset from inside that handler.
};

}  // namespace rz::host
