#include "pod/testing/network.h"

#include <gtest/gtest.h>

#include "crypto/initialise.h"

namespace rz::pod::testing {

Network::Network(std::uint64_t seed, NetworkOptions options)
    : options_(options), random_(seed), entropy_(seed ^ 0x5eed) {
  RZ_ASSERT(crypto::initialise().has_value());
  schedule(now_, [this] { dial(); });
}

// --- Devices ---------------------------------------------------------------------------------------------------------

std::size_t Network::found(std::string name) {
  paper_.emplace(identity::PaperKey::random(entropy_));
  auto made = std::make_unique<Device>(name, identity::DeviceKeys::random(entropy_), random_.next());
  if (options_.make_store) made->made_store = options_.make_store(name);
  Options options;
  options.name = std::move(name);
  const auto batch = Pod::found(made->keys, *paper_, options, made->entropy, now().wall);
  RZ_ASSERT(batch.has_value());
  RZ_ASSERT(made->disk().commit(*batch).has_value());
  devices_.push_back(std::move(made));
  RZ_ASSERT(open(0).has_value());
  return 0;
}

std::size_t Network::add(std::size_t inviter, std::string name, log::DeviceKind kind) {
  auto made = std::make_unique<Device>(name, identity::DeviceKeys::random(entropy_), random_.next());
  if (options_.make_store) made->made_store = options_.make_store(name);
  identity::Exporter exporter;
  entropy_.fill(exporter.mutable_view());
  const identity::ConnectionId connection{next_connection_++};
  const identity::JoinSecret secret = pod(inviter).invite(now(), kind);
  identity::Newcomer newcomer(made->keys, secret, key(inviter), name);
  to_newcomer_.clear();
  devices_[inviter]->notices.clear();  // Of an earlier pairing.
  newcomer_closed_ = false;
  bool welcomed = false;
  const identity::PairingPeer newcomers_peer{connection, exporter, key(inviter)};
  const identity::PairingPeer inviters_peer{connection, exporter, made->keys.public_key()};
  std::deque<identity::Newcomer::Input> inputs;
  inputs.emplace_back(identity::Newcomer::Connected{newcomers_peer});
  bool asked = false;
  for (int round = 0; round < 4000 && newcomer.stage() != identity::Newcomer::Stage::joined; ++round) {
    while (!inputs.empty()) {
      identity::Newcomer::Output out = newcomer.step(now_, std::move(inputs.front()));
      inputs.pop_front();
      if (out.persist) {
        Options options;
        options.name = name;
        const auto batch = Pod::joined(*out.persist, key(inviter), options, made->entropy);
        RZ_ASSERT(batch.has_value());
        RZ_ASSERT(made->disk().commit(*batch).has_value());
        welcomed = true;
        inputs.emplace_back(identity::Newcomer::Persisted{});
      }
      for (const auto& sent : out.send) {
        pod(inviter).pairing(now(), identity::Inviter::Message{inviters_peer, sent.bytes});
      }
      pump(inviter);
    }
    for (const Notice& notice : devices_[inviter]->notices) {
      const auto* progress = std::get_if<identity::Inviter::Progress>(&notice);
      if (progress == nullptr || asked || progress->stage != identity::Inviter::Stage::asking) continue;
      asked = true;
      pod(inviter).pairing(now(), identity::Inviter::Answer{true});
      pump(inviter);
      break;
    }
    while (!to_newcomer_.empty()) {
      inputs.emplace_back(identity::Newcomer::Message{connection, std::move(to_newcomer_.front())});
      to_newcomer_.pop_front();
    }
    if (inputs.empty()) run(milliseconds(1));
  }
  RZ_ASSERT(welcomed);
  devices_.push_back(std::move(made));
  const std::size_t added = devices_.size() - 1;
  RZ_ASSERT(open(added).has_value());
  return added;
}

std::optional<std::size_t> Network::recovering(std::size_t member, std::string name, const identity::PaperKey& paper,
                                               std::optional<std::size_t> again) {
  std::unique_ptr<Device> made;
  if (!again) made = std::make_unique<Device>(name, identity::DeviceKeys::random(entropy_), random_.next());
  Device& device = again ? *devices_[*again] : *made;
  identity::RecoveryChannel channel;
  entropy_.fill(channel.exporter.mutable_view());
  channel.recoverer = device.keys.public_key();
  channel.member = key(member);
  const identity::ConnectionId stream{next_connection_++};
  RZ_ASSERT(pod(member).guest_opened(now(), stream));
  const log::Did did = pod(member).status(now()).did;
  const Bytes request = identity::encode_recovery_request(identity::make_recovery_request(paper, did, channel));
  const auto answer = pod(member).guest_knocked(now(), stream, channel, request);
  if (!answer) return std::nullopt;
  const auto grant = identity::decode_recovery_grant(*answer);
  RZ_ASSERT(grant.has_value());
  RZ_ASSERT(identity::check_recovery_grant(*grant, did).has_value());
  Options options;
  options.name = std::move(name);
  const auto batch = Pod::recovering(device.store, grant->genesis, &channel.member, options, device.entropy);
  RZ_ASSERT(batch.has_value());
  RZ_ASSERT(device.store.commit(*batch).has_value());
  if (made) devices_.push_back(std::move(made));
  const std::size_t added = again ? *again : devices_.size() - 1;
  RZ_ASSERT(open(added).has_value());
  connections_[pair_of(member, added)] = {next_connection_++, {now_, now_}, member};
  pod(added).connected(now(), key(member));
  pump(added);
  pump(member);
  return added;
}

Status Network::open(std::size_t i) {
  Device& device = *devices_[i];
  Options options;
  options.name = device.name;
  options.seed = random_.next();
  options.addresses = {*ipld::Multiaddr::parse("/ip4/127.0.0.1/tcp/4868")};
  if (options_.compact_every) options.compact_every = *options_.compact_every;
  if (options_.compact_keep) options.compact_keep = *options_.compact_keep;
  options.checkpoint_after_events = options_.checkpoint_after_events;
  options.membership = options_.membership;
  Durability durability;
  durability.promise = device.promise;
  if (device.promise) durability.standing = store::Standing::equal;
  auto opened = Pod::open(std::move(options), identity::DeviceKeys(device.keys.secret().clone()), device.disk(),
                          durability, device.entropy, now());
  if (!opened) return std::unexpected(opened.error());
  ++device.life;
  device.pod.emplace(*std::move(opened));
  pump(i);
  return {};
}

std::optional<std::size_t> Network::find(const PublicKey& key) const {
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (devices_[i]->keys.public_key() == key) return i;
  }
  return std::nullopt;
}

// --- What goes wrong -------------------------------------------------------------------------------------------------

void Network::crash(std::size_t i, std::size_t committed_first) {
  Device& device = *devices_[i];
  if (!device.pod) return;
  for (std::size_t n = 0; n < committed_first && !device.writes.empty(); ++n) {
    RZ_ASSERT(device.disk().commit(device.writes.front().batch).has_value());
    device.promise = device.writes.front().promise;
    device.writes.pop_front();
  }
  device.writes.clear();
  device.pod.reset();
  device.wake_at.reset();
  ++device.life;
  for (std::size_t other = 0; other < devices_.size(); ++other) {
    if (other != i) disconnect(i, other);
  }
}

Status Network::restart(std::size_t i) { return open(i); }

void Network::cut(std::size_t a, std::size_t b) {
  cuts_.insert(pair_of(a, b));
  disconnect(a, b);
}

void Network::heal(std::size_t a, std::size_t b) { cuts_.erase(pair_of(a, b)); }
void Network::heal_all() { cuts_.clear(); }

bool Network::connected(std::size_t a, std::size_t b) const { return connections_.contains(pair_of(a, b)); }

void Network::dial() {
  for (std::size_t a = 0; a < devices_.size(); ++a) {
    for (std::size_t b = a + 1; b < devices_.size(); ++b) connect(a, b);
  }
  schedule(now_ + options_.redial_every, [this] { dial(); });
}

void Network::connect(std::size_t a, std::size_t b) {
  const Pair pair = pair_of(a, b);
  if (connections_.contains(pair) || cuts_.contains(pair) || !alive(a) || !alive(b)) return;
  if (devices_[a]->stopped || devices_[b]->stopped) return;
  if (!pod(a).may_connect(key(b)) || !pod(b).may_connect(key(a))) return;
  if (!pod(a).is_device(key(b)) && !pod(b).is_device(key(a))) return;  // Neither would dial.
  connections_[pair] = {next_connection_++, {now_, now_}, std::nullopt};
  pod(a).connected(now(), key(b));
  pod(b).connected(now(), key(a));
  pump(a);
  if (alive(b)) pump(b);
}

void Network::disconnect(std::size_t a, std::size_t b) {
  const auto known = connections_.find(pair_of(a, b));
  if (known == connections_.end()) return;
  const std::optional<std::size_t> host = known->second.host;
  connections_.erase(known);
  held_.erase(Pair{a, b});
  held_.erase(Pair{b, a});
  for (const auto& [one, other] : {Pair{a, b}, Pair{b, a}}) {
    if (!alive(one)) continue;
    if (host == one) {
      pod(one).guest_left(now(), key(other));
    } else {
      pod(one).disconnected(now(), key(other));
    }
    pump(one);
  }
}

// --- Effects ---------------------------------------------------------------------------------------------------------

void Network::schedule(Tick at, std::function<void()> action) {
  events_.emplace(std::pair{at, next_event_++}, std::move(action));
}

Tick Network::draw(Duration delay_max) {
  return now_ + microseconds(static_cast<std::int64_t>(1 + random_.below(static_cast<std::uint64_t>(delay_max.us))));
}

void Network::pump(std::size_t i) {
  Device& device = *devices_[i];
  if (!device.pod) return;
  Output out = device.pod->take_output(now());
  if (out.persist) write(i, *std::move(out.persist));
  for (Send& each : out.send) send(i, std::move(each));
  for (auto& each : out.pairing_send) to_newcomer_.push_back(std::move(each.bytes));
  newcomer_closed_ = newcomer_closed_ || !out.pairing_close.empty();
  for (Notice& notice : out.notices) device.notices.push_back(std::move(notice));
  device.wake_at = out.wake_at;
  device.stopped = device.stopped || out.must_stop;
  device.wiped = device.wiped || out.must_wipe;
  for (const Output::Close& close : out.close) {
    const auto other = find(close.device);
    if (!other || !connections_.contains(pair_of(i, *other))) continue;
    // What was sent before arrives first.
    const Connection& connection = connections_[pair_of(i, *other)];
    schedule(connection.last[i < *other ? 0 : 1], [this, i, to = *other, id = connection.id] {
      const auto known = connections_.find(pair_of(i, to));
      if (known != connections_.end() && known->second.id == id) disconnect(i, to);
    });
  }
}

void Network::send(std::size_t from, Send frame) {
  const auto to = find(frame.to);
  if (!to) return;
  const auto known = connections_.find(pair_of(from, *to));
  if (known == connections_.end()) return;
  if (on_frame) on_frame(from, *to, frame.channel, frame.frame);
  if (filter && !filter(from, *to, frame.channel, frame.frame)) return;
  if (hold && hold(from, *to, frame.channel, frame.frame)) return held_[Pair{from, *to}].push_back(std::move(frame));
  Tick& last = known->second.last[from < *to ? 0 : 1];
  last = std::max(last, draw(options_.link_delay_max));
  schedule(last, [this, from, to = *to, id = known->second.id, sent = std::move(frame)] {
    const auto still = connections_.find(pair_of(from, to));
    if (still == connections_.end() || still->second.id != id || !alive(to)) return;
    if (still->second.host == to) {
      pod(to).guest_received(now(), key(from), sent.frame);
    } else {
      pod(to).received(now(), key(from), sent.channel, sent.frame);
    }
    pump(to);
  });
}

bool Network::release(std::size_t from, std::size_t to) {
  std::deque<Send>& held = held_[Pair{from, to}];
  if (held.empty() || !alive(to)) return false;
  const Send sent = std::move(held.front());
  held.pop_front();
  pod(to).received(now(), key(from), sent.channel, sent.frame);
  pump(to);
  return true;
}

void Network::write(std::size_t i, Persist persist) {
  Device& device = *devices_[i];
  device.writes.push_back(std::move(persist));
  if (device.writes.size() > 1) return;  // The disk is busy.
  schedule(draw(options_.disk_delay_max), [this, i, life = device.life] {
    if (devices_[i]->life == life) commit_next(i);
  });
}

void Network::commit_next(std::size_t i) {
  Device& device = *devices_[i];
  Persist done = std::move(device.writes.front());
  device.writes.pop_front();
  while (options_.group_commits && !device.writes.empty()) {
    done.batch.append(std::move(device.writes.front().batch));
    done.ticket = device.writes.front().ticket;
    done.promise = device.writes.front().promise;
    device.writes.pop_front();
  }
  RZ_ASSERT(device.disk().commit(done.batch).has_value());
  device.promise = done.promise;
  if (!device.writes.empty()) {
    schedule(draw(options_.disk_delay_max), [this, i, life = device.life] {
      if (devices_[i]->life == life) commit_next(i);
    });
  }
  device.pod->persisted(now(), done.ticket);
  pump(i);
}

// --- Time ------------------------------------------------------------------------------------------------------------

void Network::run(Duration duration) {
  const Tick end = now_ + duration;
  for (;;) {
    std::optional<std::size_t> waking;
    Tick next = end;
    if (!events_.empty()) next = std::min(next, events_.begin()->first.first);
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      if (!alive(i) || !devices_[i]->wake_at || devices_[i]->stopped || *devices_[i]->wake_at >= next) continue;
      next = std::max(now_, *devices_[i]->wake_at);
      waking = i;
    }
    now_ = std::max(now_, next);
    if (waking) {
      // A wake-up at or before now means work to do at once; a pod that asked for that for ever would hang here.
      devices_[*waking]->wake_at.reset();
      pod(*waking).tick(now());
      pump(*waking);
      if (devices_[*waking]->wake_at && *devices_[*waking]->wake_at <= now_) {
        devices_[*waking]->wake_at = now_ + milliseconds(1);
      }
      continue;
    }
    if (events_.empty() || events_.begin()->first.first > end) break;
    const auto action = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    action();
  }
  now_ = end;
}

bool Network::run_until(const std::function<bool()>& done, Duration limit) {
  const Tick end = now_ + limit;
  while (!done()) {
    if (now_ >= end) return false;
    run(milliseconds(20));
  }
  return true;
}

bool Network::has_converged() const {
  std::optional<log::HeadList> frontier;
  for (const auto& device : devices_) {
    if (!device->pod || device->stopped) continue;
    const log::HeadList its = device->pod->frontier();
    if (!frontier) frontier = its;
    if (its != *frontier) return false;
    for (const log::StreamHeads& heads : its) {
      if (device->pod->state_of(heads.stream) != WriteState::committed) return false;
    }
  }
  return true;
}

std::string Network::describe() {
  std::string text;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (!alive(i)) continue;
    const PodStatus status = pod(i).status(now());
    text += words("\ndevice ", i, " ", status.role, " term ", status.term, " commit ", status.commit_index, " events ",
                  status.events, " voters ", status.voters_reachable, "/", status.voters, ":");
    for (const log::StreamHeads& heads : pod(i).frontier()) {
      text += words(" ", heads.stream.brief(), " ", name_of(pod(i).state_of(heads.stream)));
      for (const log::EventId& head : heads.heads) text += words(" ", head.brief());
    }
    for (const Alarm& each : pod(i).alarms()) text += "\n  " + each.text;
  }
  return text;
}

bool Network::converge(Duration limit) {
  return run_until([this] { return has_converged(); }, limit);
}

}  // namespace rz::pod::testing

namespace rz::pod {
namespace {

// The simulation itself: equal seeds give equal bytes, or no failing seed could be looked at again.
TEST(Network, EqualSeedsGiveEqualRuns) {
  const auto frames_of = [](std::uint64_t seed) {
    testing::Network net(seed);
    std::vector<Bytes> frames;
    net.on_frame = [&frames](std::size_t, std::size_t, Channel, ByteView frame) { frames.push_back(to_bytes(frame)); };
    net.found();
    net.add(0, "phone");
    (void)net.pod(0).create_document(net.now(), "Notes", "hello");
    net.pump(0);
    EXPECT_TRUE(net.converge());
    return frames;
  };
  const auto first = frames_of(5);
  EXPECT_GT(first.size(), 10u);
  EXPECT_EQ(first, frames_of(5));
  EXPECT_NE(first, frames_of(6));
}

}  // namespace
}  // namespace rz::pod
