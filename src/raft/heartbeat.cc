// Heartbeats, and their end: silence. A leader whose every voter holds and knows all there is proposes to stop all
// timers; once a quorum has agreed, nothing is sent until somebody wants something. Not in the dissertation; the
// argument is in docs/decisions/0021-raft-silence.md.
#include <algorithm>

#include "raft/raft.h"

namespace rz::raft {

// A timed round of heartbeats (3.4), which also probes, confirms reads and finds lost messages.
void Raft::beat() {
  heartbeat_due_ = now_ + options_.heartbeat_interval;
  const bool woken = std::exchange(woken_, false);
  const bool quiet = !woken && may_be_silent();
  const auto done = [&](const Progress& other) { return other.silent || !is_active(other); };
  if (quiet && std::all_of(progress_.begin(), progress_.end(), done) &&
      quorum(true, [](const Progress& other) { return other.silent; })) {
    silent_ = true;
    heartbeat_due_ = quorum_check_due_ = never;
    for (Progress& other : progress_) other.in_flight.shrink_to_fit();
    return;
  }
  std::erase_if(progress_, [&](const Progress& other) { return other.departing && done(other); });
  ++round_;
  for (Progress& other : progress_) {
    if (!quiet) {
      other.paused = false;
      send_appends(other);
    }
    send_heartbeat(other, true, quiet);
    if (other.mode == Progress::Mode::snapshot) send_snapshot(other);
  }
}

void Raft::send_heartbeat(Progress& progress, bool asks, bool silent) {
  progress.silent = progress.silent && silent;
  progress.commit_sent = std::min(commit_, progress.match);
  if (asks) progress.sent_when_asked = progress.next.prev();
  send(progress.member, Heartbeat{progress.commit_sent, asks ? round_ : 0, asks, silent});
}

// Every voter holds all there is, and nobody waits for anything.
bool Raft::may_be_silent() const {
  const Index last = log_.last_index();
  if (commit_ != last || vouched() != last || configuration().is_joint() || transfer_to_ || !reads_.empty())
    return false;
  return std::all_of(progress_.begin(), progress_.end(), [&](const Progress& other) {
    const bool counts = configuration().is_voter(other.member) || is_active(other);
    return !counts || (other.match == last && !other.damaged && !other.departing);
  });
}

// Timers run again. A follower asks its leader to speak; a leader does so at its next tick.
void Raft::end_silence() {
  if (!silent_) return;
  silent_ = false;
  if (role_ != Role::leader) {
    leader_heard_at_ = now_;
    restart_election_timer();
    if (const Member* leader = other_leader()) send(*leader, Wake{});
    return;
  }
  for (Progress& other : progress_) {
    if (other.silent) other.heard_at = now_;  // Silent by agreement is as good as heard.
    other.silent = false;
  }
  woken_ = true;
  heartbeat_due_ = now_;
  quorum_check_due_ = now_ + options_.election_timeout;
}

void Raft::on(const WakeUp&) {
  leaving_ = false;
  end_silence();
}

// A link came up: the member may have been away for days.
void Raft::on(const Connected& event) {
  if (role_ != Role::leader) return;
  for (Progress& other : progress_) {
    if (other.member.id != event.node) continue;
    other.paused = false;
    if (!silent_) send_appends(other);
    ++round_;
    send_heartbeat(other, true, silent_);
  }
}

void Raft::receive(const Message& message, const Heartbeat& heartbeat) {
  if (role_ == Role::leader) return;
  note_leader(message.from);
  const Index commit = std::min(heartbeat.commit, log_.last_index());
  verified_ = std::max(verified_, commit);  // What it has acknowledged to this leader agrees.
  commit_ = std::max(commit_, commit);
  check_whole();
  const bool whole = !is_damaged() && own_reads_.empty() && commit_ == heartbeat.commit;
  if (heartbeat.silent && whole && commit_ == log_.last_index() && vouched() == commit_) {
    silent_ = true;
    election_due_ = never;
  }
  if (!heartbeat.wants_reply) return;
  acked_ = acknowledged();
  send_after_persist(message.from, HeartbeatReply{heartbeat.round, acked_, verified_, silent_, is_damaged()});
  for (const OwnRead& read : own_reads_) {
    if (!read.index) send(message.from, ReadRequest{read.request});
  }
}

void Raft::receive(const Message& message, const HeartbeatReply& reply) {
  Progress* progress = progress_of(message.from);
  if (role_ != Role::leader || progress == nullptr || reply.match > log_.last_index()) return;
  if (reply.match < log_.last_index()) end_silence();
  progress->heard_at = now_;
  progress->silent = reply.silent && reply.round == round_;
  progress->damaged = reply.damaged;
  progress->round = std::max(progress->round, reply.round);
  if (reply.damaged && reply.match < progress->match) {
    progress->match = reply.match;
    progress->restart(Progress::Mode::probe, reply.match.next());
  }
  if (reply.round == round_ && reply.agreed < progress->sent_when_asked) {  // Something was lost on the way.
    if (progress->mode == Progress::Mode::pipeline) progress->restart(Progress::Mode::pipeline, reply.agreed.next());
    if (progress->mode == Progress::Mode::snapshot) send_snapshot(*progress);
  }
  serve_reads();
  if (role_ == Role::leader) advance(*progress, reply.match);
}

void Raft::receive(const Message& message, const Wake&) {
  const bool was_silent = silent_;
  end_silence();
  if (role_ != Role::leader) return;
  was_silent ? beat() : on(Connected{message.from.id});
}

}  // namespace rz::raft
