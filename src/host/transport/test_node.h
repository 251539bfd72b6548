// For tests: transports on loopback, and an io_context that is run until something is so.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/entropy.h"
#include "crypto/initialise.h"
#include "host/transport/transport.h"

namespace rz::host::test {

inline crypto::SigningKey key_of(std::uint64_t seed) {
  EXPECT_TRUE(crypto::initialise());
  crypto::SeededEntropy entropy(seed);
  return crypto::SigningKey::from_seed(crypto::Secret32::random(entropy));
}

// Runs `io` until `done`; false after `limit`.
inline bool run_until(boost::asio::io_context& io, const std::function<bool()>& done,
                      std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (io.stopped()) io.restart();
    io.run_one_for(std::chrono::milliseconds(10));
  }
  return true;
}

inline void run_for(boost::asio::io_context& io, std::chrono::milliseconds time) {
  run_until(io, [] { return false; }, time);
}

// A transport with what happened to it.
struct Node {
  Node(boost::asio::io_context& context, std::uint64_t seed, TransportOptions options = {})
      : io(context), key(key_of(seed)) {
    auto made = Transport::make(io, key, std::move(options));
    EXPECT_TRUE(made) << made.error().to_string();
    transport = *std::move(made);
    transport->on_connection([this](const ConnectionPtr& connection) { inbound.push_back(connection); });
    transport->on_closed([this](const ConnectionPtr& connection, const Error& why) {
      std::erase(inbound, connection);
      closed.push_back(why);
    });
  }

  ipld::Multiaddr listen(std::string_view address = "/ip4/127.0.0.1/tcp/0") {
    const auto bound = transport->listen(ipld::Multiaddr::parse(address).value());
    EXPECT_TRUE(bound) << bound.error().to_string();
    return *bound;
  }

  // Dials and waits for the outcome.
  Result<ConnectionPtr> dial(const ipld::Multiaddr& address, std::optional<net::PeerId> expected = std::nullopt) {
    std::optional<Result<ConnectionPtr>> outcome;
    transport->dial(address, std::move(expected), [&](Result<ConnectionPtr> result) { outcome = std::move(result); });
    EXPECT_FALSE(outcome) << "called back from inside dial";
    EXPECT_TRUE(run_until(io, [&] { return outcome.has_value(); }));
    return outcome ? *std::move(outcome) : fail(ErrorCode::internal, "no outcome");
  }

  Result<StreamPtr> open(const ConnectionPtr& connection, std::string protocol) {
    std::optional<Result<StreamPtr>> outcome;
    connection->open_stream(std::move(protocol), [&](Result<StreamPtr> result) { outcome = std::move(result); });
    EXPECT_FALSE(outcome) << "called back from inside open_stream";
    EXPECT_TRUE(run_until(io, [&] { return outcome.has_value(); }));
    return outcome ? *std::move(outcome) : fail(ErrorCode::internal, "no outcome");
  }

  // Sends every frame back.
  void echo(const std::string& protocol) {
    transport->handle(protocol, [](const StreamPtr& stream) {
      stream->on_frame([weak = std::weak_ptr(stream)](ByteView frame) {
        const auto self = weak.lock();
        EXPECT_TRUE(self->send_frame(frame));
      });
      stream->on_remote_closed([weak = std::weak_ptr(stream)] { weak.lock()->close(); });
    });
  }

  boost::asio::io_context& io;
  crypto::SigningKey key;
  std::vector<ConnectionPtr> inbound;
  std::vector<Error> closed;
  std::unique_ptr<Transport> transport;
};

}  // namespace rz::host::test
