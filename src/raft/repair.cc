// Disk faults by protocol: PAR/CTRL (Alagappan et al., "Protocol-Aware Recovery", FAST'18). Identifiers of entries are
// kept apart from entries, so a member knows what it promised even where it can no longer read it. Until it holds that
// again, or the cluster has committed past it, it neither votes nor leads.
#include <algorithm>
#include <utility>

#include "raft/raft.h"

namespace rz::raft {
namespace {
constexpr std::size_t repair_bytes_max = 256 * 1024;
}  // namespace

// The log ends before the first unreadable entry; what is intact after it waits until the gap is closed.
void Raft::on(const Damaged& event) {
  const Index last = log_.last_index();
  const Index first = std::max(event.first, Index{1});
  if (first > last) return;
  std::vector<EntryId> lost;
  for (Index at = std::max(first, log_.base().index); at <= last; at = at.next()) {
    lost.push_back(*log_.id_at(at));
    const Entry* entry = at > first ? log_.find(at) : nullptr;
    if (entry != nullptr) stranded_.push_back(*entry);
  }
  lost_.insert(lost_.begin(), lost.begin(), lost.end());
  if (snapshot_) set_aside_ = snapshot_;
  become_follower(hard_state_.term, std::nullopt);
  commit_ = std::min(commit_, first.prev());
  const Index applied = std::exchange(applied_, Index{});  // What was applied stays so.
  first <= log_.base().index ? restart_log({}, {}) : truncate_from(first);
  applied_ = applied;
  repair_due_ = now_;
}

// Asks everybody: the leader may be as damaged, or there may be none (CTRL).
void Raft::request_repair() {
  repair_due_ = now_ + options_.election_timeout;
  for (const Member& member : configuration().members()) {
    if (member == options_.self) continue;
    send(member, RepairRequest{log_.last_index().next(), lost_.back().index.next()});
  }
}

void Raft::receive(const Message& message, const RepairRequest& request) {
  Entries entries = log_.slice(request.begin, repair_bytes_max).between(request.begin, request.end);
  for (const Entry& entry : stranded_) {
    const bool wanted = entry.index() >= request.begin && entry.index() < request.end;
    if (entries.empty() && wanted) entries = Entries::of({entry});
  }
  if (!entries.empty()) send(message.from, RepairReply{std::move(entries)});
}

// An entry is what was lost if it has the identifier that was kept: who sent it does not matter. Then stranded ones may
// continue the log.
void Raft::receive(const Message&, const RepairReply& reply) {
  const Entries entries = reply.entries.between(log_.last_index().next(), no_index);
  if (!is_damaged() || entries.empty() || entries.front().header().prev != log_.last().hash) return;
  Index known;
  for (const Entry& entry : entries) {
    if (std::find(lost_.begin(), lost_.end(), id_of(entry)) != lost_.end()) known = entry.index();
  }
  if (known.n == 0) return;
  accept(entries.between(entries.first_index(), known.next()));
  for (const Entry& entry : stranded_) {
    if (entry.header().prev == log_.last().hash) accept(Entries::of({entry}));
  }
  repair_due_ = now_;
  check_whole();
}

// Whole again: it holds the last entry that it promised, durably, or its log agrees with a leader's beyond it.
void Raft::check_whole() {
  if (!is_damaged()) return;
  const EntryId& promised = lost_.back();
  const bool held = log_.has(promised) && persisted_ >= promised.index;
  if (!held && std::min(commit_, persisted_) < promised.index) return;
  lost_.clear();
  stranded_.clear();
  if (set_aside_ && log_.has(set_aside_->last)) snapshot_ = set_aside_;
  set_aside_.reset();
  repair_due_ = never;
  restart_election_timer();
}

}  // namespace rz::raft
