#include "host/network/network_watch.h"

#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#endif
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include "host/network/interfaces.h"
#include "host/transport/scheduler.h"

namespace rz::host {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr Duration still_after = milliseconds(150);  // A new address comes with a handful of messages.
constexpr Duration poll_every = seconds(5);

// A socket on which the kernel tells of links and addresses; -1 where there is none.
int open_netlink() {
#ifdef __linux__
  const int descriptor = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (descriptor < 0) return -1;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return descriptor;
  ::close(descriptor);
#endif
  return -1;
}

// Shared with Asio's handlers, which may outlive the owner: they find `gone` then.
struct State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, std::function<void()> call)
      : changed(std::move(call)),
        scheduler(std::make_unique<Scheduler>(io)),
        kernel(io),
        known(interface_addresses()) {}

  void start() {
    const int descriptor = open_netlink();
    if (descriptor < 0) return look_later(poll_every);
    kernel.assign(descriptor);
    wait();
  }

  void wait() {
    kernel.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const error_code& error) {
      if (self->gone || error) return;
      // What it says is not read closely: the interfaces are asked anew. A full queue (ENOBUFS) says as much.
      std::array<std::uint8_t, 8192> ignored{};
      while (::recv(self->kernel.native_handle(), ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {}
      if (!self->looking) self->look_later(still_after);
      self->wait();
    });
  }

  void look_later(Duration delay) {
    looking = true;
    scheduler->after(delay, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && !self->gone) self->look();
    });
  }

  void look() {
    looking = false;
    if (!kernel.is_open()) look_later(poll_every);
    auto found = interface_addresses();
    if (found == known) return;
    known = std::move(found);
    const auto call = changed;  // May end this.
    call();
  }

  void close() {
    gone = true;
    scheduler.reset();
    error_code ignored;
    kernel.close(ignored);
  }

  std::function<void()> changed;
  std::unique_ptr<Scheduler> scheduler;
  asio::posix::stream_descriptor kernel;
  std::vector<InterfaceAddress> known;
  bool looking = false;
  bool gone = false;
};

class NetworkWatchImpl final : public NetworkWatch {
 public:
  explicit NetworkWatchImpl(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~NetworkWatchImpl() override { state_->close(); }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<NetworkWatch> NetworkWatch::make(asio::io_context& io, std::function<void()> changed) {
  const auto state = std::make_shared<State>(io, std::move(changed));
  state->start();
  return std::make_unique<NetworkWatchImpl>(state);
}

}  // namespace rz::host
