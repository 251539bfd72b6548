#include "host/daemon/links.h"

#include <algorithm>
#include <utility>

#include "host/daemon/clock.h"
#include "host/log/logger.h"

namespace rz::host {
namespace {

// In the order in which they are opened. Indices are those of pod::Channel below.
constexpr const char* protocols[] = {"/rhizome/raft/1", "/rhizome/sync/1", "/rhizome/live/1"};
constexpr std::size_t opening_order[] = {0, 2, 1};  // sync last

constexpr Duration retry_first = milliseconds(200);
constexpr Duration retry_max = seconds(5);
constexpr std::uint32_t rounds_eager = 24;       // About two minutes; from then on …
constexpr Duration retry_patient = seconds(60);  // … this: who is away for long dials by itself when it is back.
constexpr Duration next_address_after = milliseconds(250);
constexpr Duration look_again_max = seconds(2);  // Places may have changed without a word.
constexpr std::uint32_t under_way_max = 4;
constexpr std::size_t addresses_max = 32;

Duration pause_after(std::uint32_t rounds_failed) {
  if (rounds_failed > rounds_eager) return retry_patient;
  return {std::min(retry_first.us << std::min<std::uint32_t>(rounds_failed, 8), retry_max.us)};
}

}  // namespace

static_assert(static_cast<int>(pod::Channel::raft) == 0 && static_cast<int>(pod::Channel::sync) == 1 &&
              static_cast<int>(pod::Channel::live) == 2);

Links::Links(Transport& transport, const crypto::PublicKey& self, LinkHandlers handlers)
    : transport_(transport), self_(self), handlers_(std::move(handlers)) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    transport_.handle(protocols[channel], [this, channel](const StreamPtr& stream) { accept(stream, channel); });
  }
}

Tick Links::dial(Tick now, const std::vector<std::pair<crypto::PublicKey, std::vector<ipld::Multiaddr>>>& places) {
  Tick again = now + look_again_max;
  for (const auto& [device, addresses] : places) {
    if (links_.contains(device)) continue;
    Attempt& attempt = attempts_[device];
    if (addresses.empty() && attempt.seen.empty()) continue;
    // The smaller key dials at once; the other only if nothing came, so that two connections are the exception.
    if (attempt.next.us == 0) attempt.next = self_ < device ? now : now + milliseconds(600);
    if (attempt.round.empty() && attempt.under_way == 0 && attempt.next <= now) {
      attempt.round = attempt.seen;
      for (const ipld::Multiaddr& each : addresses) {
        if (std::ranges::find(attempt.round, each) == attempt.round.end()) attempt.round.push_back(each);
      }
      attempt.round.resize(std::min(attempt.round.size(), addresses_max));
      std::ranges::reverse(attempt.round);
    }
    if (!attempt.round.empty() && attempt.under_way < under_way_max && attempt.next <= now) {
      dial_next(device, attempt, now);
    }
    const bool waits_for_outcome = attempt.round.empty() ? attempt.under_way > 0 : attempt.under_way >= under_way_max;
    if (!waits_for_outcome) again = std::min(again, std::max(attempt.next, now + milliseconds(10)));
  }
  return again;
}

// One address does not wait for the other: the first to answer is taken, as RFC 8305 has it.
void Links::dial_next(const crypto::PublicKey& device, Attempt& attempt, Tick now) {
  const ipld::Multiaddr address = attempt.round.back();
  attempt.round.pop_back();
  ++attempt.under_way;
  attempt.next = now + next_address_after;
  transport_.dial(address.without_peer(), net::PeerId::from_key(device),
                  [this, alive = std::weak_ptr<bool>(alive_), device, address](Result<ConnectionPtr> connection) {
                    if (alive.expired()) return;
                    if (!connection) {
                      log_event(LogLevel::debug, "dial failed",
                                {{"device", device}, {"address", address.to_string()}, {"code", connection.error()}});
                    }
                    dialled(device, std::move(connection));
                  });
}

void Links::dialled(const crypto::PublicKey& device, Result<ConnectionPtr> connection) {
  Attempt& mine = attempts_[device];
  --mine.under_way;
  if (!connection) {
    if (!mine.round.empty()) {
      mine.next = host::now().tick;  // The next address, at once.
    } else if (mine.under_way == 0 && !links_.contains(device)) {
      mine.rounds_failed = std::min<std::uint32_t>(mine.rounds_failed + 1, 1000);
      mine.next = host::now().tick + pause_after(mine.rounds_failed);
    }
    return handlers_.dial_again();
  }
  mine.round.clear();
  mine.rounds_failed = 0;
  mine.next = host::now().tick + milliseconds(1500);
  const auto present = links_.find(device);
  const bool came_first =
      present != links_.end() && !present->second.held->inbound() && present->second.held->is_open();
  if (came_first || !handlers_.is_device(device) || !keep(device, *connection)) return (*connection)->close();
  open(device, *connection, 0);
}

void Links::found(const crypto::PublicKey& device, std::vector<ipld::Multiaddr> addresses) {
  if (links_.contains(device)) return;
  Attempt& attempt = attempts_[device];
  addresses.resize(std::min(addresses.size(), addresses_max));
  const bool news = attempt.seen != addresses;
  attempt.seen = std::move(addresses);
  // It is there: no more patience is needed. But what can't be reached is not dialled at every answer.
  if (news && attempt.round.empty() && attempt.under_way == 0 && attempt.rounds_failed > 0) {
    attempt.next = host::now().tick;
    attempt.rounds_failed = 1;
  }
  handlers_.dial_again();
}

void Links::network_changed(const std::vector<ipld::Multiaddr>& own_addresses) {
  std::vector<std::pair<crypto::PublicKey, std::uint64_t>> gone;
  for (const auto& [device, link] : links_) {
    const auto local = link.held->local_address().host();
    const bool stays = std::ranges::any_of(own_addresses, [&](const auto& each) { return each.host() == local; });
    if (stays) {
      link.held->probe();
    } else {
      gone.emplace_back(device, link.connection);
    }
  }
  const Tick tick = host::now().tick;
  for (auto& [device, attempt] : attempts_) {
    attempt.rounds_failed = 0;
    attempt.next = self_ < device ? tick : tick + milliseconds(600);
  }
  for (const auto& [device, connection] : gone) drop(device, connection);
  handlers_.dial_again();
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
    // Another connection may have taken the link's place meanwhile: its streams and these must not mix.
    const bool goes_on = step == 0 ? keep(device, connection) : carries(device, connection);
    if (!goes_on) return connection->close();
    attach(device, *stream, channel);
    if (step < 2) open(device, connection, step + 1);
  });
}

void Links::accept(const StreamPtr& stream, std::size_t channel) {
  const ConnectionPtr connection = stream->connection();
  if (connection == nullptr || !connection->remote_key()) return stream->reset();
  const crypto::PublicKey device = *connection->remote_key();
  if (!handlers_.is_device(device) || !keep(device, connection)) return stream->reset();
  // A link begins with the first stream. One of which the first was given up would never be whole.
  if (channel != opening_order[0] && !carries(device, connection)) return connection->close();
  attach(device, stream, channel);
}

// Whether the link to this device is this connection's.
bool Links::carries(const crypto::PublicKey& device, const ConnectionPtr& connection) const {
  const auto present = links_.find(device);
  return present != links_.end() && present->second.connection == connection->id();
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
  attempt.round.clear();
  attempt.next = host::now().tick + (self_ < device ? retry_first : milliseconds(600));
  gone.held->close();
  if (gone.up) handlers_.disconnected(device);
  handlers_.dial_again();
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
