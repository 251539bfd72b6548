// The daemon and the network around it: where it listens, whom it dials, what it finds.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "host/daemon/clock.h"
#include "host/daemon/daemon_impl.h"
#include "host/log/logger.h"
#include "host/transport/address.h"

namespace rz::host {

namespace {

void log_addresses(std::string_view event, const std::vector<ipld::Multiaddr>& addresses) {
  for (const ipld::Multiaddr& each : addresses) log_event(LogLevel::info, event, {{"address", each.to_string()}});
}

std::string_view stage_name(identity::Inviter::Stage stage) {
  static constexpr std::string_view names[] = {"idle", "waiting", "asking", "adding", "copying", "done", "failed"};
  return names[static_cast<std::size_t>(stage)];
}

}  // namespace

Status Daemon::listen() {
  // A read-only copy is no device: nobody reaches it, and it dials nobody.
  if (!pod_->check_writable()) return {};
  // The port of last time, where the others know it.
  std::uint16_t port = options_.port;
  for (const pod::DeviceSummary& device : pod_->devices(now())) {
    if (device.self && !device.addresses.empty()) port = device.addresses[0].tcp_port().value_or(port);
  }
  listening_.emplace(*transport_, options_.listen, port);
  RZ_CHECK(listening_->open(has_others()));
  pod_->set_addresses(now(), listening_->announced());
  log_addresses("listening", listening_->listening());
  log_addresses("announced", listening_->announced());
  network_watch_ = NetworkWatch::make(io_, [this] { network_changed(); });
  if (!options_.discover) return {};
  finder_ = std::make_unique<Finder>(
      io_, entropy_, pod_->self(), pod_->status(now()).did.view(),
      FinderHandlers{[this] { return other_devices(); },
                     [this](const crypto::PublicKey& device, const std::vector<ipld::Multiaddr>& addresses) {
                       found(device, addresses);
                     }});
  finder_->set_network(listening_->interfaces(), listening_->listening());
  return {};
}

std::vector<ipld::Multiaddr> Daemon::addresses() const {
  if (!listening_) return {};
  return listening_->announced().empty() ? listening_->listening() : listening_->announced();
}

std::vector<crypto::PublicKey> Daemon::other_devices() const {
  std::vector<crypto::PublicKey> others;
  for (const identity::Device& device : pod_->identity().devices) {
    if (device.key != pod_->self() && pod_->is_device(device.key)) others.push_back(device.key);
  }
  return others;
}

// Another device, or somebody who is about to become one. A newcomer knows its inviter's place before it knows who else
// belongs to the pod.
bool Daemon::has_others() const { return inviting_ || !other_devices().empty() || !pod_->places().empty(); }

void Daemon::open_to_newcomer() {
  inviting_ = true;
  update_listening();
}

void Daemon::watch_pairing(const std::vector<pod::Notice>& notices) {
  using Stage = identity::Inviter::Stage;
  for (const pod::Notice& notice : notices) {
    const auto* progress = std::get_if<identity::Inviter::Progress>(&notice);
    if (progress == nullptr) continue;
    log_event(LogLevel::info, "pairing", {{"stage", stage_name(progress->stage)}});
    inviting_ = progress->stage != Stage::idle && progress->stage != Stage::done && progress->stage != Stage::failed;
    update_listening();
  }
}

void Daemon::update_listening() {
  if (!listening_ || !listening_->update(has_others())) return;
  log_addresses("announced", listening_->announced());
  pod_->set_addresses(now(), listening_->announced());
  if (finder_) finder_->set_network(listening_->interfaces(), listening_->listening());
  pump();
}

void Daemon::network_changed() {
  if (stopping_) return;
  log_event(LogLevel::info, "network changed", {{"addresses", std::uint64_t{interface_addresses().size()}}});
  update_listening();
  std::vector<ipld::Multiaddr> own;
  for (const InterfaceAddress& each : listening_->interfaces()) own.push_back(tcp_multiaddr(each.ip, 0));
  if (finder_) {
    finder_->set_network(listening_->interfaces(), listening_->listening());
    finder_->ask();
  }
  links_->network_changed(own);
}

void Daemon::found(const crypto::PublicKey& device, const std::vector<ipld::Multiaddr>& addresses) {
  log_event(LogLevel::debug, "device found", {{"device", device}, {"addresses", std::uint64_t{addresses.size()}}});
  links_->found(device, addresses);
}

LinkHandlers Daemon::link_handlers() {
  LinkHandlers handlers;
  handlers.is_device = [this](const crypto::PublicKey& key) { return pod_->may_connect(key); };
  handlers.connected = [this](const crypto::PublicKey& key) {
    log_event(LogLevel::info, "link up", {{"device", key}});
    pod_->connected(now(), key);
    update_listening();
    pump();
  };
  handlers.disconnected = [this](const crypto::PublicKey& key) {
    log_event(LogLevel::info, "link down", {{"device", key}});
    pod_->disconnected(now(), key);
    if (finder_) finder_->ask();
    pump();
  };
  handlers.received = [this](const crypto::PublicKey& key, pod::Channel channel, ByteView frame) {
    pod_->received(now(), key, channel, frame);
    pump();
  };
  handlers.dial_again = [this] { dial_soon(); };
  return handlers;
}

void Daemon::dial_soon() {
  if (dialling_ || stopping_) return;
  dialling_ = true;
  boost::asio::post(io_, [this] {
    dialling_ = false;
    dial();
  });
}

void Daemon::dial() {
  if (stopping_ || !listening_) return;
  if (listening_->is_for_others() != has_others()) update_listening();
  auto places = pod_->places();
  for (const crypto::PublicKey& device : other_devices()) {  // Those that may be found on the network.
    const bool known = std::ranges::any_of(places, [&](const auto& place) { return place.first == device; });
    if (!known) places.emplace_back(device, std::vector<ipld::Multiaddr>());
  }
  const Tick tick = now().tick;
  const Duration wait = links_->dial(tick, places) - tick;
  impl_->dial.expires_after(std::chrono::microseconds(std::max<std::int64_t>(wait.us, 1000)));
  impl_->dial.async_wait([this](const boost::system::error_code& error) {
    if (!error) dial();
  });
}

}  // namespace rz::host
