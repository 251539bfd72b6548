// Who takes part in the order, and who decides on it: what identity says about devices, and the policy of absent
// members (raft/policy/absent_members.h), as proposals of the device that leads. The quorum of the day decides.
#include <algorithm>

#include "pod/core.h"

namespace rz::pod {

namespace {

constexpr Duration membership_every = milliseconds(500);
constexpr Duration membership_every_silent = seconds(30);
constexpr Duration membership_busy = seconds(20);  // After something happened: a newcomer is about to have caught up.

bool holds(const std::vector<raft::Member>& list, const raft::Member& member) {
  return std::find(list.begin(), list.end(), member) != list.end();
}

// An even number of voters survives no more losses than one fewer, and a tie costs the quorum: after a removal a voter
// other than the leader gives its vote back, of two only one that answers.
void make_odd(const std::vector<raft::MemberStatus>& known, std::vector<raft::Member>& voters,
              std::vector<raft::Member>& learners) {
  if (voters.size() % 2 != 0 || voters.empty()) return;
  const auto chosen = std::find_if(voters.rbegin(), voters.rend(), [&](const raft::Member& voter) {
    const auto status =
        std::find_if(known.begin(), known.end(), [&](const raft::MemberStatus& each) { return each.member == voter; });
    return status != known.end() && !status->self && (status->active || voters.size() > 2);
  });
  if (chosen == voters.rend()) return;
  learners.push_back(*chosen);
  voters.erase(std::next(chosen).base());
}

}  // namespace

// The only voter leaves: those that have caught up and may vote decide from now on, without the policy's patience.
void Core::promote_ready(const std::vector<raft::MemberStatus>& known, raft::ChangeProposal& next) const {
  std::vector<log::AuthorKey> voters;
  std::erase_if(next.learners, [&](const raft::Member& learner) {
    const auto status =
        std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.member == learner; });
    const bool ready = status != known.end() && status->caught_up && status->active && !status->damaged;
    const log::AuthorKey key = device_of(learner.id);
    if (!ready || !identity::may_vote(identity_, key, voters)) return false;
    voters.push_back(key);
    next.voters.push_back(learner);
    return true;
  });
}

// Newcomers become learners; removed and suspended devices go.
std::optional<raft::ChangeProposal> Core::follow_identity(const std::vector<raft::MemberStatus>& known) const {
  const raft::Configuration& now = raft_->configuration();
  raft::ChangeProposal next;
  for (const identity::Device& device : identity_.devices) {
    if (!device.in_pod() || device.suspended || (hand_over_until_ && device.key == self_)) continue;
    if (is_superseded(device.key)) continue;  // The same member, under the key that it has now.
    const raft::NodeId id = node_of(device.key);
    const raft::Member* present = now.find(id);
    const auto said = incarnations_.find(device.key);
    if (present != nullptr && holds(now.voters, *present)) {
      next.voters.push_back(*present);
    } else if (said != incarnations_.end()) {
      next.learners.push_back({id, raft::Incarnation{said->second}});
    } else if (present != nullptr) {
      next.learners.push_back(*present);
    }  // Else never seen: nobody to send to.
  }
  if (hand_over_until_ && next.voters.empty()) promote_ready(known, next);
  std::sort(next.voters.begin(), next.voters.end());
  if (next.voters != now.voters) make_odd(known, next.voters, next.learners);
  std::sort(next.voters.begin(), next.voters.end());
  std::sort(next.learners.begin(), next.learners.end());
  if (next.voters.empty() || (next.voters == now.voters && next.learners == now.learners)) return std::nullopt;
  return next;
}

std::vector<raft::MemberFacts> Core::member_facts() const {
  std::vector<log::AuthorKey> voters;
  for (const raft::Member& voter : raft_->configuration().voters) voters.push_back(device_of(voter.id));
  std::vector<raft::MemberFacts> facts;
  for (const identity::Device& device : identity_.devices) {
    if (is_superseded(device.key)) continue;
    const raft::NodeId id = node_of(device.key);
    const bool votes = std::find(voters.begin(), voters.end(), device.key) != voters.end();
    facts.push_back({.id = id,
                     .always_on = device.kind == log::DeviceKind::cloud,
                     .may_vote = votes || identity::may_vote(identity_, device.key, voters),
                     .leaving = cluster_.leaving.contains(id)});
  }
  return facts;
}

// Something happened that may change who takes part. What follows from it comes within moments, silence or not.
void Core::membership_soon() {
  cluster_.membership_due = now_.tick;
  cluster_.membership_busy_until = now_.tick + membership_busy;
}

void Core::plan_membership() {
  if (!raft_ || !raft_->is_leader() || identity_gaps_) {
    cluster_.membership_due.reset();
    cluster_.absent.reset();
    return;
  }
  if (!cluster_.absent) cluster_.absent.emplace(options_.membership);
  if (!cluster_.membership_due) cluster_.membership_due = now_.tick;
  if (*cluster_.membership_due > now_.tick) return;
  const bool is_quiet = raft_->is_silent() && cluster_.membership_busy_until <= now_.tick;
  cluster_.membership_due = now_.tick + (is_quiet ? membership_every_silent : membership_every);
  const raft::Configuration& now = raft_->configuration();
  if (now.is_joint() || raft_->configuration_index() > raft_->commit_index()) return;
  std::vector<raft::MemberStatus> known = raft::member_statuses(*raft_, now_.tick);
  for (raft::MemberStatus& each : known) {
    // In silence Raft hears of nobody, and can't tell who left since.
    each.active = each.active && (each.self || peers_.contains(device_of(each.member.id)));
  }
  if (const auto change = follow_identity(known)) {
    (void)propose_members(*change);
    return;
  }
  const auto change = cluster_.absent->consider(now_.tick, now, known, member_facts());
  const bool had_several = now.voters.size() > 1;  // asked first: what Raft takes moves its configurations
  if (!change || !propose_members(*change)) return;
  cluster_.absent->changed(now_.tick);
  if (change->voters.size() == 1 && had_several) {
    alarm(Alarm::Level::warning,
          words("from now on ", device_name(device_of(change->voters.front().id)),
                " alone decides on the order, until others are back: it goes on if they are lost, not if it is"));
  }
}

// Whether it was taken into the log.
bool Core::propose_members(const raft::ChangeProposal& change) {
  const raft::Index before = raft_->configuration_index();
  raft_step(
      raft::ProposeConfiguration{raft::RequestId{cluster_.next_request++}, now_.wall, change.voters, change.learners});
  const bool taken = raft_->configuration_index() != before;
  if (taken) membership_soon();
  return taken;
}

// This device is about to sleep or to be carried off: leadership is handed over, and the others are asked to do without
// its vote. Once it connects again, it is back.
void Core::prepare_sleep() {
  if (!raft_) return;
  cluster_.leaving.insert(node_of(self_));
  membership_soon();
  raft_step(raft::Leave{});
}

// Errors: raft_not_leader (only the device that leads can), not_found (no such member), bad_argument (it may not vote).
Status Core::set_voter(const PublicKey& device, bool votes) {
  RZ_CHECK(check_leads());
  const raft::Configuration& now = raft_->configuration();
  const raft::Member* member = now.find(node_of(device));
  if (member == nullptr) return fail(ErrorCode::not_found, "this device takes no part in the order yet");
  if (holds(now.voters, *member) == votes) return {};
  raft::ChangeProposal change{now.voters, now.learners, raft::ChangeReason::asked};
  std::vector<raft::Member>& from = votes ? change.learners : change.voters;
  std::vector<raft::Member>& to = votes ? change.voters : change.learners;
  std::erase(from, *member);
  to.push_back(*member);
  if (change.voters.empty())
    return fail(ErrorCode::bad_argument, "the last voter can't be demoted: promote another one");
  std::vector<log::AuthorKey> voters;
  for (const raft::Member& voter : now.voters) voters.push_back(device_of(voter.id));
  if (votes && !identity::may_vote(identity_, device, voters)) {
    return fail(ErrorCode::bad_argument,
                "this device may not vote: a browser never does, and beyond three voters only an established device");
  }
  cluster_.refused.reset();
  if (!propose_members(change)) return fail(cluster_.refused.value_or(ErrorCode::raft_busy), "the change was refused");
  if (cluster_.absent) cluster_.absent->changed(now_.tick);
  return {};
}

Status Core::transfer_leadership(const std::optional<PublicKey>& to) {
  RZ_CHECK(check_leads());
  if (to && *to == self_) return {};
  raft::TransferLeadership transfer;
  if (to) {
    transfer.to = node_of(*to);
    const raft::Member* member = raft_->configuration().find(*transfer.to);
    if (member == nullptr || !holds(raft_->configuration().voters, *member)) {
      return fail(ErrorCode::bad_argument, "only a device that votes can lead");
    }
  }
  raft_step(transfer);
  return {};
}

Status Core::check_leads() const {
  if (raft_ && raft_->is_leader()) return {};
  if (!raft_ || !raft_->leader()) {
    return fail(ErrorCode::raft_not_leader, "no device leads: a majority of those that vote is not in reach");
  }
  return fail(ErrorCode::raft_not_leader,
              words(device_name(device_of(*raft_->leader())), " leads: give this command there"));
}

}  // namespace rz::pod
