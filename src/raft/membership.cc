// Membership: dissertation 4.3 (joint consensus), 4.1 (in force when appended), 4.2.1 (catching up), 4.2.2 (removing
// the leader), and the correction of 2015: no change before an entry of the own term is committed.
#include <algorithm>

#include "base/assert.h"
#include "raft/raft.h"

namespace rz::raft {

void Raft::on(ProposeConfiguration event) {
  ProposeOutcome outcome{.request = event.request, .term = hard_state_.term};
  Configuration next{std::move(event.voters), std::move(event.learners), {}};
  std::sort(next.voters.begin(), next.voters.end());
  std::sort(next.learners.begin(), next.learners.end());
  outcome.refused = refuse_change(next);
  if (!outcome.refused) {
    if (next.voters != configuration().voters) next.outgoing = configuration().voters;
    outcome.first = outcome.last = log_.last_index().next();
    propose_configuration(next, std::max(event.time, last_time()));
  }
  out_->proposals.push_back(outcome);
}

std::optional<ErrorCode> Raft::refuse_change(const Configuration& next) const {
  if (role_ != Role::leader) return ErrorCode::raft_not_leader;
  if (transfer_) return ErrorCode::raft_transferring;
  if (commit_ < term_start_) return ErrorCode::raft_term_unconfirmed;
  if (configuration().is_joint() || configuration_index() > commit_) return ErrorCode::raft_change_in_flight;
  if (next.voters.empty() || !check_configuration(next)) return ErrorCode::raft_bad_configuration;
  for (const Member& voter : next.voters) {
    if (configuration().is_voter(voter)) continue;
    const Progress* progress = configuration().is_learner(voter) ? progress_of(voter) : nullptr;
    if (progress == nullptr || !is_caught_up(*progress)) return ErrorCode::raft_not_caught_up;
  }
  return std::nullopt;
}

void Raft::propose_configuration(const Configuration& configuration, UnixMs time) {
  Bytes payload = encode(configuration);
  const Root root = root_of(payload);
  append_one(EntryKind::configuration, time, root, Payload::own(std::move(payload)));
}

// A configuration is in force as soon as it is in the log (4.1), unless it belongs to an earlier generation.
void Raft::adopt_configuration(const Entry& entry) {
  if (entry.kind() != EntryKind::configuration || entry.header().generation != hard_state_.generation.number) return;
  auto configuration = decode_configuration(entry.payload().view());
  RZ_ASSERT(configuration.has_value());  // Whoever made the entry has checked.
  configurations_.push_back({entry.index(), *std::move(configuration)});
  configuration_changed();
}

// A leader follows exactly the members of the configuration, and those who still have to learn that they left it.
void Raft::configuration_changed() {
  if (role_ != Role::leader) {
    if (election_deadline_ == never && !silent_) reset_election_deadline();
    return;
  }
  for (Progress& progress : progress_) progress.departing = !configuration().names(progress.member.id);
  for (const Member& member : configuration().members()) {
    if (member == options_.self) continue;
    const auto at = std::find_if(progress_.begin(), progress_.end(),
                                 [&](const Progress& progress) { return progress.member.id >= member.id; });
    if (at != progress_.end() && at->member == member) continue;
    Progress progress{.member = member, .next = log_.last_index().next(), .heard_at = now_};
    if (at != progress_.end() && at->member.id == member.id) {
      *at = std::move(progress);
    } else {
      progress_.insert(at, std::move(progress));
    }
  }
}

// The joint configuration is left by itself. A leader that is no longer a voter hands over, and goes only then (4.2.2).
void Raft::configuration_committed() {
  if (configuration_index() > commit_) return;
  if (configuration().is_joint()) {
    return propose_configuration({configuration().voters, configuration().learners, {}}, last_time());
  }
  if (is_voter() || transfer_) return;
  on(TransferLeadership{});
  if (!transfer_) transfer_ = Transfer{options_.self.id, now_ + options_.election_timeout};
}

bool Raft::is_caught_up(const Progress& progress) const {
  return is_active(progress) && !progress.damaged &&
         progress.match.n + options_.caught_up_entries >= log_.last_index().n && progress.match >= term_start_;
}

bool Raft::is_active(const Progress& progress) const {
  return progress.silent || now_ - progress.heard_at < options_.election_timeout;
}

const Configuration& Raft::configuration_at(Index index) const {
  const auto after = std::find_if(configurations_.begin(), configurations_.end(),
                                  [&](const ConfigurationAt& at) { return at.index > index; });
  return after == configurations_.begin() ? after->configuration : std::prev(after)->configuration;
}

// The owner's explicit act, for a pod's first device or after the majority was lost: this device alone votes. Its log
// goes on as far as it vouches for it; the rest could never be committed.
void Raft::on(const FoundGeneration& event) {
  if (!event.generation.wins_over(hard_state_.generation)) return;
  const Index kept = vouched();
  adopt_generation(event.generation);
  if (kept < log_.last_index()) truncate_from(kept.next());
  hard_state_.term = {log_.last().term.n + 1};
  hard_state_.vote = options_.self.id;
  take_lead();
  propose_configuration({{options_.self}, {}, {}}, std::max(event.time, last_time()));
}

// Whoever it knew may know who leads there, or has still to learn of it too.
void Raft::on(const Superseded& event) {
  if (!event.generation.wins_over(hard_state_.generation)) return;
  const std::vector<Member> known = configuration().members();
  adopt_generation(event.generation);
  for (const Member& member : known) {
    if (member.id != options_.self.id) send(member, Wake{});
  }
}

// Another life of the cluster has won: nothing of the old one binds, and who votes is still to be learnt. The log stays
// until the new leader's contradicts it.
void Raft::adopt_generation(const Generation& generation) {
  const bool same_number = generation.number == hard_state_.generation.number;
  become_follower(hard_state_.term, std::nullopt);
  hard_state_ = {generation, {}, std::nullopt};
  hard_state_changed_ = true;
  persisted_term_ = {};
  configurations_ = {{log_.base().index, {}}};
  commit_ = verified_ = acked_ = {};
  election_deadline_ = repair_due_ = never;
  if (is_damaged()) out_->damaged = false;
  lost_.clear();
  stranded_.clear();
  installing_.reset();
  out_->generation_change = GenerationChange{generation, applied_};
  if (same_number) begin_anew();  // Its entries could not be told from the winner's.
}

}  // namespace rz::raft
