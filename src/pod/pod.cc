#include "pod/pod.h"

#include "pod/core.h"

namespace rz::pod {

Pod::Pod(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Pod::~Pod() = default;
Pod::Pod(Pod&&) noexcept = default;
Pod& Pod::operator=(Pod&&) noexcept = default;

Result<Pod> Pod::open(Options options, identity::DeviceKeys keys, const store::Reader& store,
                      const Durability& durability, crypto::Entropy& entropy, Now now,
                      std::vector<identity::DeviceKeys> former) {
  auto core = std::make_unique<Core>(std::move(options), std::move(keys), store, entropy, now, std::move(former));
  RZ_CHECK(core->open(durability));
  return Pod(std::move(core));
}

// --- Input -----------------------------------------------------------------------------------------------------------

void Pod::tick(Now now) {
  core_->at(now);
  core_->tick();
}

void Pod::persisted(Now now, std::uint64_t ticket) {
  core_->at(now);
  core_->persisted(ticket);
}

void Pod::connected(Now now, const PublicKey& device) {
  core_->at(now);
  core_->connected(device);
}

void Pod::disconnected(Now now, const PublicKey& device) {
  core_->at(now);
  core_->disconnected(device);
}

void Pod::received(Now now, const PublicKey& device, Channel channel, ByteView frame) {
  core_->at(now);
  core_->received(device, channel, frame);
}

void Pod::pairing(Now now, identity::Inviter::Input input) {
  core_->at(now);
  core_->pairing(std::move(input));
}

bool Pod::guest_opened(Now now, identity::ConnectionId stream) {
  core_->at(now);
  return core_->guest_opened(stream);
}

void Pod::guest_closed(identity::ConnectionId stream) { core_->door_.closed(stream); }

Result<Bytes> Pod::guest_knocked(Now now, identity::ConnectionId stream, const identity::RecoveryChannel& channel,
                                 ByteView frame) {
  core_->at(now);
  return core_->guest_knocked(stream, channel, frame);
}

void Pod::guest_received(Now now, const PublicKey& device, ByteView frame) {
  core_->at(now);
  core_->guest_received(device, frame);
}

void Pod::guest_left(Now now, const PublicKey& device) {
  core_->at(now);
  core_->guest_left(device);
}

Output Pod::take_output(Now now) {
  core_->at(now);
  return core_->take_output();
}

bool Pod::is_device(const PublicKey& key) const { return core_->is_device(key); }

void Pod::when_durable(Now now, std::function<void()> done) {
  core_->at(now);
  core_->after_persist(std::move(done));
}

bool Pod::may_connect(const PublicKey& key) const {
  return core_->is_device(key) || core_->may_hear(key) || core_->may_introduce_itself(key);
}

std::vector<std::pair<PublicKey, std::vector<ipld::Multiaddr>>> Pod::places() const { return core_->places(); }

void Pod::set_addresses(Now now, std::vector<ipld::Multiaddr> addresses) {
  core_->at(now);
  core_->options_.addresses = std::move(addresses);
  core_->announce_place();
}

// --- Commands --------------------------------------------------------------------------------------------------------

Result<log::StreamId> Pod::create_document(Now now, std::string_view title, std::string_view text) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->create_document(title, text);
}

Status Pod::rename_document(Now now, const log::StreamId& document, std::string_view title) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->rename_document(document, title);
}

Status Pod::remove_document(Now now, const log::StreamId& document) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->remove_document(document);
}

Status Pod::restore_document(Now now, const log::StreamId& document) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->restore_document(document);
}

Status Pod::accept_quarantined(Now now, const log::StreamId& document) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->accept_quarantined(document);
}

Result<document::Patches> Pod::edit_text(Now now, const log::StreamId& document, const std::vector<TextEdit>& edits) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->edit_text(document, edits);
}

bool Pod::has_tails(const log::StreamId& document) const {
  for (const auto& [device, peer] : core_->peers_) {
    const auto live = peer.live.find(document);
    if (live != peer.live.end() && live->second.tail) return true;
  }
  return false;
}

Result<std::string> Pod::text(const log::StreamId& document) {
  RZ_TRY(StreamReplica* const replica, core_->document(document));
  return replica->document()->text(document::body());
}

Result<std::uint64_t> Pod::text_length(const log::StreamId& document) {
  RZ_TRY(StreamReplica* const replica, core_->document(document));
  return replica->document()->length(document::body());
}

Result<std::string> Pod::title(const log::StreamId& document) {
  RZ_TRY(StreamReplica* const replica, core_->document(document));
  const auto value = replica->document()->get({std::string("title")});
  if (!value) return std::string();
  const auto* text = std::get_if<std::string>(&value->is);
  return text == nullptr ? std::string() : *text;
}

void Pod::flush(Now now) {
  core_->at(now);
  core_->flush();
}

void Pod::prepare_to_stop(Now now) {
  core_->at(now);
  core_->prepare_to_stop();
}

void Pod::watch(const log::StreamId& document) { ++core_->watched_[document]; }

void Pod::unwatch(const log::StreamId& document) {
  const auto watched = core_->watched_.find(document);
  if (watched != core_->watched_.end() && --watched->second == 0) core_->watched_.erase(watched);
}

void Pod::set_room(Now now, const Room& room) {
  core_->at(now);
  core_->set_room(room);
}

void Pod::set_cursor(Now now, const log::StreamId& document,
                     std::optional<std::pair<std::uint64_t, std::uint64_t>> at) {
  core_->at(now);
  core_->set_cursor(document, at);
}

identity::JoinSecret Pod::invite(Now now, log::DeviceKind kind) {
  core_->at(now);
  const identity::JoinSecret secret = identity::draw_join_secret(core_->entropy_);
  core_->pairing(identity::Inviter::Invite{secret, static_cast<identity::DeviceKind>(kind)});
  return secret;
}

Status Pod::suspend_device(Now now, const PublicKey& device) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->suspend_device(device);
}

Status Pod::rename_device(Now now, const PublicKey& device, std::string_view name) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->rename_device(device, name);
}

Result<Outcome> Pod::remove_device(Now now, const PublicKey& device, const identity::PaperKey* paper) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->remove_device(device, paper);
}

Result<Outcome> Pod::lift_device(Now now, const PublicKey& device, const identity::PaperKey* paper) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->lift_device(device, paper);
}

Result<Outcome> Pod::set_policy(Now now, const identity::Policy& policy, const identity::PaperKey* paper) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->set_policy(policy, paper);
}

Result<Outcome> Pod::rotate_key(Now now, const identity::DeviceKeys& next, const identity::PaperKey* paper) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->rotate_key(next, paper);
}

Status Pod::answer_request(Now now, const Hash256& request, bool yes) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->answer_request(request, yes);
}

Status Pod::withdraw_request(Now now, const Hash256& request) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->withdraw_request(request);
}

Status Pod::decide_contest(Now now, const std::optional<log::EventId>& keep, const identity::PaperKey& paper) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->decide_contest(keep, paper);
}

Status Pod::check_writable() const { return core_->check_writable(); }

void Pod::confirm_paper(Now now) {
  core_->at(now);
  core_->paper_confirmed_ = true;
  core_->batch_.put(singleton_key("paper_confirmed"), Bytes{1});
}

Status Pod::restart_cluster(Now now, bool although_answering) {
  core_->at(now);
  RZ_CHECK(core_->check_writable());
  return core_->restart_cluster(although_answering);
}

void Pod::prepare_sleep(Now now) {
  core_->at(now);
  core_->prepare_sleep();
}

Status Pod::set_voter(Now now, const PublicKey& device, bool votes) {
  core_->at(now);
  return core_->set_voter(device, votes);
}

Status Pod::transfer_leadership(Now now, const std::optional<PublicKey>& to) {
  core_->at(now);
  return core_->transfer_leadership(to);
}

// --- Recovery --------------------------------------------------------------------------------------------------------

Status Pod::recover(Now now, const identity::PaperKey& paper, const identity::PaperKey& next, bool new_generation) {
  core_->at(now);
  return core_->recover(paper, next, new_generation);
}

RecoveryProgress Pod::recovery_progress(const PublicKey& member) const { return core_->recovery_progress(member); }

bool Pod::recovery_announced(Now now) {
  core_->at(now);
  return core_->recovery_announced();
}

Result<Outcome> Pod::undo_recovery(Now now) {
  core_->at(now);
  return core_->undo_recovery();
}

// --- Questions -------------------------------------------------------------------------------------------------------

const PublicKey& Pod::self() const { return core_->self_; }

std::optional<PublicKey> Pod::successor() const { return core_->handed_on_to_; }

PodStatus Pod::status(Now now) const {
  core_->at(now);
  return core_->status();
}

std::vector<DeviceSummary> Pod::devices(Now now) const {
  core_->at(now);
  return core_->devices();
}

std::vector<RequestSummary> Pod::requests() const { return core_->requests(); }

std::vector<RivalSummary> Pod::rivals() const { return core_->rivals(); }

std::vector<DocumentSummary> Pod::documents() { return core_->documents(false); }
std::vector<DocumentSummary> Pod::removed_documents() { return core_->documents(true); }

std::vector<EventSummary> Pod::newest_events(std::size_t count_max) { return core_->newest_events(count_max); }

EventSummary Pod::event(const log::StreamId& stream, std::uint32_t index) {
  return core_->event(*core_->stream(stream), log::EventIndex{index});
}

WriteState Pod::state_of(const log::StreamId& stream) const {
  const StreamReplica* replica = core_->stream(stream);
  return replica == nullptr ? WriteState::visible : core_->state_of(*replica);
}

bool Pod::is_copied(const log::StreamId& stream) const { return has_reached(stream, WriteState::pod); }

bool Pod::has_reached(const log::StreamId& stream, WriteState target) const {
  const StreamReplica* replica = core_->stream(stream);
  return replica != nullptr && core_->has_reached(*replica, target);
}

const raft::Raft* Pod::order() const { return core_->order(); }

std::vector<RemoteCursor> Pod::cursors(const log::StreamId& document) const { return core_->cursors(document); }

log::HeadList Pod::frontier() const {
  log::HeadList list;
  for (const auto& [id, replica] : core_->streams_) list.push_back({id, replica->graph().frontier()});
  return log::canonical(std::move(list));
}

const identity::IdentityState& Pod::identity() const { return core_->identity_; }

std::vector<Alarm> Pod::alarms() const { return core_->alarms_; }

std::uint64_t Pod::events_folded() const { return core_->events_folded_; }

Result<std::unique_ptr<SnapshotMaker>> Pod::snapshot() const { return core_->snapshot(); }

Result<std::unique_ptr<ExportMaker>> Pod::export_pod(bool sealed) const { return core_->export_pod(sealed); }

Status Pod::import_record(Now now, const ExportRecord& record) {
  core_->at(now);
  return core_->import_record(record);
}

Status Pod::finish_import(Now now, const ExportManifest& manifest) {
  core_->at(now);
  return core_->finish_import(manifest);
}

}  // namespace rz::pod
