#include "pod/stream_replica.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::pod {

using log::EventIndex;
using log::EventKind;

namespace {

constexpr std::size_t record_bytes_max = 1024 * 1024;
constexpr std::size_t record_events_max = 1024;
constexpr std::size_t waiting_bytes_max = 16 * 1024 * 1024;
constexpr std::uint64_t quarantined_events_max = 65536;  // Of one author, in one stream.

document::EventId document_id(const log::EventId& id) { return document::EventId{id.bytes}; }

}  // namespace

Result<std::unique_ptr<StreamReplica>> StreamReplica::make(StreamNumber number, Bytes genesis, log::Keeping keeping,
                                                           const store::Reader& store, const KeySource& keys) {
  RZ_TRY(log::EventGraph graph, log::EventGraph::from_genesis(genesis));
  return std::unique_ptr<StreamReplica>(
      new StreamReplica(number, std::move(genesis), keeping, std::move(graph), store, keys));
}

// --- The store -------------------------------------------------------------------------------------------------------

Status StreamReplica::load(const std::function<void(const Error&)>& damaged, store::Batch& batch) {
  const Bytes records = records_prefix(number_);
  RZ_CHECK(store_.scan(
      store::Reader::Range{records, store::prefix_end(records)},
      [&](ByteView key, ByteView value) {
        if (key.size() != records.size() + 4) return true;
        const std::uint32_t record = get_be32(key.subspan(records.size()));
        next_record_ = std::max(next_record_, record + 1);
        if (Status loaded = load_record(record, value); !loaded) damaged(loaded.error());
        return true;
      },
      [&](ByteView key) {
        batch.erase(key);
        if (key.size() == records.size() + 4) {
          next_record_ = std::max(next_record_, get_be32(key.subspan(records.size())) + 1);
        }
        damaged(Error{ErrorCode::damaged_record, words("events, ", to_hex(key))});
      }));
  // After the records: a seal whose head is unknown takes one of few places.
  const Bytes seals = seals_prefix(number_);
  RZ_CHECK(store_.scan(
      store::Reader::Range{seals, store::prefix_end(seals)},
      [&](ByteView key, ByteView value) {
        auto head = log::EventId::from(key.subspan(seals.size()));
        auto signature = crypto::Signature::from(value);
        if (head && signature) {
          if (Status taken = graph_.offer_seal({*head, *signature}); !taken) damaged(taken.error());
        }
        return true;
      },
      [&](ByteView key) {
        batch.erase(key);
        damaged(Error{ErrorCode::damaged_record, words("a seal, ", to_hex(key))});
      }));
  place_loaded();
  loading_.clear();
  durable_ = graph_.size();
  for (std::uint32_t i = 0; i < graph_.size() && !about_; ++i) read_about(EventIndex{i});
  return {};
}

Status StreamReplica::load_record(std::uint32_t record, ByteView value) {
  // Plain bodies are never stored, so no key is needed.
  RZ_TRY(const log::DecodedRun run, log::decode_run(value, id(), [](const log::EpochId&) { return nullptr; }));
  for (std::uint32_t at = 0; at < run.events.size(); ++at) {
    const log::DecodedEvent& event = run.events[at];
    if (graph_.contains(event.id)) continue;  // A record written twice, by a repair.
    const bool has_body = event.form != log::BodyForm::absent;
    loading_[event.id] = {record, at};
    const auto index =
        graph_.append_with_id(event.id, event.header, has_body ? std::optional<ByteView>(event.stored) : std::nullopt);
    if (!index && index.error().code == ErrorCode::not_found) {
      wait_for_others(event);
      continue;
    }
    RZ_CHECK(index);
    place_loaded();
  }
  if (run.seal) RZ_CHECK(graph_.offer_seal(*run.seal));
  place_loaded();
  return {};
}

// The record is whole, but something that it names was damaged: the event waits as if it had come from outside.
void StreamReplica::wait_for_others(const log::DecodedEvent& event) {
  const bool has_body = event.form != log::BodyForm::absent;
  const auto offered =
      graph_.offer_with_id(event.id, event.header, has_body ? std::optional<ByteView>(event.stored) : std::nullopt);
  if (!offered || !has_body || event.header.kind == EventKind::control) return;
  if (waiting_bodies_.emplace(event.id, event.stored).second) waiting_bytes_ += event.stored.size();
}

// Events that came into the graph from records, whether at once or when what they waited for was read.
void StreamReplica::place_loaded() {
  while (places_.size() < graph_.size()) {
    const log::EventId& id = graph_.id(EventIndex{static_cast<std::uint32_t>(places_.size())});
    const auto known = loading_.find(id);
    RZ_ASSERT(known != loading_.end());
    places_.push_back(known->second);
    loading_.erase(known);
    if (const auto body = waiting_bodies_.find(id); body != waiting_bodies_.end()) {
      waiting_bytes_ -= body->second.size();
      waiting_bodies_.erase(body);
    }
  }
}

void StreamReplica::written(std::uint64_t ticket) { written_.push_back({ticket, graph_.size(), next_record_}); }

bool StreamReplica::persisted(std::uint64_t ticket) {
  const std::uint32_t before = durable_;
  while (!written_.empty() && written_.front().ticket <= ticket) {
    durable_ = std::max(durable_, written_.front().size);
    unwritten_.erase(unwritten_.begin(), unwritten_.lower_bound(written_.front().next_record));
    written_.pop_front();
  }
  return durable_ != before;
}

// Cuts what [begin, size) holds into runs and writes each as a record, with the seal on its end where there is one.
void StreamReplica::store_admitted(std::uint32_t begin, store::Batch& batch) {
  std::vector<EventIndex> events;
  for (std::uint32_t i = begin; i < graph_.size(); ++i) events.push_back(EventIndex{i});
  places_.resize(graph_.size());
  for (const log::IndexRun& run : graph_.runs(events)) {
    for (std::size_t from = 0; from < run.events.size();) {
      log::IndexRun piece{run.feed, log::Seq{run.begin.value + from}, {}};
      std::size_t bytes = 0;
      while (from < run.events.size() && piece.events.size() < record_events_max &&
             (piece.events.empty() || bytes < record_bytes_max)) {
        bytes += graph_.body_size(run.events[from]);
        piece.events.push_back(run.events[from++]);
      }
      log::FeedRun record = log::make_run(graph_, piece, [this](EventIndex event) -> log::HeldBody {
        if (const ByteView control = graph_.control_bytes(event); !control.empty()) {
          return {log::BodyForm::stored, to_bytes(control)};
        }
        const auto body = waiting_bodies_.find(graph_.id(event));
        if (body == waiting_bodies_.end()) return {};
        return {log::BodyForm::stored, body->second};
      });
      const EventIndex last = piece.events.back();
      if (const auto seal = graph_.covering_seal(last)) {
        if (seal->head == graph_.id(last)) {
          record.seal = seal;
        } else {
          batch.put(seal_key(number_, seal->head), seal->signature.view());
        }
      }
      auto encoded = log::encode_run(record);
      RZ_ASSERT(encoded.has_value());
      for (std::uint32_t at = 0; at < piece.events.size(); ++at) places_[piece.events[at].value] = {next_record_, at};
      batch.put(record_key(number_, next_record_), *encoded);
      unwritten_[next_record_++] = *std::move(encoded);
    }
  }
  for (const EventIndex event : events) {
    const auto body = waiting_bodies_.find(graph_.id(event));
    if (body == waiting_bodies_.end()) continue;
    waiting_bytes_ -= body->second.size();
    waiting_bodies_.erase(body);
  }
}

const StreamReplica::Decoded* StreamReplica::decoded_record(std::uint32_t record) const {
  if (decoded_ && decoded_->record == record) return &*decoded_;
  Bytes value;
  if (const auto unwritten = unwritten_.find(record); unwritten != unwritten_.end()) {
    value = unwritten->second;
  } else {
    auto read = store_.get(record_key(number_, record));
    if (!read || !*read) return nullptr;
    value = **std::move(read);
  }
  auto run = log::decode_run(value, id(), [](const log::EpochId&) { return nullptr; });
  if (!run) return nullptr;
  decoded_ = Decoded{record, std::move(run->events)};
  return &*decoded_;
}

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
  RZ_CHECK(graph_.offer_seal(log::make_seal(writer.key, graph_.id(event))));
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
  patches_.insert(patches_.end(), std::make_move_iterator(patches.begin()), std::make_move_iterator(patches.end()));
  return event;
}

std::pair<std::uint64_t, std::uint64_t> StreamReplica::next_depth_own(const log::AuthorKey& author) const {
  std::uint64_t depth = 1;
  std::uint64_t own = 1;
  const std::vector<EventIndex>* visible = visible_heads();
  for (const EventIndex head : visible != nullptr ? *visible : graph_.frontier_indices()) {
    const bool mine = graph_.author(head) == author;
    // An own event's depth is already one more than any other author's in its past.
    depth = std::max<std::uint64_t>(depth, graph_.depth(head) + (mine ? 0u : 1u));
  }
  for (const EventIndex head : graph_.heads_of(author)) own = std::max<std::uint64_t>(own, graph_.own(head) + 1u);
  return {depth, own};
}

// --- What counts -----------------------------------------------------------------------------------------------------

bool StreamReplica::has_effect(EventIndex event) const {
  return event.value >= counts_.verdicts.size() || counts_.verdict(event) == log::Verdict::effect;
}

void StreamReplica::set_counts(log::Counts counts) {
  counts_ = std::move(counts);
  visible_ = {};
}

document::Patches StreamReplica::recount(const log::IdentityFacts& facts) {
  log::Counts now = log::what_counts(graph_, facts);
  if (document_ == nullptr) {
    set_counts(std::move(now));
    return {};
  }
  document::Patches patches;
  const auto keep = [&patches](Result<document::Patches> changed) {
    RZ_ASSERT(changed.has_value());
    patches.insert(patches.end(), std::make_move_iterator(changed->begin()), std::make_move_iterator(changed->end()));
  };
  // What leaves C goes from the last one on: what builds on it leaves as well.
  for (std::uint32_t i = folded_; i-- > 0;) {
    const EventIndex event{i};
    if (in_c(event) && !now.in_c(event)) keep(document_->retract(document_id(graph_.id(event))));
  }
  std::vector<EventIndex> entered;
  for (std::uint32_t i = 0; i < folded_; ++i) {
    const EventIndex event{i};
    if (!now.in_c(event)) continue;
    const bool after = now.verdict(event) == log::Verdict::effect;
    if (has_effect(event) != after) keep(document_->set_effect(document_id(graph_.id(event)), after));
    if (!in_c(event)) entered.push_back(event);
  }
  set_counts(std::move(now));
  for (const EventIndex event : entered) apply_to_document(event);
  for (document::Patch& patch : patches_) patches.push_back(std::move(patch));
  patches_.clear();
  return patches;
}

bool StreamReplica::may_change_counts(std::uint32_t begin) const {
  const std::vector<EventIndex>& control = graph_.control_events();
  if (!control.empty() && control.back().value >= begin) return true;
  bool builds = false;
  for (std::uint32_t i = begin; i < graph_.size() && !builds; ++i) {
    builds = graph_.branch_of(EventIndex{i}).has_value();
    graph_.for_each_dependency(EventIndex{i}, [&](EventIndex before) { builds = builds || !in_c(before); });
  }
  return builds;
}

std::uint64_t StreamReplica::quarantined_count() const {
  std::uint64_t count = 0;
  for (const auto& [author, events] : counts_.quarantined_by_author) count += events;
  return count;
}

// A removed author's key may be in anybody's hands, who may write as much as he likes. What the others name comes in
// all the same: this bounds what nobody vouches for.
Status StreamReplica::check_quarantine(const log::DecodedRun& run) const {
  if (run.events.empty()) return {};
  const auto quarantined = counts_.quarantined_by_author.find(run.events.front().header.author);
  if (quarantined == counts_.quarantined_by_author.end()) return {};
  if (quarantined->second + run.events.size() <= quarantined_events_max) return {};
  return fail(ErrorCode::graph_full, words("a removed device's events: ", quarantined->second, " are kept"));
}

const std::vector<EventIndex>* StreamReplica::visible_heads() const {
  if (counts_.quarantined_by_author.empty()) return nullptr;
  for (; visible_.size < graph_.size(); ++visible_.size) {
    const EventIndex event{visible_.size};
    if (!in_c(event) || graph_.branch_of(event)) continue;
    graph_.for_each_dependency(event, [this](EventIndex before) { std::erase(visible_.heads, before); });
    visible_.heads.push_back(event);
  }
  return &visible_.heads;
}

std::vector<log::EventId> StreamReplica::heads_to_cut() const {
  std::vector<EventIndex> events = graph_.frontier_indices();
  // Behind what is durable: the maximal ones among what is.
  if (durable_ < graph_.size()) {
    std::vector<bool> named(durable_, false);
    for (std::uint32_t i = 0; i < durable_; ++i) {
      graph_.for_each_dependency(EventIndex{i}, [&named](EventIndex before) { named[before.value] = true; });
    }
    events.clear();
    for (std::uint32_t i = 0; i < durable_; ++i) {
      if (!named[i]) events.push_back(EventIndex{i});
    }
  }
  std::vector<log::EventId> heads;
  for (const EventIndex event : events) heads.push_back(graph_.id(event));
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
Bytes StreamReplica::payload_of(EventIndex event) const {
  if (graph_.kind(event) != EventKind::operations) return {};
  const auto body = plaintext(event);
  if (!body) return {};
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
  document_ = std::make_unique<document::Document>(document::AuthorId{own.author.bytes}, own.feed.value);
  folded_ = graph_.size();
  std::vector<Bytes> payloads(graph_.size());
  std::vector<std::vector<document::EventId>> parents(graph_.size());
  std::vector<document::AppliedEvent> events;
  events.reserve(graph_.size());
  for (std::uint32_t i = 0; i < graph_.size(); ++i) {
    const EventIndex event{i};
    if (!in_c(event)) continue;
    if (!has_effect(event)) (void)document_->set_effect(document_id(graph_.id(event)), false);
    payloads[i] = payload_of(event);
    const document::EventInfo about = info(event, parents[i]);
    events.push_back({about, payloads[i]});
  }
  const auto applied = document_->apply_all(events);
  RZ_ASSERT(applied.has_value());
  return document_.get();
}

void StreamReplica::keys_came() {
  for (std::uint32_t i = 0; i < graph_.size() && !about_; ++i) read_about(EventIndex{i});
  // With an open event there was a key all along, and nothing was left out.
  if (document_ != nullptr && document_->open_operations() == 0) document_.reset();
}

document::Patches StreamReplica::take_patches() { return std::exchange(patches_, {}); }

}  // namespace rz::pod
