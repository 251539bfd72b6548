// Two or more transports in one process, over loopback.
#include "host/transport/transport.h"

#include <algorithm>
#include <numeric>

#include "host/transport/test_node.h"

namespace rz::host {
namespace {

using test::Node;
using test::run_for;
using test::run_until;

constexpr const char* protocol = "/rhizome/test/1";

TEST(Transport, ExchangesFrames) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  b.echo(protocol);
  const auto connection = a.dial(b.listen(), b.transport->local_peer());
  ASSERT_TRUE(connection) << connection.error().to_string();
  EXPECT_EQ((*connection)->remote_peer(), b.transport->local_peer());
  EXPECT_EQ((*connection)->remote_key(), b.key.public_key());
  EXPECT_FALSE((*connection)->inbound());
  EXPECT_EQ((*connection)->remote_address(), b.transport->listen_addresses().front());
  ASSERT_TRUE(run_until(io, [&] { return b.inbound.size() == 1; }));
  EXPECT_EQ(b.inbound[0]->remote_peer(), a.transport->local_peer());
  EXPECT_EQ(b.inbound[0]->remote_address(), (*connection)->local_address());

  const auto stream = a.open(*connection, protocol);
  ASSERT_TRUE(stream) << stream.error().to_string();
  EXPECT_EQ((*stream)->protocol(), protocol);
  std::vector<Bytes> received;
  std::optional<Status> ended;
  (*stream)->on_frame([&](ByteView frame) { received.push_back(to_bytes(frame)); });
  (*stream)->on_closed([&](Status why) { ended = std::move(why); });
  const std::vector<Bytes> sent = {to_bytes("hello"), {}, Bytes(100'000, 7), Bytes(4u << 20, 9)};
  for (const auto& frame : sent) ASSERT_TRUE((*stream)->send_frame(frame));
  ASSERT_TRUE(run_until(io, [&] { return received.size() == sent.size(); }));
  EXPECT_EQ(received, sent);
  (*stream)->close();
  EXPECT_FALSE((*stream)->is_open());
  EXPECT_EQ((*stream)->send_frame({}).error().code, ErrorCode::net_stream_closed);
  ASSERT_TRUE(run_until(io, [&] { return ended.has_value(); }));
  EXPECT_TRUE(ended->has_value()) << ended->error().to_string();
}

TEST(Transport, TellsWhatPeersSayOfThemselves) {
  boost::asio::io_context io;
  TransportOptions options;
  options.agent_version = "somebody/7";
  Node a(io, 1);
  Node b(io, 2, options);
  b.echo(protocol);
  const auto address = b.listen();
  const auto connection = a.dial(address).value();
  ASSERT_TRUE(run_until(io, [&] { return connection->info().has_value(); }));
  EXPECT_EQ(connection->info()->agent_version, "somebody/7");
  EXPECT_EQ(net::PeerId::from_key_protobuf(connection->info()->public_key), b.transport->local_peer());
  EXPECT_EQ(connection->info()->observed_address, to_bytes(connection->local_address().bytes()));
  ASSERT_EQ(connection->info()->addresses.size(), 1u);
  EXPECT_EQ(connection->info()->addresses[0], to_bytes(address.bytes()));
  EXPECT_TRUE(std::ranges::count(connection->info()->protocols, protocol) == 1);
  ASSERT_TRUE(run_until(io, [&] { return b.inbound.size() == 1 && b.inbound[0]->info().has_value(); }));
  EXPECT_TRUE(run_until(io, [&] { return connection->streams() == 0 && b.inbound[0]->streams() == 0; }));
}

TEST(Transport, Pings) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  const auto connection = a.dial(b.listen()).value();
  for (int i = 0; i < 3; ++i) {
    std::optional<Result<Duration>> rtt;
    connection->ping([&](Result<Duration> result) { rtt = std::move(result); });
    ASSERT_TRUE(run_until(io, [&] { return rtt.has_value(); }));
    ASSERT_TRUE(*rtt) << rtt->error().to_string();
    EXPECT_GT((*rtt)->us, 0);
  }
  EXPECT_TRUE(connection->rtt().has_value());
}

TEST(Transport, RefusesAWrongPeer) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  Node c(io, 3);
  const auto address = b.listen();
  const auto wrong = a.dial(address, c.transport->local_peer());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::transport_wrong_peer);
  const auto named = ipld::Multiaddr::parse(words(address.to_string(), "/p2p/", c.transport->local_peer().to_text()));
  EXPECT_EQ(a.dial(named.value()).error().code, ErrorCode::transport_wrong_peer);
  const auto right = ipld::Multiaddr::parse(words(address.to_string(), "/p2p/", b.transport->local_peer().to_text()));
  EXPECT_TRUE(a.dial(right.value()));
  EXPECT_EQ(a.dial(right.value(), c.transport->local_peer()).error().code, ErrorCode::bad_argument);
  EXPECT_EQ(b.dial(address).error().code, ErrorCode::transport_wrong_peer) << "itself";
  ASSERT_TRUE(run_until(io, [&] { return b.transport->connections().size() == 1; }));
}

TEST(Transport, TellsWhyADialFailed) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  const auto address = b.listen();
  b.transport->stop_listening();
  EXPECT_EQ(a.dial(address).error().code, ErrorCode::transport_io);
  for (const auto* text :
       {"/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/1", "/dns4/example.org/tcp/1", "/ip4/127.0.0.1/tcp/1/ws"}) {
    EXPECT_EQ(a.dial(ipld::Multiaddr::parse(text).value()).error().code, ErrorCode::transport_bad_address) << text;
  }
  const auto taken = a.listen();
  EXPECT_EQ(b.transport->listen(taken).error().code, ErrorCode::address_in_use);
}

TEST(Transport, ListensOnIp6Too) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  if (!b.transport->listen(ipld::Multiaddr::parse("/ip6/::1/tcp/0").value())) {
    GTEST_SKIP() << "skipped: no IPv6 loopback";
  }
  EXPECT_TRUE(a.dial(b.transport->listen_addresses().front()));
}

TEST(Transport, RefusesUnknownProtocolsAndFallsBack) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  b.echo("/known/1");
  const auto connection = a.dial(b.listen()).value();
  EXPECT_EQ(a.open(connection, "/unknown/1").error().code, ErrorCode::net_protocol_refused);
  std::optional<Result<StreamPtr>> stream;
  connection->open_stream({"/unknown/2", "/unknown/1", "/known/1"},
                          [&](Result<StreamPtr> opened) { stream = std::move(opened); });
  ASSERT_TRUE(run_until(io, [&] { return stream.has_value(); }));
  ASSERT_TRUE(*stream);
  EXPECT_EQ((**stream)->protocol(), "/known/1");
  b.transport->handle("/known/1", nullptr);
  EXPECT_EQ(a.open(connection, "/known/1").error().code, ErrorCode::net_protocol_refused);
}

TEST(Transport, ExportsKeysEqualOnBothSidesAndDistinctBetweenConnections) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  const auto address = b.listen();
  const auto first = a.dial(address).value();
  const auto second = a.dial(address).value();
  ASSERT_TRUE(run_until(io, [&] { return b.inbound.size() == 2; }));
  const Bytes context = to_bytes("context");
  const auto key = [&](const ConnectionPtr& connection, std::string_view label, ByteView with) {
    return connection->export_keying_material(label, with, 32).value();
  };
  EXPECT_EQ(key(first, "label", context), key(b.inbound[0], "label", context));
  EXPECT_EQ(key(second, "label", context), key(b.inbound[1], "label", context));
  EXPECT_NE(key(first, "label", context), key(second, "label", context));
  EXPECT_NE(key(first, "label", context), key(first, "another", context));
  EXPECT_NE(key(first, "label", context), key(first, "label", {}));
  EXPECT_EQ(first->export_keying_material("label", {}, 0).error().code, ErrorCode::bad_argument);
  first->reset();
  EXPECT_EQ(first->export_keying_material("label", {}, 32).error().code, ErrorCode::transport_closed);
}

TEST(Transport, ASlowReaderMakesTheWriterWait) {
  boost::asio::io_context io;
  TransportOptions options;
  Node a(io, 1, options);
  Node b(io, 2, options);
  StreamPtr reader;
  std::uint64_t read = 0;
  bool ordered = true;
  bool paused = false;
  b.transport->handle(protocol, [&](const StreamPtr& stream) {
    reader = stream;
    stream->on_frame([&](ByteView frame) {
      ordered = ordered && frame.size() == 64 * 1024 && frame[0] == static_cast<std::uint8_t>(read / (64 * 1024));
      read += frame.size();
      // Every now and then it is busy with something else.
      if (read % (8u << 20) == 0) {
        reader->pause_reading();
        paused = true;
      }
    });
  });
  const auto connection = a.dial(b.listen()).value();
  const auto stream = a.open(connection, protocol).value();
  constexpr std::uint64_t total = 52u << 20;
  std::uint64_t sent = 0;
  std::size_t queued_max = 0;
  const auto fill = [&] {
    while (sent < total && stream->writable()) {
      ASSERT_TRUE(stream->send_frame(Bytes(64 * 1024, static_cast<std::uint8_t>(sent / (64 * 1024)))));
      sent += 64 * 1024;
      queued_max = std::max(queued_max, stream->queued_bytes());
    }
    if (sent == total) stream->close();
  };
  stream->on_writable(fill);
  fill();
  EXPECT_LT(sent, 2u << 20) << "the queue has a limit";
  int pauses = 0;
  while (read < total) {
    ASSERT_TRUE(run_until(io, [&] { return read == total || paused; }));
    if (read == total) break;
    // While it is paused the writer stops: window and queue are full, nothing else holds bytes.
    std::uint64_t before = 0;
    for (int i = 0; i < 200 && sent != before && sent != total; ++i) {
      before = sent;
      run_for(io, std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(sent == before || sent == total);
    EXPECT_LE(sent - read, (16u << 20) + (2u << 20) + (4u << 20));
    ++pauses;
    paused = false;
    reader->resume_reading();
  }
  EXPECT_EQ(read, total);
  EXPECT_TRUE(ordered);
  EXPECT_EQ(pauses, 6);
  EXPECT_LE(queued_max, (1u << 20) + 64 * 1024 + 8);
}

TEST(Transport, LimitsFramesAndQueues) {
  boost::asio::io_context io;
  TransportOptions small;
  small.frame_bytes_max = 1000;
  small.send_queue_bytes_max = 10'000;
  Node a(io, 1);
  Node b(io, 2, small);
  std::optional<Status> ended;
  b.transport->handle(protocol, [&](const StreamPtr& stream) {
    stream->on_frame([](ByteView) {});
    stream->on_closed([&](Status why) { ended = std::move(why); });
    EXPECT_EQ(stream->send_frame(Bytes(1001)).error().code, ErrorCode::net_frame_too_long);
    Status status;
    for (int i = 0; i < 11 && status; ++i) status = stream->send_frame(Bytes(1000));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::net_send_queue_full);
  });
  const auto connection = a.dial(b.listen()).value();
  const auto stream = a.open(connection, protocol).value();
  ASSERT_TRUE(stream->send_frame(Bytes(1001)));
  ASSERT_TRUE(run_until(io, [&] { return ended.has_value(); }));
  EXPECT_EQ(ended->error().code, ErrorCode::net_frame_too_long);
  EXPECT_TRUE(connection->is_open()) << "only the stream pays";
}

TEST(Transport, AnEndInsideAFrameIsAReset) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  std::vector<StreamPtr> held;
  b.transport->handle(protocol, [&](const StreamPtr& stream) { held.push_back(stream); });
  const auto connection = a.dial(b.listen()).value();
  const auto stream = a.open(connection, protocol).value();
  ASSERT_TRUE(run_until(io, [&] { return held.size() == 1; }));
  std::optional<Status> there;
  std::optional<Status> here;
  held[0]->on_closed([&](Status why) { there = std::move(why); });
  stream->on_closed([&](Status why) { here = std::move(why); });
  ASSERT_TRUE(stream->send_frame(Bytes(100)));
  stream->reset();
  ASSERT_TRUE(run_until(io, [&] { return there.has_value() && here.has_value(); }));
  EXPECT_EQ(there->error().code, ErrorCode::net_stream_reset);
  EXPECT_EQ(here->error().code, ErrorCode::net_stream_reset);
  EXPECT_EQ(stream->send_frame({}).error().code, ErrorCode::net_stream_closed);
}

TEST(Transport, HalfClosedStreamsStillAnswer) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  b.transport->handle(protocol, [&](const StreamPtr& stream) {
    const auto total = std::make_shared<std::size_t>(0);
    stream->on_frame([total](ByteView frame) { *total += frame.size(); });
    stream->on_remote_closed([total, weak = std::weak_ptr(stream)] {
      const auto self = weak.lock();
      EXPECT_TRUE(self->send_frame(as_bytes(std::to_string(*total))));
      self->close();
    });
  });
  const auto connection = a.dial(b.listen()).value();
  const auto stream = a.open(connection, protocol).value();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(stream->send_frame(Bytes(1000)));
  stream->close();
  std::string answer;
  std::optional<Status> ended;
  stream->on_frame([&](ByteView frame) { answer = as_text(frame); });
  stream->on_closed([&](Status why) { ended = std::move(why); });
  ASSERT_TRUE(run_until(io, [&] { return ended.has_value(); }));
  EXPECT_TRUE(*ended);
  EXPECT_EQ(answer, "10000");
}

TEST(Transport, ClosingSendsWhatIsQueued) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  std::size_t got = 0;
  std::optional<Status> there;
  b.transport->handle(protocol, [&](const StreamPtr& stream) {
    stream->on_frame([&](ByteView frame) { got += frame.size(); });
    stream->on_closed([&](Status why) { there = std::move(why); });
  });
  const auto connection = a.dial(b.listen()).value();
  const auto stream = a.open(connection, protocol).value();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(stream->send_frame(Bytes(100'000)));
  connection->close();
  EXPECT_FALSE(connection->is_open());
  ASSERT_TRUE(run_until(io, [&] { return there.has_value() && a.closed.size() == 1 && b.closed.size() == 1; }));
  EXPECT_EQ(got, 800'000u);
  EXPECT_EQ(there->error().code, ErrorCode::transport_closed);
  EXPECT_EQ(a.closed[0].code, ErrorCode::transport_closed);
  EXPECT_EQ(b.closed[0].code, ErrorCode::transport_closed);
  EXPECT_EQ(a.transport->connection_to(b.transport->local_peer()), nullptr);
}

TEST(Transport, ClosingEndsDialsToo) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  const auto address = b.listen();
  const auto connection = a.dial(address).value();
  std::optional<Result<ConnectionPtr>> outcome;
  a.transport->dial(address, std::nullopt, [&](Result<ConnectionPtr> result) { outcome = std::move(result); });
  a.transport->close();
  connection->close();
  EXPECT_FALSE(outcome);
  ASSERT_TRUE(run_until(io, [&] { return outcome.has_value() && a.closed.size() == 1 && b.closed.size() == 1; }));
  EXPECT_EQ(outcome->error().code, ErrorCode::transport_closed);
  EXPECT_EQ(a.dial(ipld::Multiaddr::parse("/ip4/127.0.0.1/udp/1").value()).error().code,
            ErrorCode::transport_bad_address);
}

TEST(Transport, DestructionSilencesEverything) {
  boost::asio::io_context io;
  auto a = std::make_unique<Node>(io, 1);
  Node b(io, 2);
  b.echo(protocol);
  const auto connection = a->dial(b.listen()).value();
  const auto stream = a->open(connection, protocol).value();
  const auto held = std::make_shared<int>(0);
  stream->on_closed([held](Status) { ADD_FAILURE() << "called after the end"; });
  stream->on_frame([&, held](ByteView) { a.reset(); });  // From inside a handler.
  EXPECT_EQ(held.use_count(), 3);
  ASSERT_TRUE(stream->send_frame(to_bytes("x")));
  ASSERT_TRUE(run_until(io, [&] { return a == nullptr; }));
  run_for(io, std::chrono::milliseconds(20));
  EXPECT_EQ(held.use_count(), 1) << "what handlers held is let go";
  EXPECT_FALSE(connection->is_open());
  EXPECT_FALSE(stream->is_open());
  EXPECT_EQ(stream->connection(), nullptr);
  EXPECT_EQ(stream->queued_bytes(), 0u);
  stream->close();
  stream->reset();
  connection->close();
  ASSERT_TRUE(run_until(io, [&] { return b.closed.size() == 1; }));
}

TEST(Transport, HandlersMayEndWhatCallsThem) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  int frames = 0;
  std::optional<Status> ended;
  b.transport->handle(protocol, [&](const StreamPtr& stream) {
    stream->on_frame([&, weak = std::weak_ptr(stream)](ByteView frame) {
      weak.lock()->reset();
      ++frames;
      EXPECT_EQ(to_bytes(frame), Bytes(5000, 3)) << "the view lasts for the call";
    });
    stream->on_closed([&](Status why) { ended = std::move(why); });
  });
  const auto connection = a.dial(b.listen()).value();
  const auto stream = a.open(connection, protocol).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream->send_frame(Bytes(5000, 3)));
  ASSERT_TRUE(run_until(io, [&] { return ended.has_value() && !stream->is_open(); }));
  EXPECT_EQ(frames, 1);
  // The same with the connection.
  b.transport->handle("/end/1", [&](const StreamPtr& opened) {
    opened->on_frame([weak = std::weak_ptr(opened)](ByteView) { weak.lock()->connection()->reset(); });
  });
  const auto last = a.open(connection, "/end/1").value();
  ASSERT_TRUE(last->send_frame(to_bytes("x")));
  ASSERT_TRUE(run_until(io, [&] { return a.closed.size() == 1 && b.closed.size() == 1; }));
}

TEST(Transport, DialsInBothDirectionsAtOnceAgreeOnOne) {
  boost::asio::io_context io;
  Node a(io, 1);
  Node b(io, 2);
  const auto at_a = a.listen();
  const auto at_b = b.listen();
  int done = 0;
  a.transport->dial(at_b, b.transport->local_peer(), [&](Result<ConnectionPtr> result) { done += result ? 1 : 100; });
  b.transport->dial(at_a, a.transport->local_peer(), [&](Result<ConnectionPtr> result) { done += result ? 1 : 100; });
  ASSERT_TRUE(run_until(io, [&] { return done == 2 && a.inbound.size() == 1 && b.inbound.size() == 1; }));
  const auto chosen_by_a = a.transport->connection_to(b.transport->local_peer());
  const auto chosen_by_b = b.transport->connection_to(a.transport->local_peer());
  ASSERT_TRUE(chosen_by_a && chosen_by_b);
  EXPECT_EQ(chosen_by_a->local_address(), chosen_by_b->remote_address()) << "one connection, seen from both sides";
  const bool a_is_smaller = a.transport->local_peer() < b.transport->local_peer();
  EXPECT_EQ(chosen_by_a->inbound(), !a_is_smaller);
  EXPECT_EQ(a.transport->connections().size(), 2u) << "both stay usable";
}

}  // namespace
}  // namespace rz::host
