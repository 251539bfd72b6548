#include "pod/stream_replica.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::pod {

using log::EventIndex;
using log::EventKind;

namespace {

constexpr std::size_t waiting_bytes_max = 16 * 1024 * 1024;

document::EventId document_id(const log::EventId& id) { return document::EventId{id.bytes}; }

}  // namespace

Result<std::unique_ptr<StreamReplica>> StreamReplica::make(StreamNumber number, Bytes genesis, log::Keeping keeping,
                                                           const store::Reader& store, const KeySource& keys) {
  RZ_TRY(log::EventGraph graph, log::EventGraph::from_genesis(genesis));
  return std::unique_ptr<StreamReplica>(
      new StreamReplica(number, std::move(genesis), keeping, std::move(graph), store, keys));
}

// --- Bodies ----------------------------------------------------------------------------------------------------------

log::HeldBody StreamReplica::body(EventIndex event) const {
  if (const ByteView control = graph_.control_bytes(event); !control.empty()) {
    return {log::BodyForm::stored, to_bytes(control)};
  }
  const Place place = places_[event.value];
  const Decoded* record = decoded_record(place.record);
  if (record == nullptr || place.at >= record->events.size()) return {};
  const log::DecodedEvent& decoded = record->events[place.at];
  if (decoded.form == log::BodyForm::absent || decoded.id != graph_.id(event)) return {};
  return {log::BodyForm::stored, decoded.stored};
}

const log::BodyKey* StreamReplica::body_key(const log::EpochId& epoch) const {
  if (const auto known = body_keys_.find(epoch); known != body_keys_.end()) return &known->second;
  const crypto::Secret32* key = keys_.epoch_key(epoch);
  if (key == nullptr) return nullptr;
  return &body_keys_.emplace(epoch, log::BodyKey(*key, id(), epoch)).first->second;
}

Result<Bytes> StreamReplica::plaintext(EventIndex event) const {
  log::HeldBody held = body(event);
  if (held.form != log::BodyForm::stored) return fail(ErrorCode::not_found, "the event's body is not here");
  const log::EpochId& epoch = graph_.epoch(event);
  if (epoch.is_zero()) return std::move(held.bytes);
  const log::BodyKey* key = body_key(epoch);
  if (key == nullptr) return fail(ErrorCode::not_found, "this device does not hold the key");
  return key->open(graph_.header(event), held.bytes);
}

// --- Events from others ----------------------------------------------------------------------------------------------

Result<log::FeedHead> StreamReplica::take_run(ByteView bytes, const std::optional<log::Seal>& seal,
                                              store::Batch& batch) {
  RZ_TRY(log::DecodedRun run,
         log::decode_run(bytes, id(), [this](const log::EpochId& epoch) { return body_key(epoch); }));
  RZ_CHECK(check_quarantine(run));
  const std::uint32_t begin = graph_.size();
  for (log::DecodedEvent& event : run.events) {
    if (event.form == log::BodyForm::absent || event.header.kind == EventKind::control) continue;
    if (graph_.contains(event.id) || waiting_bodies_.contains(event.id)) continue;
    waiting_bytes_ += event.stored.size();
    waiting_bodies_.emplace(event.id, event.stored);
  }
  if (!run.seal && seal && !run.events.empty() && seal->head == run.events.back().id) run.seal = seal;
  Status offered = log::offer_run(graph_, run);
  if (offered && seal && !run.seal) offered = graph_.offer_seal(*seal);
  if (graph_.size() > begin) store_admitted(begin, batch);
  if (!offered) {
    drop_useless_bodies(run);
    return std::unexpected(offered.error());
  }
  // What could be admitted has been: only what waits counts, so nobody can keep others' events out by sending many that
  // never will be.
  if (waiting_bytes_ > waiting_bytes_max) {
    forget_waiting();
    return fail(ErrorCode::limit_exceeded, "more events wait for others than fit");
  }
  const log::DecodedEvent& last = run.events.back();
  return log::FeedHead{{last.header.author, last.header.feed}, last.header.seq, last.id};
}

// After a refusal: bodies of events that neither are in the graph nor wait for something.
void StreamReplica::drop_useless_bodies(const log::DecodedRun& run) {
  bool refused = false;
  for (const log::DecodedEvent& event : run.events) {
    const auto body = waiting_bodies_.find(event.id);
    if (!refused) {
      const bool has_body = event.form != log::BodyForm::absent;
      refused = !graph_.offer_with_id(event.id, event.header,
                                      has_body ? std::optional<ByteView>(event.stored) : std::nullopt);
    }
    if (!refused || body == waiting_bodies_.end()) continue;
    waiting_bytes_ -= body->second.size();
    waiting_bodies_.erase(body);
  }
}

void StreamReplica::forget_waiting() {
  graph_.clear_pending();
  waiting_bodies_.clear();
  waiting_bytes_ = 0;
}

bool StreamReplica::admit_author(const log::AuthorKey& author, const log::EventId& admission, store::Batch& batch) {
  const std::uint32_t begin = graph_.size();
  graph_.admit_author(author, admission);
  if (graph_.size() == begin) return false;
  store_admitted(begin, batch);
  return true;
}

// --- Own events ------------------------------------------------------------------------------------------------------

Result<EventIndex> StreamReplica::write(const Writer& writer, EventKind kind, const log::EpochId& epoch,
                                        ByteView plaintext, UnixMs time, store::Batch& batch) {
  log::Header header = graph_.next_header({writer.key.public_key(), writer.feed}, writer.admission, visible_heads());
  header.kind = kind;
  header.time = time;
  header.epoch = epoch;
  Bytes stored;
  if (epoch.is_zero()) {
    stored = to_bytes(plaintext);
    RZ_CHECK(log::set_plain_body(header, stored));
  } else {
    const log::BodyKey* key = body_key(epoch);
    if (key == nullptr) return fail(ErrorCode::not_found, "this device does not hold the key of this document");
    RZ_TRY(stored, key->seal(header, plaintext));
  }
  const std::uint32_t begin = graph_.size();
  RZ_TRY(const EventIndex event, graph_.append(header, stored));
  graph_.keep_verified_seal(log::make_seal(writer.key, graph_.id(event)));  // Made just now.
  if (kind == EventKind::operations) {
    waiting_bytes_ += stored.size();
    waiting_bodies_.emplace(graph_.id(event), std::move(stored));
  }
  store_admitted(begin, batch);
  if (!about_) read_about(event);
  return event;
}

Result<std::optional<EventIndex>> StreamReplica::close_open(const Writer& writer, const log::EpochId& epoch,
                                                            UnixMs time, store::Batch& batch) {
  if (document_ == nullptr || document_->open_operations() == 0) return std::nullopt;
  RZ_TRY(const Bytes body, log::encode_operations_body(
                               {static_cast<std::uint64_t>(log::BodyFormat::document), {}, document_->open_payload()}));
  RZ_TRY(const EventIndex event, write(writer, EventKind::operations, epoch, body, time, batch));
  std::vector<document::EventId> parents;
  RZ_TRY(document::Patches patches, document_->close_open_event(info(event, parents)));
  bytes_since_checkpoint_ += graph_.body_size(event);
  if (folded_ == event.value) ++folded_;
  patches_.insert(patches_.end(), std::make_move_iterator(patches.begin()), std::make_move_iterator(patches.end()));
  return event;
}

std::pair<std::uint64_t, std::uint64_t> StreamReplica::next_depth_own(const log::AuthorKey& author) const {
  std::uint64_t depth = 1;
  std::uint64_t own = 1;
  for (const EventIndex head : visible_indices()) {
    const bool mine = graph_.author(head) == author;
    // An own event's depth is already one more than any other author's in its past.
    depth = std::max<std::uint64_t>(depth, graph_.depth(head) + (mine ? 0u : 1u));
  }
  for (const EventIndex head : graph_.heads_of(author)) own = std::max<std::uint64_t>(own, graph_.own(head) + 1u);
  return {depth, own};
}

// --- Cuts ------------------------------------------------------------------------------------------------------------

std::vector<log::EventId> StreamReplica::heads_to_cut() const {
  std::vector<log::EventId> heads;
  for (const EventIndex event : durable_heads_) heads.push_back(graph_.id(event));
  std::sort(heads.begin(), heads.end());
  return heads;
}

// --- The document ----------------------------------------------------------------------------------------------------

document::EventInfo StreamReplica::info(EventIndex event, std::vector<document::EventId>& parents) const {
  parents.clear();
  graph_.for_each_dependency(event, [&](EventIndex before) { parents.push_back(document_id(graph_.id(before))); });
  return {document_id(graph_.id(event)),
          document::AuthorId{graph_.author(event).bytes},
          graph_.feed(event).feed.value,
          graph_.seq(event).value,
          graph_.depth(event),
          graph_.own(event),
          parents};
}

// What the document is given of an event: its operations, or nothing.
Bytes StreamReplica::payload_of(EventIndex event) {
  if (graph_.kind(event) != EventKind::operations) return {};
  bytes_since_checkpoint_ += graph_.body_size(event);
  const auto body = plaintext(event);
  if (!body) {
    unread_ += body.error().code == ErrorCode::not_found ? 1 : 0;
    return {};
  }
  auto decoded = log::decode_operations_body(*body);
  if (!decoded || decoded->format != static_cast<std::uint64_t>(log::BodyFormat::document)) return {};
  return std::move(decoded->payload);
}

void StreamReplica::read_about(EventIndex event) {
  if (graph_.genesis() == nullptr || graph_.kind(event) != EventKind::operations) return;
  const auto body = plaintext(event);
  if (!body) return;
  const auto decoded = log::decode_operations_body(*body);
  if (!decoded || decoded->format != static_cast<std::uint64_t>(log::BodyFormat::about)) return;
  const auto opened = log::decode_about(decoded->payload);
  if (opened && log::about_hash(*opened) == graph_.genesis()->about) about_ = *opened;
}

void StreamReplica::fold_new() {
  for (; folded_ < graph_.size(); ++folded_) {
    const EventIndex event{folded_};
    if (!about_) read_about(event);
    if (document_ == nullptr || !in_c(event)) continue;
    if (!has_effect(event)) (void)document_->set_effect(document_id(graph_.id(event)), false);
    apply_to_document(event);
  }
}

void StreamReplica::apply_to_document(EventIndex event) {
  std::vector<document::EventId> parents;
  const document::EventInfo about = info(event, parents);
  auto patches = document_->apply(about, payload_of(event));
  RZ_ASSERT(patches.has_value());  // Its parents were applied: the graph's order is causal.
  patches_.insert(patches_.end(), std::make_move_iterator(patches->begin()), std::make_move_iterator(patches->end()));
}

document::Document* StreamReplica::document() {
  if (document_ != nullptr || !is_document()) return document_.get();
  const log::FeedName own = keys_.own_feed();
  unread_ = 0;
  bytes_since_checkpoint_ = 0;
  std::vector<EventIndex> events;
  if (std::optional<document::Document> saved = load_checkpoint()) {
    document_ = std::make_unique<document::Document>(*std::move(saved));
    document_->set_author(document::AuthorId{own.author.bytes}, own.feed.value);
    std::vector<EventIndex> heads;
    for (const document::EventId& head : document_->version()) heads.push_back(*graph_.find(log::EventId{head.bytes}));
    events = graph_.difference(visible_indices(), heads);
  } else {
    document_ = std::make_unique<document::Document>(document::AuthorId{own.author.bytes}, own.feed.value);
    checkpoint_events_ = 0;
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      if (in_c(EventIndex{i})) events.push_back(EventIndex{i});
    }
  }
  folded_ = graph_.size();
  set_effects(*document_);
  folded_at_opening_ = static_cast<std::uint32_t>(events.size());
  apply_all(events);
  return document_.get();
}

void StreamReplica::apply_all(const std::vector<EventIndex>& events) {
  std::vector<Bytes> payloads(events.size());
  std::vector<std::vector<document::EventId>> parents(events.size());
  std::vector<document::AppliedEvent> applied;
  applied.reserve(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    payloads[i] = payload_of(events[i]);
    const document::EventInfo about = info(events[i], parents[i]);
    applied.push_back({about, payloads[i]});
  }
  RZ_ASSERT(document_->apply_all(applied).has_value());
}

void StreamReplica::keys_came() {
  for (std::uint32_t i = 0; i < graph_.size() && !about_; ++i) read_about(EventIndex{i});
  // An open event that could not be closed keeps the document as it is.
  if (document_ != nullptr && document_->open_operations() == 0) document_.reset();
}

document::Patches StreamReplica::take_patches() { return std::exchange(patches_, {}); }

}  // namespace rz::pod
