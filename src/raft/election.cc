// Elections: dissertation 3.4 (votes), 9.6 (pre-vote), 4.2.3 (leader stickiness), 6.2 (check-quorum), 3.10 (transfer).
#include <algorithm>

#include "raft/quorum.h"
#include "raft/raft.h"

namespace rz::raft {
namespace {

// The rule of 5.4.1 with the generation in front: whose log says more.
bool is_up_to_date(const EntryId& candidate, const EntryId& own) {
  return std::tuple(candidate.generation, candidate.term, candidate.index) >=
         std::tuple(own.generation, own.term, own.index);
}

}  // namespace

void Raft::reset_election_deadline() {
  if (configuration().is_empty()) {
    election_deadline_ = never;
    return;
  }
  const auto spread = random_.below(static_cast<std::uint64_t>(options_.election_timeout.us));
  election_deadline_ = now_ + options_.election_timeout + Duration{static_cast<std::int64_t>(spread)};
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
  if (may_campaign()) return rehearse_campaign();
  // Not a voter: it can only ask the others to make their leader speak.
  refuse_own_reads();
  leader_.reset();
  reset_election_deadline();
  if (is_voter()) return;
  election_deadline_ = never;
  for (const Member& member : configuration().members()) {
    if (member.id != options_.self.id) send(member, Wake{});
  }
}

void Raft::become_follower(Term term, const std::optional<NodeId>& leader) {
  if (term > hard_state_.term) {
    hard_state_.term = term;
    hard_state_.vote.reset();
    hard_state_changed_ = true;
    verified_ = commit_;
    acked_ = {};
  }
  if (role_ == Role::leader) {
    verified_ = commit_;
    acked_ = {};
    own_from_ = Index{never.us};
  }
  if (leader != leader_) refuse_own_reads();
  role_ = Role::follower;
  leader_ = leader;
  silent_ = false;
  progress_.clear();
  reads_.clear();
  votes_.clear();
  transfer_.reset();
  reset_election_deadline();
}

// A message of this term's leader came: stay with it.
void Raft::note_leader(const Member& leader) {
  if (role_ != Role::follower || leader_ != leader.id) {
    become_follower(hard_state_.term, leader.id);
    if (leaving_) send(leader, Leaving{});
  }
  leader_heard_at_ = now_;
  silent_ = false;
  reset_election_deadline();
}

// Pre-vote (9.6): asks whether an election could be won, without raising the term.
void Raft::rehearse_campaign() {
  become_follower(hard_state_.term, std::nullopt);
  role_ = Role::pre_candidate;
  request_votes(true, false);
  record_vote(options_.self, true);
}

void Raft::campaign(bool by_transfer) {
  become_follower({hard_state_.term.n + 1}, std::nullopt);
  role_ = Role::candidate;
  hard_state_.vote = options_.self.id;
  request_votes(false, by_transfer);  // Its own vote counts once it is durable: see on(Persisted).
}

void Raft::request_votes(bool pre, bool by_transfer) {
  const VoteRequest request{pre, by_transfer, log_.last()};
  for (const Member& member : configuration().members()) {
    if (member == options_.self || !configuration().is_voter(member)) continue;
    pre ? send_in({hard_state_.term.n + 1}, member, request) : send_after_persist(member, request);
  }
}

void Raft::record_vote(const Member& from, bool granted) {
  const auto known = [&](const ReceivedVote& vote) { return vote.from == from; };
  if (std::none_of(votes_.begin(), votes_.end(), known)) votes_.push_back({from, granted});
  const VoteResult result = quorum_vote(configuration(), [&](const Member& member) {
    for (const ReceivedVote& vote : votes_) {
      if (vote.from == member) return vote.granted ? Vote::granted : Vote::refused;
    }
    return Vote::missing;
  });
  if (result == VoteResult::won) {
    role_ == Role::pre_candidate ? campaign(false) : become_leader();
  } else if (result == VoteResult::lost) {
    become_follower(hard_state_.term, std::nullopt);
  }
}

// An entry of its own term comes first, to commit those of earlier terms (3.6.2) and to serve reads (6.4).
void Raft::become_leader() {
  take_lead();
  append_one(EntryKind::empty, last_time(), {}, {});
}

void Raft::take_lead() {
  role_ = Role::leader;
  leader_ = options_.self.id;
  votes_.clear();
  term_start_ = own_from_ = log_.last_index().next();
  uncommitted_bytes_ = 0;
  std::vector<Entries> uncommitted;
  log_.collect(commit_.next(), term_start_, uncommitted);
  for (const Entries& run : uncommitted) {
    for (const Entry& entry : run) uncommitted_bytes_ += entry.cost_bytes();
  }
  heartbeat_due_ = now_ + options_.heartbeat_interval;
  quorum_check_due_ = now_ + options_.election_timeout;
  configuration_changed();
}

// A leader that a quorum has not answered for an election timeout steps down (6.2).
void Raft::check_quorum() {
  quorum_check_due_ = now_ + options_.election_timeout;
  const VoteResult answered = quorum_vote(configuration(), [&](const Member& member) {
    const Progress* progress = progress_of(member);
    const bool heard = member == options_.self || (progress != nullptr && is_active(*progress));
    return heard ? Vote::granted : Vote::refused;
  });
  if (answered != VoteResult::won) become_follower(hard_state_.term, std::nullopt);
}

void Raft::receive(const Message& message, const VoteRequest& request) {
  const bool sticks = hears_leader() && leader_ != message.from.id && !request.by_transfer;
  if (sticks) end_silence();  // The asker may just not have heard of the silence; the leader, if alive, will tell it.
  const bool up_to_date = is_up_to_date(request.last, log_.last());
  if (request.pre) {
    const bool granted = !sticks && !is_damaged() && up_to_date && message.term > hard_state_.term;
    return send_in(granted ? message.term : hard_state_.term, message.from, VoteReply{true, granted});
  }
  const bool free = hard_state_.vote ? *hard_state_.vote == message.from.id : !leader_;
  const bool granted = free && !sticks && !is_damaged() && up_to_date;
  if (granted && !hard_state_.vote) {
    hard_state_.vote = message.from.id;
    hard_state_changed_ = true;
    reset_election_deadline();
  }
  send_after_persist(message.from, VoteReply{false, granted});
}

void Raft::receive(const Message& message, const VoteReply& reply) {
  const Role asked_as = reply.pre ? Role::pre_candidate : Role::candidate;
  if (role_ != asked_as || (reply.pre && reply.granted && message.term.n != hard_state_.term.n + 1)) return;
  record_vote(message.from, reply.granted);
}

void Raft::on(const ForgetLeader&) {
  if (role_ != Role::leader) become_follower(hard_state_.term, std::nullopt);
}

void Raft::on(const TransferLeadership& event) {
  if (role_ != Role::leader || transfer_) return;
  const Progress* best = nullptr;
  for (const Progress& progress : progress_) {
    const auto& voters = configuration().voters;
    if (std::find(voters.begin(), voters.end(), progress.member) == voters.end() || progress.damaged) continue;
    if (event.to ? progress.member.id != *event.to : !is_active(progress)) continue;
    if (best == nullptr || progress.match > best->match) best = &progress;
  }
  if (best == nullptr) return;
  end_silence();
  transfer_ = Transfer{best->member.id, now_ + options_.election_timeout};
  try_transfer();
}

// Once the target has every entry, it may campaign at once.
void Raft::try_transfer() {
  if (!transfer_) return;
  for (const Progress& progress : progress_) {
    const bool ready = progress.member.id == transfer_->to && progress.match == log_.last_index();
    if (ready) send(progress.member, TimeoutNow{});
  }
}

void Raft::receive(const Message& message, const TimeoutNow&) {
  if (leader_ == message.from.id && may_campaign()) campaign(true);
}

void Raft::on(const Leave&) {
  leaving_ = true;
  if (role_ == Role::leader) return on(TransferLeadership{});
  end_silence();
  const Member* leader = leader_ ? configuration().find(*leader_) : nullptr;
  if (leader != nullptr) send(*leader, Leaving{});
}

void Raft::receive(const Message& message, const Leaving&) {
  if (role_ == Role::leader) out_->leaving.push_back(message.from);
}

}  // namespace rz::raft
