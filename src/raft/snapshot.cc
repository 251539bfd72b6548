// Snapshots and compaction: dissertation 5.1 (who takes them), 5.2 (sending them). Only a snapshot's name travels; its
// content is fetched by that name from any member (wire/snapshot_transfer.h), so an interrupted transfer resumes.
#include <algorithm>

#include "raft/raft.h"

namespace rz::raft {

void Raft::on(const SnapshotTaken& event) {
  const Entry* entry = log_.find(event.index);
  const bool newer = !snapshot_ || event.index > snapshot_->last.index;
  if (entry == nullptr || !newer || event.index > std::min(applied_, commit_)) return;
  snapshot_ = SnapshotRecord{id_of(*entry), configuration_at(event.index), entry->header().time, event.content};
  out_->snapshot = snapshot_;
  const Index to = std::min(event.compact_to, event.index);
  if (to <= log_.base().index) return;
  const Configuration configuration = configuration_at(to);
  log_.compact_to(to);
  std::erase_if(configurations_, [&](const ConfigurationAt& at) { return at.index <= to; });
  configurations_.insert(configurations_.begin(), {to, configuration});
  out_->start = LogStart{log_.base(), configuration, true};
}

void Raft::send_snapshot(Progress& progress) {
  progress.restart(Progress::Mode::snapshot, progress.next);
  if (snapshot_) send(progress.member, InstallSnapshot{*snapshot_});
}

void Raft::receive(const Message& message, const InstallSnapshot& install) {
  if (role_ == Role::leader) return;
  note_leader(message.from);
  const EntryId& last = install.record.last;
  if (last.generation > hard_state_.generation.number) return;
  if (log_.has(last)) {
    verified_ = std::max(verified_, last.index);
    commit_ = std::max(commit_, last.index);
  }
  if (last.index <= commit_) {
    acked_ = acknowledged();
    return send_after_persist(message.from, AppendReply{.match = acked_, .last_seen = verified_});
  }
  if (installing_ == install.record) return;
  installing_ = install.record;
  out_->install = install.record;
}

void Raft::on(const SnapshotInstalled& event) {
  if (installing_ != event.record) return;
  installing_.reset();
  if (event.record.last.index <= commit_) return;
  if (applied_ > commit_) out_->void_after = Index{};  // An older generation's, which it need not begin with.
  snapshot_ = event.record;
  restart_log(event.record.last, event.record.configuration);
  out_->snapshot = snapshot_;
  out_->reset_to = snapshot_;
  commit_ = applied_ = verified_ = covered_ = event.record.last.index;
  check_whole();
}

// Nothing of an earlier generation's log is of use here: what was applied of it is void.
void Raft::begin_anew() {
  if (applied_.n > 0) out_->void_after = Index{};
  restart_log({}, {});
}

// Nothing before or after `base` is kept.
void Raft::restart_log(const EntryId& base, Configuration configuration) {
  if (snapshot_ && snapshot_->last != base) snapshot_.reset();
  log_.reset(base);
  if (base.generation != hard_state_.generation.number) configuration = {};
  configurations_ = {{base.index, configuration}};
  out_->start = LogStart{base, std::move(configuration), false};
  persisted_ = std::min(persisted_, base.index);
  verified_ = std::min(verified_, base.index);
  covered_ = applied_ = std::min(applied_, base.index);
  restart_election_timer();
}

}  // namespace rz::raft
