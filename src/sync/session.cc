#include "sync/session.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::sync {

using log::EventGraph;
using log::EventIndex;
using log::FeedName;
using log::Seq;
using log::StreamId;

Session::Session(const Replica& replica, const log::AuthorKey& self, const Hello& hello, SessionOptions options)
    : replica_(replica), self_(self), hello_(hello), options_(options) {
  control_.push_back(encode(hello_));
  if (hello_.cut_index == 0) return;
  for (const StreamId& stream : replica_.streams()) {
    const EventGraph* graph = replica_.graph(stream);
    if (graph == nullptr) continue;
    AtHello& at = at_hello_[stream];
    at.size = graph->size();
    at.beyond = replica_.beyond_last_cut(stream);
  }
}

// --- The first exchange ----------------------------------------------------------------------------------------------

Status Session::on_hello(const Hello& theirs) {
  if (their_hello_) return fail(ErrorCode::sync_out_of_turn, "a second hello");
  if (theirs.did != hello_.did) return fail(ErrorCode::sync_wrong_pod, "the other device belongs to another pod");
  their_hello_ = theirs;
  say_what_is_here();
  return {};
}

bool Session::has_common_cut() const {
  return their_hello_ && hello_.cut_index > 0 && hello_.cut_index == their_hello_->cut_index &&
         hello_.cut_hash == their_hello_->cut_hash;
}

std::vector<EventIndex> Session::beyond_hello(const StreamId& stream, const EventGraph& graph) const {
  std::vector<EventIndex> beyond;
  std::uint32_t size = 0;
  if (const auto at = at_hello_.find(stream); at != at_hello_.end()) {
    beyond = at->second.beyond;
    size = at->second.size;
  }
  for (std::uint32_t i = size; i < graph.size(); ++i) beyond.push_back(EventIndex{i});
  return beyond;
}

// With a last cut in common only what lies beyond it needs to be told.
bool Session::needs_rows(const StreamId& stream, const EventGraph& graph) const {
  if (!has_common_cut()) return graph.size() > 0;
  return !beyond_hello(stream, graph).empty();
}

void Session::say_what_is_here() {
  Have have;
  std::size_t rows = 0;
  for (const StreamId& stream : replica_.streams()) {
    const EventGraph* graph = replica_.graph(stream);
    if (graph == nullptr || !needs_rows(stream, *graph)) continue;
    StreamRows entry{stream, durable_rows(*graph, replica_.durable(stream))};
    if (entry.rows.size() > rows_per_have_max) entry.rows.resize(rows_per_have_max);
    if (rows + entry.rows.size() > rows_per_have_max || have.streams.size() == streams_per_have_max) {
      std::sort(have.streams.begin(), have.streams.end(),
                [](const auto& a, const auto& b) { return a.stream < b.stream; });
      have.last = false;
      control_.push_back(encode(have));
      have = {};
      rows = 0;
    }
    rows += entry.rows.size();
    for (const log::FeedHead& row : entry.rows) rows_[stream][row.feed].announced = row.seq.value + 1;
    have.streams.push_back(std::move(entry));
  }
  std::sort(have.streams.begin(), have.streams.end(), [](const auto& a, const auto& b) { return a.stream < b.stream; });
  control_.push_back(encode(have));
  said_ = true;
}

log::FeedHeads Session::durable_rows(const EventGraph& graph, std::uint32_t durable) const {
  log::FeedHeads rows = graph.feed_heads();
  if (durable >= graph.size()) return rows;
  log::FeedHeads kept;
  for (const log::FeedHead& row : rows) {
    std::optional<EventIndex> event = graph.find(row.id);
    while (event && event->value >= durable) event = graph.prev(*event);
    if (event) kept.push_back({row.feed, graph.seq(*event), graph.id(*event)});
  }
  std::sort(kept.begin(), kept.end());
  kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
  return kept;
}

Status Session::on_have(Tick now, const Have& theirs) {
  if (!their_hello_) return fail(ErrorCode::sync_out_of_turn, "a have before the hello");
  for (const StreamRows& stream : theirs.streams) {
    for (const log::FeedHead& row : stream.rows) note_peer(stream.stream, row.feed, row.seq.value + 1);
    if (rows_known_ > options_.rows_known_max) return fail(ErrorCode::sync_overrun, "more chains than a pod can have");
    if (!their_have_complete_) their_first_rows_[stream.stream] = stream.rows;
  }
  if (their_have_complete_ || !theirs.last) return {};
  their_have_complete_ = true;
  for (const StreamId& stream : replica_.streams()) plan_first(stream);
  their_first_rows_.clear();
  at_hello_.clear();
  release_deferred(now);
  return {};
}

// What the other side lacks of a stream, by what it said it has.
void Session::plan_first(const StreamId& stream) {
  const EventGraph* graph = replica_.graph(stream);
  if (graph == nullptr || graph->size() == 0) return;
  const auto rows = their_first_rows_.find(stream);
  if (rows == their_first_rows_.end() && !needs_rows(stream, *graph)) return;
  if (rows == their_first_rows_.end() && has_common_cut()) return enqueue(stream, beyond_hello(stream, *graph));
  for (log::IndexRun& run : graph->missing_for(rows == their_first_rows_.end() ? log::FeedHeads{} : rows->second)) {
    backlog_events_ += run.events.size();
    backlog_.push_back({stream, std::move(run), 0});
  }
}

void Session::enqueue(const StreamId& stream, const std::vector<EventIndex>& events) {
  if (events.empty()) return;
  const EventGraph* graph = replica_.graph(stream);
  for (log::IndexRun& run : graph->runs(events)) {
    backlog_events_ += run.events.size();
    backlog_.push_back({stream, std::move(run), 0});
  }
}

// --- Messages --------------------------------------------------------------------------------------------------------

Status Session::on_ack(const Ack& ack) {
  if (ack.number >= next_number_) return fail(ErrorCode::sync_out_of_turn, "an acknowledgement of what was never sent");
  while (!under_way_.empty() && under_way_.front().number <= ack.number) {
    const UnderWay& frame = under_way_.front();
    under_way_bytes_ -= frame.bytes;
    note_peer(frame.stream, frame.feed, frame.last.value + 1);
    under_way_.pop_front();
  }
  return {};
}

Status Session::on_events(const Events& events, std::size_t frame_bytes) {
  if (!said_) return fail(ErrorCode::sync_out_of_turn, "events before the hello");
  if (events.number != received_ + 1) return fail(ErrorCode::sync_out_of_turn, "an events frame out of sequence");
  received_ = events.number;
  unacknowledged_.emplace_back(events.number, frame_bytes);
  unacknowledged_bytes_ += frame_bytes;
  // One frame may exceed the sender's window; twice the window, nobody honest sends.
  if (unacknowledged_bytes_ > 2 * options_.window_bytes + frame_bytes_max) {
    return fail(ErrorCode::sync_overrun, "more events under way than the window allows");
  }
  return {};
}

Status Session::on_want(const Want& want) {
  const EventGraph* graph = replica_.graph(want.stream);
  // Wants are rare (forks, lost bodies); a flood of them must not grow the backlog.
  if (graph == nullptr || !their_have_complete_ || backlog_.size() > 4096) return {};
  std::vector<EventIndex> found;
  for (const log::EventId& id : want.events) {
    if (const auto event = graph->find(id)) found.push_back(*event);
  }
  std::sort(found.begin(), found.end());
  enqueue(want.stream, found);
  return {};
}

// --- What happens here -----------------------------------------------------------------------------------------------

void Session::on_taken(const StreamId& stream, const log::FeedHead& last) {
  Row& row = rows_[stream][last.feed];
  row.sent_there = std::max(row.sent_there, last.seq.value + 1);
  row.taken = std::max(row.taken, last.seq.value + 1);
}

void Session::on_admitted(Tick now, const StreamId& stream, EventIndex begin) {
  const EventGraph* graph = replica_.graph(stream);
  if (!their_have_complete_ || graph == nullptr) return;
  std::vector<EventIndex> own;
  for (EventIndex event = begin; event.value < graph->size(); ++event.value) {
    const FeedName feed = graph->feed(event);
    if (peer_was_sent(stream, feed, graph->seq(event))) continue;
    if (graph->author(event) == self_) {
      own.push_back(event);
    } else {
      deferred_.push_back({now + options_.forward_delay, stream, event});
    }
  }
  enqueue(stream, own);
}

void Session::release_deferred(Tick now) {
  std::map<StreamId, std::vector<EventIndex>> due;
  while (!deferred_.empty() && deferred_.front().due <= now) {
    const Deferred& waiting = deferred_.front();
    const EventGraph* graph = replica_.graph(waiting.stream);
    if (graph != nullptr && !peer_was_sent(waiting.stream, graph->feed(waiting.event), graph->seq(waiting.event))) {
      due[waiting.stream].push_back(waiting.event);
    }
    deferred_.pop_front();
  }
  for (auto& [stream, events] : due) {
    std::sort(events.begin(), events.end());
    enqueue(stream, events);
  }
}

void Session::acknowledge(std::uint64_t number) { acknowledge_to_ = std::max(acknowledge_to_, number); }

void Session::on_durable(const StreamId& stream) {
  if (said_) to_announce_.insert(stream);
}

void Session::want(const StreamId& stream, std::vector<log::EventId> events) {
  if (!their_have_complete_ || events.empty()) return;
  std::sort(events.begin(), events.end());
  events.erase(std::unique(events.begin(), events.end()), events.end());
  if (events.size() > wanted_max) events.resize(wanted_max);
  control_.push_back(encode(Want{stream, std::move(events)}));
}

// --- Sending ---------------------------------------------------------------------------------------------------------

std::optional<Bytes> Session::poll(Tick now) {
  if (!control_.empty()) {
    Bytes frame = std::move(control_.front());
    control_.pop_front();
    return frame;
  }
  if (acknowledge_to_ > acknowledged_) {
    acknowledged_ = std::min(acknowledge_to_, received_);
    while (!unacknowledged_.empty() && unacknowledged_.front().first <= acknowledged_) {
      unacknowledged_bytes_ -= unacknowledged_.front().second;
      unacknowledged_.pop_front();
    }
    acknowledge_to_ = acknowledged_;
    return encode(Ack{acknowledged_});
  }
  if (!their_have_complete_) return std::nullopt;
  release_deferred(now);
  if (auto announcement = next_announcement()) return announcement;
  return next_events();
}

std::optional<Tick> Session::wake_at() const {
  if (deferred_.empty() || !their_have_complete_) return std::nullopt;
  return deferred_.front().due;
}

// Rows of feeds that became longer here, without what the other side sent. That it has an event itself is no reason to
// keep silent: it may be about to pass it on.
std::optional<Bytes> Session::next_announcement() {
  Have have;
  while (!to_announce_.empty() && have.streams.size() < 64) {
    const StreamId stream = *to_announce_.begin();
    to_announce_.erase(to_announce_.begin());
    const EventGraph* graph = replica_.graph(stream);
    if (graph == nullptr) continue;
    StreamRows entry{stream, {}};
    Rows& known = rows_[stream];
    for (const log::FeedHead& head : durable_rows(*graph, replica_.durable(stream))) {
      Row& row = known[head.feed];
      if (row.announced >= head.seq.value + 1) continue;
      row.announced = head.seq.value + 1;
      if (row.taken < head.seq.value + 1) entry.rows.push_back(head);
    }
    if (entry.rows.size() > rows_per_have_max / 64) entry.rows.resize(rows_per_have_max / 64);
    if (!entry.rows.empty()) have.streams.push_back(std::move(entry));
  }
  if (have.streams.empty()) return std::nullopt;
  return encode(have);
}

std::optional<Bytes> Session::next_events() {
  if (backlog_.empty() || under_way_bytes_ >= options_.window_bytes) return std::nullopt;
  Backlog& front = backlog_.front();
  const EventGraph* graph = replica_.graph(front.stream);
  RZ_ASSERT(graph != nullptr);
  log::IndexRun piece{front.run.feed, Seq{front.run.begin.value + front.next}, {}};
  std::size_t bytes = 0;
  while (front.next < front.run.events.size() && piece.events.size() < options_.run_events_max &&
         (piece.events.empty() || bytes < options_.run_bytes_max)) {
    const EventIndex event = front.run.events[front.next++];
    bytes += graph->body_size(event) + 16;
    piece.events.push_back(event);
  }
  // To the seal that covers it, which is near: without that the other side could not admit what it got.
  const auto sealed = graph->covering_seal(piece.events.back());
  const auto sealed_at = sealed ? graph->find(sealed->head) : std::nullopt;
  while (sealed_at && front.next < front.run.events.size() && piece.events.back() < *sealed_at &&
         piece.events.size() < log::run_events_max && bytes < frame_bytes_max / 2) {
    const EventIndex event = front.run.events[front.next++];
    bytes += graph->body_size(event) + 16;
    piece.events.push_back(event);
  }
  const EventIndex last = piece.events.back();
  const StreamId stream = front.stream;
  log::FeedRun run = log::make_run(*graph, piece, [&](EventIndex event) { return replica_.body(stream, event); });
  Events events{next_number_, stream, {}, graph->covering_seal(last)};
  run.seal.reset();  // It travels beside the run: it may cover more than the run's end.
  backlog_events_ -= piece.events.size();
  if (front.next == front.run.events.size()) backlog_.pop_front();
  auto encoded = log::encode_run(run);
  RZ_ASSERT(encoded.has_value());  // It was made from the graph just now, within the limits of a run.
  events.run = *std::move(encoded);
  Bytes frame = encode(events);
  ++next_number_;
  under_way_.push_back({events.number, frame.size(), stream, piece.feed, graph->seq(last)});
  under_way_bytes_ += frame.size();
  std::uint64_t& sent = rows_[stream][piece.feed].sent_there;
  sent = std::max(sent, graph->seq(last).value + 1);
  sent_events_ += piece.events.size();
  sent_bytes_ += frame.size();
  return frame;
}

// --- Knowledge -------------------------------------------------------------------------------------------------------

void Session::note_peer(const StreamId& stream, const FeedName& feed, std::uint64_t count) {
  Row& row = rows_[stream][feed];
  rows_known_ += row.stored_there == 0 && count > 0 ? 1 : 0;
  row.stored_there = std::max(row.stored_there, count);
  row.sent_there = std::max(row.sent_there, count);
}

const Session::Row* Session::row(const StreamId& stream, const FeedName& feed) const {
  const auto rows = rows_.find(stream);
  if (rows == rows_.end()) return nullptr;
  const auto found = rows->second.find(feed);
  return found == rows->second.end() ? nullptr : &found->second;
}

std::uint64_t Session::stored_there(const StreamId& stream, const FeedName& feed) const {
  const Row* known = row(stream, feed);
  return known == nullptr ? 0 : known->stored_there;
}

bool Session::peer_stores(const StreamId& stream, const FeedName& feed, Seq seq) const {
  return stored_there(stream, feed) > seq.value;
}

bool Session::peer_was_sent(const StreamId& stream, const FeedName& feed, Seq seq) const {
  const Row* known = row(stream, feed);
  return known != nullptr && known->sent_there > seq.value;
}

}  // namespace rz::sync
