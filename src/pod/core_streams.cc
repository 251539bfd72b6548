// Streams: which there are, and what follows when one grows.
#include <algorithm>

#include "ipld/dag_cbor.h"
#include "log/catalogue.h"
#include "pod/core.h"

namespace rz::pod {

using log::EventIndex;

namespace {

Bytes encode_stream_record(const log::StreamId& id, ByteView genesis, log::Keeping keeping) {
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(3);
  writer.bytes(id.view());
  writer.bytes(genesis);
  writer.unsigned_integer(static_cast<std::uint64_t>(keeping));
  return value;
}

struct StreamRecord {
  log::StreamId id;
  Bytes genesis;
  log::Keeping keeping = log::Keeping::kept;
};

Result<StreamRecord> decode_stream_record(ByteView value) {
  StreamRecord record;
  ipld::dag_cbor::Reader reader(value);
  RZ_CHECK(reader.expect_array(3));
  RZ_CHECK(reader.expect_fixed(record.id));
  RZ_TRY(const ByteView genesis, reader.expect_bytes());
  record.genesis = to_bytes(genesis);
  RZ_TRY(const std::uint64_t keeping, reader.expect_uint());
  record.keeping = keeping == 1 ? log::Keeping::followed : log::Keeping::kept;
  RZ_CHECK(reader.finish());
  return record;
}

}  // namespace

// --- KeySource and Replica -------------------------------------------------------------------------------------------

const crypto::Secret32* Core::epoch_key(const log::EpochId& epoch) const {
  return epochs_ ? epochs_->find(epoch) : nullptr;
}

std::vector<log::StreamId> Core::streams() const {
  std::vector<log::StreamId> ids;
  for (const StreamReplica* replica : by_number_) {
    if (replica != nullptr) ids.push_back(replica->id());
  }
  return ids;
}

const log::EventGraph* Core::graph(const log::StreamId& id) const {
  const StreamReplica* replica = stream(id);
  return replica == nullptr ? nullptr : &replica->graph();
}

std::uint32_t Core::durable(const log::StreamId& id) const {
  const StreamReplica* replica = stream(id);
  return replica == nullptr ? 0 : replica->durable();
}

std::vector<EventIndex> Core::beyond_last_cut(const log::StreamId& id) const {
  const StreamReplica* replica = stream(id);
  return replica == nullptr ? std::vector<EventIndex>{} : replica->uncovered();
}

log::HeldBody Core::body(const log::StreamId& id, EventIndex event) const {
  const StreamReplica* replica = stream(id);
  return replica == nullptr ? log::HeldBody{} : replica->body(event);
}

StreamReplica* Core::stream(const log::StreamId& id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

const StreamReplica* Core::stream(const log::StreamId& id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

// --- Which there are -------------------------------------------------------------------------------------------------

// `number`: under which the store has it; none: it is new here.
Result<StreamReplica*> Core::add_stream(Bytes genesis, log::Keeping keeping, std::optional<StreamNumber> stored_as) {
  const log::StreamId id = log::stream_id_of_block(genesis);
  if (StreamReplica* known = stream(id)) return known;
  const StreamNumber number = stored_as.value_or(StreamNumber{static_cast<std::uint32_t>(by_number_.size())});
  RZ_TRY(auto replica, StreamReplica::make(number, std::move(genesis), keeping, store_, *this));
  StreamReplica* added = replica.get();
  added->set_checkpoint_after(options_.checkpoint_after_events);
  if (by_number_.size() <= number.value) by_number_.resize(number.value + 1, nullptr);
  by_number_[number.value] = added;
  streams_.emplace(id, std::move(replica));
  if (stored_as) return added;
  const auto stored = store_.get(stream_key(number));
  if (stored && !*stored) batch_.put(stream_key(number), encode_stream_record(id, added->genesis(), keeping));
  return added;
}

Status Core::load_streams() {
  const Bytes prefix{'s'};
  std::vector<std::pair<StreamNumber, StreamRecord>> records;
  std::uint32_t numbers_end = 0;  // Also of records that are damaged: their events are under them.
  const auto number_of = [&](ByteView key) {
    const StreamNumber number{get_be32(key.subspan(1))};
    numbers_end = std::max(numbers_end, number.value + 1);
    return number;
  };
  RZ_CHECK(store_.scan(
      store::Reader::Range{prefix, store::prefix_end(prefix)},
      [&](ByteView key, ByteView value) {
        if (key.size() != stream_key({}).size()) return true;
        const StreamNumber number = number_of(key);
        if (auto record = decode_stream_record(value)) records.emplace_back(number, *std::move(record));
        return true;
      },
      [&](ByteView key) {
        if (key.size() == stream_key({}).size()) (void)number_of(key);
        alarm(Alarm::Level::critical, words("a stream's record is damaged: ", to_hex(key)));
      }));
  // Numbers 0 and 1 are stream zero and the catalogue, which are known without a record.
  for (auto& [number, record] : records) RZ_CHECK(add_stream(std::move(record.genesis), record.keeping, number));
  if (by_number_.size() < numbers_end) by_number_.resize(numbers_end, nullptr);
  std::size_t damaged = 0;
  const auto report = [&damaged](const Error&) { ++damaged; };
  RZ_CHECK(zero_->load(report, batch_));
  identity_gaps_ = damaged > 0;
  refold();
  RZ_CHECK(load_events(report));
  for (StreamReplica* replica : by_number_) {
    if (replica == nullptr) continue;
    if (replica->record_count() > 1) merge_due_.insert(replica);
    if (replica == zero_) continue;
    replica->loaded();
    if (recount_needed(*replica, 0)) recount(*replica);
    cluster_.dirty.insert(replica->id());
  }
  cluster_.dirty.insert(zero_->id());
  read_catalogue();
  load_summaries();
  if (damaged > 0) {
    alarm(Alarm::Level::warning,
          words(damaged, " damaged records were found and left out; they are fetched again from another device"));
  }
  return {};
}

// All streams but stream zero in one go: with thousands of them a scan each would be most of an opening.
Status Core::load_events(const std::function<void(const Error&)>& report) {
  for (StreamReplica* replica : by_number_) {
    if (replica == nullptr || replica == zero_) continue;
    for (const identity::Device& device : identity_.devices) {
      replica->graph().admit_author(device.key, device.admission);
    }
  }
  const auto replica_of = [this](ByteView key) -> StreamReplica* {
    const std::uint32_t number = key.size() < 5 ? 0 : get_be32(key.subspan(1));
    return number == 0 || number >= by_number_.size() ? nullptr : by_number_[number];
  };
  const Bytes records = records_prefix(StreamNumber{1});
  RZ_CHECK(store_.scan(
      store::Reader::Range{records, store::prefix_end(Bytes{'e'})},
      [&](ByteView key, ByteView value) {
        StreamReplica* replica = replica_of(key);
        const Status done = replica == nullptr ? Status{} : replica->load_record(key, value);
        if (!done) report(done.error());
        return true;
      },
      [&](ByteView key) {
        if (StreamReplica* replica = replica_of(key)) replica->lose_record(key, batch_);
        report(Error{ErrorCode::damaged_record, words("events, ", to_hex(key))});
      }));
  const Bytes seals = seals_prefix(StreamNumber{1});
  return store_.scan(
      store::Reader::Range{seals, store::prefix_end(Bytes{'l'})},
      [&](ByteView key, ByteView value) {
        StreamReplica* replica = replica_of(key);
        const Status done = replica == nullptr ? Status{} : replica->load_seal(key, value);
        if (!done) report(done.error());
        return true;
      },
      [&](ByteView key) {
        batch_.erase(key);
        report(Error{ErrorCode::damaged_record, words("a seal, ", to_hex(key))});
      });
}

void Core::read_catalogue() {
  log::EventGraph& graph = catalogue_->graph();
  if (catalogue_read_ == graph.size()) return;
  recount(*catalogue_);
  std::vector<EventIndex> unread = std::exchange(catalogue_set_aside_, {});
  for (; catalogue_read_ < graph.size(); ++catalogue_read_) unread.push_back(EventIndex{catalogue_read_});
  for (const EventIndex event : unread) {
    const log::Verdict verdict = catalogue_->counts().verdict(event);
    if (verdict == log::Verdict::quarantined) catalogue_set_aside_.push_back(event);  // It may be accepted yet.
    if (verdict != log::Verdict::effect) continue;
    const log::ControlBody* body = graph.control_body(event);
    const auto* list = body == nullptr ? nullptr : std::get_if<log::List>(&body->operation);
    if (list == nullptr) continue;
    const log::StreamId id = log::stream_id_of_block(list->genesis);
    if (stream(id) != nullptr) continue;
    auto added = add_stream(list->genesis, list->keeping);
    if (!added) {
      alarm(Alarm::Level::warning,
            words("the catalogue lists a stream that can't be read: ", added.error().to_string()));
      continue;
    }
    admit_devices(**added);
    release_early(id);
  }
}

void Core::admit_devices(StreamReplica& replica) {
  if (&replica == zero_) return;
  for (const identity::Device& device : identity_.devices) {
    if (replica.graph().pending_count() > 0) close_open(replica);  // It may release events that wait.
    const std::uint32_t begin = replica.graph().size();
    if (replica.admit_author(device.key, device.admission, batch_)) grew(replica, begin, nullptr);
  }
}

// Events that came before the listing of their stream.
void Core::release_early(const log::StreamId& id) {
  for (auto& [device, peer] : peers_) {
    const auto early = peer.early.find(id);
    if (early == peer.early.end()) continue;
    std::vector<sync::Events> frames = std::move(early->second);
    peer.early.erase(early);
    for (const sync::Events& events : frames) {
      peer.early_bytes -= std::min(peer.early_bytes, events.run.size());
      if (Status taken = take_events(device, peer, events); !taken) to_drop_.emplace_back(device, taken.error());
    }
  }
}

// --- Growth ----------------------------------------------------------------------------------------------------------

StreamReplica::Writer Core::writer() const { return {keys_.signing_key(), feed_, own_admission_}; }

Status Core::write_control(StreamReplica& replica, const log::Operation& operation, log::EventId* written) {
  RZ_TRY(const Bytes body, log::encode_control(log::control(operation)));
  close_open(replica);
  const std::uint32_t begin = replica.graph().size();
  RZ_TRY(const EventIndex event,
         replica.write(writer(), log::EventKind::control, log::EpochId{}, body, now_.wall, batch_));
  if (written != nullptr) *written = replica.graph().id(event);
  note_written(replica, event);
  grew(replica, begin, nullptr);
  const bool shuts_out =
      std::holds_alternative<log::SuspendDevice>(operation) || std::holds_alternative<log::RemoveDevice>(operation);
  if (shuts_out) decide_without();
  return {};
}

bool Core::recount_needed(const StreamReplica& replica, std::uint32_t begin) const {
  const log::EventGraph& graph = replica.graph();
  if (replica.may_change_counts(begin)) return true;
  const log::AuthorKey* before = nullptr;
  for (std::uint32_t i = begin; i < graph.size(); ++i) {
    const log::AuthorKey& author = graph.author(EventIndex{i});
    if (before != nullptr && *before == author) continue;
    before = &author;
    if (removed_.contains(author)) return true;
    const identity::Device* device = identity_.find(author);
    if (device == nullptr || !device->is_personal()) return true;
  }
  return false;
}

void Core::recount(StreamReplica& replica) {
  document::Patches patches = replica.recount(identity::facts_for(identity_, replica.id(), *this), identity_version_);
  if (replica.is_document()) {
    summarise(replica);
    summaries_due_.insert(&replica);
  }
  if (!patches.empty()) output_.notices.push_back(DocumentChanged{replica.id(), std::move(patches), std::nullopt});
  if (&replica == catalogue_) unlisted_ = log::unlisted_streams(replica.graph(), replica.counts().verdicts);
}

// Called after every admission, whoever's the event is: tells everybody who must know.
void Core::grew(StreamReplica& replica, std::uint32_t begin, const PublicKey* from) {
  const std::uint32_t end = replica.graph().size();
  if (begin == end) return;
  grown_.insert(&replica);
  for (auto& [device, peer] : peers_) {
    peer.session->on_admitted(now_.tick, replica.id(), EventIndex{begin});
  }
  output_.notices.push_back(Admitted{replica.id(), begin, end});
  if (&replica == zero_) {
    identity_gaps_ = identity_gaps_ && from == nullptr;
    return refold();
  }
  if (&replica == catalogue_) return read_catalogue();
  if (recount_needed(replica, begin)) recount(replica);
  replica.fold_new();
  document::Patches patches = replica.take_patches();
  if (!patches.empty()) {
    const std::optional<PublicKey> by = from == nullptr ? std::nullopt : std::optional<PublicKey>(*from);
    output_.notices.push_back(DocumentChanged{replica.id(), std::move(patches), by});
  }
  if (!replica.is_document()) return;
  summarise(replica);
  summaries_due_.insert(&replica);
  if (replica.checkpoint_pays()) checkpoints_due_.insert(&replica);
}

void Core::close_open(StreamReplica& replica) {
  if (!open_due_.contains(replica.id())) return;
  open_due_.erase(replica.id());
  if (!current_epoch_) return;
  const std::uint32_t begin = replica.graph().size();
  const auto closed = replica.close_open(writer(), *current_epoch_, now_.wall, batch_);
  if (!closed) {
    alarm(Alarm::Level::critical, words("an edit could not be saved: ", closed.error().to_string()));
    return;
  }
  tails_changed_.insert(replica.id());
  if (!*closed) return;
  note_written(replica, **closed);
  grew(replica, begin, nullptr);
}

void Core::close_due() {
  std::vector<log::StreamId> due;
  for (const auto& [id, tick] : open_due_) {
    if (tick <= now_.tick) due.push_back(id);
  }
  for (const log::StreamId& id : due) close_open(*stream(id));
}

}  // namespace rz::pod
