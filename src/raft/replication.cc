// Replication: dissertation 3.5 (consistency check), 3.6 (commitment), 10.2 (batching, pipelining, async persistence).
#include <algorithm>

#include "base/assert.h"
#include "raft/quorum.h"
#include "raft/raft.h"

namespace rz::raft {

void Raft::on(Propose event) {
  ProposeOutcome outcome{.request = event.request, .term = hard_state_.term};
  std::size_t bytes = 0;
  for (const Draft& draft : event.drafts) {
    const bool proper = draft.kind == EntryKind::cut || draft.kind == EntryKind::pod_snapshot;
    if (!proper || draft.payload.size() > payload_bytes_max) outcome.refused = ErrorCode::bad_argument;
    bytes += draft.payload.size();
  }
  if (event.drafts.empty()) outcome.refused = ErrorCode::bad_argument;
  if (uncommitted_bytes_ > 0 && uncommitted_bytes_ + bytes > options_.uncommitted_bytes_max) {
    outcome.refused = ErrorCode::raft_busy;
  }
  if (transfer_) outcome.refused = ErrorCode::raft_transferring;
  if (role_ != Role::leader) outcome.refused = ErrorCode::raft_not_leader;
  if (!outcome.refused) {
    const std::size_t count = event.drafts.size();
    auto entries = std::make_shared<Entry[]>(count);
    EntryHeader header{.generation = hard_state_.generation.number, .term = hard_state_.term};
    const EntryId last = log_.last();
    header.prev = last.hash;
    header.time = std::max(event.time, last_time());
    for (std::size_t i = 0; i < count; ++i) {
      header.kind = event.drafts[i].kind;
      header.index = {last.index.n + 1 + i};
      header.root = event.drafts[i].root;
      entries[i] = Entry::make(header, std::move(event.drafts[i].payload));
      header.prev = entries[i].hash();
    }
    outcome.first = last.index.next();
    outcome.last = header.index;
    append_own(std::move(entries), count);
  }
  out_->proposals.push_back(outcome);
}

void Raft::append_one(EntryKind kind, UnixMs time, const Root& root, Payload payload) {
  auto entries = std::make_shared<Entry[]>(1);
  const EntryId last = log_.last();
  entries[0] = Entry::make({.kind = kind,
                            .generation = hard_state_.generation.number,
                            .index = last.index.next(),
                            .term = hard_state_.term,
                            .prev = last.hash,
                            .time = time,
                            .root = root},
                           std::move(payload));
  append_own(std::move(entries), 1);
}

void Raft::append_own(std::shared_ptr<Entry[]> entries, std::size_t count) {
  const Entry* first = entries.get();
  Entries run(std::shared_ptr<const Entry>(std::move(entries), first), count);
  for (const Entry& entry : run) uncommitted_bytes_ += entry.cost_bytes();
  accept(std::move(run));
  end_silence();
  broadcast_appends();
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
  while (covered_ < last) {
    if (covered_.next() >= own_from_) {
      covered_ = last;
      return;
    }
    if (log_.find(covered_.next())->kind() == EntryKind::cut) return;
    covered_ = covered_.next();
  }
}

// Sends what the member lacks, as far as its window allows (10.2.1).
void Raft::send_appends(Progress& progress) {
  for (;;) {
    const bool probing = progress.mode == Progress::Mode::probe;
    if (progress.mode == Progress::Mode::snapshot || (probing && progress.paused)) return;
    const bool fits = progress.in_flight.fits(options_.in_flight_messages_max, options_.in_flight_bytes_max);
    if (!probing && (!fits || progress.next > log_.last_index())) return;
    const auto prev = log_.id_at(progress.next.prev());
    if (!prev) return send_snapshot(progress);
    Entries entries = log_.slice(progress.next, options_.append_bytes_max);
    progress.silent = false;
    progress.paused = probing;
    progress.commit_sent = std::max(progress.commit_sent, commit_);
    if (!probing) {
      std::size_t bytes = 0;
      for (const Entry& entry : entries) bytes += entry.cost_bytes();
      progress.in_flight.add(entries.last_index(), bytes);
      progress.next = entries.last_index().next();
    }
    send(progress.member, Append{*prev, commit_, std::move(entries)});
  }
}

void Raft::broadcast_appends() {
  for (Progress& progress : progress_) send_appends(progress);
  maybe_commit();
}

// Tells the commit index where no append will.
void Raft::send_commit(Progress& progress) {
  send_appends(progress);
  if (std::min(commit_, progress.match) > progress.commit_sent) send_heartbeat(progress, false);
}

void Raft::receive(const Message& message, const Append& append) {
  if (role_ == Role::leader) return;
  note_leader(message.from);
  EntryId prev = append.prev;
  Entries entries = append.entries;
  const EntryId base = log_.base();
  if (prev.index < base.index) {
    if (commit_ < base.index) {  // Another generation began below what is kept here.
      begin_anew();
    } else {
      entries = entries.between(base.index.next(), Index{never.us});  // What is compacted is committed: it agrees.
      prev = base;
      if (entries.empty()) return acknowledge();
    }
  }
  if (!log_.has(prev)) {
    const EntryId hint = log_.last_not_after(prev.index, prev);
    return send_after_persist(message.from, AppendReply{.rejected = true, .hint = hint, .last_seen = prev.index});
  }
  commit_to(log_.base().index);  // Compacted, hence committed, and the leader has it too.
  const Index end{prev.index.n + entries.size()};
  if (!entries.empty()) {
    const bool fits = entries.first_index() == prev.index.next() && entries.front().header().prev == prev.hash;
    const EntryHeader& newest = entries.back().header();
    if (!fits || newest.generation > hard_state_.generation.number || newest.term > hard_state_.term) return;
    Index agreed = entries.last_index();  // Hashes chain: if the last agrees, all do.
    if (!log_.has(id_of(entries.back()))) {
      agreed = prev.index;
      while (agreed < log_.last_index() && log_.has(id_of(entries[static_cast<std::size_t>(agreed.n - prev.index.n)])))
        agreed = agreed.next();
      if (agreed < commit_) return;                       // A leader that contradicts what is committed lies.
      if (snapshot_ && agreed < snapshot_->last.index) {  // It stands for what never was, and so does its base.
        begin_anew();
        return send_after_persist(message.from, AppendReply{.rejected = true, .last_seen = prev.index});
      }
      if (agreed < log_.last_index()) truncate_from(agreed.next());
    }
    entries = entries.between(agreed.next(), end.next());
  }
  const bool is_new = !entries.empty();
  if (is_new) accept(std::move(entries));
  verified_ = std::max(verified_, end);
  commit_to(std::min(append.commit, verified_));
  if (is_damaged()) check_whole();
  // New entries are acknowledged when they are durable and covered. Where that may take long, say at once that they
  // came.
  if (!is_new || covered_ < verified_) {
    acked_ = acknowledged();
    send_after_persist(message.from, AppendReply{.match = acked_, .last_seen = verified_});
  }
}

// The first index that differs from the leader's (3.5). What is committed in this generation never goes.
void Raft::truncate_from(Index begin) {
  RZ_ASSERT_CMP(begin.n, >, commit_.n);
  log_.truncate_from(begin);
  while (configurations_.size() > 1 && configurations_.back().index >= begin) configurations_.pop_back();
  persisted_ = std::min(persisted_, begin.prev());
  covered_ = std::min(covered_, begin.prev());
  verified_ = std::min(verified_, begin.prev());
  if (snapshot_ && snapshot_->last.index >= begin) snapshot_.reset();
  if (applied_ < begin) return;
  applied_ = begin.prev();  // Only an older generation's commits can be undone.
  out_->generation_change = GenerationChange{hard_state_.generation, applied_};
}

// Tells the leader how far this member vouches: entries durable, and what lies in their past.
void Raft::acknowledge() {
  const Member* leader = leader_ && role_ == Role::follower ? configuration().find(*leader_) : nullptr;
  if (leader == nullptr || acknowledged() <= acked_) return;
  acked_ = acknowledged();
  send_after_persist(*leader, AppendReply{.match = acked_, .last_seen = verified_});
}

void Raft::receive(const Message& message, const AppendReply& reply) {
  Progress* progress = progress_of(message.from);
  if (role_ != Role::leader || progress == nullptr || reply.match > log_.last_index()) return;
  progress->heard_at = now_;
  if (!reply.rejected) {
    if (progress->mode == Progress::Mode::probe) {
      const Index seen = std::min(reply.last_seen, log_.last_index());
      progress->pipeline_from(std::max(seen, reply.match).next());
    }
    return advance(*progress, reply.match);
  }
  const bool probing = progress->mode == Progress::Mode::probe;
  if (probing ? reply.last_seen.next() != progress->next : reply.last_seen <= progress->match) return;  // Late.
  if (progress->mode == Progress::Mode::snapshot) return;
  Index agreed = reply.hint.index;
  if (!log_.has(reply.hint)) {
    if (agreed.n > 0) agreed = log_.last_not_after(agreed.prev(), reply.hint).index;
  }
  progress->probe_from(std::min(agreed.next(), std::max(reply.last_seen, Index{1})));
  send_appends(*progress);
}

// The member vouches up to `match`.
void Raft::advance(Progress& progress, Index match) {
  const bool moved = match > progress.match;
  if (moved) {
    progress.match = match;
    progress.next = std::max(progress.next, match.next());
    progress.in_flight.free_to(match);
    if (progress.mode == Progress::Mode::snapshot && match >= log_.base().index) progress.pipeline_from(match.next());
    maybe_commit();
    if (role_ != Role::leader) return;
    try_transfer();
  }
  send_commit(progress);
  if (progress.departing && progress.commit_sent >= configuration_index()) progress.silent = true;  // It knows.
}

// Commits what a quorum holds, if that is of the own term (3.6.2); what lies before it comes along.
void Raft::maybe_commit() {
  const Index reached{quorum_value(configuration(), [&](const Member& member) -> std::uint64_t {
    if (member == options_.self) return vouched().n;
    const Progress* progress = progress_of(member);
    return progress == nullptr ? 0 : progress->match.n;
  })};
  if (reached <= commit_ || reached < term_start_) return;
  commit_to(reached);
  for (Progress& progress : progress_) send_commit(progress);
  configuration_committed();
  if (role_ == Role::leader) start_read_round();
}

void Raft::commit_to(Index index) {
  if (index <= commit_) return;
  if (role_ == Role::leader) {
    for (Index at = commit_.next(); at <= index; at = at.next()) {
      const Entry* entry = log_.find(at);
      if (entry != nullptr) uncommitted_bytes_ -= entry->cost_bytes();
    }
  }
  commit_ = index;
}

}  // namespace rz::raft
