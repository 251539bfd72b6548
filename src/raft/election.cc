// Elections: dissertation 3.4 (votes), 9.6 (pre-vote), 4.2.3 (leader stickiness), 6.2 (check-quorum), 3.10 (transfer).
#include <algorithm>

#include "raft/raft.h"

namespace rz::raft {
void Raft::restart_election_timer() {
  election_due_ = never;
  if (configuration().is_empty()) return;
  const auto spread = random_.below(static_cast<std::uint64_t>(options_.election_timeout.us));
  election_due_ = now_ + options_.election_timeout + Duration{static_cast<std::int64_t>(spread)};
}

// Heard recently, or agreed with it to be silent.
bool Raft::hears_leader() const {
  if (role_ == Role::leader) return true;
  return leader_ && (silent_ || now_ - leader_heard_at_ < options_.election_timeout);
}

bool Raft::may_campaign() const {
  if (is_damaged()) return false;
  const bool is_open = configuration_index() > commit_ && configurations_.size() > 1;
  return is_voter() || (is_open && configurations_.end()[-2].configuration.is_voter(options_.self));
}

void Raft::election_timed_out() {
  if (may_campaign()) return campaign(Role::pre_candidate, false);
  // Not a voter: it can only ask the others to make their leader speak.
  refuse_own_reads();
  leader_.reset();
  restart_election_timer();
  if (is_voter()) return;
  election_due_ = never;
  for (const Member& member : configuration().members()) {
    if (member.id != options_.self.id) send(member, Wake{});
  }
}

void Raft::become_follower(Term term, const std::optional<NodeId>& leader) {
  // What it holds may contradict the next leader's log.
  if (term > hard_state_.term || role_ == Role::leader) verified_ = commit_;
  if (term > hard_state_.term) hard_state_ = {hard_state_.generation, term, std::nullopt};
  if (leader != leader_) refuse_own_reads();
  role_ = Role::follower;
  leader_ = leader;
  silent_ = false;
  progress_.clear();
  reads_.clear();
  transfer_to_.reset();
  heartbeat_due_ = quorum_check_due_ = transfer_due_ = never;
  restart_election_timer();
}

// A message of this term's leader came: stay with it.
void Raft::note_leader(const Member& leader) {
  if (role_ != Role::follower || leader_ != leader.id) {
    become_follower(hard_state_.term, leader.id);
    if (leaving_) send(leader, Leaving{});
  }
  leader_heard_at_ = now_;
  silent_ = false;
  restart_election_timer();
}

// As a pre-candidate (9.6) it asks whether an election could be won, without raising the term.
void Raft::campaign(Role as, bool by_transfer) {
  const bool pre = as == Role::pre_candidate;
  const Term next{hard_state_.term.n + 1};
  become_follower(pre ? hard_state_.term : next, std::nullopt);
  role_ = as;
  if (!pre) hard_state_.vote = options_.self.id;
  track_members();
  for (const Progress& other : progress_) {
    if (!configuration().is_voter(other.member)) continue;
    const VoteRequest request{pre, by_transfer, log_.last()};
    pre ? send_in(next, other.member, request) : send_after_persist(other.member, request);
  }
  count_votes();
}

// Its own vote counts once it is durable.
void Raft::count_votes() {
  const bool own = role_ == Role::pre_candidate || persisted_term_ == hard_state_.term;
  if (quorum(own, [](const Progress& other) { return other.vote == Progress::Vote::granted; })) {
    role_ == Role::pre_candidate ? campaign(Role::candidate, false) : become_leader();
  } else if (!quorum(true, [](const Progress& other) { return other.vote != Progress::Vote::refused; })) {
    become_follower(hard_state_.term, std::nullopt);
  }
}

// An entry of its own term comes first, to commit those of earlier terms (3.6.2) and to serve reads (6.4).
void Raft::become_leader() {
  take_lead();
  append_own({}, {Draft{EntryKind::empty, {}, {}}});
}

void Raft::take_lead() {
  role_ = Role::leader;
  leader_ = options_.self.id;
  term_start_ = log_.last_index().next();
  election_due_ = never;
  heartbeat_due_ = now_ + options_.heartbeat_interval;
  quorum_check_due_ = now_ + options_.election_timeout;
  progress_.clear();
  track_members();
}

// A leader that a quorum has not answered for an election timeout steps down (6.2).
void Raft::check_quorum() {
  quorum_check_due_ = now_ + options_.election_timeout;
  const bool answered = quorum(true, [&](const Progress& other) { return is_active(other); });
  if (!answered) become_follower(hard_state_.term, std::nullopt);
}

void Raft::receive(const Message& message, const VoteRequest& request) {
  const bool sticks = hears_leader() && leader_ != message.from.id && !request.by_transfer;
  if (sticks) end_silence();  // The asker may just not have heard of the silence; the leader, if alive, will tell it.
  const bool fit = !sticks && !is_damaged() && says_as_much_as(request.last, log_.last());
  if (request.pre) {
    const bool granted = fit && message.term > hard_state_.term;
    return send_in(granted ? message.term : hard_state_.term, message.from, VoteReply{true, granted});
  }
  const bool free = hard_state_.vote ? *hard_state_.vote == message.from.id : !leader_;
  if (fit && free && !hard_state_.vote) {
    hard_state_.vote = message.from.id;
    restart_election_timer();
  }
  send_after_persist(message.from, VoteReply{false, fit && free});
}

void Raft::receive(const Message& message, const VoteReply& reply) {
  const bool late = reply.pre && reply.granted && message.term.n != hard_state_.term.n + 1;
  Progress* voter = progress_of(message.from);
  if (late || voter == nullptr || role_ != (reply.pre ? Role::pre_candidate : Role::candidate)) return;
  if (voter->vote == Progress::Vote::missing) {
    voter->vote = reply.granted ? Progress::Vote::granted : Progress::Vote::refused;
  }
  count_votes();
}

void Raft::on(const ForgetLeader&) {
  if (role_ != Role::leader) become_follower(hard_state_.term, std::nullopt);
}

// To whom it is told, or to the voter that is furthest.
void Raft::on(const TransferLeadership& event) {
  if (role_ != Role::leader || transfer_to_) return;
  const Progress* best = nullptr;
  for (const Progress& other : progress_) {
    const bool meant = event.to ? other.member.id == *event.to : is_active(other);
    if (!meant || other.damaged || !configuration().is_incoming(other.member)) continue;
    if (best == nullptr || other.match > best->match) best = &other;
  }
  if (best == nullptr) return;
  end_silence();
  transfer_to_ = best->member.id;
  transfer_due_ = now_ + options_.election_timeout;
  try_transfer();
}

// Once the target has every entry, it may campaign at once; not in the middle of a change, whose end is still to come.
void Raft::try_transfer() {
  if (configuration().is_joint()) return;
  for (const Progress& other : progress_) {
    const bool ready = transfer_to_ == other.member.id && other.match == log_.last_index();
    if (ready) send(other.member, TimeoutNow{});
  }
}

// It led on for nothing, or to the end of the change that takes its vote (4.2.2).
void Raft::end_transfer() {
  transfer_to_.reset();
  transfer_due_ = never;
  if (!is_voter()) become_follower(hard_state_.term, std::nullopt);
}

void Raft::receive(const Message& message, const TimeoutNow&) {
  if (leader_ == message.from.id && may_campaign()) campaign(Role::candidate, true);
}

void Raft::on(const Leave&) {
  leaving_ = true;
  if (role_ == Role::leader) return on(TransferLeadership{});
  end_silence();
  if (const Member* leader = other_leader()) send(*leader, Leaving{});
}

void Raft::receive(const Message& message, const Leaving&) {
  if (role_ == Role::leader) out_->leaving.push_back(message.from);
}

}  // namespace rz::raft
