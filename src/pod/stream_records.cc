// A stream's events in the store: reading them back, writing what was admitted, and merging small records.
#include <algorithm>

#include "base/assert.h"
#include "pod/record.h"
#include "pod/stream_replica.h"

namespace rz::pod {

using log::EventIndex;
using log::EventKind;

namespace {

constexpr std::size_t record_bytes_max = 1024 * 1024;
constexpr std::size_t record_events_max = 1024;

// Small records are merged in two steps, so that an event is written three times in all, however slowly a stream grows.
// A merged record is not large: reading one body means reading its record.
struct Step {
  std::size_t each_bytes_max;
  std::size_t count_min;
};
constexpr Step steps[] = {{4 * 1024, 32}, {64 * 1024, 16}};
constexpr std::size_t merged_bytes_max = 128 * 1024;
constexpr std::size_t merged_events_max = 4096;

}  // namespace

// --- Reading back ----------------------------------------------------------------------------------------------------

Status StreamReplica::load(const std::function<void(const Error&)>& damaged, store::Batch& batch) {
  const Bytes records = records_prefix(number_);
  RZ_CHECK(store_.scan(
      store::Reader::Range{records, store::prefix_end(records)},
      [&](ByteView key, ByteView value) {
        if (Status loaded = load_record(key, value); !loaded) damaged(loaded.error());
        return true;
      },
      [&](ByteView key) {
        lose_record(key, batch);
        damaged(Error{ErrorCode::damaged_record, words("events, ", to_hex(key))});
      }));
  // After the records: a seal whose head is unknown takes one of few places.
  const Bytes seals = seals_prefix(number_);
  RZ_CHECK(store_.scan(
      store::Reader::Range{seals, store::prefix_end(seals)},
      [&](ByteView key, ByteView value) {
        if (Status taken = load_seal(key, value); !taken) damaged(taken.error());
        return true;
      },
      [&](ByteView key) {
        batch.erase(key);
        damaged(Error{ErrorCode::damaged_record, words("a seal, ", to_hex(key))});
      }));
  loaded();
  return {};
}

namespace {

constexpr std::size_t record_key_bytes = 9;  // Letter, stream, record.
constexpr std::size_t stream_key_bytes = 5;

}  // namespace

void StreamReplica::lose_record(ByteView key, store::Batch& batch) {
  batch.erase(key);
  if (key.size() == record_key_bytes)
    next_record_ = std::max(next_record_, get_be32(key.subspan(stream_key_bytes)) + 1);
}

Status StreamReplica::load_record(ByteView key, ByteView value) {
  if (key.size() != record_key_bytes) return {};
  const std::uint32_t record = get_be32(key.subspan(stream_key_bytes));
  next_record_ = std::max(next_record_, record + 1);
  RZ_TRY(const std::vector<log::DecodedRun> runs, decode_record(value, id()));
  note_record(record, value.size());
  std::vector<std::size_t> next(runs.size(), 0);
  std::vector<std::uint32_t> first_at(runs.size(), 0);
  for (std::size_t run = 1; run < runs.size(); ++run) {
    first_at[run] = first_at[run - 1] + static_cast<std::uint32_t>(runs[run - 1].events.size());
  }
  // The runs of a block may name each other's events: each goes on as far as what it names is here.
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (std::size_t run = 0; run < runs.size(); ++run) {
      for (; next[run] < runs[run].events.size(); ++next[run]) {
        const Place place{record, first_at[run] + static_cast<std::uint32_t>(next[run])};
        RZ_TRY(const bool is_here, load_event(runs[run].events[next[run]], place));
        if (!is_here) break;
        goes_on = true;
      }
    }
  }
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (; next[run] < runs[run].events.size(); ++next[run]) {
      wait_for_others(runs[run].events[next[run]],
                      Place{record, first_at[run] + static_cast<std::uint32_t>(next[run])});
    }
    if (!runs[run].seal) continue;
    // It was verified before it was stored, and the record's checksum holds.
    if (graph_.contains(runs[run].seal->head)) {
      graph_.keep_verified_seal(*runs[run].seal);
    } else {
      RZ_CHECK(graph_.offer_seal(*runs[run].seal));
    }
  }
  place_loaded();
  // What the stream is for stands in its first events: they are at hand now.
  if (!about_ && !decoded_) {
    decoded_ = Decoded{record, {}};
    for (const log::DecodedRun& run : runs) {
      decoded_->events.insert(decoded_->events.end(), run.events.begin(), run.events.end());
    }
  }
  return {};
}

// Whether the event is in the graph now. Not: something that it names was not read yet.
Result<bool> StreamReplica::load_event(const log::DecodedEvent& event, Place place) {
  if (graph_.contains(event.id)) return true;  // A record written twice, by a repair.
  const bool has_body = event.form != log::BodyForm::absent;
  loading_[event.id] = place;
  const auto index =
      graph_.append_with_id(event.id, event.header, has_body ? std::optional<ByteView>(event.stored) : std::nullopt);
  if (!index && index.error().code == ErrorCode::not_found) return false;
  RZ_CHECK(index);
  place_loaded();
  return true;
}

// The record is whole, but something that it names was damaged: the event waits as if it had come from outside.
void StreamReplica::wait_for_others(const log::DecodedEvent& event, Place place) {
  if (graph_.contains(event.id)) return;
  loading_[event.id] = place;
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

Status StreamReplica::load_seal(ByteView key, ByteView value) {
  const auto head = log::EventId::from(key.subspan(stream_key_bytes));
  const auto signature = crypto::Signature::from(value);
  if (!head || !signature) return {};
  RZ_CHECK(graph_.offer_seal({*head, *signature}));
  return {};
}

void StreamReplica::loaded() {
  place_loaded();
  loading_.clear();
  advance_durable(graph_.size());
  for (std::uint32_t i = 0; i < graph_.size() && !about_; ++i) read_about(EventIndex{i});
  decoded_.reset();
}

// --- Writing ---------------------------------------------------------------------------------------------------------

void StreamReplica::written(std::uint64_t ticket) { written_.push_back({ticket, graph_.size(), next_record_}); }

bool StreamReplica::persisted(std::uint64_t ticket) {
  const std::uint32_t before = durable_;
  while (!written_.empty() && written_.front().ticket <= ticket) {
    advance_durable(written_.front().size);
    unwritten_.erase(unwritten_.begin(), unwritten_.lower_bound(written_.front().next_record));
    written_.pop_front();
  }
  return durable_ != before;
}

void StreamReplica::advance_durable(std::uint32_t to) {
  for (; durable_ < to; ++durable_) {
    const EventIndex event{durable_};
    graph_.for_each_dependency(event, [this](EventIndex before) { durable_heads_.erase(before); });
    durable_heads_.insert(durable_heads_.end(), event);
  }
}

void StreamReplica::note_record(std::uint32_t record, std::size_t bytes) {
  records_.push_back({record, static_cast<std::uint32_t>(bytes)});
}

// A run as it is stored. Its seal is in it where it lies on its end, else under a key of its own.
Bytes StreamReplica::encode_piece(const log::IndexRun& piece, const std::function<log::HeldBody(EventIndex)>& body_of,
                                  store::Batch& batch) const {
  log::FeedRun record = log::make_run(graph_, piece, body_of);
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
  return *std::move(encoded);
}

// Cuts what [begin, size) holds into runs and writes each as a record, with the seal on its end where there is one.
void StreamReplica::store_admitted(std::uint32_t begin, store::Batch& batch) {
  std::vector<EventIndex> events;
  for (std::uint32_t i = begin; i < graph_.size(); ++i) events.push_back(EventIndex{i});
  places_.resize(graph_.size());
  const auto body_of = [this](EventIndex event) -> log::HeldBody {
    if (const ByteView control = graph_.control_bytes(event); !control.empty()) {
      return {log::BodyForm::stored, to_bytes(control)};
    }
    const auto body = waiting_bodies_.find(graph_.id(event));
    if (body == waiting_bodies_.end()) return {};
    return {log::BodyForm::stored, body->second};
  };
  for (const log::IndexRun& run : graph_.runs(events)) {
    for (std::size_t from = 0; from < run.events.size();) {
      log::IndexRun piece{run.feed, log::Seq{run.begin.value + from}, {}};
      std::size_t bytes = 0;
      while (from < run.events.size() && piece.events.size() < record_events_max &&
             (piece.events.empty() || bytes < record_bytes_max)) {
        bytes += graph_.body_size(run.events[from]);
        piece.events.push_back(run.events[from++]);
      }
      Bytes encoded = encode_piece(piece, body_of, batch);
      for (std::uint32_t at = 0; at < piece.events.size(); ++at) places_[piece.events[at].value] = {next_record_, at};
      batch.put(record_key(number_, next_record_), encoded);
      note_record(next_record_, encoded.size());
      unwritten_[next_record_++] = std::move(encoded);
    }
  }
  for (const EventIndex event : events) {
    const auto body = waiting_bodies_.find(graph_.id(event));
    if (body == waiting_bodies_.end()) continue;
    waiting_bytes_ -= body->second.size();
    waiting_bodies_.erase(body);
  }
}

const StreamReplica::Decoded* StreamReplica::record_damaged() const {
  damaged_ = true;
  keys_.record_damaged();
  return nullptr;
}

const StreamReplica::Decoded* StreamReplica::decoded_record(std::uint32_t record) const {
  if (decoded_ && decoded_->record == record) return &*decoded_;
  Bytes value;
  if (const auto unwritten = unwritten_.find(record); unwritten != unwritten_.end()) {
    value = unwritten->second;
  } else {
    auto read = store_.get(record_key(number_, record));
    if (!read || !*read) return record_damaged();
    value = **std::move(read);
  }
  auto runs = decode_record(value, id());
  if (!runs) return record_damaged();
  decoded_ = Decoded{record, {}};
  for (log::DecodedRun& run : *runs) {
    decoded_->events.insert(decoded_->events.end(), std::make_move_iterator(run.events.begin()),
                            std::make_move_iterator(run.events.end()));
  }
  return &*decoded_;
}

// --- Merging ---------------------------------------------------------------------------------------------------------

// The next neighbouring records that are worth merging: [begin, end) in records_. Goes on where it last left off, and
// begins again with what was written since.
std::optional<std::pair<std::size_t, std::size_t>> StreamReplica::find_mergeable() {
  for (; merge_from_ < records_.size(); ++merge_from_) {
    for (const Step& step : steps) {
      std::size_t bytes = 0;
      std::size_t end = merge_from_;
      while (end < records_.size() && records_[end].bytes <= step.each_bytes_max &&
             bytes + records_[end].bytes <= merged_bytes_max) {
        bytes += records_[end++].bytes;
      }
      if (end - merge_from_ >= step.count_min) return std::pair(merge_from_, end);
    }
  }
  // What is too few today may be enough with what comes.
  std::size_t back = 0;
  for (const Step& step : steps) back += step.count_min;
  merge_from_ = records_.size() - std::min(records_.size(), back);
  return std::nullopt;
}

bool StreamReplica::merge_records(store::Batch& batch) {
  // Only what is durable, so that no confirmation of an earlier batch speaks of the merged record.
  if (!unwritten_.empty() || !written_.empty() || durable_ != graph_.size()) return false;
  if (records_.size() < records_when_searched_ + steps[0].count_min && records_when_searched_ > 0) return false;
  const auto found = find_mergeable();
  if (!found) {
    records_when_searched_ = records_.size();
    return false;
  }
  records_when_searched_ = 0;
  std::size_t end = found->second;
  std::vector<EventIndex> events;
  std::map<EventIndex, Bytes> bodies;
  for (std::size_t i = found->first; i < end; ++i) {
    const std::uint32_t number = records_[i].number;
    const Decoded* record = decoded_record(number);
    const bool is_here =
        record != nullptr && std::all_of(record->events.begin(), record->events.end(),
                                         [this](const auto& each) { return graph_.contains(each.id); });
    // One that can't be read, or in which something waits for others, stays as it is.
    if (!is_here) {
      records_[i].bytes = record_unmergeable;
      return true;
    }
    if (i > found->first && events.size() + record->events.size() > merged_events_max) {
      end = i;
      break;
    }
    for (std::uint32_t at = 0; at < record->events.size(); ++at) {
      const EventIndex event = *graph_.find(record->events[at].id);
      const Place& place = places_[event.value];
      if (place.record != number || place.at != at) continue;  // Written twice: the other one counts.
      events.push_back(event);
      if (record->events[at].form != log::BodyForm::absent) bodies[event] = record->events[at].stored;
    }
  }
  if (end - found->first < 2 || events.empty()) {
    records_[found->first].bytes = record_unmergeable;
    return true;
  }
  write_merged(found->first, end, events, bodies, batch);
  return true;
}

void StreamReplica::write_merged(std::size_t begin, std::size_t end, std::vector<EventIndex>& events,
                                 const std::map<EventIndex, Bytes>& bodies, store::Batch& batch) {
  std::sort(events.begin(), events.end());
  const auto body_of = [&](EventIndex event) -> log::HeldBody {
    if (const ByteView control = graph_.control_bytes(event); !control.empty()) {
      return {log::BodyForm::stored, to_bytes(control)};
    }
    const auto body = bodies.find(event);
    return body == bodies.end() ? log::HeldBody{} : log::HeldBody{log::BodyForm::stored, body->second};
  };
  // By chain, not by what they name: a block's runs may name each other.
  std::map<std::uint64_t, log::IndexRun> chains;  // The run that is being made, by chain.
  std::vector<Bytes> encoded;
  std::uint32_t at = 0;
  const std::uint32_t number = records_[begin].number;
  const auto finish = [&](const log::IndexRun& run) {
    encoded.push_back(encode_piece(run, body_of, batch));
    for (const EventIndex event : run.events) places_[event.value] = {number, at++};
  };
  for (const EventIndex event : events) {
    const std::uint64_t place = graph_.chain_place(event);
    auto run = chains.find(place >> 32);
    const bool follows = run != chains.end() && graph_.chain_place(run->second.events.back()) + 1 == place;
    if (run != chains.end() && !follows) {
      finish(run->second);
      chains.erase(run);
      run = chains.end();
    }
    if (run == chains.end()) {
      run = chains.emplace(place >> 32, log::IndexRun{graph_.feed(event), graph_.seq(event), {}}).first;
    }
    run->second.events.push_back(event);
  }
  for (const auto& [chain, run] : chains) finish(run);
  Bytes value = encode_record(encoded);
  batch.put(record_key(number_, number), value);
  for (std::size_t i = begin + 1; i < end; ++i) batch.erase(record_key(number_, records_[i].number));
  records_[begin].bytes = static_cast<std::uint32_t>(value.size());
  records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(begin) + 1,
                 records_.begin() + static_cast<std::ptrdiff_t>(end));
  unwritten_[number] = std::move(value);
  decoded_.reset();
}

}  // namespace rz::pod
