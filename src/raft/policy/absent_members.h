// The policy of absent members: which configuration to propose when devices sleep, break, return or lose their state.
//
// It only proposes. The quorum of the day decides, by an ordinary committed change (membership.cc), so a policy that is
// wrong costs availability, never agreement. Only a leader asks it; a new leader starts with a new one.
//
// Rules, in order
//   1. Wiped: a member that speaks in a new incarnation becomes a learner in that incarnation.
//   2. Asked: a member that said it will sleep is demoted at once.
//   3. Absent: a voter unheard for `demote_after` is demoted to learner, never removed.
//   4. Returned: a learner that may vote, heard and caught up for `promote_after` without a break, is promoted. One
//   that
//      was let in under this leader's eyes, and was never absent since, need not wait: it has not gone yet.
//   5. Handed over: where every voter said it will sleep, a learner that is there takes over as the one voter.
//   Of 3 and 4, one change at a time and at most one an interval; never both kinds in one change.
//   Parity: the voters are the greatest odd number of devices that are there, up to `voters_max`. An even count adds a
//   device that must answer without adding one that may fail. So a pod of three that loses one goes to one voter.
//   Two voters: from two to one only while both answer, or where the one that stays is always on.
//   Who votes: always-on devices first, then those heard without a break for longest, then by id.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "raft/policy/member_status.h"

namespace rz::raft {

struct PolicyOptions {
  Duration demote_after = seconds(600);
  Duration promote_after = seconds(60);
  Duration interval = seconds(120);
  std::size_t voters_max = 5;
};

// What the pod knows of a device, and consensus does not.
struct MemberFacts {
  NodeId id;
  bool always_on = false;
  bool may_vote = false;  // Stores every stream, keeps its state, is established where that counts.
  bool leaving = false;   // Said that it will sleep, and was not heard to be back.
};

enum class ChangeReason : std::uint8_t { wiped, asked, absent, returned };

struct ChangeProposal {
  std::vector<Member> voters;
  std::vector<Member> learners;
  ChangeReason reason = ChangeReason::absent;
};

class AbsentMembers {
 public:
  explicit AbsentMembers(const PolicyOptions& options = {}) : options_(options) {}

  // What to propose now, if anything. `members` as Raft::members of a leader. Ask about once a heartbeat.
  std::optional<ChangeProposal> consider(Tick now, const Configuration& configuration,
                                         const std::vector<MemberStatus>& members,
                                         const std::vector<MemberFacts>& facts);
  // The proposal was taken into the log: the interval begins.
  void changed(Tick now) { changed_at_ = now; }

 private:
  struct Seen {
    bool ready = false;  // Active, caught up, whole.
    bool active = false;
    bool voter = false;
    bool fresh = false;  // Let in under this leader, and never absent or demoted since.
    Tick ready_since;
    Tick active_since;
    Tick inactive_since;
  };
  // A device, with everything that the rules ask of it.
  struct Device {
    MemberStatus status;
    MemberFacts facts;
    Seen seen;
  };

  void observe(Tick now, const std::vector<MemberStatus>& members);
  std::vector<Device> devices(const std::vector<MemberStatus>& members, const std::vector<MemberFacts>& facts) const;
  std::optional<ChangeProposal> readmit(const Configuration& configuration, const std::vector<Device>& devices) const;
  std::optional<ChangeProposal> demote(Tick now, const Configuration& configuration,
                                       const std::vector<Device>& devices) const;
  std::optional<ChangeProposal> hand_over(const Configuration& configuration, const std::vector<Device>& devices) const;
  std::optional<ChangeProposal> promote(Tick now, const Configuration& configuration,
                                        const std::vector<Device>& devices) const;

  PolicyOptions options_;
  std::map<NodeId, Seen> seen_;
  std::optional<Tick> changed_at_;
};

// Whether losing one device would stop the pod from ordering: a warning to its owner.
bool depends_on_one(const Configuration& configuration);

}  // namespace rz::raft
