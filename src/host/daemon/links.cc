#include "host/daemon/links.h"

#include <algorithm>

#include "host/daemon/clock.h"

namespace rz::host {
namespace {

// In the order in which they are opened. Indices are those of pod::Channel below.
constexpr const char* protocols[] = {"/rhizome/raft/1", "/rhizome/sync/1", "/rhizome/live/1"};
constexpr std::size_t opening_order[] = {0, 2, 1};  // sync last

constexpr Duration retry_first = milliseconds(200);
constexpr Duration retry_max = seconds(5);

}  // namespace

static_assert(static_cast<int>(pod::Channel::raft) == 0 && static_cast<int>(pod::Channel::sync) == 1 &&
              static_cast<int>(pod::Channel::live) == 2);

Links::Links(Transport& transport, const crypto::PublicKey& self, LinkHandlers handlers)
    : transport_(transport), self_(self), handlers_(std::move(handlers)) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    transport_.handle(protocols[channel], [this, channel](const StreamPtr& stream) { accept(stream, channel); });
  }
}

void Links::dial(Tick now, const std::vector<std::pair<crypto::PublicKey, std::vector<ipld::Multiaddr>>>& places) {
  for (const auto& [device, addresses] : places) {
    if (links_.contains(device) || addresses.empty()) continue;
    Attempt& attempt = attempts_[device];
    if (attempt.next.us == 0) {
      // The smaller key dials at once; the other only if nothing came, so that two connections are the exception.
      attempt.next = self_ < device ? now : now + milliseconds(600);
    }
    if (attempt.under_way || attempt.next > now) continue;
    attempt.under_way = true;
    const ipld::Multiaddr& address = addresses[attempt.address++ % addresses.size()];
    transport_.dial(address, net::PeerId::from_key(device),
                    [this, alive = std::weak_ptr<bool>(alive_), device](Result<ConnectionPtr> connection) {
                      if (alive.expired()) return;
                      Attempt& mine = attempts_[device];
                      mine.under_way = false;
                      if (!connection) {
                        mine.failures = std::min<std::uint32_t>(mine.failures + 1, 16);
                        const std::int64_t wait = retry_first.us << std::min<std::uint32_t>(mine.failures, 8);
                        mine.next = host::now().tick + Duration{std::min(wait, retry_max.us)};
                        return;
                      }
                      mine.failures = 0;
                      mine.next = host::now().tick + milliseconds(1500);
                      if (!handlers_.is_device(device) || !keep(device, *connection)) return (*connection)->close();
                      open(device, *connection, 0);
                    });
  }
}

// Whether this connection may carry the link, the present one (if any) giving way.
bool Links::keep(const crypto::PublicKey& device, const ConnectionPtr& connection) {
  const auto present = links_.find(device);
  if (present == links_.end() || present->second.connection == connection->id()) return true;
  const bool dialled_by_smaller = connection->inbound() ? device < self_ : self_ < device;
  const bool present_dialled_by_smaller = present->second.held->inbound() ? device < self_ : self_ < device;
  if (present->second.held->is_open() && present_dialled_by_smaller && !dialled_by_smaller) return false;
  drop(device, present->second.connection);
  return true;
}

void Links::open(const crypto::PublicKey& device, const ConnectionPtr& connection, std::size_t step) {
  const std::size_t channel = opening_order[step];
  connection->open_stream(protocols[channel], [this, alive = std::weak_ptr<bool>(alive_), device, connection, step,
                                               channel](Result<StreamPtr> stream) {
    if (alive.expired()) return;
    if (!stream) return connection->close();
    attach(device, *stream, channel);
    if (step < 2) open(device, connection, step + 1);
  });
}

void Links::accept(const StreamPtr& stream, std::size_t channel) {
  const ConnectionPtr connection = stream->connection();
  if (connection == nullptr || !connection->remote_key()) return stream->reset();
  const crypto::PublicKey device = *connection->remote_key();
  if (!handlers_.is_device(device) || !keep(device, connection)) return stream->reset();
  attach(device, stream, channel);
}

void Links::attach(const crypto::PublicKey& device, const StreamPtr& stream, std::size_t channel) {
  const ConnectionPtr connection = stream->connection();
  if (connection == nullptr) return;
  Link& link = links_[device];
  if (link.connection != connection->id()) {
    link = {};
    link.connection = connection->id();
    link.held = connection;
  }
  link.streams[channel] = stream;
  const std::uint64_t id = connection->id();
  const auto alive = std::weak_ptr<bool>(alive_);
  stream->on_frame([this, alive, device, id, channel](ByteView frame) {
    if (alive.expired()) return;
    const auto present = links_.find(device);
    if (present == links_.end() || present->second.connection != id) return;
    handlers_.received(device, static_cast<pod::Channel>(channel), frame);
  });
  stream->on_closed([this, alive, device, id](Status) {
    if (!alive.expired()) drop(device, id);
  });
  stream->on_remote_closed([this, alive, device, id] {
    if (!alive.expired()) drop(device, id);
  });
  // Nothing is read before all three are there: the pod would not know whom it comes from.
  if (link.up) return;
  if (!link.streams[0] || !link.streams[1] || !link.streams[2]) return stream->pause_reading();
  link.up = true;
  handlers_.connected(device);
  for (const StreamPtr& each : link.streams) each->resume_reading();
}

void Links::drop(const crypto::PublicKey& device, std::uint64_t connection) {
  const auto present = links_.find(device);
  if (present == links_.end() || present->second.connection != connection) return;
  const Link gone = std::move(present->second);
  links_.erase(present);
  Attempt& attempt = attempts_[device];
  attempt.next = host::now().tick + (self_ < device ? retry_first : milliseconds(600));
  gone.held->close();
  if (gone.up) handlers_.disconnected(device);
}

void Links::send(const crypto::PublicKey& to, pod::Channel channel, ByteView frame) {
  const auto link = links_.find(to);
  if (link == links_.end() || !link->second.up) return;
  const Status sent = link->second.streams[static_cast<std::size_t>(channel)]->send_frame(frame);
  // A device that takes nothing any more while frames pile up: what it lacks is found again when it comes back.
  if (!sent && channel == pod::Channel::sync) drop(to, link->second.connection);
}

void Links::close(const crypto::PublicKey& device) {
  const auto link = links_.find(device);
  if (link != links_.end()) drop(device, link->second.connection);
}

}  // namespace rz::host
