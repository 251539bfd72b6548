// What comes to an open port: garbage, half handshakes, altered and cut sessions, floods. None of it may crash, hang or
// touch another connection.
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <memory>

#include "base/random.h"
#include "host/transport/address.h"
#include "host/transport/admission.h"
#include "host/transport/certificate.h"
#include "host/transport/secure_channel.h"
#include "host/transport/test_node.h"

namespace rz::host {
namespace {

namespace asio = boost::asio;
using test::key_of;
using test::Node;
using test::run_for;
using test::run_until;

constexpr const char* protocol = "/rhizome/test/1";

// A TCP client that sends what it is told and notes what comes back.
struct Raw : std::enable_shared_from_this<Raw> {
  explicit Raw(asio::io_context& io) : socket(io) {}
  static std::shared_ptr<Raw> connect(asio::io_context& io, const ipld::Multiaddr& address) {
    const auto raw = std::make_shared<Raw>(io);
    raw->socket.connect(endpoint_of(address).value());
    raw->read();
    return raw;
  }
  void close() {
    boost::system::error_code ignored;
    socket.close(ignored);
  }
  void send(ByteView bytes) {
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  void read() {
    socket.async_read_some(asio::buffer(buffer),
                           [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                             if (error) {
                               self->ended = true;
                             } else {
                               self->read();
                             }
                           });
  }
  asio::ip::tcp::socket socket;
  std::array<std::uint8_t, 4096> buffer{};
  bool ended = false;
};

TEST(Hostile, GarbageEndsItsOwnConnectionOnly) {
  asio::io_context io;
  TransportOptions options;
  options.inbound_per_second = 10'000;
  options.inbound_burst = 10'000;
  Node a(io, 1);
  Node b(io, 2, options);
  b.echo(protocol);
  const auto address = b.listen();
  const auto connection = a.dial(address).value();
  const auto stream = a.open(connection, protocol).value();
  int echoes = 0;
  stream->on_frame([&](ByteView) { ++echoes; });
  Random random(42);
  for (int round = 0; round < 60; ++round) {
    const auto raw = Raw::connect(io, address);
    Bytes bytes(1 + random.below(3000));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    if (round % 3 != 0) {  // Past multistream, into TLS.
      Bytes hello;
      net::put_multistream(hello, net::multistream_protocol);
      net::put_multistream(hello, tls_protocol);
      if (round % 3 == 2) append(hello, Bytes{0x16, 3, 1, 2, 0});
      append(hello, bytes);
      bytes = hello;
    }
    raw->send(bytes);
    boost::system::error_code ignored;
    raw->socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    ASSERT_TRUE(stream->send_frame(to_bytes("still there")));
    ASSERT_TRUE(run_until(io, [&] { return raw->ended && echoes == round + 1; })) << "round " << round;
  }
  EXPECT_TRUE(connection->is_open());
  EXPECT_EQ(b.transport->counters().handshakes_failed, 60u);
  EXPECT_EQ(b.closed.size(), 0u) << "what never was a connection is not told";
}

// A man in the middle that alters or cuts what passes.
struct Relay : std::enable_shared_from_this<Relay> {
  Relay(asio::io_context& io, std::uint64_t seed)
      : acceptor(io, {asio::ip::address_v4::loopback(), 0}), client(io), server(io), random(seed) {}
  void start(const ipld::Multiaddr& to) {
    acceptor.async_accept(
        client, [self = shared_from_this(), target = endpoint_of(to).value()](const boost::system::error_code& error) {
          boost::system::error_code refused = error;
          if (!refused) self->server.connect(target, refused);
          if (refused) return;
          self->pump(self->client, self->server, self->there);
          self->pump(self->server, self->client, self->back);
        });
  }
  void close() {
    boost::system::error_code ignored;
    acceptor.close(ignored);
    client.close(ignored);
    server.close(ignored);
  }
  void pump(asio::ip::tcp::socket& from, asio::ip::tcp::socket& to, std::array<std::uint8_t, 8192>& buffer) {
    const auto self = shared_from_this();
    from.async_read_some(asio::buffer(buffer),
                         [self, this, &from, &to, &buffer](const boost::system::error_code& error, std::size_t count) {
                           if (error || (cut_after > 0 && passed + count > cut_after)) return close();
                           passed += count;
                           if (flip_after > 0 && passed > flip_after && !std::exchange(flipped, true)) {
                             buffer[random.below(count)] ^= static_cast<std::uint8_t>(1u << random.below(8));
                           }
                           boost::system::error_code ignored;
                           asio::write(to, asio::buffer(buffer.data(), count), ignored);
                           pump(from, to, buffer);
                         });
  }
  asio::ip::tcp::acceptor acceptor;
  asio::ip::tcp::socket client, server;
  std::array<std::uint8_t, 8192> there{}, back{};
  Random random;
  std::size_t passed = 0;
  std::size_t cut_after = 0;
  std::size_t flip_after = 0;
  bool flipped = false;
};

TEST(Hostile, AlteredAndCutSessionsEndWithAnError) {
  asio::io_context io;
  TransportOptions options;
  options.handshake_timeout = milliseconds(300);
  options.stream_timeout = milliseconds(300);
  Node a(io, 1, options);
  options.inbound_per_second = options.inbound_burst = 10'000;
  Node b(io, 2, options);
  b.echo(protocol);
  const auto address = b.listen();
  const auto healthy = a.dial(address).value();
  Random random(7);
  int whole = 0;
  for (int round = 0; round < 40; ++round) {
    const auto relay = std::make_shared<Relay>(io, random.next());
    relay->start(address);
    (round % 2 == 0 ? relay->cut_after : relay->flip_after) = 1 + random.below(6000);
    const auto connection = a.dial(multiaddr_of(relay->acceptor.local_endpoint()), b.transport->local_peer());
    if (!connection) continue;
    const auto stream = a.open(*connection, protocol);
    if (!stream) continue;
    bool answered = false;
    bool ended = false;
    (*stream)->on_frame([&](ByteView frame) {
      EXPECT_EQ(to_bytes(frame), Bytes(3000, 1)) << "never altered bytes";
      answered = true;
    });
    (*stream)->on_closed([&](Status) { ended = true; });
    ASSERT_TRUE((*stream)->send_frame(Bytes(3000, 1)));
    ASSERT_TRUE(run_until(io, [&] { return answered || ended; })) << "round " << round;
    if (answered) ++whole;
    (*connection)->reset();
    run_for(io, std::chrono::milliseconds(5));
    (*stream)->on_frame(nullptr);
    (*stream)->on_closed(nullptr);
  }
  EXPECT_LT(whole, 40);
  EXPECT_TRUE(healthy->is_open());
  EXPECT_TRUE(a.open(healthy, protocol));
}

TEST(Hostile, HalfOpenHandshakesTimeOut) {
  asio::io_context io;
  TransportOptions options;
  options.handshake_timeout = milliseconds(150);
  Node b(io, 2, options);
  const auto address = b.listen();
  const auto silent = Raw::connect(io, address);
  const auto slow = Raw::connect(io, address);
  Bytes hello;
  net::put_multistream(hello, net::multistream_protocol);
  slow->send(hello);
  const auto stopped = Raw::connect(io, address);
  net::put_multistream(hello, tls_protocol);
  stopped->send(hello);
  ASSERT_TRUE(run_until(io, [&] { return silent->ended && slow->ended && stopped->ended; }, std::chrono::seconds(2)));
  EXPECT_EQ(b.transport->counters().handshakes_failed, 3u);
  // The other way round: a listener that never answers.
  asio::ip::tcp::acceptor mute(io, {asio::ip::address_v4::loopback(), 0});
  EXPECT_EQ(b.dial(multiaddr_of(mute.local_endpoint())).error().code, ErrorCode::transport_timeout);
}

TEST(Hostile, InboundConnectionsAreLimited) {
  asio::io_context io;
  TransportOptions options;
  options.inbound_per_address_max = 3;
  Node b(io, 2, options);
  const auto address = b.listen();
  std::vector<std::shared_ptr<Raw>> raws;
  for (int i = 0; i < 5; ++i) raws.push_back(Raw::connect(io, address));
  const auto ended = [&] { return std::ranges::count_if(raws, [](const auto& raw) { return raw->ended; }); };
  ASSERT_TRUE(run_until(io, [&] { return ended() == 2; }));
  EXPECT_EQ(b.transport->counters().refused, 2u);
  for (const auto& raw : raws) raw->close();
  Node a(io, 1);
  ASSERT_TRUE(run_until(io, [&] { return b.transport->counters().handshakes_failed == 3; }));
  EXPECT_TRUE(a.dial(address)) << "places are free again";
}

TEST(Admission, CountsAddressesAndTime) {
  Admission admission({.connections_max = 5, .per_address_max = 2, .per_second = 1, .burst = 4});
  const Bytes one = {127, 0, 0, 1};
  const Bytes two = {127, 0, 0, 2};
  Bytes six(16, 1);
  Bytes same_network = six;
  same_network[15] = 2;
  Tick now{seconds(1).us == 0 ? 0u : 1'000'000u};
  EXPECT_TRUE(admission.admit(now, one));
  EXPECT_TRUE(admission.admit(now, one));
  EXPECT_FALSE(admission.admit(now, one)) << "two of one address";
  EXPECT_TRUE(admission.admit(now, six));
  EXPECT_TRUE(admission.admit(now, same_network));
  EXPECT_FALSE(admission.admit(now, two)) << "four at once";
  now = now + seconds(1);
  EXPECT_FALSE(admission.admit(now, six)) << "one /64 is one address";
  EXPECT_TRUE(admission.admit(now, two));
  now = now + seconds(100);
  EXPECT_FALSE(admission.admit(now, two)) << "five in all";
  admission.release(one);
  EXPECT_TRUE(admission.admit(now, one));
  EXPECT_EQ(admission.connections(), 5u);
}

// ---- TLS and certificates, without sockets.

struct Pair {
  Pair(std::uint64_t dialer_seed, std::uint64_t listener_seed, std::optional<net::PeerId> expected = std::nullopt)
      : dialer_context(TlsContext::make(key_of(dialer_seed)).value()),
        listener_context(TlsContext::make(key_of(listener_seed)).value()),
        dialer(*dialer_context, true, std::move(expected)),
        listener(*listener_context, false, std::nullopt) {}

  // Until both are quiet; each error is kept.
  void run(std::size_t piece_bytes) {
    for (int round = 0; round < 100; ++round) {
      const bool moved = move(dialer, listener, piece_bytes, listener_error, listener_got);
      if (!move(listener, dialer, piece_bytes, dialer_error, dialer_got) && !moved) return;
    }
  }
  static bool move(SecureChannel& from, SecureChannel& to, std::size_t piece_bytes, std::optional<Error>& error,
                   Bytes& got) {
    Bytes wire;
    from.take_output(wire);
    for (ByteView rest = wire; !rest.empty() && !error;) {
      const auto size = std::min(piece_bytes, rest.size());
      if (auto status = to.receive(rest.first(size), got); !status) error = status.error();
      rest = rest.subspan(size);
    }
    return !wire.empty();
  }

  std::unique_ptr<TlsContext> dialer_context, listener_context;
  SecureChannel dialer, listener;
  std::optional<Error> dialer_error, listener_error;
  Bytes dialer_got, listener_got;
};

TEST(SecureChannel, WorksInPiecesOfAnySize) {
  for (const std::size_t piece_bytes : {1u, 7u, 100'000u}) {
    Pair pair(1, 2);
    pair.run(piece_bytes);
    ASSERT_TRUE(pair.dialer.is_ready() && pair.listener.is_ready());
    EXPECT_EQ(pair.dialer.remote().peer, net::PeerId::from_key(key_of(2).public_key()));
    EXPECT_EQ(pair.listener.remote().peer, net::PeerId::from_key(key_of(1).public_key()));
    EXPECT_EQ(pair.dialer.tls().alpn(), yamux_protocol);
    ASSERT_TRUE(pair.dialer.send(Bytes(50'000, 3)));
    ASSERT_TRUE(pair.listener.send(Bytes(5, 4)));
    pair.run(piece_bytes);
    EXPECT_EQ(pair.listener_got, Bytes(50'000, 3));
    EXPECT_EQ(pair.dialer_got, Bytes(5, 4));
    pair.dialer.close();
    pair.run(piece_bytes);
    EXPECT_TRUE(pair.listener.has_ended());
  }
}

TEST(SecureChannel, TellsAWrongPeer) {
  Pair pair(1, 2, net::PeerId::from_key(key_of(3).public_key()));
  pair.run(1000);
  ASSERT_TRUE(pair.dialer_error);
  EXPECT_EQ(pair.dialer_error->code, ErrorCode::transport_wrong_peer);
  ASSERT_TRUE(pair.listener_error) << "the alert reaches it";
  EXPECT_FALSE(pair.listener.is_ready());
}

TEST(Certificate, ProvesItsDevice) {
  const auto made = make_certificate(key_of(5)).value();
  const auto proven = verify_certificate(made.certificate.get());
  ASSERT_TRUE(proven) << proven.error().to_string();
  EXPECT_EQ(proven->peer, net::PeerId::from_key(key_of(5).public_key()));
}

TEST(Certificate, RefusesEveryOtherOne) {
  const auto made = make_certificate(key_of(5)).value();
  const auto check = [&](X509* certificate) {
    const auto proven = verify_certificate(certificate);
    return proven ? ErrorCode::internal : proven.error().code;
  };
  const auto copy = [&] { return CertificatePtr(X509_dup(made.certificate.get())); };
  const auto sign = [&](X509* certificate) { X509_sign(certificate, made.key.get(), EVP_sha256()); };
  auto changed = copy();
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(changed.get()), 77);
  i2d_re_X509_tbs(changed.get(), nullptr);
  EXPECT_EQ(check(changed.get()), ErrorCode::transport_bad_certificate) << "altered after signing";
  auto bare = copy();
  X509_EXTENSION_free(X509_delete_ext(bare.get(), 0));
  sign(bare.get());
  EXPECT_EQ(check(bare.get()), ErrorCode::transport_bad_certificate) << "no extension";
  auto twice = copy();
  X509_add_ext(twice.get(), X509_get_ext(twice.get(), 0), -1);
  sign(twice.get());
  EXPECT_EQ(check(twice.get()), ErrorCode::transport_bad_certificate) << "two extensions";
  auto expired = copy();
  X509_gmtime_adj(X509_getm_notAfter(expired.get()), -60);
  sign(expired.get());
  EXPECT_EQ(check(expired.get()), ErrorCode::transport_bad_certificate) << "expired";
  auto early = copy();
  X509_gmtime_adj(X509_getm_notBefore(early.get()), 3600);
  sign(early.get());
  EXPECT_EQ(check(early.get()), ErrorCode::transport_bad_certificate) << "not valid yet";
  // The extension of one device on the certificate of another: its signature covers the other key.
  const auto other = make_certificate(key_of(6)).value();
  auto stolen = CertificatePtr(X509_dup(other.certificate.get()));
  X509_EXTENSION_free(X509_delete_ext(stolen.get(), 0));
  X509_add_ext(stolen.get(), X509_get_ext(made.certificate.get(), 0), -1);
  X509_sign(stolen.get(), other.key.get(), EVP_sha256());
  EXPECT_EQ(check(stolen.get()), ErrorCode::net_bad_signature);
}

}  // namespace
}  // namespace rz::host
