#include "host/transport/stream_impl.h"

#include "base/assert.h"
#include "host/transport/connection_impl.h"
#include "host/transport/services.h"

namespace rz::host {

namespace {

constexpr std::string_view end_awaited = "the other side's end of the stream";

}  // namespace

StreamImpl::StreamImpl(const std::shared_ptr<ConnectionImpl>& connection, net::StreamId id,
                       std::vector<std::string> protocols, OpenCallback callback)
    : connection_(connection),
      id_(id),
      dialer_(std::in_place, std::move(protocols)),
      open_callback_(std::move(callback)),
      reader_(connection->core()->options.frame_bytes_max) {}

StreamImpl::StreamImpl(const std::shared_ptr<ConnectionImpl>& connection, net::StreamId id)
    : connection_(connection),
      id_(id),
      listener_(std::in_place),
      reader_(connection->core()->options.frame_bytes_max) {}

void StreamImpl::start() {
  const auto connection = connection_.lock();
  send_negotiation(*connection);
  arm_timeout(connection->core()->options.stream_timeout, "agreeing on a protocol");
}

ConnectionPtr StreamImpl::connection() const {
  const auto connection = connection_.lock();
  return connection && connection->core() != nullptr ? connection : nullptr;
}

bool StreamImpl::is_open() const {
  if (stage_ != Stage::open || closing_ || fail_after_) return false;
  const auto connection = connection_.lock();
  return connection && connection->is_open();
}

Status StreamImpl::send_frame(ByteView frame) {
  if (!is_open()) return rz::fail(ErrorCode::net_stream_closed, words(protocol_, " takes no more frames"));
  const auto connection = connection_.lock();
  const auto& options = connection->core()->options;
  if (frame.size() > options.frame_bytes_max) {
    return rz::fail(ErrorCode::net_frame_too_long, words("a frame of ", frame.size(), " bytes"));
  }
  if (queued_bytes() + frame.size() > options.send_queue_bytes_max) {
    return rz::fail(ErrorCode::net_send_queue_full, words(queued_bytes(), " bytes wait to be sent"));
  }
  Bytes framed;
  framed.reserve(frame.size() + 5);
  net::put_frame(framed, frame);
  RZ_CHECK(connection->session().write(id_, std::move(framed)));
  if (queued_bytes() >= options.send_high_bytes) above_high_ = true;
  connection->flush_soon();
  return {};
}

Status StreamImpl::send_bytes(ByteView bytes) {
  if (!is_open()) return rz::fail(ErrorCode::net_stream_closed, words(protocol_, " takes no more"));
  const auto connection = connection_.lock();
  RZ_CHECK(connection->session().write(id_, to_bytes(bytes)));
  connection->flush_soon();
  return {};
}

std::size_t StreamImpl::queued_bytes() const {
  const auto connection = connection_.lock();
  return connection && stage_ != Stage::ended ? connection->session().queued_bytes(id_) : 0;
}

bool StreamImpl::writable() const { return is_open() && !above_high_; }

void StreamImpl::on_frame(std::function<void(ByteView)> handler) {
  frame_handler_ = make_handler(std::move(handler));
  deliver_later();
}

void StreamImpl::on_bytes(std::function<void(ByteView)> handler) {
  bytes_handler_ = make_handler(std::move(handler));
  deliver_later();
}

void StreamImpl::on_remote_closed(std::function<void()> handler) {
  remote_closed_handler_ = make_handler(std::move(handler));
  remote_closed_told_ = false;
  if (remote_closed_) deliver_later();
}

void StreamImpl::resume_reading() {
  paused_ = false;
  deliver_later();
}

void StreamImpl::close() {
  if (stage_ != Stage::open || std::exchange(closing_, true)) return;
  const auto connection = connection_.lock();
  if (!connection || connection->core() == nullptr) return;
  connection->session().close_stream(id_);
  connection->flush_soon();
  arm_timeout(connection->core()->options.stream_timeout, end_awaited);
}

void StreamImpl::reset() {
  if (stage_ == Stage::ended || fail_after_) return;
  const auto connection = connection_.lock();
  if (!connection || connection->core() == nullptr) return;
  fail_after_ = Error{ErrorCode::net_stream_reset, "reset here"};
  if (delivering_) return;
  connection->core()->scheduler->post([self = shared_from_this()] {
    if (self->stage_ != Stage::ended) self->fail(*self->fail_after_);
  });
}

void StreamImpl::arm_timeout(Duration delay, std::string_view what) {
  const auto connection = connection_.lock();
  auto& scheduler = *connection->core()->scheduler;
  scheduler.cancel(timeout_);
  timeout_ = scheduler.after(delay, [weak = weak_from_this(), what] {
    if (const auto self = weak.lock()) self->fail({ErrorCode::transport_timeout, words(what, " took too long")});
  });
}

void StreamImpl::disarm() {
  const auto connection = connection_.lock();
  if (connection && connection->core() != nullptr) connection->core()->scheduler->cancel(timeout_);
}

void StreamImpl::fail(const Error& why) {
  if (stage_ == Stage::ended) return;
  const auto self = shared_from_this();
  if (const auto connection = connection_.lock(); connection && connection->core() != nullptr) {
    connection->session().reset_stream(id_);
    connection->forget_stream(id_);
    connection->flush_soon();
  }
  ended(std::unexpected(why));
}

void StreamImpl::ended(Status why) {
  if (stage_ == Stage::ended) return;
  const bool was_negotiating = stage_ == Stage::negotiating;
  stage_ = Stage::ended;
  disarm();
  // What the handlers hold goes with them, after the last one was called.
  const auto closed = std::exchange(closed_handler_, nullptr);
  const auto frames = std::exchange(frame_handler_, nullptr);
  const auto raw = std::exchange(bytes_handler_, nullptr);
  const auto writable_again = std::exchange(writable_handler_, nullptr);
  const auto remote_end = std::exchange(remote_closed_handler_, nullptr);
  if (was_negotiating) {
    if (const auto callback = std::exchange(open_callback_, nullptr)) {
      callback(std::unexpected(why ? Error{ErrorCode::net_stream_closed, "closed before a protocol was agreed"}
                                   : std::move(why).error()));
    }
  } else {
    call(closed, std::move(why));
  }
}

void StreamImpl::abandon() {
  stage_ = Stage::ended;
  timeout_ = {};
  closed_handler_.reset();
  frame_handler_.reset();
  bytes_handler_.reset();
  writable_handler_.reset();
  remote_closed_handler_.reset();
  open_callback_ = nullptr;
}

void StreamImpl::sent() {
  const auto connection = connection_.lock();
  if (!above_high_ || stage_ != Stage::open || queued_bytes() >= connection->core()->options.send_low_bytes) return;
  above_high_ = false;
  if (!closing_) call(writable_handler_);
}

void StreamImpl::remote_closed() {
  remote_closed_ = true;
  readable();
}

void StreamImpl::deliver_later() {
  const auto connection = connection_.lock();
  if (stage_ != Stage::open || !connection || connection->core() == nullptr) return;
  if (std::exchange(deliver_posted_, true)) return;
  connection->core()->scheduler->post([self = shared_from_this()] {
    self->deliver_posted_ = false;
    self->readable();
  });
}

void StreamImpl::readable() {
  const auto connection = connection_.lock();
  if (!connection || !connection->is_open() || stage_ == Stage::ended) return;
  if (stage_ == Stage::negotiating) negotiate(*connection);
  if (stage_ == Stage::open && connection->is_open()) deliver(*connection);
  if (connection->core() != nullptr) connection->flush_soon();
}

// ---- Agreeing on the protocol.

void StreamImpl::send_negotiation(ConnectionImpl& connection) {
  Bytes out = dialer_ ? dialer_->take_output() : listener_->take_output();
  // A stream that can't be written to is told by the session's next event.
  if (!out.empty()) (void)connection.session().write(id_, std::move(out));
  connection.flush_soon();
}

void StreamImpl::negotiate(ConnectionImpl& connection) {
  const ByteView waiting = connection.session().readable(id_);
  ByteView input = waiting;
  if (auto status = dialer_ ? propose(input) : answer(input); !status) return fail(status.error());
  send_negotiation(connection);
  connection.session().consume(connection.core()->scheduler->now(), id_, waiting.size() - input.size());
  if (protocol_.empty()) {
    if (remote_closed_) fail({ErrorCode::net_stream_closed, "closed before a protocol was agreed"});
    return;
  }
  agreed(protocol_);
}

Status StreamImpl::propose(ByteView& input) {
  RZ_TRY(auto chosen, dialer_->receive(input));
  if (chosen) protocol_ = *std::move(chosen);
  return {};
}

Status StreamImpl::answer(ByteView& input) {
  const auto& protocols = connection_.lock()->core()->protocols;
  while (protocol_.empty()) {
    RZ_TRY(auto proposal, listener_->receive(input));
    if (!proposal) return {};
    if (protocols.contains(*proposal) || is_service(*proposal)) {
      listener_->accept();
      protocol_ = *std::move(proposal);
    } else {
      listener_->refuse();
    }
  }
  return {};
}

void StreamImpl::agreed(std::string protocol) {
  stage_ = Stage::open;
  disarm();
  if (const auto callback = std::exchange(open_callback_, nullptr)) return callback(shared_from_this());
  if (is_service(protocol)) return serve(shared_from_this());
  const auto& protocols = connection_.lock()->core()->protocols;
  if (const auto found = protocols.find(protocol); found != protocols.end()) call(found->second, shared_from_this());
}

// ---- Handing out what came.

void StreamImpl::deliver(ConnectionImpl& connection) {
  while (stage_ == Stage::open && connection.is_open() && !paused_ && deliver_some(connection)) {}
  if (stage_ != Stage::open || !connection.is_open() || !remote_closed_) return;
  if (!connection.session().readable(id_).empty() || paused_) return;
  if (!reader_.at_border()) return fail({ErrorCode::net_stream_reset, "the stream ends inside a frame"});
  if (!std::exchange(remote_closed_told_, true)) call(remote_closed_handler_);
}

// One frame, or the bytes that there are. False if there is nothing to hand out, or nobody to take it.
bool StreamImpl::deliver_some(ConnectionImpl& connection) {
  const auto handler = bytes_handler_ ? bytes_handler_ : frame_handler_;
  const ByteView waiting = connection.session().readable(id_);
  if (!handler || waiting.empty()) return false;
  ByteView input = waiting;
  std::optional<ByteView> piece;
  if (bytes_handler_) {
    piece = std::exchange(input, {});
  } else {
    auto frame = reader_.next(input);
    if (!frame) {
      fail(frame.error());
      return false;
    }
    piece = *frame;
  }
  const std::size_t taken = waiting.size() - input.size();
  if (piece) {
    delivering_ = true;
    (*handler)(*piece);
    delivering_ = false;
    if (connection.core() == nullptr) return false;
    if (fail_after_ && stage_ != Stage::ended) {
      fail(*fail_after_);
      return false;
    }
  }
  if (closing_) arm_timeout(connection.core()->options.stream_timeout, end_awaited);  // It is still at it.
  connection.session().consume(connection.core()->scheduler->now(), id_, taken);
  return true;
}

}  // namespace rz::host
