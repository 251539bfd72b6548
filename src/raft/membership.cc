// Membership: dissertation 4.3 (joint consensus), 4.1 (in force when appended), 4.2.1 (catching up), 4.2.2 (removing
// the leader), and the correction of 2015: no change before an entry of the own term is committed.
#include <algorithm>

#include "base/assert.h"
#include "raft/raft.h"

namespace rz::raft {

void Raft::on(ProposeConfiguration event) {
  Configuration next{std::move(event.voters), std::move(event.learners), {}};
  std::sort(next.voters.begin(), next.voters.end());
  std::sort(next.learners.begin(), next.learners.end());
  const auto refused = refuse_change(next);
  if (next.voters != configuration().voters) next.outgoing = configuration().voters;
  propose(event.request, refused, event.time, {draft_of(next)});
}

std::optional<ErrorCode> Raft::refuse_change(const Configuration& next) const {
  if (role_ != Role::leader) return ErrorCode::raft_not_leader;
  if (transfer_to_) return ErrorCode::raft_transferring;
  if (commit_ < term_start_) return ErrorCode::raft_term_unconfirmed;
  if (configuration().is_joint() || configuration_index() > commit_) return ErrorCode::raft_change_in_flight;
  if (next.voters.empty() || !check_configuration(next)) return ErrorCode::raft_bad_configuration;
  for (const Member& voter : next.voters) {
    if (configuration().is_voter(voter)) continue;
    const Progress* learner = configuration().is_learner(voter) ? progress_of(voter) : nullptr;
    if (learner == nullptr || !is_caught_up(*learner)) return ErrorCode::raft_not_caught_up;
  }
  return std::nullopt;
}

// A configuration is in force as soon as it is in the log (4.1), unless it belongs to an earlier generation.
void Raft::adopt_configuration(const Entry& entry) {
  if (entry.kind() != EntryKind::configuration || entry.header().generation != hard_state_.generation.number) return;
  auto configuration = decode_configuration(entry.payload().view());
  RZ_ASSERT(configuration.has_value());  // Whoever made the entry has checked.
  configurations_.push_back({entry.index(), *std::move(configuration)});
  if (role_ == Role::leader) return track_members();
  if (election_due_ == never && !silent_) restart_election_timer();
}

// The joint configuration is left by itself. A leader that is no longer a voter hands over, and goes only then (4.2.2).
void Raft::configuration_committed() {
  if (configuration_index() > commit_) return;
  if (configuration().is_joint()) {
    return append_own({}, {draft_of({configuration().voters, configuration().learners, {}})});
  }
  if (is_voter() || transfer_to_) return;
  on(TransferLeadership{});
  if (!transfer_to_) transfer_to_ = options_.self.id;  // Nobody to hand over to: it goes when the time is up.
  transfer_due_ = now_ + options_.election_timeout;
}

// A leader follows exactly the members of the configuration, and those who still have to learn that they left it.
void Raft::track_members() {
  for (Progress& known : progress_) known.departing = !configuration().names(known.member.id);
  for (const Member& member : configuration().members()) {
    if (member == options_.self || progress_of(member) != nullptr) continue;
    std::erase_if(progress_, [&](const Progress& known) { return known.member.id == member.id; });
    const auto at = std::find_if(progress_.begin(), progress_.end(),
                                 [&](const Progress& known) { return known.member.id > member.id; });
    progress_.insert(at, {.member = member, .next = log_.last_index().next(), .heard_at = now_});
  }
}

bool Raft::is_caught_up(const Progress& progress) const {
  return is_active(progress) && !progress.damaged &&
         progress.match.n + options_.caught_up_entries >= log_.last_index().n && progress.match >= term_start_;
}

bool Raft::is_active(const Progress& progress) const {
  return progress.silent || now_ - progress.heard_at < options_.election_timeout;
}

const Configuration& Raft::configuration_at(Index index) const {
  const auto after = std::find_if(configurations_.begin() + 1, configurations_.end(),
                                  [&](const ConfigurationAt& at) { return at.index > index; });
  return std::prev(after)->configuration;
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
  append_own(event.time, {draft_of({{options_.self}, {}, {}})});
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
  persisted_term_ = {};
  configurations_ = {{log_.base().index, {}}};
  commit_ = verified_ = {};
  election_due_ = repair_due_ = never;
  lost_.clear();
  stranded_.clear();
  installing_.reset();
  out_->void_after = applied_;
  // Its entries could not be told from the winner's; or damage took the state that stood for the log's beginning.
  if (same_number || (log_.base().index.n > 0 && !snapshot_)) begin_anew();
}

}  // namespace rz::raft
