// A device whose key was changed: the same member of the pod and of its order, under another name
// (docs/decisions/0091-a-device-with-a-new-key.md).
//
// Its chain of keys is a function of stream zero: a key whose admission is a rotation follows the key that the rotation
// names. The first of them stays its name in the order, so that nobody's quorum changes.
#include <algorithm>

#include "identity/operations.h"
#include "identity/recovery.h"
#include "ipld/dag_cbor.h"
#include "pod/core.h"
#include "sync/news.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr std::string_view written_prefix = "rotating/";
constexpr std::size_t strangers_max = 4;
constexpr std::size_t turned_away_max = 64;
constexpr std::size_t stranger_bytes_max = 4 * 1024 * 1024;
constexpr Duration stranger_patience = seconds(10);
constexpr Duration stranger_again = seconds(2);
constexpr std::size_t untold_max = 4096;

Bytes written_key(const log::StreamId& stream) {
  Bytes key = singleton_key(written_prefix);
  append(key, stream.view());
  return key;
}

}  // namespace

// --- One device, several keys ----------------------------------------------------------------------------------------

// Read from the operations, not from which removals count: those count once their cut is here, and until then the new
// key must not pass for another member.
void Core::note_successions() {
  std::map<PublicKey, PublicKey> before;
  for (const identity::Device& device : identity_.devices) {
    const auto event = zero_->graph().find(device.admission);
    const log::ControlBody* body = event ? zero_->graph().control_body(*event) : nullptr;
    const auto* rotate = body == nullptr ? nullptr : std::get_if<log::RotateKeys>(&body->operation);
    if (rotate != nullptr && rotate->successor == device.key) before[device.key] = rotate->device;
  }
  first_keys_.clear();
  newest_keys_.clear();
  // No circle: a successor is new to the past of its rotation.
  for (const auto& [key, previous] : before) {
    PublicKey first = previous;
    for (auto at = before.find(first); at != before.end(); at = before.find(first)) first = at->second;
    first_keys_[key] = first;
    const bool has_successor =
        std::any_of(before.begin(), before.end(), [&](const auto& e) { return e.second == key; });
    if (!has_successor) newest_keys_[first] = key;
  }
  const auto own = first_keys_.find(self_);
  if (own == first_keys_.end() || (own_node_ && own_node_->bytes == own->second.bytes)) return;
  own_node_ = raft::NodeId{own->second.bytes};
  batch_.put(singleton_key("node"), own->second.view());
}

raft::NodeId Core::node_of(const PublicKey& device) const {
  const auto first = first_keys_.find(device);
  if (first != first_keys_.end()) return raft::NodeId{first->second.bytes};
  return device == self_ && own_node_ ? *own_node_ : raft::NodeId{device.bytes};
}

PublicKey Core::device_of(const raft::NodeId& node) const {
  const auto newest = newest_keys_.find(PublicKey{node.bytes});
  if (newest != newest_keys_.end()) return newest->second;
  return own_node_ == node ? self_ : PublicKey{node.bytes};
}

std::vector<PublicKey> Core::own_keys() const {
  std::vector<PublicKey> keys;
  for (const identity::Device& device : identity_.devices) {
    if (is_own(device.key)) keys.push_back(device.key);
  }
  return keys;
}

// --- Asking for it ---------------------------------------------------------------------------------------------------

Status Core::load_rotation() {
  RZ_TRY(const auto node, store_.get(singleton_key("node")));
  if (node) {
    RZ_TRY(const PublicKey first, PublicKey::from(*node));
    own_node_ = raft::NodeId{first.bytes};
  }
  if (const auto untold = store_.get(singleton_key("untold")); untold && *untold) {
    ipld::dag_cbor::Reader reader(**untold);
    PublicKey of;
    RZ_CHECK(reader.expect_array(2));
    RZ_CHECK(reader.expect_fixed(of));
    RZ_TRY(const std::uint64_t count, reader.expect_array());
    if (count > untold_max) return fail(ErrorCode::limit_exceeded, words(count, " devices"));
    for (std::uint64_t i = 0; i < count; ++i) {
      PublicKey device;
      RZ_CHECK(reader.expect_fixed(device));
      if (of == self_) untold_.insert(device);
    }
    untold_kept_ = of == self_;
  }
  RZ_TRY(const auto rotating, store_.get(singleton_key("rotating")));
  if (!rotating) return {};
  RZ_TRY(const PublicKey successor, PublicKey::from(*rotating));
  rotating_ = Rotating{successor, {}};
  const Bytes prefix = singleton_key(written_prefix);
  return store_.scan(
      store::Reader::Range{prefix, store::prefix_end(prefix)},
      [&](ByteView key, ByteView value) {
        const auto stream = log::StreamId::from(key.subspan(prefix.size()));
        for (std::size_t at = 0; stream && at + 32 <= value.size(); at += 32) {
          rotating_->written[*stream].push_back(*log::EventId::from(value.subspan(at, 32)));
        }
        return true;
      },
      [&](ByteView key) { batch_.erase(key); });  // The owner takes it in by hand: it is set aside, not lost.
}

Result<Outcome> Core::rotate_key(const identity::DeviceKeys& next, const identity::PaperKey* paper) {
  const identity::Device* own = identity_.find(self_);
  if (own == nullptr || !own->in_pod() || own->leaving) {
    return fail(ErrorCode::not_a_device, "this device does not belong to the pod any more, or has another key already");
  }
  const auto draft = [&](const Hash256& cut) -> Result<log::Operation> {
    RZ_TRY(log::Operation operation,
           identity::draft_rotate(identity_, next.signing_key(), self_, next.box_key().public_key(), cut));
    if (paper != nullptr) RZ_CHECK(identity::sign_with_paper(identity_, *paper, self_, operation));
    return operation;
  };
  RZ_CHECK(draft({}));
  if (rotating_ && rotating_->successor != next.public_key()) {
    const std::vector<OpenRequest> open = consent_.askers[self_].open;
    for (const OpenRequest& each : open) {
      if (std::holds_alternative<log::RotateKeys>(each.operation)) RZ_CHECK(withdraw_request(each.id));
    }
  }
  flush();
  RZ_TRY(const Hash256 cut, keep_removal_cut(self_));
  RZ_TRY(const log::Operation operation, draft(cut));
  const bool begun = rotating_.has_value();
  if (!rotating_ || rotating_->successor != next.public_key()) {
    forget_rotation();
    rotating_ = Rotating{next.public_key(), {}};
    batch_.put(singleton_key("rotating"), next.public_key().view());
  }
  auto outcome = decide_on(operation);
  if (!outcome && !begun) forget_rotation();
  return outcome;
}

// The cut is as of the asking. Exactly what this device itself wrote since is remembered: whoever holds a copy of the
// key can go on with any feed of it.
void Core::note_written(const StreamReplica& replica, EventIndex event) {
  if (!rotating_ || rotating_->successor == self_ || &replica == zero_) return;
  std::vector<log::EventId>& written = rotating_->written[replica.id()];
  std::vector<EventIndex> all = {event};
  for (const log::EventId& id : written) {
    if (const auto known = replica.graph().find(id)) all.push_back(*known);
  }
  written.clear();
  Bytes value;
  for (const EventIndex each : replica.graph().maximal(all)) {
    written.push_back(replica.graph().id(each));
    append(value, written.back().view());
  }
  batch_.put(written_key(replica.id()), value);
}

void Core::forget_rotation() {
  if (!rotating_) return;
  for (const auto& [stream, written] : rotating_->written) batch_.erase(written_key(stream));
  batch_.erase(singleton_key("rotating"));
  rotating_.reset();
}

// This key has a successor. Nobody has to be waited for: the successor goes on with the same store, and tells the
// others who it is. Where the host does not hold it, this is a removal like any other.
void Core::hand_on(const identity::Device& own) {
  if (std::exchange(handing_on_, true)) return;
  const auto tell = [this, successor = *own.removed->successor] {
    handed_on_to_ = output_.must_rotate = successor;
    output_.must_stop = true;
    output_.must_wipe = identity::must_wipe(identity_, self_, recovery_seen_, now_.wall);
  };
  // As the store said it when this pod was opened: then no batch is to be waited for, which may be written each time.
  const bool durable = zero_->durable() == zero_->graph().size() && durable_cuts_.contains(own.removed->cut);
  if (durable) return tell();
  after_persist(tell);
}

// --- Having it -------------------------------------------------------------------------------------------------------

void Core::begin_as_successor() {
  const auto first = first_keys_.find(self_);
  if (first == first_keys_.end()) return;
  const auto event = zero_->graph().find(own_admission_);
  const log::ControlBody* body = event ? zero_->graph().control_body(*event) : nullptr;
  const auto* rotate = body == nullptr ? nullptr : std::get_if<log::RotateKeys>(&body->operation);
  if (rotate == nullptr) return;
  // It listens where it did: the others look for it there.
  const auto place = places_.find(rotate->device);
  if (place != places_.end() && options_.addresses.empty() && !places_.contains(self_)) {
    options_.addresses = place->second.addresses;
  }
  if (!untold_kept_) {
    untold_.clear();
    for (const identity::Device& device : identity_.devices) {
      if (device.in_pod() && !is_own(device.key) && !is_superseded(device.key)) untold_.insert(device.key);
    }
    put_untold();
    // The admission has the name of the day; what the device was called since goes with the old key.
    const identity::Device* before = identity_.find(rotate->device);
    if (before != nullptr && !before->name.empty() && before->name != identity_.find(self_)->name) {
      const Status named = rename_device(self_, before->name);
      if (!named) alarm(Alarm::Level::warning, named.error().to_string());
    }
  }
  if (rotating_ && rotating_->successor == self_) accept_own_writes();
}

// Of what was written under the former key after the cut, this device takes in what it wrote itself, and nothing else.
void Core::accept_own_writes() {
  for (const auto& [id, written] : rotating_->written) {
    StreamReplica* replica = stream(id);
    if (replica == nullptr) continue;
    std::vector<EventIndex> outside;
    for (const log::EventId& each : written) {
      const auto event = replica->graph().find(each);
      if (event && !replica->in_c(*event)) outside.push_back(*event);
    }
    if (outside.empty()) continue;
    log::Accept accept;
    for (const EventIndex head : replica->graph().maximal(outside)) accept.heads.push_back(replica->graph().id(head));
    std::sort(accept.heads.begin(), accept.heads.end());
    if (const Status done = write_control(*replica, accept); !done) {
      alarm(Alarm::Level::warning,
            words("what was written while this device's key was changed is set aside: ", done.error().message));
    }
  }
  forget_rotation();
}

void Core::put_untold() {
  untold_kept_ = true;
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(2);
  writer.bytes(self_.view());
  writer.array(untold_.size());
  for (const PublicKey& device : untold_) writer.bytes(device.view());
  batch_.put(singleton_key("untold"), value);
}

// It said hello, so it knows whose key this is.
void Core::told(const PublicKey& device) {
  if (untold_.erase(device) > 0) put_untold();
}

// What only the former keys open is wrapped for this one before long, by whoever keeps the readers. Then they are of no
// use any more.
void Core::check_former_keys(const identity::EpochTable& table) {
  if (former_.empty() || former_done_ || !is_member_) return;
  identity::EpochKeys mine(zero_->id());
  (void)mine.unlock(table, keys_.box_key());
  for (const auto& [epoch, facts] : table) {
    if (epochs_->find(epoch) != nullptr && mine.find(epoch) == nullptr) return;
  }
  former_done_ = true;
  after_persist([this] { output_.former_keys_done = true; });
}

// --- Being known again -----------------------------------------------------------------------------------------------

// To a device that was out of reach when the key was changed, and would turn this one away: the rotation with its past.
void Core::introduce(const PublicKey& device) {
  const auto event = zero_->graph().find(own_admission_);
  if (!untold_.contains(device) || !event) return;
  const log::EventGraph& graph = zero_->graph();
  const auto body_of = [this](EventIndex each) { return zero_->body(each); };
  const auto seal_of = [&graph](EventIndex each) { return graph.covering_seal(each); };
  const std::vector<EventIndex> past = graph.closure(std::vector<EventIndex>{*event});
  for (sync::Events& each : sync::news_of(graph, past, body_of, seal_of)) {
    const sync::Introduction introduction{std::move(each.run), each.seal};
    output_.send.push_back({device, Channel::sync, sync::encode(introduction)});
  }
}

// Anybody may try, so few at a time, and not again at once.
bool Core::may_introduce_itself(const PublicKey& key) const {
  if (!is_member_ || key == self_ || identity_.find(key) != nullptr || peers_.contains(key)) return false;
  if (strangers_.contains(key)) return true;
  const auto before = turned_away_.find(key);
  if (before != turned_away_.end()) return before->second + stranger_again <= now_.tick;
  return strangers_.size() < strangers_max && turned_away_.size() < turned_away_max;
}

// Only events that devices of this pod have signed are taken from it: it could have given them to any of them.
void Core::hear_stranger(const PublicKey& device, Channel channel, ByteView frame) {
  if (channel != Channel::sync) return;
  Stranger& stranger = strangers_.at(device);
  stranger.bytes += frame.size();
  const auto message = sync::decode(frame);
  const auto* introduction = message ? std::get_if<sync::Introduction>(&*message) : nullptr;
  if (introduction == nullptr || stranger.bytes > stranger_bytes_max) return turn_away(device);
  const auto run = log::decode_run(introduction->run, zero_->id(), [](const log::EpochId&) { return nullptr; });
  if (!run || run->events.empty() || identity_.find(run->events.front().header.author) == nullptr) {
    return turn_away(device);
  }
  const std::uint32_t begin = zero_->graph().size();
  const auto taken = zero_->take_run(introduction->run, introduction->seal, batch_);
  grew(*zero_, begin, &device);
  if (!taken) return turn_away(device);
  if (!is_device(device)) return;  // There is more to come.
  strangers_.erase(device);
  add_peer(device, std::nullopt);
}

void Core::turn_away(const PublicKey& device) {
  strangers_.erase(device);
  std::erase_if(turned_away_, [this](const auto& each) { return each.second + stranger_again <= now_.tick; });
  turned_away_[device] = now_.tick;
  output_.close.push_back({device, Error{ErrorCode::not_a_device, "this is no device of this pod"}});
}

void Core::end_silent_strangers() {
  std::vector<PublicKey> silent;
  for (const auto& [device, stranger] : strangers_) {
    if (stranger.since + stranger_patience <= now_.tick) {
      silent.push_back(device);
    } else {
      wake(stranger.since + stranger_patience);
    }
  }
  for (const PublicKey& device : silent) turn_away(device);
}

}  // namespace rz::pod
