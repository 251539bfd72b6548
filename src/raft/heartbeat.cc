// Heartbeats, and their end: silence. A leader whose every voter holds and knows all there is proposes to stop all
// timers; once a quorum has agreed, nothing is sent until somebody wants something. Not in the dissertation; the
// argument is in docs/decisions/0021-raft-silence.md.
#include <algorithm>

#include "raft/quorum.h"
#include "raft/raft.h"

namespace rz::raft {

// A timed round of heartbeats (3.4), which also probes, confirms reads and finds lost messages.
void Raft::beat() {
  heartbeat_due_ = now_ + options_.heartbeat_interval;
  const bool quiet = may_be_silent() && !woken_;
  woken_ = false;
  const auto agreed = [&](const Member& member) {
    const Progress* progress = progress_of(member);
    return member == options_.self || (progress != nullptr && progress->silent) ? Vote::granted : Vote::refused;
  };
  const bool all_told = std::all_of(progress_.begin(), progress_.end(),
                                    [&](const Progress& progress) { return progress.silent || !is_active(progress); });
  if (quiet && all_told && quorum_vote(configuration(), agreed) == VoteResult::won) {
    silent_ = true;
    for (Progress& progress : progress_) progress.in_flight.reset();
    return;
  }
  std::erase_if(progress_, [&](const Progress& progress) {
    return progress.departing && (progress.silent || !is_active(progress));
  });
  ++round_;
  for (QueuedRead& read : reads_) {
    if (read.round == 0 && commit_ >= term_start_) read = {read.from, read.request, commit_, round_};
  }
  for (Progress& progress : progress_) {
    if (!quiet) {
      progress.paused = false;
      send_appends(progress);
    }
    progress.asked = true;
    progress.sent_when_asked = progress.next.prev();
    send_heartbeat(progress, quiet);
    if (progress.mode == Progress::Mode::snapshot) send_snapshot(progress);
  }
}

void Raft::send_heartbeat(Progress& progress, bool silent) {
  progress.silent = progress.silent && silent;
  progress.commit_sent = std::min(commit_, progress.match);
  send(progress.member, Heartbeat{progress.commit_sent, progress.asked ? round_ : 0, progress.asked, silent});
  progress.asked = false;
}

// Every voter holds all there is, and nobody waits for anything.
bool Raft::may_be_silent() const {
  const Index last = log_.last_index();
  if (commit_ != last || vouched() != last || configuration().is_joint() || transfer_ || !reads_.empty()) return false;
  return std::all_of(progress_.begin(), progress_.end(), [&](const Progress& progress) {
    const bool counts = configuration().is_voter(progress.member) || is_active(progress);
    return !counts || (progress.match == last && !progress.damaged && !progress.departing);
  });
}

// Timers run again. A follower asks its leader to speak; a leader does so at its next tick.
void Raft::end_silence() {
  if (!silent_) return;
  silent_ = false;
  if (role_ == Role::leader) {
    for (Progress& progress : progress_) {
      if (progress.silent) progress.heard_at = now_;  // Silent by agreement is as good as heard.
      progress.silent = false;
    }
    woken_ = true;
    heartbeat_due_ = now_;
    quorum_check_due_ = now_ + options_.election_timeout;
    return;
  }
  leader_heard_at_ = now_;
  reset_election_deadline();
  const Member* leader = leader_ ? configuration().find(*leader_) : nullptr;
  if (leader != nullptr) send(*leader, Wake{});
}

void Raft::on(const WakeUp&) {
  leaving_ = false;
  end_silence();
}

// A link came up: the member may have been away for days.
void Raft::on(const Connected& event) {
  if (role_ != Role::leader) return;
  for (Progress& progress : progress_) {
    if (progress.member.id != event.node) continue;
    progress.paused = false;
    if (!silent_) send_appends(progress);
    ++round_;
    progress.asked = true;
    progress.sent_when_asked = progress.next.prev();
    send_heartbeat(progress, silent_);
  }
}

void Raft::receive(const Message& message, const Heartbeat& heartbeat) {
  if (role_ == Role::leader) return;
  note_leader(message.from);
  const Index commit = std::min(heartbeat.commit, log_.last_index());
  verified_ = std::max(verified_, commit);  // What it has acknowledged to this leader agrees.
  commit_to(commit);
  if (is_damaged()) check_whole();
  const bool whole = !is_damaged() && own_reads_.empty() && commit_ == heartbeat.commit;
  if (heartbeat.silent && whole && commit_ == log_.last_index() && vouched() == commit_) {
    silent_ = true;
    election_deadline_ = never;
  }
  if (!heartbeat.wants_reply) return;
  send_after_persist(message.from, HeartbeatReply{heartbeat.round, acknowledged(), verified_, silent_, is_damaged()});
  for (const OwnRead& read : own_reads_) {
    if (!read.index) send(message.from, ReadRequest{read.request});
  }
}

void Raft::receive(const Message& message, const HeartbeatReply& reply) {
  Progress* progress = progress_of(message.from);
  if (role_ != Role::leader || progress == nullptr || reply.match > log_.last_index()) return;
  if (silent_ && reply.match < log_.last_index()) end_silence();
  progress->heard_at = now_;
  progress->silent = reply.silent && reply.round == round_;
  progress->damaged = reply.damaged;
  progress->round = std::max(progress->round, reply.round);
  if (reply.damaged && reply.match < progress->match) {
    progress->match = reply.match;
    progress->probe_from(reply.match.next());
  }
  const bool lost = reply.round == round_ && reply.agreed < progress->sent_when_asked;
  if (lost && progress->mode == Progress::Mode::pipeline) progress->pipeline_from(reply.agreed.next());
  if (lost && progress->mode == Progress::Mode::snapshot) send_snapshot(*progress);
  confirm_reads();
  if (role_ == Role::leader) advance(*progress, reply.match);
}

void Raft::receive(const Message& message, const Wake&) {
  const bool was_silent = silent_;
  end_silence();
  if (role_ != Role::leader) return;
  was_silent ? beat() : on(Connected{message.from.id});
}

}  // namespace rz::raft
