#include "sim/network.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/initialise.h"

namespace rz::sim {

using pod::Options;
using pod::Output;
using pod::PodStatus;
using pod::WriteState;

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
  keep_first_promise(*made);
  devices_.push_back(std::move(made));
  RZ_ASSERT(open(0).has_value());
  return 0;
}

void Network::keep_first_promise(Device& device) const {
  if (!options_.compare_promises) return;
  device.promise.emplace();
  device.promise->transaction = device.disk().transaction();
}

std::size_t Network::add(std::size_t inviter, std::string name, log::DeviceKind kind) {
  const auto added = try_add(inviter, std::move(name), kind);
  RZ_ASSERT(added.has_value());
  return *added;
}

// Once the pod is whole again, what it was behind of is made good.
void Network::keep_promise(Device& device, const store::Promise& promise) const {
  const bool was_repairing = device.promise && device.promise->repairing;
  const raft::Raft* raft = device.pod ? device.pod->order() : nullptr;
  device.promise = promise;
  device.promise->transaction = device.disk().transaction();
  device.promise->repairing = was_repairing && (raft == nullptr || raft->is_damaged());
}

std::optional<std::size_t> Network::try_add(std::size_t inviter, std::string name, log::DeviceKind kind) {
  auto made = std::make_unique<Device>(name, identity::DeviceKeys::random(entropy_), random_.next());
  if (options_.make_store) made->made_store = options_.make_store(name);
  identity::Exporter exporter;
  entropy_.fill(exporter.mutable_view());
  const identity::ConnectionId connection{next_connection_++};
  const identity::JoinSecret secret = pod(inviter).invite(now_of(inviter), kind);
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
    if (!alive(inviter)) return std::nullopt;
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
        pod(inviter).pairing(now_of(inviter), identity::Inviter::Message{inviters_peer, sent.bytes});
      }
      pump(inviter);
    }
    for (const Notice& notice : devices_[inviter]->notices) {
      const auto* progress = std::get_if<identity::Inviter::Progress>(&notice);
      if (progress == nullptr || asked || progress->stage != identity::Inviter::Stage::asking) continue;
      asked = true;
      pod(inviter).pairing(now_of(inviter), identity::Inviter::Answer{true});
      pump(inviter);
      break;
    }
    while (!to_newcomer_.empty()) {
      inputs.emplace_back(identity::Newcomer::Message{connection, std::move(to_newcomer_.front())});
      to_newcomer_.pop_front();
    }
    if (inputs.empty()) run(milliseconds(1));
  }
  if (!welcomed) {
    pod(inviter).pairing(now_of(inviter), identity::Inviter::Withdraw{});
    pump(inviter);
    return std::nullopt;
  }
  keep_first_promise(*made);
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
  RZ_ASSERT(pod(member).guest_opened(now_of(member), stream));
  const log::Did did = pod(member).status(now_of(member)).did;
  const Bytes request = identity::encode_recovery_request(identity::make_recovery_request(paper, did, channel));
  const auto answer = pod(member).guest_knocked(now_of(member), stream, channel, request);
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
  pod(added).connected(now_of(added), key(member));
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
  pod::Durability durability;
  durability.promise = device.promise;
  if (device.promise) durability.standing = store::Standing::equal;
  if (options_.compare_promises) {
    durability.standing = store::compare({}, device.disk().transaction(), device.promise);
    // Lest its transactions catch up with what was promised, and hide that something is missing.
    if (!store::may_promise(durability.standing)) {
      if (!device.promise) keep_first_promise(device);
      device.promise->repairing = true;
      durability.promise = device.promise;
    }
  }
  std::vector<identity::DeviceKeys> former;
  for (const identity::DeviceKeys& each : device.former) former.emplace_back(each.secret().clone());
  auto opened = Pod::open(std::move(options), identity::DeviceKeys(device.keys.secret().clone()), device.disk(),
                          durability, device.entropy, now_of(i), std::move(former));
  if (!opened) return std::unexpected(opened.error());
  ++device.life;
  device.pod.emplace(*std::move(opened));
  if (take_next_key(i)) return open(i);
  pump(i);
  return {};
}

std::size_t Network::copy(std::size_t i) {
  const Device& device = *devices_[i];
  auto made = std::make_unique<Device>(device.name, identity::DeviceKeys(device.keys.secret().clone()), random_.next());
  made->store = device.store;
  devices_.push_back(std::move(made));
  return devices_.size() - 1;
}

Result<pod::Outcome> Network::rotate(std::size_t i, const identity::PaperKey* paper) {
  Device& device = *devices_[i];
  if (!device.next) device.next.emplace(identity::DeviceKeys::random(entropy_));
  auto outcome = pod(i).rotate_key(now_of(i), *device.next, paper);
  pump(i);
  return outcome;
}

// As the host does before it goes on with a store: its key may have a successor that is here.
bool Network::take_next_key(std::size_t i) {
  Device& device = *devices_[i];
  const std::optional<PublicKey> successor = device.pod->successor();
  if (!device.next || !successor || *successor != device.next->public_key()) return false;
  device.pod.reset();
  device.former_public.push_back(device.keys.public_key());
  device.former.push_back(std::exchange(device.keys, *std::exchange(device.next, std::nullopt)));
  return true;
}

std::optional<std::size_t> Network::find(const PublicKey& key) const {
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (devices_[i]->keys.public_key() == key) return i;
  }
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    if (std::ranges::find(devices_[i]->former_public, key) != devices_[i]->former_public.end()) return i;
  }
  return std::nullopt;
}

// --- What goes wrong -------------------------------------------------------------------------------------------------

void Network::crash(std::size_t i, std::size_t committed_first) {
  Device& device = *devices_[i];
  if (!device.pod) return;
  for (std::size_t n = 0; n < committed_first && !device.writes.empty(); ++n) {
    if (!device.disk().commit(device.writes.front().batch)) break;
    const bool before_its_promise = options_.compare_promises && n + 1 == committed_first;
    if (!before_its_promise) keep_promise(device, device.writes.front().promise);
    device.writes.pop_front();
  }
  device.writes.clear();
  device.pod.reset();
  device.wake_at.reset();
  device.deferred.clear();
  device.paused = false;
  device.reopening = false;
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
void Network::heal_all() {
  cuts_.clear();
  for (const auto& [from, to] : std::set<Pair>(blocked_)) unblock(from, to);
}

void Network::block(std::size_t from, std::size_t to) { blocked_.insert({from, to}); }

void Network::unblock(std::size_t from, std::size_t to) {
  if (blocked_.erase({from, to}) == 0) return;
  const auto held = held_.find({from, to});
  if (held == held_.end()) return;
  const std::deque<Send> waiting = std::exchange(held->second, {});
  for (const Send& each : waiting) send(from, each);
}

void Network::pause(std::size_t i) {
  if (alive(i)) devices_[i]->paused = true;
}

void Network::resume(std::size_t i) {
  if (!std::exchange(devices_[i]->paused, false)) return;
  std::deque<std::function<void()>> due = std::exchange(devices_[i]->deferred, {});
  for (auto& action : due) {
    if (alive(i)) when_running(i, std::move(action));
  }
}

void Network::when_running(std::size_t i, std::function<void()> action) {
  if (devices_[i]->paused) return devices_[i]->deferred.push_back(std::move(action));
  action();
}

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
  if (devices_[a]->stopped || devices_[b]->stopped || devices_[a]->paused || devices_[b]->paused) return;
  if (!pod(a).may_connect(key(b)) || !pod(b).may_connect(key(a))) return;
  if (!pod(a).is_device(key(b)) && !pod(b).is_device(key(a))) return;  // Neither would dial.
  connections_[pair] = {next_connection_++, {now_, now_}, std::nullopt};
  pod(a).connected(now_of(a), key(b));
  pod(b).connected(now_of(b), key(a));
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
    when_running(one, [this, one = one, other = other, host] {
      if (host == one) {
        pod(one).guest_left(now_of(one), key(other));
      } else {
        pod(one).disconnected(now_of(one), key(other));
      }
      pump(one);
    });
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
  Output out = device.pod->take_output(now_of(i));
  if (out.persist) write(i, *std::move(out.persist));
  for (Send& each : out.send) send(i, std::move(each));
  for (auto& each : out.pairing_send) to_newcomer_.push_back(std::move(each.bytes));
  newcomer_closed_ = newcomer_closed_ || !out.pairing_close.empty();
  for (Notice& notice : out.notices) device.notices.push_back(std::move(notice));
  device.wake_at = out.wake_at;
  const bool rotates = out.must_rotate && device.next && device.next->public_key() == *out.must_rotate;
  device.stopped = device.stopped || (out.must_stop && !rotates);
  device.wiped = device.wiped || (out.must_wipe && !rotates);
  if (out.former_keys_done) device.former.clear();
  if ((out.must_reopen || rotates) && !std::exchange(device.reopening, true)) {
    schedule(now_, [this, i, life = device.life] {
      if (devices_[i]->life == life) when_running(i, [this, i] { reopen(i); });
    });
  }
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
  if (after_step) after_step(i);
}

void Network::send(std::size_t from, Send frame) {
  const auto to = find(frame.to);
  if (!to) return;
  const auto known = connections_.find(pair_of(from, *to));
  if (known == connections_.end()) return;
  if (on_frame) on_frame(from, *to, frame.channel, frame.frame);
  if (filter && !filter(from, *to, frame.channel, frame.frame)) return;
  if ((hold && hold(from, *to, frame.channel, frame.frame)) || blocked_.contains({from, *to})) {
    return held_[Pair{from, *to}].push_back(std::move(frame));
  }
  const bool in_order = frame.channel == Channel::sync;
  if (!in_order && options_.loss_per_1000 > 0 && random_.chance(options_.loss_per_1000, 1000)) return;
  Tick& last = known->second.last[from < *to ? 0 : 1];
  Tick at = draw(options_.link_delay_max);
  if (options_.bytes_per_second > 0) {
    const std::uint64_t takes_us = frame.frame.size() * 1'000'000 / options_.bytes_per_second;
    at = std::max(at, last) + microseconds(static_cast<std::int64_t>(takes_us));
  }
  const bool passes = !in_order && options_.reorder_per_1000 > 0 && random_.chance(options_.reorder_per_1000, 1000);
  if (!passes) at = last = std::max(last, at);
  const bool twice = !in_order && options_.repeat_per_1000 > 0 && random_.chance(options_.repeat_per_1000, 1000);
  if (twice) {
    schedule(draw(options_.link_delay_max) + options_.link_delay_max,
             [this, from, to = *to, id = known->second.id, sent = frame] { deliver(from, to, id, sent); });
  }
  schedule(at, [this, from, to = *to, id = known->second.id, sent = std::move(frame)] { deliver(from, to, id, sent); });
}

void Network::deliver(std::size_t from, std::size_t to, std::uint64_t connection, const Send& sent) {
  const auto still = connections_.find(pair_of(from, to));
  if (still == connections_.end() || still->second.id != connection || !alive(to)) return;
  if (devices_[to]->paused) {
    return devices_[to]->deferred.push_back(
        [this, from, to, connection, sent] { deliver(from, to, connection, sent); });
  }
  if (still->second.host == to) {
    pod(to).guest_received(now_of(to), key(from), sent.frame);
  } else {
    pod(to).received(now_of(to), key(from), sent.channel, sent.frame);
  }
  pump(to);
}

// As the host does: all is saved, then the process begins anew.
void Network::reopen(std::size_t i) {
  if (!alive(i)) return;
  pod(i).prepare_to_stop(now_of(i));
  pump(i);
  crash(i, ~std::size_t{0});
  if (restart(i)) return;
  RZ_ASSERT(on_disk_error != nullptr);
  on_disk_error(i, Error{ErrorCode::store_damaged, "it does not open again"});
}

bool Network::release(std::size_t from, std::size_t to) {
  std::deque<Send>& held = held_[Pair{from, to}];
  if (held.empty() || !alive(to)) return false;
  const Send sent = std::move(held.front());
  held.pop_front();
  pod(to).received(now_of(to), key(from), sent.channel, sent.frame);
  pump(to);
  return true;
}

void Network::write(std::size_t i, Persist persist) {
  Device& device = *devices_[i];
  device.writes.push_back(std::move(persist));
  if (device.writes.size() == 1) schedule_commit(i);  // Otherwise the disk is busy.
}

void Network::schedule_commit(std::size_t i) {
  const Device& device = *devices_[i];
  schedule(draw(device.disk_delay_max.value_or(options_.disk_delay_max)), [this, i, life = device.life] {
    if (devices_[i]->life != life) return;
    when_running(i, [this, i, life] {
      if (devices_[i]->life == life) commit_next(i);
    });
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
  const Status committed = device.disk().commit(done.batch);
  if (!committed && committed.error().code == ErrorCode::disk_full) {  // The host tries again until there is space.
    device.writes.push_front(std::move(done));
    return schedule_commit(i);
  }
  if (!committed) {
    RZ_ASSERT(on_disk_error != nullptr);
    return on_disk_error(i, committed.error());
  }
  keep_promise(device, done.promise);
  if (!device.writes.empty()) schedule_commit(i);
  device.pod->persisted(now_of(i), done.ticket);
  pump(i);
}

// --- Time ------------------------------------------------------------------------------------------------------------

Now Network::now_of(std::size_t i) const {
  Now own = now();
  const Device& device = *devices_[i];
  own.wall.ms += device.wall_offset_ms;
  const std::int64_t ahead_us = static_cast<std::int64_t>(now_.us) * device.drift_ppm / 1'000'000;
  own.tick = own.tick + microseconds(ahead_us);
  return own;
}

// When the world's clock will be about where that device's own says `own`: never before.
Tick Network::world_tick(const Device& device, Tick own) const {
  if (device.drift_ppm == 0) return own;
  const std::int64_t ahead_us = static_cast<std::int64_t>(own.us) * device.drift_ppm / (1'000'000 + device.drift_ppm);
  return Tick{static_cast<std::uint64_t>(static_cast<std::int64_t>(own.us) - ahead_us)} + microseconds(1000);
}

void Network::run(Duration duration) {
  const Tick end = now_ + duration;
  for (;;) {
    std::optional<std::size_t> waking;
    Tick next = end;
    if (!events_.empty()) next = std::min(next, events_.begin()->first.first);
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      const Device& device = *devices_[i];
      if (!device.pod || !device.wake_at || device.stopped || device.paused) continue;
      const Tick due = world_tick(device, *device.wake_at);
      if (due >= next) continue;
      next = std::max(now_, due);
      waking = i;
    }
    now_ = std::max(now_, next);
    if (waking) {
      // A wake-up at or before now means work to do at once; a pod that asked for that for ever would hang here.
      devices_[*waking]->wake_at.reset();
      pod(*waking).tick(now_of(*waking));
      pump(*waking);
      const Tick own = now_of(*waking).tick;
      if (devices_[*waking]->wake_at && *devices_[*waking]->wake_at <= own) {
        devices_[*waking]->wake_at = own + milliseconds(1);
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
    const PodStatus status = pod(i).status(now_of(i));
    text += words("\ndevice ", i, " ", status.role, " term ", status.term, " commit ", status.commit_index, " events ",
                  status.events, " voters ", status.voters_reachable, "/", status.voters, ":");
    for (const log::StreamHeads& heads : pod(i).frontier()) {
      text += words(" ", heads.stream.brief(), " ", name_of(pod(i).state_of(heads.stream)));
      for (const log::EventId& head : heads.heads) text += words(" ", head.brief());
    }
    for (const pod::Alarm& each : pod(i).alarms()) text += "\n  " + each.text;
  }
  return text;
}

bool Network::converge(Duration limit) {
  return run_until([this] { return has_converged(); }, limit);
}

}  // namespace rz::sim
