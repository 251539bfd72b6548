#include "raft/policy/member_status.h"

#include <algorithm>

namespace rz::raft {

std::vector<MemberStatus> member_statuses(const Raft& raft, Tick now) {
  std::vector<MemberStatus> all;
  if (!raft.is_leader()) return all;
  const Configuration& configuration = raft.configuration();
  for (const Member& member : configuration.members()) {
    MemberStatus status{.member = member, .voter = configuration.is_voter(member)};
    if (member == raft.self()) {
      status.self = status.active = status.caught_up = true;
      status.match = std::min(raft.persisted_index(), raft.covered_index());
      status.heard_at = now;
    } else if (const Progress* progress = raft.progress_of(member)) {
      status.active = raft.is_active(*progress);
      status.damaged = progress->damaged;
      status.caught_up = raft.is_caught_up(*progress);
      status.reborn = progress->reborn;
      status.match = progress->match;
      status.heard_at = progress->heard_at;
    }
    all.push_back(status);
  }
  return all;
}

}  // namespace rz::raft
