// What a leader knows of each member, in order of id: for the policy of absent members and for `status`.
#pragma once

#include <optional>
#include <vector>

#include "raft/raft.h"

namespace rz::raft {

struct MemberStatus {
  Member member;
  bool voter = false;
  bool self = false;
  bool active = false;  // Heard within an election timeout, or silent by agreement.
  bool damaged = false;
  bool caught_up = false;
  // Speaks in another incarnation than the configuration's: its state was lost.
  std::optional<Incarnation> reborn = std::nullopt;
  Index match = {};
  Tick heard_at = {};
};

// Empty unless `raft` leads. As of its last step.
std::vector<MemberStatus> member_statuses(const Raft& raft, Tick now);

}  // namespace rz::raft
