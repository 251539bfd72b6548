// Dead, idle and doubled connections; and that a quiet one is really quiet.
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <memory>

#include "host/transport/address.h"
#include "host/transport/test_node.h"
#include "net/framing.h"
#include "net/identify.h"

namespace rz::host {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using test::Node;
using test::run_for;
using test::run_until;

constexpr const char* protocol = "/rhizome/test/1";

// Passes bytes both ways until it is told to swallow them: a network that is gone without a word.
struct Cable : std::enable_shared_from_this<Cable> {
  explicit Cable(asio::io_context& io) : acceptor(io, {asio::ip::address_v4::loopback(), 0}), client(io), server(io) {}
  void start(const ipld::Multiaddr& to) {
    acceptor.async_accept(
        client, [self = shared_from_this(), target = endpoint_of(to).value()](const boost::system::error_code& error) {
          boost::system::error_code refused = error;
          if (!refused) self->server.connect(target, refused);
          if (refused) return;
          self->pass(self->client, self->server, self->there);
          self->pass(self->server, self->client, self->back);
        });
  }
  void pass(tcp::socket& from, tcp::socket& to, std::array<std::uint8_t, 8192>& buffer) {
    from.async_read_some(asio::buffer(buffer), [self = shared_from_this(), &from, &to, &buffer](
                                                   const boost::system::error_code& error, std::size_t count) {
      if (error) return;
      boost::system::error_code ignored;
      if (!self->unplugged) asio::write(to, asio::buffer(buffer.data(), count), ignored);
      self->pass(from, to, buffer);
    });
  }
  void close() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    client.close(ignored);
    server.close(ignored);
  }
  tcp::acceptor acceptor;
  tcp::socket client, server;
  std::array<std::uint8_t, 8192> there{}, back{};
  bool unplugged = false;
};

TEST(Liveness, KeepAliveNoticesADeadPeer) {
  asio::io_context io;
  TransportOptions options;
  options.keep_alive = milliseconds(50);
  options.probe_timeout = milliseconds(200);
  Node a(io, 1, options);
  Node b(io, 2);
  const auto cable = std::make_shared<Cable>(io);
  cable->start(b.listen());
  const auto connection = a.dial(multiaddr_of(cable->acceptor.local_endpoint())).value();
  run_for(io, std::chrono::milliseconds(400));
  EXPECT_TRUE(connection->is_open()) << "pings are answered";
  cable->unplugged = true;
  ASSERT_TRUE(run_until(io, [&] { return a.closed.size() == 1; }, std::chrono::seconds(5)));
  EXPECT_EQ(a.closed[0].code, ErrorCode::transport_timeout);
  EXPECT_FALSE(connection->is_open());
  cable->close();
}

TEST(Liveness, ADialAnewFindsOutThatTheOldConnectionIsDead) {
  asio::io_context io;
  TransportOptions options;
  options.probe_timeout = milliseconds(200);
  Node a(io, 1);
  Node b(io, 2, options);
  const auto address = b.listen();
  const auto cable = std::make_shared<Cable>(io);
  cable->start(address);
  const auto old = a.dial(multiaddr_of(cable->acceptor.local_endpoint())).value();
  ASSERT_TRUE(run_until(io, [&] { return b.inbound.size() == 1 && b.inbound[0]->streams() == 0; }));
  cable->unplugged = true;
  const auto fresh = a.dial(address).value();
  ASSERT_TRUE(run_until(io, [&] { return b.closed.size() == 1; }, std::chrono::seconds(5)));
  EXPECT_EQ(b.closed[0].code, ErrorCode::transport_timeout);
  EXPECT_TRUE(fresh->is_open());
  EXPECT_EQ(a.transport->connection_to(b.transport->local_peer()), fresh) << "of one direction the newest";
  cable->close();
}

TEST(Liveness, ClosesConnectionsThatNobodyUses) {
  asio::io_context io;
  TransportOptions options;
  options.idle_timeout = milliseconds(150);
  Node a(io, 1, options);
  Node b(io, 2);
  b.echo(protocol);
  const auto connection = a.dial(b.listen()).value();
  const auto stream = a.open(connection, protocol).value();
  run_for(io, std::chrono::milliseconds(400));
  EXPECT_TRUE(connection->is_open()) << "a stream is open";
  stream->close();
  ASSERT_TRUE(run_until(io, [&] { return a.closed.size() == 1 && b.closed.size() == 1; }, std::chrono::seconds(5)));
  EXPECT_EQ(b.closed[0].code, ErrorCode::transport_closed);
}

// With the options as they are, a connection that has nothing to say sends not one byte.
TEST(Liveness, AQuietConnectionIsSilent) {
  asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  b.echo(protocol);
  const auto connection = a.dial(b.listen()).value();
  const auto stream = a.open(connection, protocol).value();
  ASSERT_TRUE(run_until(io, [&] { return connection->info() && connection->rtt() && connection->streams() == 1; }));
  run_for(io, std::chrono::milliseconds(50));
  const auto before = a.transport->counters();
  run_for(io, std::chrono::milliseconds(500));
  EXPECT_EQ(a.transport->counters().bytes_out, before.bytes_out);
  EXPECT_EQ(a.transport->counters().bytes_in, before.bytes_in);
}

TEST(Liveness, AStreamWhoseProtocolIsNeverAgreedTimesOut) {
  asio::io_context io;
  TransportOptions options;
  options.stream_timeout = milliseconds(200);
  Node a(io, 1, options);
  Node b(io, 2);
  b.echo(protocol);
  const auto cable = std::make_shared<Cable>(io);
  cable->start(b.listen());
  const auto connection = a.dial(multiaddr_of(cable->acceptor.local_endpoint())).value();
  cable->unplugged = true;
  EXPECT_EQ(a.open(connection, protocol).error().code, ErrorCode::transport_timeout);
  std::optional<Result<Duration>> rtt;
  connection->ping([&](Result<Duration> result) { rtt = std::move(result); });
  ASSERT_TRUE(run_until(io, [&] { return rtt.has_value(); }));
  EXPECT_FALSE(*rtt);
  EXPECT_TRUE(connection->is_open());
  cable->close();
}

TEST(Liveness, TakesIdentifyPushes) {
  asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  const auto connection = a.dial(b.listen()).value();
  ASSERT_TRUE(run_until(io, [&] { return b.inbound.size() == 1 && b.inbound[0]->info(); }));
  const auto push = a.open(connection, std::string(net::identify_push_protocol)).value();
  net::Identify changed = *b.inbound[0]->info();
  changed.agent_version = "renamed/2";
  ASSERT_TRUE(push->send_frame(net::encode_identify(changed)));
  push->close();
  ASSERT_TRUE(run_until(io, [&] { return b.inbound[0]->info()->agent_version == "renamed/2"; }));
  // Nonsense changes nothing.
  const auto bad = a.open(connection, std::string(net::identify_push_protocol)).value();
  std::optional<Status> ended;
  bad->on_closed([&](Status why) { ended = std::move(why); });
  ASSERT_TRUE(bad->send_frame(Bytes(100, 0xff)));
  bad->close();
  ASSERT_TRUE(run_until(io, [&] { return ended.has_value(); }));
  EXPECT_FALSE(*ended);
  EXPECT_EQ(b.inbound[0]->info()->agent_version, "renamed/2");
}

}  // namespace
}  // namespace rz::host
