// Listening and dialling: sockets become connections here.
#include "host/transport/transport.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <set>
#include <utility>

#include "host/transport/address.h"
#include "host/transport/connection_impl.h"
#include "host/transport/core.h"
#include "host/transport/tcp_link.h"

namespace rz::host {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr Duration accept_again_after = milliseconds(100);

std::unexpected<Error> io_error(std::string_view what, const error_code& error) {
  return fail(ErrorCode::transport_io, words(what, ": ", error.message()));
}

// One listening socket.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(asio::io_context& io, std::shared_ptr<Core> core) : acceptor_(io), core_(std::move(core)) {}

  Result<ipld::Multiaddr> open(const tcp::endpoint& endpoint) {
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (error) return io_error("opening a socket", error);
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    // "::" means IPv6 alone, so that 0.0.0.0 can be listened on beside it.
    if (endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(true), error);
    acceptor_.bind(endpoint, error);
    if (error == asio::error::address_in_use) {
      return fail(ErrorCode::address_in_use,
                  words("another program listens at ", multiaddr_of(endpoint).to_string(), " already"));
    }
    if (error == boost::system::errc::address_not_available) {
      return fail(ErrorCode::bad_argument, words("this machine has no address ", multiaddr_of(endpoint).to_string()));
    }
    if (error) return io_error(words("listening at ", multiaddr_of(endpoint).to_string()), error);
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return io_error("listening", error);
    const auto bound = acceptor_.local_endpoint(error);
    if (error) return io_error("listening", error);
    accept();
    return multiaddr_of(bound);
  }

  void close() {
    core_.reset();
    error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  void accept() {
    acceptor_.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
      if (!self->core_) return;
      if (error) return self->accept_later();  // Out of descriptors, say.
      self->take(std::move(socket));
      self->accept();
    });
  }

  void accept_later() {
    core_->scheduler->after(accept_again_after, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && self->core_) self->accept();
    });
  }

  void take(tcp::socket socket) {
    error_code error;
    const auto remote = socket.remote_endpoint(error);
    if (error) return;
    const Bytes address = bytes_of(remote.address());
    if (!core_->admission.admit(core_->scheduler->now(), address)) {
      ++core_->counters.refused;
      return;  // The socket closes.
    }
    auto link = make_tcp_link(std::move(socket), core_->options.idle_probe);
    if (!link) return core_->admission.release(address);
    const auto connection =
        std::make_shared<ConnectionImpl>(core_, *std::move(link), std::nullopt, ConnectionImpl::DialCallback());
    connection->start([weak = std::weak_ptr(core_), address] {
      if (const auto core = weak.lock()) core->admission.release(address);
    });
  }

  tcp::acceptor acceptor_;
  std::shared_ptr<Core> core_;
};

// One dial, until TCP is connected.
struct Dialling : std::enable_shared_from_this<Dialling> {
  Dialling(asio::io_context& io, std::shared_ptr<Core> shared) : core(std::move(shared)), socket(io) {}

  void start(const tcp::endpoint& endpoint) {
    timeout = core->scheduler->after(core->options.dial_timeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->fail_with({ErrorCode::transport_timeout, "nobody answered"});
    });
    socket.async_connect(endpoint, [self = shared_from_this()](const error_code& error) { self->connected(error); });
  }

  void connected(const error_code& error) {
    if (!callback || !core->scheduler) return;
    if (error) return fail_with({ErrorCode::transport_io, error.message()});
    auto link = make_tcp_link(std::move(socket), core->options.idle_probe);
    if (!link) return fail_with(link.error());
    core->scheduler->cancel(timeout);
    const auto connection =
        std::make_shared<ConnectionImpl>(core, *std::move(link), std::move(expected), std::exchange(callback, nullptr));
    connection->start(nullptr);
    core.reset();
  }

  void fail_with(Error why) {
    const auto told = std::exchange(callback, nullptr);
    if (!told || !core->scheduler) return;
    core->scheduler->cancel(timeout);
    error_code ignored;
    socket.close(ignored);
    told(std::unexpected(std::move(why)));
  }

  void abandon() {
    callback = nullptr;
    error_code ignored;
    socket.close(ignored);
  }

  std::shared_ptr<Core> core;
  tcp::socket socket;
  std::optional<net::PeerId> expected;
  Transport::DialCallback callback;
  TimerId timeout;
};

class TransportImpl final : public Transport {
 public:
  TransportImpl(asio::io_context& io, std::shared_ptr<Core> core) : io_(io), core_(std::move(core)) {}

  ~TransportImpl() override {
    stop_listening();
    for (const auto& weak : dials_) {
      if (const auto dial = weak.lock()) dial->abandon();
    }
    core_->shut_down();
  }

  const net::PeerId& local_peer() const override { return core_->local_peer; }

  Result<ipld::Multiaddr> listen(const ipld::Multiaddr& address) override {
    RZ_TRY(const auto endpoint, endpoint_of(address));
    const auto acceptor = std::make_shared<Acceptor>(io_, core_);
    auto bound = acceptor->open(endpoint);
    if (!bound) {
      acceptor->close();
      return bound;
    }
    acceptors_.push_back(acceptor);
    core_->listen_addresses.push_back(*bound);
    return bound;
  }

  std::vector<ipld::Multiaddr> listen_addresses() const override { return core_->listen_addresses; }

  void stop_listening() override {
    for (const auto& acceptor : acceptors_) acceptor->close();
    acceptors_.clear();
    core_->listen_addresses.clear();
  }

  void announce(std::vector<ipld::Multiaddr> addresses) override { core_->announced = std::move(addresses); }

  void dial(const ipld::Multiaddr& address, std::optional<net::PeerId> expected, DialCallback callback) override {
    auto plan = plan_dial(address, std::move(expected));
    if (!plan) {
      core_->scheduler->post(
          [callback = std::move(callback), why = std::move(plan).error()] { callback(std::unexpected(why)); });
      return;
    }
    const auto dial = std::make_shared<Dialling>(io_, core_);
    dial->expected = std::move(plan->second);
    dial->callback = std::move(callback);
    std::erase_if(dials_, [](const auto& weak) { return weak.expired(); });
    dials_.push_back(dial);
    dial->start(plan->first);
  }

  ConnectionPtr connection_to(const net::PeerId& peer) const override { return core_->preferred(peer); }

  std::vector<ConnectionPtr> connections() const override {
    std::vector<ConnectionPtr> open;
    for (const auto& [id, connection] : core_->connections) {
      if (connection->is_open()) open.push_back(connection);
    }
    return open;
  }

  void on_connection(std::function<void(const ConnectionPtr&)> handler) override {
    core_->connection_handler = make_handler(std::move(handler));
  }
  void on_closed(std::function<void(const ConnectionPtr&, const Error&)> handler) override {
    core_->closed_handler = make_handler(std::move(handler));
  }

  void handle(std::string protocol, std::function<void(const StreamPtr&)> handler) override {
    if (!handler) {
      core_->protocols.erase(protocol);
    } else {
      core_->protocols[std::move(protocol)] = make_handler(std::move(handler));
    }
  }

  TransportCounters counters() const override { return core_->counters; }

  void close() override {
    stop_listening();
    for (const auto& weak : dials_) {
      core_->scheduler->post([weak] {
        if (const auto dial = weak.lock()) dial->fail_with({ErrorCode::transport_closed, "closed here"});
      });
    }
    for (const auto& [id, connection] : core_->connections) connection->close();
  }

 private:
  static Result<std::pair<tcp::endpoint, std::optional<net::PeerId>>> plan_dial(const ipld::Multiaddr& address,
                                                                                std::optional<net::PeerId> expected) {
    RZ_TRY(const auto endpoint, endpoint_of(address));
    if (const auto named = address.peer_id()) {
      RZ_TRY(auto peer, net::PeerId::from_multihash(*named));
      if (expected && *expected != peer) {
        return fail(ErrorCode::bad_argument, "the address names another peer than the one expected");
      }
      expected = std::move(peer);
    }
    return std::pair(endpoint, std::move(expected));
  }

  asio::io_context& io_;
  std::shared_ptr<Core> core_;
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
  std::vector<std::weak_ptr<Dialling>> dials_;
};

}  // namespace

Result<std::unique_ptr<Transport>> Transport::make(asio::io_context& io, const crypto::SigningKey& key,
                                                   TransportOptions options) {
  auto core = std::make_shared<Core>(io, std::move(options));
  core->local_key = net::encode_public_key(key.public_key());
  core->local_peer = net::PeerId::from_key(key.public_key());
  RZ_TRY(core->tls, TlsContext::make(key));
  return std::make_unique<TransportImpl>(io, std::move(core));
}

}  // namespace rz::host
