#include "raft/policy/absent_members.h"

#include <algorithm>

namespace rz::raft {
namespace {

// The greatest odd number that is at most `count`; 1 at least.
std::size_t odd_at_most(std::size_t count) { return count == 0 ? 1 : count - (count + 1) % 2; }

// `configuration` with exactly `voters` voting; every other member learns.
ChangeProposal with_voters(const Configuration& configuration, std::vector<Member> voters, ChangeReason reason) {
  ChangeProposal proposal{std::move(voters), {}, reason};
  std::sort(proposal.voters.begin(), proposal.voters.end());
  for (const Member& member : configuration.members()) {
    if (!std::binary_search(proposal.voters.begin(), proposal.voters.end(), member))
      proposal.learners.push_back(member);
  }
  return proposal;
}

bool is_current_voter(const Configuration& configuration, const Member& member) {
  return std::find(configuration.voters.begin(), configuration.voters.end(), member) != configuration.voters.end();
}

}  // namespace

std::optional<ChangeProposal> AbsentMembers::consider(Tick now, const Configuration& configuration,
                                                      const std::vector<MemberStatus>& members,
                                                      const std::vector<MemberFacts>& facts) {
  observe(now, members);
  if (configuration.is_joint() || members.empty()) return std::nullopt;
  const std::vector<Device> all = devices(members, facts);
  if (auto proposal = readmit(configuration, all)) return proposal;
  if (auto proposal = hand_over(configuration, all)) return proposal;
  if (auto proposal = demote(now, configuration, all)) return proposal;
  return promote(now, configuration, all);
}

void AbsentMembers::observe(Tick now, const std::vector<MemberStatus>& members) {
  std::map<NodeId, Seen> kept;
  for (const MemberStatus& status : members) {
    const auto known = seen_.find(status.member.id);
    // One not seen before gets the benefit of the doubt: its absence begins now, and so does its presence.
    Seen seen = known != seen_.end() ? known->second : Seen{false, false, false, !seen_.empty(), now, now, now};
    const bool ready = status.active && status.caught_up && !status.damaged && !status.reborn;
    if (ready && !seen.ready) seen.ready_since = now;
    if (status.active && !seen.active) seen.active_since = now;
    if (!status.active && seen.active) seen.inactive_since = now;
    if ((seen.active && !status.active) || (seen.voter && !status.voter)) seen.fresh = false;
    seen.ready = ready;
    seen.active = status.active;
    seen.voter = status.voter;
    kept.emplace(status.member.id, seen);
  }
  seen_ = std::move(kept);
}

// In order of preference as voters.
std::vector<AbsentMembers::Device> AbsentMembers::devices(const std::vector<MemberStatus>& members,
                                                          const std::vector<MemberFacts>& facts) const {
  std::vector<Device> all;
  for (const MemberStatus& status : members) {
    Device device{status, {status.member.id}, seen_.at(status.member.id)};
    for (const MemberFacts& each : facts) {
      if (each.id == status.member.id) device.facts = each;
    }
    all.push_back(std::move(device));
  }
  std::sort(all.begin(), all.end(), [](const Device& a, const Device& b) {
    if (a.facts.always_on != b.facts.always_on) return a.facts.always_on;
    if (a.seen.active_since != b.seen.active_since) return a.seen.active_since < b.seen.active_since;
    return a.status.member.id < b.status.member.id;
  });
  return all;
}

std::optional<ChangeProposal> AbsentMembers::readmit(const Configuration& configuration,
                                                     const std::vector<Device>& devices) const {
  for (const Device& device : devices) {
    if (!device.status.reborn) continue;
    std::vector<Member> voters;
    for (const Member& voter : configuration.voters) {
      if (voter.id != device.status.member.id) voters.push_back(voter);
    }
    if (voters.empty()) return std::nullopt;
    ChangeProposal proposal = with_voters(configuration, std::move(voters), ChangeReason::wiped);
    for (Member& learner : proposal.learners) {
      if (learner.id == device.status.member.id) learner.incarnation = *device.status.reborn;
    }
    return proposal;
  }
  return std::nullopt;
}

std::optional<ChangeProposal> AbsentMembers::demote(Tick now, const Configuration& configuration,
                                                    const std::vector<Device>& devices) const {
  bool asked = false;
  std::size_t gone = 0;
  std::size_t answering = 0;
  std::ptrdiff_t active_staying = 0;
  std::vector<const Device*> staying;  // Those who answer first, then in order of preference.
  for (const Device& device : devices) {
    if (!is_current_voter(configuration, device.status.member)) continue;
    answering += device.status.active ? 1 : 0;
    const bool absent = !device.status.active && now - device.seen.inactive_since >= options_.demote_after;
    const bool unfit = !device.facts.may_vote;
    asked = asked || device.facts.leaving;
    if (device.facts.leaving || absent || unfit) {
      ++gone;
    } else {
      // Who does not answer can't be among those who decide alone.
      staying.insert(device.status.active ? staying.begin() + active_staying++ : staying.end(), &device);
    }
  }
  const std::size_t voters = configuration.voters.size();
  const std::size_t wanted = odd_at_most(std::min(voters - gone, options_.voters_max));
  if (staying.empty() || wanted == voters) return std::nullopt;
  const bool due = !changed_at_ || now - *changed_at_ >= options_.interval;
  if (!asked && !due) return std::nullopt;
  staying.resize(std::min(staying.size(), wanted));
  if (!staying.front()->status.active) return std::nullopt;
  if (voters == 2 && answering < 2 && !staying.front()->facts.always_on) return std::nullopt;
  std::vector<Member> kept;
  for (const Device* device : staying) kept.push_back(device->status.member);
  return with_voters(configuration, std::move(kept), asked ? ChangeReason::asked : ChangeReason::absent);
}

std::optional<ChangeProposal> AbsentMembers::hand_over(const Configuration& configuration,
                                                       const std::vector<Device>& devices) const {
  const Device* next = nullptr;
  for (const Device& device : devices) {
    const bool votes = is_current_voter(configuration, device.status.member);
    if (votes && !device.facts.leaving) return std::nullopt;
    const bool fit = !votes && !device.facts.leaving && device.facts.may_vote && device.seen.ready;
    if (fit && next == nullptr) next = &device;
  }
  if (next == nullptr) return std::nullopt;
  return with_voters(configuration, {next->status.member}, ChangeReason::asked);
}

std::optional<ChangeProposal> AbsentMembers::promote(Tick now, const Configuration& configuration,
                                                     const std::vector<Device>& devices) const {
  if (changed_at_ && now - *changed_at_ < options_.interval) return std::nullopt;
  std::vector<Member> voters = configuration.voters;
  std::vector<Member> ready;
  for (const Device& device : devices) {
    if (is_current_voter(configuration, device.status.member) || !device.facts.may_vote || device.facts.leaving)
      continue;
    const bool awake = device.seen.fresh || now - device.seen.ready_since >= options_.promote_after;
    if (device.seen.ready && awake) ready.push_back(device.status.member);
  }
  const std::size_t wanted = odd_at_most(std::min(voters.size() + ready.size(), options_.voters_max));
  if (wanted <= voters.size()) return std::nullopt;
  voters.insert(voters.end(), ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(wanted - voters.size()));
  return with_voters(configuration, std::move(voters), ChangeReason::returned);
}

bool depends_on_one(const Configuration& configuration) {
  return configuration.voters.size() + configuration.learners.size() > 1 && configuration.voters.size() <= 2;
}

}  // namespace rz::raft
