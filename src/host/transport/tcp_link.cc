#include "host/transport/tcp_link.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/assert.h"
#include "host/transport/address.h"

namespace rz::host {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr unsigned unacknowledged_ms_max = 30'000;

template <class Value>
void set_tcp(asio::ip::tcp::socket& socket, int option, Value value) {
  (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
}

// Whole seconds, at least one.
int seconds_of(Duration duration) { return static_cast<int>(std::max<std::int64_t>(duration.us / 1'000'000, 1)); }

void tune(asio::ip::tcp::socket& socket, Duration idle_probe) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
#ifdef TCP_USER_TIMEOUT  // What was sent and never acknowledged ends the connection.
  set_tcp(socket, TCP_USER_TIMEOUT, unacknowledged_ms_max);
#endif
  if (idle_probe.us == 0) return;
  // The kernel asks, and the other kernel answers: neither process wakes.
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
#ifdef TCP_KEEPIDLE
  set_tcp(socket, TCP_KEEPIDLE, seconds_of(idle_probe));
  set_tcp(socket, TCP_KEEPINTVL, std::min(seconds_of(idle_probe), 10));
  set_tcp(socket, TCP_KEEPCNT, 3);
#endif
}

class TcpLink final : public Link, public std::enable_shared_from_this<TcpLink> {
 public:
  TcpLink(asio::ip::tcp::socket socket, ipld::Multiaddr remote, ipld::Multiaddr local)
      : socket_(std::move(socket)), remote_(std::move(remote)), local_(std::move(local)), read_buffer_(read_bytes) {}

  void start(Handlers handlers) override {
    handlers_ = std::make_shared<Handlers>(std::move(handlers));
    read();
  }

  void send(Bytes bytes) override {
    RZ_REQUIRE(!sending_);
    if (!handlers_) return;
    sending_ = true;
    out_ = std::move(bytes);
    asio::async_write(socket_, asio::buffer(out_), [self = shared_from_this()](const error_code& error, std::size_t) {
      // Nothing more can be sent. What the other side sent before it went is still there to be read: reading ends it.
      if (error) return;
      self->sending_ = false;
      if (const auto held = self->handlers_) held->sent();
    });
  }

  bool is_sending() const override { return sending_; }

  void end_sending() override {
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  void close() override {
    handlers_.reset();
    error_code ignored;
    socket_.close(ignored);
  }

  const ipld::Multiaddr& remote_address() const override { return remote_; }
  const ipld::Multiaddr& local_address() const override { return local_; }

 private:
  void read() {
    socket_.async_read_some(asio::buffer(read_buffer_),
                            [self = shared_from_this()](const error_code& error, std::size_t count) {
                              const auto held = self->handlers_;  // May be dropped inside the call.
                              if (!held) return;
                              if (error) return self->end(error);
                              held->received(ByteView(self->read_buffer_).first(count));
                              if (self->handlers_) self->read();
                            });
  }

  void end(const error_code& error) {
    const auto held = std::exchange(handlers_, nullptr);
    if (!held) return;
    if (error == asio::error::eof) return held->ended({ErrorCode::transport_closed, "the other side ended it"});
    held->ended({ErrorCode::transport_io, error.message()});
  }

  asio::ip::tcp::socket socket_;
  ipld::Multiaddr remote_;
  ipld::Multiaddr local_;
  std::shared_ptr<Handlers> handlers_;
  Bytes read_buffer_;
  Bytes out_;
  bool sending_ = false;
};

}  // namespace

Result<LinkPtr> make_tcp_link(asio::ip::tcp::socket socket, Duration idle_probe) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return fail(ErrorCode::transport_io, error.message());
  const auto local = socket.local_endpoint(error);
  if (error) return fail(ErrorCode::transport_io, error.message());
  tune(socket, idle_probe);
  return std::make_shared<TcpLink>(std::move(socket), multiaddr_of(remote), multiaddr_of(local));
}

}  // namespace rz::host
