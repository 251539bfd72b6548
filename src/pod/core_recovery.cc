// Recovery with the paper key, on both sides (docs/formats/recovery.md).
//
// The device that recovers is at first no member: it fetches everything from one member by an ordinary sync session,
// then writes the recovery, by which it becomes one. The member has it as a *guest*: a peer that is given everything
// and may give nothing but events of stream zero, which say themselves whether they count.
#include <algorithm>

#include "crypto/sha256.h"
#include "identity/recovery.h"
#include "ipld/dag_cbor.h"
#include "pod/core.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr std::size_t guests_max = 4;
constexpr std::size_t guest_events_bytes_max = 4 * 1024 * 1024;  // That one guest may give.
constexpr Duration guest_silence_max = seconds(60);
constexpr int duties_rounds_max = 8;
constexpr std::size_t recoveries_noted_max = 4096;

}  // namespace

// --- Beginning -------------------------------------------------------------------------------------------------------

Result<store::Batch> Pod::recovering(const store::Reader& store, ByteView genesis, const PublicKey* member,
                                     const Options& options, crypto::Entropy& entropy) {
  RZ_CHECK(log::decode_identity_genesis(genesis));
  RZ_TRY(const auto present, store.get(singleton_key("genesis")));
  if (present && !equal(*present, genesis)) {
    return fail(ErrorCode::sync_wrong_pod, "this folder holds a copy of another pod; choose another with --data");
  }
  store::Batch batch;
  if (!present) {
    batch.put(singleton_key("genesis"), genesis);
    Bytes incarnation;
    std::array<std::uint8_t, 8> drawn{};
    entropy.fill(drawn);
    std::uint64_t number = 0;
    for (const std::uint8_t byte : drawn) number = number << 8 | byte;
    cbor::put_uint(incarnation, number % (log::integer_end - 1) + 1);
    batch.put(singleton_key("incarnation"), incarnation);
  }
  batch.put(singleton_key("name"), as_bytes(options.name));
  batch.put(singleton_key("recovering"), Bytes{1});
  batch.erase(singleton_key("read_only"));  // A copy out of an export is about to become a device.
  if (member != nullptr) batch.put(singleton_key("inviter"), member->view());
  return batch;
}

Status Core::load_recovery() {
  RZ_CHECK(load_recovery_times());
  RZ_TRY(const auto unannounced, store_.get(singleton_key("unannounced")));
  unannounced_ = unannounced.has_value();
  RZ_TRY(const auto recovered, store_.get(singleton_key("recovered")));
  if (!recovered) return {};
  ipld::dag_cbor::Reader reader(*recovered);
  RZ_TRY(const std::uint64_t ms, reader.expect_uint());
  recovered_at_ = UnixMs{ms};
  return {};
}

// --- The recovering device -------------------------------------------------------------------------------------------

RecoveryProgress Core::recovery_progress(const PublicKey& member) const {
  RecoveryProgress progress;
  progress.cuts_missing = identity_.missing_cuts.size();
  for (const auto& [id, replica] : streams_) {
    progress.events += replica->graph().size();
    if (replica->durable() < replica->graph().size()) ++progress.streams_unsaved;
  }
  const auto peer = peers_.find(member);
  if (peer == peers_.end()) return progress;
  progress.connected = true;
  progress.told = peer->second.session->established();
  for (const auto& [id, rows] : peer->second.session->rows()) {
    const StreamReplica* replica = stream(id);
    for (const auto& [feed, row] : rows) {
      std::uint64_t here = 0;
      if (replica != nullptr) {
        for (const EventIndex head : replica->graph().heads_of(feed)) {
          here = std::max(here, replica->graph().seq(head).value + 1);
        }
      }
      progress.events_missing += row.stored_there - std::min(row.stored_there, here);
    }
  }
  return progress;
}

// Everything in one batch: a device without the older keys wrapped for it would be one that can't read, for good.
Status Core::recover(const identity::PaperKey& paper, const identity::PaperKey& next, bool new_generation) {
  const log::AddDevice device{self_, keys_.box_key().public_key(), log::DeviceKind::personal, options_.name,
                              std::nullopt};
  if (identity_.needs_upgrade) {
    return fail(ErrorCode::identity_bad_history,
                "this pod was changed by a later version of Rhizome: recover it with that one");
  }
  RZ_TRY(const log::Operation operation, identity::make_recovery(identity_, paper, next, device));
  RZ_TRY(const auto promised, identity::promise(identity_, promises_, self_, operation));
  if (promised) {
    identity::keep_promise(promises_, *promised);
    put_promises();
  }
  const std::size_t unlocked = epochs_->unlock(identity::epoch_table(zero_->graph(), zero_counts_), paper.box_key());
  for (StreamReplica* replica : by_number_) {
    if (unlocked > 0 && replica != nullptr && replica != zero_) replica->keys_came();
  }
  // It signs with the paper before anything names it: its first feed begins at the genesis.
  own_admission_ = log::as_event_id(zero_->id());
  batch_.erase(singleton_key("recovering"));
  batch_.put(singleton_key("unannounced"), Bytes{1});
  Bytes at;
  cbor::put_uint(at, now_.wall.ms);
  batch_.put(singleton_key("recovered"), at);
  unannounced_ = hold_sends_ = true;
  RZ_CHECK(write_control(*zero_, operation));
  if (!is_member_) return fail(ErrorCode::recovery_wrong_key, "the recovery does not count: the paper was used before");
  recovered_at_ = now_.wall;
  for (int round = 0; round < duties_rounds_max; ++round) {
    const std::uint32_t before = zero_->graph().size();
    keep_readers();
    if (zero_->graph().size() == before) break;
  }
  if (new_generation) RZ_CHECK(restart_cluster(true));
  after_persist([this] { hold_sends_ = false; });
  return {};
}

// Whether a member stores the recovery durably: only then do the others know of this device.
bool Core::recovery_announced() {
  if (!unannounced_) return true;
  const identity::Device* own = identity_.find(self_);
  const auto event = own == nullptr ? std::nullopt : zero_->graph().find(own->admission);
  if (!event) return false;
  for (const auto& [device, peer] : peers_) {
    if (!peer.session->peer_stores(zero_->id(), zero_->graph().feed(*event), zero_->graph().seq(*event))) continue;
    unannounced_ = false;
    batch_.erase(singleton_key("unannounced"));
    return true;
  }
  return false;
}

bool Core::is_recovery_pending() const {
  return recovered_at_ && identity::is_recovery_pending(*recovered_at_, now_.wall);
}

// Nothing irrevocable for 72 hours: the devices that were there before may say no.
Status Core::check_not_pending() const {
  if (!is_recovery_pending()) return {};
  return fail(ErrorCode::authority_missing,
              "this device came back with the paper key less than 72 hours ago: until then it removes nobody. Suspend "
              "the lost device meanwhile; that takes effect at once");
}

// When this device first saw each recovery, by its own clock: what others may veto is counted from there.
void Core::note_recovery_times() {
  bool changed = false;
  for (const identity::Recovery& recovery : identity_.recoveries) {
    if (recoveries_seen_.size() >= recoveries_noted_max) break;
    changed = recoveries_seen_.emplace(recovery.operation, now_.wall).second || changed;
  }
  if (!changed) return;
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(recoveries_seen_.size());
  for (const auto& [operation, at] : recoveries_seen_) {
    writer.array(2);
    writer.bytes(operation.view());
    writer.unsigned_integer(at.ms);
  }
  batch_.put(singleton_key("recoveries_seen"), value);
}

Status Core::load_recovery_times() {
  RZ_TRY(const auto value, store_.get(singleton_key("recoveries_seen")));
  if (!value) return {};
  ipld::dag_cbor::Reader reader(*value);
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  for (std::uint64_t i = 0; i < count; ++i) {
    log::EventId operation;
    RZ_CHECK(reader.expect_array(2));
    RZ_CHECK(reader.expect_fixed(operation));
    RZ_TRY(const std::uint64_t ms, reader.expect_uint());
    recoveries_seen_[operation] = UnixMs{ms};
  }
  return reader.finish();
}

// Whether this device was in the pod before that recovery: to who came later it is history.
bool Core::was_here_before(const log::EventId& recovery) const {
  const identity::Device* own = identity_.find(self_);
  const auto event = zero_->graph().find(recovery);
  if (own == nullptr || !event) return false;
  const PublicKey first{node_of(self_).bytes};  // Under whatever key it was here.
  const identity::Device* then = identity_.find(first);
  const auto admission = zero_->graph().find(then == nullptr ? own->admission : then->admission);
  return !admission || zero_->graph().is_ancestor(*admission, *event);  // The first device's is the genesis.
}

// What others did comes before what this device did: it is what the owner may have to undo, most of all if it can.
std::optional<RecoveryNotice> Core::recovery_notice() const {
  std::optional<RecoveryNotice> found;
  for (const identity::Recovery& recovery : identity_.recoveries) {
    const bool own = is_own(recovery.device);
    const auto seen = recoveries_seen_.find(recovery.operation);
    if (!recovery.counts || seen == recoveries_seen_.end()) continue;
    if (!identity::is_recovery_pending(seen->second, now_.wall)) continue;
    if (!own && !was_here_before(recovery.operation)) continue;
    RecoveryNotice notice;
    notice.operation = recovery.operation;
    notice.device = recovery.device;
    notice.name = device_name(recovery.device);
    notice.own = own;
    notice.until = UnixMs{seen->second.ms + identity::recovery_pending_ms};
    const auto& voices = recovery.established_before;
    notice.may_veto = voices.size() >= 2 && std::binary_search(voices.begin(), voices.end(), self_);
    if (!own && notice.may_veto) return notice;
    if (!found || found->own) found = std::move(notice);
  }
  return found;
}

// --- A veto ----------------------------------------------------------------------------------------------------------

// Asks the devices that were established before it; written once a majority of them, and two, have said yes.
Result<Outcome> Core::undo_recovery() {
  const auto notice = recovery_notice();
  if (!notice || notice->own) return fail(ErrorCode::not_found, "nobody has recovered this pod in the last 72 hours");
  if (!notice->may_veto) {
    return fail(
        ErrorCode::authority_missing,
        "only devices that were established before the recovery can undo it, and at least two together: suspend "
        "the device instead");
  }
  RZ_TRY(const log::Operation operation, identity::draft_veto(identity_, notice->operation));
  return decide_on(operation);
}

// --- The member ------------------------------------------------------------------------------------------------------

bool Core::guest_opened(identity::ConnectionId stream) {
  const bool taken = door_.opened(now_.tick, stream);
  if (const auto due = door_.wake_at()) wake(*due);
  return taken;
}

Result<Bytes> Core::guest_knocked(identity::ConnectionId stream, const identity::RecoveryChannel& channel,
                                  ByteView frame) {
  // A device that is not in its pod itself can't tell who may have it.
  if (!is_member_) return fail(ErrorCode::recovery_wrong_key, "this device belongs to no pod yet");
  RZ_TRY(Bytes answer, door_.knock(now_.tick, stream, channel, identity_, zero_->genesis(), frame));
  const PublicKey& device = channel.recoverer;
  const auto guests = std::count_if(peers_.begin(), peers_.end(), [](const auto& each) { return each.second.guest; });
  const auto known = peers_.find(device);
  if (known != peers_.end() && !known->second.guest) {
    return fail(ErrorCode::device_known, "this device is connected already");
  }
  if (known == peers_.end() && static_cast<std::size_t>(guests) >= guests_max) {
    return fail(ErrorCode::limit_exceeded, "too many recoveries at once");
  }
  add_peer(device, identity_.recovery_hash);
  alarm(Alarm::Level::warning,
        "somebody who holds the paper key is fetching a copy of what this device stores, to recover the pod");
  return answer;
}

void Core::guest_received(const PublicKey& device, ByteView frame) {
  const auto found = peers_.find(device);
  if (found == peers_.end() || !found->second.guest) return;
  found->second.last_heard = now_.tick;
  if (Status taken = receive_sync(device, found->second, frame); !taken) drop_peer(device, taken.error());
}

void Core::guest_left(const PublicKey& device) {
  const auto found = peers_.find(device);
  if (found != peers_.end() && found->second.guest) disconnected(device);
}

// What a guest says is taken as from any device, since it is verified or answers a question; only the events that it
// gives are bounded, and of stream zero.
Status Core::check_guest(const PublicKey& device, Peer& peer, const sync::Message& message) const {
  const auto* events = std::get_if<sync::Events>(&message);
  if (events == nullptr || is_device(device)) return {};  // A device: its recovery has come.
  if (events->stream != zero_->id()) return fail(ErrorCode::sync_out_of_turn, "a guest gives no events but its own");
  peer.guest_bytes += events->run.size();
  if (peer.guest_bytes <= guest_events_bytes_max) return {};
  return fail(ErrorCode::sync_overrun, "more events than a guest may give");
}

// A guest stays while its paper is the one in force, and after its recovery until it comes back as a device.
bool Core::may_stay(const PublicKey& device, const Peer& peer) const {
  return is_device(device) || (peer.guest && *peer.guest == identity_.recovery_hash);
}

void Core::tick_guests() {
  for (const identity::ConnectionId stream : door_.expire(now_.tick)) output_.guest_reset.push_back(stream);
  if (const auto due = door_.wake_at()) wake(*due);
  for (const auto& [device, peer] : peers_) {
    if (!peer.guest) continue;
    if (peer.last_heard + guest_silence_max <= now_.tick) {
      to_drop_.emplace_back(device, Error{ErrorCode::sync_out_of_turn, "nothing was heard for a minute"});
    } else {
      wake(peer.last_heard + guest_silence_max);
    }
  }
}

}  // namespace rz::pod
