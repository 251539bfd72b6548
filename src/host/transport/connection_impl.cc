#include "host/transport/connection_impl.h"

#include <algorithm>

#include "base/assert.h"
#include "host/transport/services.h"

namespace rz::host {

namespace {

constexpr std::size_t flush_bytes = 64 * 1024;  // What TCP is given at a time: the rest stays in the streams' queues.
constexpr Duration close_within = seconds(1);

const Error closed_here{ErrorCode::transport_closed, "closed here"};

}  // namespace

ConnectionImpl::ConnectionImpl(std::shared_ptr<Core> core, LinkPtr link, std::optional<net::PeerId> expected,
                               DialCallback dialled)
    : core_(std::move(core)),
      link_(std::move(link)),
      id_(core_->next_connection_id++),
      inbound_(!dialled),
      dialled_(std::move(dialled)),
      remote_address_(link_->remote_address()),
      local_address_(link_->local_address()),
      channel_(*core_->tls, !inbound_, std::move(expected)) {}

void ConnectionImpl::start(std::function<void()> released) {
  released_ = std::move(released);
  core_->connections.emplace(id_, shared_from_this());
  const auto weak = weak_from_this();
  handshake_timer_ = core_->scheduler->after(core_->options.handshake_timeout, [weak] {
    if (const auto self = weak.lock()) self->end({ErrorCode::transport_timeout, "the handshake took too long"});
  });
  active_at_ = idle_since_ = core_->scheduler->now();
  Link::Handlers handlers;
  handlers.received = [weak](ByteView bytes) {
    if (const auto self = weak.lock()) self->received(bytes);
  };
  handlers.sent = [weak] {
    if (const auto self = weak.lock()) self->flush();
  };
  handlers.ended = [weak](const Error& why) {
    const auto self = weak.lock();
    if (self) self->end(self->close_reason_.value_or(why));
  };
  link_->start(std::move(handlers));
  flush_soon();
}

// ---- What comes.

void ConnectionImpl::received(ByteView bytes) {
  if (stage_ == Stage::ended) return;
  const auto self = shared_from_this();
  core_->counters.bytes_in += bytes.size();
  active_at_ = core_->scheduler->now();
  session_in_.clear();
  const auto status = channel_.receive(bytes, session_in_);
  if (stage_ == Stage::handshake && channel_.is_ready()) establish();
  // What was decrypted before an error is genuine.
  if (session_ && !session_in_.empty() && stage_ != Stage::ended) receive_session(session_in_);
  if (stage_ == Stage::ended) return;
  if (!status) return failed(status.error());
  if (channel_.has_ended()) return failed({ErrorCode::transport_closed, "the other side ended it"});
  flush_soon();
}

void ConnectionImpl::establish() {
  if (channel_.remote().peer == core_->local_peer) {
    return failed({ErrorCode::transport_wrong_peer, "that is this device itself"});
  }
  core_->scheduler->cancel(handshake_timer_);
  remote_peer_ = channel_.remote().peer;
  remote_key_ = channel_.remote().key.ed25519();
  using Role = net::Yamux::Role;
  session_ = std::make_unique<net::Yamux>(inbound_ ? Role::listener : Role::dialer, core_->options.yamux);
  session_->ping(active_at_);  // The first round trip: windows can grow from the start.
  stage_ = Stage::open;
  was_established_ = true;
  const auto core = core_;
  if (const auto callback = std::exchange(dialled_, nullptr)) callback(shared_from_this());
  if (core->scheduler && stage_ == Stage::open) core->established(shared_from_this());
  if (stage_ == Stage::open && core->scheduler) arm_watch();
}

void ConnectionImpl::receive_session(ByteView bytes) {
  const auto status = session_->receive(active_at_, bytes);
  if (stage_ == Stage::open) process_events();
  if (!status && stage_ == Stage::open) failed(status.error());
}

void ConnectionImpl::process_events() {
  while (stage_ == Stage::open) {
    const auto event = session_->next_event();
    if (!event) return;
    handle_event(*event);
  }
}

void ConnectionImpl::handle_event(const net::YamuxEvent& event) {
  if (const auto* opened = std::get_if<net::StreamOpened>(&event)) {
    const auto stream = std::make_shared<StreamImpl>(shared_from_this(), opened->stream);
    streams_.emplace(opened->stream, stream);
    return stream->start();
  }
  if (std::holds_alternative<net::PongReceived>(event)) return core_->scheduler->cancel(probe_timer_);
  if (std::holds_alternative<net::GoneAway>(event)) return;  // Its streams go on; it ends the connection itself.
  const auto stream_of = [this](net::StreamId id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second;
  };
  if (const auto* readable = std::get_if<net::StreamReadable>(&event)) {
    if (const auto stream = stream_of(readable->stream)) stream->readable();
  } else if (const auto* remote_closed = std::get_if<net::StreamRemoteClosed>(&event)) {
    if (const auto stream = stream_of(remote_closed->stream)) stream->remote_closed();
  } else if (const auto* sent = std::get_if<net::StreamSent>(&event)) {
    if (const auto stream = stream_of(sent->stream)) stream->sent();
  } else if (const auto* reset = std::get_if<net::StreamReset>(&event)) {
    const auto stream = stream_of(reset->stream);
    forget_stream(reset->stream);
    if (stream) stream->ended(fail(reset->why, "the stream was reset"));
  } else if (const auto* finished = std::get_if<net::StreamFinished>(&event)) {
    const auto stream = stream_of(finished->stream);
    forget_stream(finished->stream);
    if (stream) stream->ended({});
  }
}

// ---- What goes.

void ConnectionImpl::flush_soon() {
  if (!core_ || std::exchange(flush_posted_, true)) return;
  core_->scheduler->post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->flush_posted_ = false;
    self->flush();
  });
}

void ConnectionImpl::flush() {
  const auto self = shared_from_this();
  if (session_) process_events();
  if (stage_ == Stage::ended || !link_ || link_->is_sending()) return;
  if (session_) {
    session_out_.clear();
    session_->pull(session_out_, flush_bytes);
    if (auto status = channel_.send(session_out_); !status) return end(close_reason_.value_or(status.error()));
  }
  Bytes out;
  channel_.take_output(out);
  if (out.empty()) {
    if (stage_ == Stage::closing) closing_flushed();
    return;
  }
  core_->counters.bytes_out += out.size();
  link_->send(std::move(out));
  if (session_) process_events();
}

// ---- The end.

void ConnectionImpl::close() {
  if (stage_ == Stage::closing) return;
  if (stage_ != Stage::open) return reset();
  stage_ = Stage::closing;
  session_->go_away(net::GoAwayReason::normal);
  const auto weak = weak_from_this();
  close_timer_ = core_->scheduler->after(close_within, [weak] {
    if (const auto self = weak.lock()) self->end(self->close_reason_.value_or(closed_here));
  });
  flush_soon();
}

void ConnectionImpl::reset() {
  if (stage_ != Stage::ended && core_) end(closed_here);
}

void ConnectionImpl::failed(const Error& why) {
  if (stage_ == Stage::ended) return;
  if (stage_ == Stage::closing) return end(close_reason_.value_or(closed_here));
  stage_ = Stage::closing;
  close_reason_ = why;
  const auto weak = weak_from_this();
  close_timer_ = core_->scheduler->after(close_within, [weak] {
    if (const auto self = weak.lock()) self->end(*self->close_reason_);
  });
  flush_soon();
}

// Everything is out. A failure ends it here; a close waits for the other side's end, lest TCP throw away what the
// other side has not read yet.
void ConnectionImpl::closing_flushed() {
  const bool queued =
      std::ranges::any_of(streams_, [this](const auto& entry) { return session_->queued_bytes(entry.first) > 0; });
  if (close_reason_) return end(*close_reason_);
  if (queued || sending_ended_) return;
  sending_ended_ = true;
  channel_.close();
  Bytes out;
  channel_.take_output(out);
  if (out.empty()) return link_->end_sending();
  link_->send(std::move(out));  // Then `flush` comes here again, and `ended` when the other side is done.
}

void ConnectionImpl::end(const Error& why) {
  if (stage_ == Stage::ended) return;
  stage_ = Stage::ended;
  cancel_timers();
  std::exchange(link_, nullptr)->close();
  core_->scheduler->post([self = shared_from_this(), why] { self->finish(why); });
}

void ConnectionImpl::finish(const Error& why) {
  if (!core_) return;
  const auto core = core_;
  const auto self = shared_from_this();
  const auto streams = std::exchange(streams_, {});
  const Error closed{ErrorCode::transport_closed,
                     why.code == ErrorCode::transport_closed ? why.message : why.to_string()};
  for (const auto& [id, stream] : streams) {
    stream->ended(std::unexpected(closed));
    if (!core->scheduler) return;  // The handler destroyed the transport.
  }
  core_.reset();
  core->connections.erase(id_);
  if (const auto released = std::exchange(released_, nullptr)) released();
  if (const auto callback = std::exchange(dialled_, nullptr)) callback(std::unexpected(why));
  if (core->scheduler) core->ended(self, was_established_, why);
}

void ConnectionImpl::abandon() {
  if (stage_ != Stage::ended) cancel_timers();
  stage_ = Stage::ended;
  if (link_) std::exchange(link_, nullptr)->close();
  // Streams that users hold answer as closed; what their handlers hold is let go.
  dialled_ = nullptr;
  released_ = nullptr;
  core_.reset();
  const auto streams = std::exchange(streams_, {});
  for (const auto& [id, stream] : streams) stream->abandon();
}

void ConnectionImpl::cancel_timers() {
  for (TimerId* timer : {&handshake_timer_, &probe_timer_, &close_timer_, &watch_timer_}) {
    core_->scheduler->cancel(*timer);
  }
}

// ---- Streams.

void ConnectionImpl::open_internal(std::vector<std::string> protocols, StreamImpl::OpenCallback callback) {
  const auto refuse = [&](Error why) {
    if (!core_) return;
    core_->scheduler->post([callback = std::move(callback), why] { callback(std::unexpected(why)); });
  };
  if (stage_ != Stage::open) return refuse({ErrorCode::transport_closed, "the connection is closed"});
  if (protocols.empty()) return refuse({ErrorCode::bad_argument, "no protocol to propose"});
  for (const auto& protocol : protocols) {
    if (protocol.empty() || protocol.size() >= net::multistream_bytes_max) {
      return refuse({ErrorCode::bad_argument, "no name for a protocol"});
    }
  }
  const auto id = session_->open();
  if (!id) return refuse(id.error());
  const auto stream = std::make_shared<StreamImpl>(shared_from_this(), *id, std::move(protocols), std::move(callback));
  streams_.emplace(*id, stream);
  stream->start();
}

void ConnectionImpl::open_stream(std::vector<std::string> protocols, OpenCallback callback) {
  open_internal(std::move(protocols), [callback = std::move(callback)](Result<std::shared_ptr<StreamImpl>> stream) {
    if (!stream) return callback(std::unexpected(std::move(stream).error()));
    callback(StreamPtr(*std::move(stream)));
  });
}

void ConnectionImpl::forget_stream(net::StreamId stream) {
  streams_.erase(stream);
  if (streams_.empty() && core_) idle_since_ = core_->scheduler->now();
}

void ConnectionImpl::ping(std::function<void(Result<Duration>)> callback) {
  ping_once(shared_from_this(), std::move(callback));
}

Result<Bytes> ConnectionImpl::export_keying_material(std::string_view label, ByteView context,
                                                     std::size_t bytes) const {
  if (!was_established_ || stage_ == Stage::ended) return fail(ErrorCode::transport_closed, "the connection is closed");
  return channel_.tls().export_keying_material(label, context, bytes);
}

// ---- Is it alive, is it used?

void ConnectionImpl::probe() {
  if (stage_ != Stage::open || probe_timer_.value != 0) return;
  session_->ping(core_->scheduler->now());
  probe_timer_ = core_->scheduler->after(core_->options.probe_timeout, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->stage_ == Stage::open) self->end({ErrorCode::transport_timeout, "a ping was not answered"});
  });
  flush_soon();
}

void ConnectionImpl::arm_watch() {
  const auto& options = core_->options;
  if (options.idle_timeout.us == 0 && options.keep_alive.us == 0) return;
  Tick next{~std::uint64_t{0}};
  const Tick now = core_->scheduler->now();
  if (options.idle_timeout.us != 0) next = std::min(next, std::max(now, idle_since_) + options.idle_timeout);
  if (options.idle_timeout.us != 0 && streams_.empty()) next = std::min(next, idle_since_ + options.idle_timeout);
  if (options.keep_alive.us != 0) next = std::min(next, active_at_ + options.keep_alive);
  // A probe under way is waited for: never a busy loop.
  next = std::max(next, now + milliseconds(1));
  watch_timer_ = core_->scheduler->at(next, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->watch();
  });
}

void ConnectionImpl::watch() {
  if (stage_ != Stage::open) return;
  const auto& options = core_->options;
  const Tick now = core_->scheduler->now();
  const bool unused = streams_.empty() && now - idle_since_ >= options.idle_timeout;
  if (options.idle_timeout.us != 0 && unused) return close();
  if (options.keep_alive.us != 0 && now - active_at_ >= options.keep_alive) {
    probe();
    active_at_ = now;  // The answer, or the probe's end, says more.
  }
  arm_watch();
}

}  // namespace rz::host
