// A connection: a link, a secure channel over it, a yamux session over that, and the session's streams. Internal.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/transport/core.h"
#include "host/transport/link.h"
#include "host/transport/secure_channel.h"
#include "host/transport/stream_impl.h"
#include "net/yamux.h"

namespace rz::host {

class ConnectionImpl final : public Connection, public std::enable_shared_from_this<ConnectionImpl> {
 public:
  using DialCallback = std::function<void(Result<ConnectionPtr>)>;

  // `dialled`: empty for an inbound one.
  ConnectionImpl(std::shared_ptr<Core> core, LinkPtr link, std::optional<net::PeerId> expected, DialCallback dialled);
  void start(std::function<void()> released);  // `released` runs once, when it has ended.

  std::uint64_t id() const override { return id_; }
  bool is_open() const override { return stage_ == Stage::open; }
  bool inbound() const override { return inbound_; }
  const net::PeerId& remote_peer() const override { return remote_peer_; }
  const std::optional<crypto::PublicKey>& remote_key() const override { return remote_key_; }
  const ipld::Multiaddr& remote_address() const override { return remote_address_; }
  const ipld::Multiaddr& local_address() const override { return local_address_; }
  std::optional<Duration> rtt() const override { return session_ ? session_->rtt() : std::nullopt; }
  std::uint32_t streams() const override { return static_cast<std::uint32_t>(streams_.size()); }
  const std::optional<net::Identify>& info() const override { return info_; }
  using Connection::open_stream;
  void open_stream(std::vector<std::string> protocols, OpenCallback callback) override;
  void ping(std::function<void(Result<Duration>)> callback) override;
  void probe() override;
  Result<Bytes> export_keying_material(std::string_view label, ByteView context, std::size_t bytes) const override;
  void close() override;
  void reset() override;

  // For streams and the transport's own protocols.
  Core* core() const { return core_.get(); }  // Null once ended.
  net::Yamux& session() { return *session_; }
  void open_internal(std::vector<std::string> protocols, StreamImpl::OpenCallback callback);
  void flush_soon();
  void forget_stream(net::StreamId stream);
  void set_info(net::Identify info) { info_ = std::move(info); }
  void abandon();  // The transport is gone: no handler hears of it.
  Tick idle_since() const { return idle_since_; }

 private:
  enum class Stage : std::uint8_t { handshake, open, closing, ended };

  void received(ByteView bytes);
  void establish();
  void receive_session(ByteView bytes);
  void process_events();
  void handle_event(const net::YamuxEvent& event);
  void flush();
  void closing_flushed();
  void failed(const Error& why);  // Says why to the other side if it can, then ends.
  void end(const Error& why);     // At once; handlers hear of it from the io_context.
  void finish(const Error& why);
  void arm_watch();
  void watch();
  void cancel_timers();

  std::shared_ptr<Core> core_;
  LinkPtr link_;
  const std::uint64_t id_;
  const bool inbound_;
  Stage stage_ = Stage::handshake;
  bool was_established_ = false;
  DialCallback dialled_;
  std::function<void()> released_;
  net::PeerId remote_peer_;
  std::optional<crypto::PublicKey> remote_key_;
  const ipld::Multiaddr remote_address_;
  const ipld::Multiaddr local_address_;
  SecureChannel channel_;
  std::unique_ptr<net::Yamux> session_;
  std::map<net::StreamId, std::shared_ptr<StreamImpl>> streams_;
  std::optional<net::Identify> info_;
  std::optional<Error> close_reason_;  // Why it is closing, where that is a failure.
  Bytes session_in_;                   // Scratch.
  Bytes session_out_;                  // Scratch.
  Tick active_at_;                     // When bytes came last.
  Tick idle_since_;                    // When the last stream went.
  TimerId handshake_timer_;
  TimerId probe_timer_;
  TimerId close_timer_;
  TimerId watch_timer_;
  bool flush_posted_ = false;
  bool sending_ended_ = false;
};

}  // namespace rz::host
