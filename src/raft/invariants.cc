#include "raft/invariants.h"

namespace rz::raft {
namespace {

Status broken(std::string_view what) { return fail(ErrorCode::internal, what); }

}  // namespace

StateMark mark_of(const Raft& raft) {
  return {raft.hard_state(), raft.role(),       raft.leader(),    raft.commit_index(),
          raft.log().last(), raft.log().base(), raft.is_damaged()};
}

Status check_state(const Raft& raft) {
  const Log& log = raft.log();
  RZ_CHECK(check_configuration(raft.configuration()));
  if (raft.commit_index() > log.last_index()) return broken("committed beyond the log");
  EntryId last = log.base();
  std::vector<Entries> runs;
  log.collect(log.base().index.next(), log.last_index().next(), runs);
  for (const Entries& run : runs) {
    for (const Entry& entry : run) {
      if (entry.index() != last.index.next() || entry.header().prev != last.hash) return broken("a gap in the log");
      if (std::pair(entry.header().generation, entry.term()) < std::pair(last.generation, last.term)) {
        return broken("terms fall along the log");
      }
      last = id_of(entry);
    }
  }
  if (last != log.last()) return broken("the log does not end where it says");
  if (raft.role() != Role::follower) {
    if (raft.is_damaged()) return broken("a damaged member campaigns or leads");
    if (!raft.is_leader() && !raft.may_campaign()) return broken("a member without a vote campaigns");
  }
  if (last.generation == raft.generation().number && last.term > raft.term()) return broken("an entry of a later term");
  if (raft.snapshot()) {
    const EntryId& covered = raft.snapshot()->last;
    if (covered.index < log.base().index || !log.has(covered)) return broken("a snapshot of another log");
  } else if (log.base().index.n > 0 && !raft.is_damaged()) {
    return broken("a compacted log without a snapshot");
  }
  return {};
}

Status check_change(const StateMark& before, const Raft& after) {
  const HardState& now = after.hard_state();
  if (now.generation != before.hard_state.generation) {
    if (!now.generation.wins_over(before.hard_state.generation)) return broken("a generation that does not win");
    return {};
  }
  if (now.term < before.hard_state.term) return broken("the term fell");
  const bool same_term = now.term == before.hard_state.term;
  if (same_term && before.hard_state.vote && now.vote != before.hard_state.vote) return broken("a vote was changed");
  if (after.commit_index() < before.commit && !after.is_damaged()) return broken("the commit index fell");
  const bool led = before.role == Role::leader;
  if (same_term && led && after.is_leader()) {
    if (after.log().last_index() < before.last.index) return broken("a leader's log shrank");
    if (before.last.index >= after.log().base().index && !after.log().has(before.last)) {
      return broken("a leader's log was overwritten");
    }
  }
  if (!led && after.is_leader() && before.role != Role::candidate) return broken("a leader that was no candidate");
  return {};
}

}  // namespace rz::raft
