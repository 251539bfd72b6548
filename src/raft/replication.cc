// Replication: dissertation 3.5 (consistency check), 3.6 (commitment), 10.2 (batching, pipelining, async persistence).
#include <algorithm>

#include "base/assert.h"
#include "raft/raft.h"

namespace rz::raft {

void Raft::on(Propose event) {
  std::optional<ErrorCode> refused;
  std::size_t bytes = 0;
  for (const Draft& draft : event.drafts) {
    const bool proper = draft.kind == EntryKind::cut || draft.kind == EntryKind::pod_snapshot;
    if (!proper || draft.payload.size() > payload_bytes_max) refused = ErrorCode::bad_argument;
    bytes += draft.payload.size();
  }
  if (event.drafts.empty()) refused = ErrorCode::bad_argument;
  const std::uint64_t waiting = log_.cost_to(log_.last_index()) - log_.cost_to(commit_);
  if (waiting > 0 && waiting + bytes > options_.uncommitted_bytes_max) refused = ErrorCode::raft_busy;
  if (transfer_to_) refused = ErrorCode::raft_transferring;
  if (role_ != Role::leader) refused = ErrorCode::raft_not_leader;
  propose(event.request, refused, event.time, std::move(event.drafts));
}

// Tells what became of it before that leads to anything else.
void Raft::propose(RequestId request, std::optional<ErrorCode> refused, UnixMs time, std::vector<Draft> drafts) {
  ProposeOutcome outcome{.request = request, .refused = refused, .term = hard_state_.term};
  const Index last = log_.last_index();
  if (!refused) {
    outcome.first = last.next();
    outcome.last = {last.n + drafts.size()};
  }
  out_->proposals.push_back(outcome);
  if (!refused) append_own(time, std::move(drafts));
}

// One allocation for all of them; payloads are shared.
void Raft::append_own(UnixMs time, std::vector<Draft> drafts) {
  const std::shared_ptr<Entry[]> entries = std::make_shared<Entry[]>(drafts.size());
  const EntryId last = log_.last();
  EntryHeader header{.generation = hard_state_.generation.number, .index = last.index, .term = hard_state_.term};
  header.prev = last.hash;
  header.time = std::max(time, last_time());
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    header.kind = drafts[i].kind;
    header.index = header.index.next();
    header.root = drafts[i].root;
    entries[i] = Entry::make(header, std::move(drafts[i].payload));
    header.prev = entries[i].hash();
  }
  const Entries run(std::shared_ptr<const Entry>(entries, entries.get()), drafts.size());
  accept(run);
  end_silence();
  for (Progress& other : progress_) send_appends(other);
}

// Cut times never decrease along the log, so a leader's clock can only hold them back.
UnixMs Raft::last_time() const {
  if (const Entry* last = log_.find(log_.last_index())) return last->header().time;
  return snapshot_ ? snapshot_->time : UnixMs{};
}

// Puts entries that continue the log into it.
void Raft::accept(Entries entries) {
  out_->append.push_back(entries);
  log_.append(entries);
  for (const Entry& entry : entries) adopt_configuration(entry);
  advance_coverage({});
}

// An entry without a past, and a leader's own proposal, is covered with all before it.
void Raft::advance_coverage(Index at_least) {
  const Index last = log_.last_index();
  covered_ = std::max(covered_, std::min(at_least, last));
  if (role_ == Role::leader && covered_.next() >= term_start_) covered_ = last;
  while (covered_ < last && log_.find(covered_.next())->kind() != EntryKind::cut) covered_ = covered_.next();
}

// Sends what the member lacks, as far as its window allows (10.2.1).
void Raft::send_appends(Progress& progress) {
  const bool probing = progress.mode == Progress::Mode::probe;
  while (progress.mode != Progress::Mode::snapshot && !progress.paused) {
    const std::uint64_t in_flight = log_.cost_to(progress.next.prev()) - log_.cost_to(progress.match);
    const bool full =
        progress.in_flight.size() >= options_.in_flight_messages_max || in_flight >= options_.in_flight_bytes_max;
    if (!probing && (full || progress.next > log_.last_index())) return;
    const auto prev = log_.id_at(progress.next.prev());
    if (!prev) return send_snapshot(progress);
    Entries entries = log_.slice(progress.next, options_.append_bytes_max);
    progress.silent = false;
    progress.paused = probing;
    progress.commit_sent = std::max(progress.commit_sent, commit_);
    if (!probing) {
      progress.in_flight.push_back(entries.last_index());
      progress.next = entries.last_index().next();
    }
    send(progress.member, Append{*prev, commit_, std::move(entries)});
  }
}

// Tells the commit index where no append will.
void Raft::send_commit(Progress& progress) {
  send_appends(progress);
  if (std::min(commit_, progress.match) > progress.commit_sent) send_heartbeat(progress, false, false);
}

void Raft::receive(const Message& message, const Append& append) {
  if (role_ == Role::leader) return;
  note_leader(message.from);
  const EntryId& prev = append.prev;
  if (prev.index < log_.base().index && commit_ < log_.base().index)
    begin_anew();                        // Another generation began below it.
  const Index base = log_.base().index;  // What is compacted is committed: it agrees.
  if (prev.index >= base && !log_.has(prev)) {
    const EntryId hint = log_.last_not_after(prev.index, prev);
    return send_after_persist(message.from, AppendReply{.rejected = true, .hint = hint, .last_seen = prev.index});
  }
  commit_ = std::max(commit_, base);
  Index next = prev.index.next();  // Of the first entry that is not here.
  for (const Entry& entry : append.entries) {
    if (entry.index() > base && !log_.has(id_of(entry))) break;
    next = entry.index().next();
  }
  Entries entries = append.entries.between(next, no_index);
  const bool is_new = !entries.empty();
  if (is_new) {
    const EntryHeader& first = entries.front().header();
    const EntryHeader& last = entries.back().header();
    const bool fits = first.index == next && first.prev == log_.id_at(next.prev())->hash;
    if (!fits || last.generation > hard_state_.generation.number || last.term > hard_state_.term) return;
    if (next <= commit_) return;                       // A leader that contradicts what is committed lies.
    if (snapshot_ && next <= snapshot_->last.index) {  // It stands for what is void, and so may the base.
      begin_anew();
      return receive(message, append);
    }
    if (next <= log_.last_index()) truncate_from(next);
    accept(std::move(entries));
  }
  verified_ = std::max(verified_, Index{prev.index.n + append.entries.size()});
  commit_ = std::max(commit_, std::min(append.commit, verified_));
  check_whole();
  // New entries are acknowledged when they are durable and covered. Where that may take long, say at once that they
  // came.
  acked_ = acknowledged();
  if (is_new && covered_ >= verified_) return;
  send_after_persist(message.from, AppendReply{.match = acked_, .last_seen = verified_});
}

// The first index that differs from the leader's (3.5). What is committed in this generation never goes.
void Raft::truncate_from(Index begin) {
  RZ_ASSERT_CMP(begin.n, >, commit_.n);
  log_.truncate_from(begin);
  while (configurations_.size() > 1 && configurations_.back().index >= begin) configurations_.pop_back();
  for (Index* reached : {&persisted_, &covered_, &verified_}) *reached = std::min(*reached, begin.prev());
  if (snapshot_ && snapshot_->last.index >= begin) snapshot_.reset();
  if (applied_ < begin) return;
  applied_ = begin.prev();  // Only an older generation's commits can be undone.
  out_->void_after = applied_;
}

// Tells the leader how far this member vouches: entries durable, and what lies in their past.
void Raft::acknowledge() {
  const Member* leader = acknowledged() > acked_ ? other_leader() : nullptr;
  if (leader != nullptr) send_after_persist(*leader, AppendReply{.match = acknowledged(), .last_seen = verified_});
}

void Raft::receive(const Message& message, const AppendReply& reply) {
  Progress* progress = progress_of(message.from);
  if (role_ != Role::leader || progress == nullptr || reply.match > log_.last_index()) return;
  progress->heard_at = now_;
  const bool probing = progress->mode == Progress::Mode::probe;
  if (!reply.rejected) {
    const Index seen = std::max(std::min(reply.last_seen, log_.last_index()), reply.match);
    if (probing) progress->restart(Progress::Mode::pipeline, seen.next());
    return advance(*progress, reply.match);
  }
  const bool late = probing ? reply.last_seen.next() != progress->next : reply.last_seen <= progress->match;
  if (late || progress->mode == Progress::Mode::snapshot) return;
  Index agreed = reply.hint.index;
  if (!log_.has(reply.hint) && agreed.n > 0) agreed = log_.last_not_after(agreed.prev(), reply.hint).index;
  progress->restart(Progress::Mode::probe, std::min(agreed.next(), std::max(reply.last_seen, Index{1})));
  send_appends(*progress);
}

// The member vouches up to `match`.
void Raft::advance(Progress& progress, Index match) {
  if (match > progress.match) {
    progress.match = match;
    progress.next = std::max(progress.next, match.next());
    progress.acknowledged_to(match);
    const bool has_snapshot = progress.mode == Progress::Mode::snapshot && match >= log_.base().index;
    if (has_snapshot) progress.restart(Progress::Mode::pipeline, match.next());
    try_transfer();
  }
  send_commit(progress);
  if (progress.departing && progress.commit_sent >= configuration_index()) progress.silent = true;  // It knows.
}

// Commits what a quorum holds, if that is of the own term (3.6.2); what lies before it comes along.
void Raft::maybe_commit() {
  if (commit_ == log_.last_index()) return;
  const Index held{reached(vouched().n, [](const Progress& other) { return other.match.n; })};
  if (held <= commit_ || held < term_start_) return;
  commit_ = held;
  for (Progress& other : progress_) send_commit(other);
  configuration_committed();
  maybe_commit();  // A lone voter commits what that has appended.
}

}  // namespace rz::raft
