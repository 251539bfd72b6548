// What the parts of one transport share. Internal: the daemon sees transport.h.
//
// Ownership: the core owns the connections until they end, a connection its streams until they end; users own what they
// hold. Connections hold the core and let go of it when they end, so nothing stays by itself.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/transport/admission.h"
#include "host/transport/scheduler.h"
#include "host/transport/tls.h"
#include "host/transport/transport.h"

namespace rz::host {

class ConnectionImpl;
class StreamImpl;

// A handler that may be replaced, or whose owner may go, while it runs: whoever calls it holds it.
template <class... Args>
using Handler = std::shared_ptr<const std::function<void(Args...)>>;

template <class... Args>
Handler<Args...> make_handler(std::function<void(Args...)> call) {
  return call ? std::make_shared<const std::function<void(Args...)>>(std::move(call)) : nullptr;
}

template <class... Args, class... Given>
void call(const Handler<Args...>& handler, Given&&... given) {
  if (const auto held = handler) (*held)(std::forward<Given>(given)...);
}

struct Core : std::enable_shared_from_this<Core> {
  Core(boost::asio::io_context& io, TransportOptions given);

  // A connection has proved its peer, or has ended. Called from the io_context only.
  void established(const std::shared_ptr<ConnectionImpl>& connection);
  void ended(const std::shared_ptr<ConnectionImpl>& connection, bool was_established, const Error& why);

  std::shared_ptr<ConnectionImpl> preferred(const net::PeerId& peer) const;
  // What identify says of us on that connection.
  net::Identify describe(const Connection& connection) const;
  // Forgets everything; no handler is called any more.
  void shut_down();

  std::unique_ptr<Scheduler> scheduler;  // Null once shut down.
  TransportOptions options;
  net::PeerId local_peer;
  Bytes local_key;  // Its protobuf.
  std::unique_ptr<TlsContext> tls;
  Admission admission;
  TransportCounters counters;
  std::uint64_t next_connection_id = 1;
  std::map<std::uint64_t, std::shared_ptr<ConnectionImpl>> connections;
  std::map<std::string, Handler<const StreamPtr&>> protocols;
  Handler<const ConnectionPtr&> connection_handler;
  Handler<const ConnectionPtr&, const Error&> closed_handler;
  std::vector<ipld::Multiaddr> listen_addresses;
  std::vector<ipld::Multiaddr> announced;

 private:
  void watch_surplus(const net::PeerId& peer);
};

}  // namespace rz::host
