#include "host/daemon/recovery_server.h"

#include "host/daemon/clock.h"

namespace rz::host {

RecoveryServer::RecoveryServer(Transport& transport, pod::Pod& pod, std::function<void()> pump)
    : pod_(pod), pump_(std::move(pump)) {
  transport.handle(recovery_protocol, [this, alive = std::weak_ptr<bool>(alive_)](const StreamPtr& stream) {
    if (!alive.expired()) serve(stream);
  });
}

void RecoveryServer::serve(const StreamPtr& stream) {
  const ConnectionPtr connection = stream->connection();
  if (connection == nullptr || !connection->remote_key()) return stream->reset();
  const auto exporter = connection->export_keying_material(identity::recovery_exporter_label, {}, 32);
  const identity::ConnectionId id{next_id_++};
  if (!exporter || !pod_.guest_opened(now(), id)) return stream->reset();
  const identity::RecoveryChannel channel{*identity::Exporter::from(*exporter), *connection->remote_key(), pod_.self()};
  waiting_[id] = stream;
  const auto alive = std::weak_ptr<bool>(alive_);
  stream->on_frame([this, alive, id, channel](ByteView frame) {
    if (!alive.expired()) received(id, channel, frame);
  });
  stream->on_remote_closed([this, alive, id, device = channel.recoverer] {
    if (!alive.expired()) gone(id, device);
  });
  stream->on_closed([this, alive, id, device = channel.recoverer](const Status&) {
    if (!alive.expired()) gone(id, device);
  });
  pump_();
}

void RecoveryServer::received(identity::ConnectionId id, const identity::RecoveryChannel& channel, ByteView frame) {
  const crypto::PublicKey& device = channel.recoverer;
  const auto waiting = waiting_.find(id);
  if (waiting == waiting_.end()) {
    const auto guest = guests_.find(device);
    if (guest == guests_.end() || guest->second.id != id) return;
    pod_.guest_received(now(), device, frame);
    return pump_();
  }
  const StreamPtr stream = waiting->second;
  waiting_.erase(waiting);
  // Of two guest streams of one device the newer counts: the older is that of an attempt that was broken off.
  close(device);
  const auto answer = pod_.guest_knocked(now(), id, channel, frame);
  if (!answer) return stream->reset();
  (void)stream->send_frame(*answer);
  guests_[device] = {id, stream};
  pump_();
}

void RecoveryServer::gone(identity::ConnectionId id, const crypto::PublicKey& device) {
  if (waiting_.erase(id) > 0) return pod_.guest_closed(id);
  const auto guest = guests_.find(device);
  if (guest == guests_.end() || guest->second.id != id) return;
  const StreamPtr stream = guest->second.stream;
  guests_.erase(guest);
  stream->close();
  pod_.guest_left(now(), device);
  pump_();
}

bool RecoveryServer::send(const crypto::PublicKey& to, pod::Channel channel, ByteView frame) {
  const auto guest = guests_.find(to);
  if (guest == guests_.end()) return false;
  if (channel != pod::Channel::sync) return true;
  // It takes nothing any more while frames pile up.
  if (!guest->second.stream->send_frame(frame)) guest->second.stream->reset();
  return true;
}

void RecoveryServer::close(const crypto::PublicKey& device) {
  const auto guest = guests_.find(device);
  if (guest == guests_.end()) return;
  const StreamPtr stream = guest->second.stream;
  guests_.erase(guest);
  stream->close();
  pod_.guest_left(now(), device);
}

void RecoveryServer::reset(identity::ConnectionId id) {
  const auto waiting = waiting_.find(id);
  if (waiting == waiting_.end()) return;
  const StreamPtr stream = waiting->second;
  waiting_.erase(waiting);
  stream->reset();
}

}  // namespace rz::host
