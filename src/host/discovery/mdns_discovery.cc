#include "host/discovery/mdns_discovery.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/udp.hpp>
#include <utility>

#include "host/transport/scheduler.h"

namespace rz::host {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

namespace {

// So many a second, counted anew each second.
class Quota {
 public:
  explicit Quota(std::uint32_t per_second) : per_second_(per_second) {}
  bool take(Tick now) {
    if (now - began_ >= seconds(1)) {
      began_ = now;
      taken_ = 0;
    }
    return taken_++ < per_second_;
  }

 private:
  std::uint32_t per_second_;
  std::uint32_t taken_ = 0;
  Tick began_;
};

// Shared with Asio's handlers, which may outlive the owner: they find `gone` then.
struct Socket : std::enable_shared_from_this<Socket> {
  Socket(asio::io_context& io, DiscoveryOptions given)
      : options(std::move(given)),
        scheduler(std::make_unique<Scheduler>(io)),
        socket(io),
        found_quota(options.found_per_second),
        answer_quota(options.answers_per_second),
        next_query_after(options.first_query_after) {}

  Status open() {
    error_code error;
    const auto interface_address = asio::ip::make_address_v4(options.interface_address, error);
    if (error) return fail(ErrorCode::transport_bad_address, words(options.interface_address, ": no IPv4 address"));
    const auto address = asio::ip::make_address_v4(options.group, error);
    if (error || !address.is_multicast()) {
      return fail(ErrorCode::transport_bad_address, words(options.group, ": no multicast address"));
    }
    group = udp::endpoint(address, options.port);
    namespace multicast = asio::ip::multicast;
    const auto attempt = [&](auto call) {
      if (!error) call();
    };
    attempt([&] { socket.open(udp::v4(), error); });
    attempt([&] { socket.set_option(udp::socket::reuse_address(true), error); });  // Beside the system's responder.
    attempt([&] { socket.bind(udp::endpoint(address, options.port), error); });
    attempt([&] { socket.set_option(multicast::join_group(address, interface_address), error); });
#ifdef IP_MULTICAST_ALL  // Only what comes by this interface: others have a socket of their own.
    const int only_joined = 0;
    if (!error)
      (void)::setsockopt(socket.native_handle(), IPPROTO_IP, IP_MULTICAST_ALL, &only_joined, sizeof only_joined);
#endif
    if (!interface_address.is_unspecified()) {
      attempt([&] { socket.set_option(multicast::outbound_interface(interface_address), error); });
    }
    attempt([&] { socket.set_option(multicast::hops(255), error); });  // RFC 6762 section 11.
    attempt([&] { socket.set_option(multicast::enable_loopback(true), error); });
    attempt([&] { socket.non_blocking(true, error); });
    if (error) return fail(ErrorCode::transport_io, words("mDNS: ", error.message()));
    receive();
    ask_later();
    return {};
  }

  void receive() {
    socket.async_receive(asio::buffer(buffer), [self = shared_from_this()](const error_code& error, std::size_t count) {
      if (self->gone || error == asio::error::operation_aborted) return;
      if (!error) self->take(ByteView(self->buffer).first(count));
      if (!self->gone) self->receive();
    });
  }

  void take(ByteView bytes) {
    const auto message = net::decode_mdns(bytes);
    if (!message) return;  // Anybody may send anything.
    const Tick now = scheduler->now();
    const auto held = handlers;  // May be dropped inside the call.
    if (message->is_query && answer_quota.take(now)) {
      const auto own = held->answer();
      if (own && !own->addresses.empty()) send(net::encode_mdns_answer(own->name, own->addresses));
    }
    for (const auto& announcement : message->announcements) {
      if (gone || !found_quota.take(now)) return;
      held->found(announcement);
    }
  }

  // A datagram that can't go out now is lost: the next query makes up for it.
  void send(const Bytes& bytes) {
    error_code ignored;
    socket.send_to(asio::buffer(bytes), group, 0, ignored);
  }

  void ask_later() {
    scheduler->after(next_query_after, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->gone) return;
      self->send(net::encode_mdns_query());
      self->next_query_after = std::min(self->next_query_after * 2, self->options.query_interval_max);
      self->ask_later();
    });
  }

  void close() {
    gone = true;
    scheduler.reset();
    error_code ignored;
    socket.close(ignored);
  }

  DiscoveryOptions options;
  std::unique_ptr<Scheduler> scheduler;
  udp::socket socket;
  udp::endpoint group;
  std::shared_ptr<const DiscoveryHandlers> handlers;
  Quota found_quota;
  Quota answer_quota;
  Duration next_query_after;
  std::array<std::uint8_t, net::mdns_bytes_max> buffer{};
  bool gone = false;
};

class MdnsDiscoveryImpl final : public MdnsDiscovery {
 public:
  explicit MdnsDiscoveryImpl(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}
  ~MdnsDiscoveryImpl() override { socket_->close(); }
  void ask() override { socket_->send(net::encode_mdns_query()); }

 private:
  std::shared_ptr<Socket> socket_;
};

}  // namespace

Result<std::unique_ptr<MdnsDiscovery>> MdnsDiscovery::make(asio::io_context& io, DiscoveryOptions options,
                                                           DiscoveryHandlers handlers) {
  const auto socket = std::make_shared<Socket>(io, std::move(options));
  socket->handlers = std::make_shared<const DiscoveryHandlers>(std::move(handlers));
  if (auto status = socket->open(); !status) {
    socket->close();
    return std::unexpected(std::move(status).error());
  }
  return std::make_unique<MdnsDiscoveryImpl>(socket);
}

}  // namespace rz::host
