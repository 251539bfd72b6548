// A bare node for interoperability tests: listens on a free loopback port, prints its address, answers identify and
// ping, and echoes frames of /rhizome/echo/1. Ends when its standard input does.
//
//   interop_listen [DIAL_ADDRESS]    also dials that address, pings it three times and prints what it says of itself
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "crypto/initialise.h"
#include "crypto/secret.h"
#include "host/entropy.h"
#include "host/transport/transport.h"

namespace {

namespace asio = boost::asio;
using rz::host::ConnectionPtr;

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

void ping(const ConnectionPtr& connection, int times) {
  if (times == 0) {
    const auto& info = connection->info();
    return say(rz::words("dialled ", connection->remote_peer().to_text(), " ", info ? info->agent_version : "silent"));
  }
  connection->ping([connection, times](rz::Result<rz::Duration> rtt) {
    say(rtt ? rz::words("pong ", rtt->us, " us") : rz::words("no pong: ", rtt.error().to_string()));
    if (rtt) ping(connection, times - 1);
  });
}

int run(const std::string& dial_address) {
  if (!rz::crypto::initialise()) return 1;
  asio::io_context io;
  rz::host::SystemEntropy entropy;
  const auto key = rz::crypto::SigningKey::from_seed(rz::crypto::Secret32::random(entropy));
  auto made = rz::host::Transport::make(io, key);
  if (!made) return say(made.error().to_string()), 1;
  const auto transport = *std::move(made);
  transport->on_connection(
      [](const ConnectionPtr& connection) { say(rz::words("connected ", connection->remote_peer().to_text())); });
  transport->handle("/rhizome/echo/1", [](const rz::host::StreamPtr& stream) {
    stream->on_frame([weak = std::weak_ptr(stream)](rz::ByteView frame) { (void)weak.lock()->send_frame(frame); });
  });
  const auto address = transport->listen(rz::ipld::Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value());
  if (!address) return say(address.error().to_string()), 1;
  say(rz::words("listening ", address->to_string(), "/p2p/", transport->local_peer().to_text()));
  if (!dial_address.empty()) {
    const auto parsed = rz::ipld::Multiaddr::parse(dial_address);
    if (!parsed) return say(parsed.error().to_string()), 1;
    transport->dial(*parsed, std::nullopt, [](rz::Result<ConnectionPtr> connection) {
      if (!connection) return say(rz::words("not dialled: ", connection.error().to_string()));
      ping(*connection, 3);
    });
  }
  asio::posix::stream_descriptor input(io, ::dup(STDIN_FILENO));
  input.async_wait(asio::posix::stream_descriptor::wait_read, [&io](const boost::system::error_code&) { io.stop(); });
  io.run();
  return 0;
}

}  // namespace

int main(int count, char** arguments) { return run(count > 1 ? arguments[1] : ""); }
