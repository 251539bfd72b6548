// Order and copies are different promises: what other devices are known to store (docs/decisions/0090).
#include <algorithm>

#include "pod/core.h"
#include "raft/policy/member_status.h"

namespace rz::pod {

using log::EventIndex;

Status Core::load_copies() {
  RZ_TRY(const auto copied, get_number(store_, "copied"));
  cluster_.alone = copied.has_value();
  if (copied) cluster_.copied = raft::Index{*copied};
  return {};
}

// A leader of several voters orders only what another one has acknowledged, and whoever follows has all from a leader.
// Only a lone voter has to look at how far the others are, and remembers it: they may sleep when it starts again.
void Core::note_copies() {
  if (!raft_) return;
  const raft::Configuration& configuration = raft_->configuration();
  const bool alone =
      !configuration.is_joint() && configuration.voters.size() == 1 && configuration.voters.front() == raft_->self();
  const bool alone_anew = alone && !std::exchange(cluster_.alone, alone);
  raft::Index copied = cluster_.copied;
  if (!alone) {
    cluster_.alone = false;
    copied = std::max(copied, cluster_.applied);
  } else if (!cluster_.uncopied.empty()) {
    for (const raft::MemberStatus& each : raft::member_statuses(*raft_, now_.tick)) {
      if (!each.self) copied = std::max(copied, std::min(each.match, cluster_.applied));
    }
  }
  const bool grew = copied > cluster_.copied;
  cluster_.copied = copied;
  if (grew) std::erase_if(cluster_.uncopied, [&](const auto& each) { return each.second <= copied; });
  if (alone && (grew || alone_anew)) put_number(batch_, "copied", copied.n);
}

bool Core::is_copied(const StreamReplica& replica, EventIndex index) const {
  if (index.value >= replica.durable()) return false;
  const log::EventGraph& graph = replica.graph();
  const log::FeedName feed = graph.feed(index);
  if (!is_own(feed.author)) return true;  // Its author stores it, and so does this device.
  if (replica.covered(index) && !cluster_.uncopied.contains(replica.id())) return true;
  return std::any_of(peers_.begin(), peers_.end(), [&](const auto& each) {
    // A guest is no device yet: what it stores may be gone with it.
    return !each.second.guest && each.second.session->peer_stores(replica.id(), feed, graph.seq(index));
  });
}

bool Core::is_copied(const StreamReplica& replica) const {
  if (is_open(replica)) return false;
  const auto heads = replica.graph().frontier_indices();
  return std::all_of(heads.begin(), heads.end(), [&](const EventIndex head) { return is_copied(replica, head); });
}

// Whether the newest write has come as far as somebody waits for.
bool Core::has_reached(const StreamReplica& replica, WriteState target) const {
  if (target == WriteState::pod) return is_copied(replica);
  return state_of(replica) >= target;
}

}  // namespace rz::pod
