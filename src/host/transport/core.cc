#include "host/transport/core.h"

#include <algorithm>

#include "host/network/interfaces.h"
#include "host/transport/connection_impl.h"
#include "host/transport/services.h"
#include "net/ping.h"

namespace rz::host {

namespace {

constexpr Duration surplus_kept = seconds(10);

Admission::Limits admission_limits(const TransportOptions& options) {
  return {options.inbound_connections_max, options.inbound_per_address_max, options.inbound_per_second,
          options.inbound_burst};
}

}  // namespace

Core::Core(boost::asio::io_context& io, TransportOptions given)
    : scheduler(std::make_unique<Scheduler>(io)), options(std::move(given)), admission(admission_limits(options)) {}

void Core::established(const std::shared_ptr<ConnectionImpl>& connection) {
  ++(connection->inbound() ? counters.accepted : counters.dialled);
  bool surplus = false;
  for (const auto& [id, other] : connections) {
    if (other == connection || !other->is_open() || other->remote_peer() != connection->remote_peer()) continue;
    // It came anew: is the old one still alive? (It may have crashed, slept or changed its network.)
    other->probe();
    surplus = true;
  }
  if (surplus) watch_surplus(connection->remote_peer());
  if (options.identify_peers) ask_identify(connection);
  if (connection->inbound()) call(connection_handler, ConnectionPtr(connection));
}

void Core::ended(const std::shared_ptr<ConnectionImpl>& connection, bool was_established, const Error& why) {
  if (!was_established) {
    ++counters.handshakes_failed;
    return;
  }
  ++counters.closed;
  call(closed_handler, ConnectionPtr(connection), why);
}

std::shared_ptr<ConnectionImpl> Core::preferred(const net::PeerId& peer) const {
  std::shared_ptr<ConnectionImpl> best;
  const bool we_are_smaller = local_peer < peer;
  for (const auto& [id, connection] : connections) {  // The newest last.
    if (!connection->is_open() || connection->remote_peer() != peer) continue;
    const bool dialled_by_smaller = connection->inbound() != we_are_smaller;
    const bool best_is = best && best->inbound() != we_are_smaller;
    if (!best || dialled_by_smaller || !best_is) best = connection;
  }
  return best;
}

void Core::watch_surplus(const net::PeerId& peer) {
  scheduler->after(surplus_kept, [weak = weak_from_this(), peer] {
    const auto self = weak.lock();
    if (!self || !self->scheduler) return;
    const auto kept = self->preferred(peer);
    const Tick now = self->scheduler->now();
    bool surplus = false;
    const auto all = self->connections;  // A copy: closing changes it.
    for (const auto& [id, connection] : all) {
      if (connection == kept || !connection->is_open() || connection->remote_peer() != peer) continue;
      if (connection->streams() == 0 && now - connection->idle_since() >= surplus_kept) {
        connection->close();
      } else {
        surplus = true;
      }
    }
    if (surplus) self->watch_surplus(peer);
  });
}

net::Identify Core::describe(const Connection& connection) const {
  net::Identify self;
  self.protocol_version = options.protocol_version;
  self.agent_version = options.agent_version;
  self.public_key = local_key;
  self.observed_address = to_bytes(connection.remote_address().bytes());
  for (const auto& address : announced.empty() ? listen_addresses : announced) {
    // 0.0.0.0 and :: are where we listen, not where we are.
    if (self.addresses.size() < net::identify_addresses_max && !is_unspecified(address)) {
      self.addresses.push_back(to_bytes(address.bytes()));
    }
  }
  for (const auto name : {net::identify_protocol, net::identify_push_protocol, net::ping_protocol}) {
    self.protocols.emplace_back(name);
  }
  for (const auto& [name, handler] : protocols) self.protocols.push_back(name);
  return self;
}

void Core::shut_down() {
  connection_handler.reset();
  closed_handler.reset();
  protocols.clear();
  const auto all = std::exchange(connections, {});
  for (const auto& [id, connection] : all) connection->abandon();
  scheduler.reset();
}

}  // namespace rz::host
