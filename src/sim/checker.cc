#include "sim/checker.h"

#include <utility>

#include "base/result.h"

namespace rz::sim {
namespace {

// A whole log is long: it is looked at after so many steps of a device.
constexpr std::uint64_t whole_every = 256;

}  // namespace

void Checker::fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

void Checker::began_anew(std::size_t device) { seen_.erase(device); }

void Checker::stepped(std::size_t device) {
  const raft::Raft* raft = network_.alive(device) ? network_.pod(device).order() : nullptr;
  if (raft == nullptr || !failure_.empty()) return;
  Seen& seen = seen_[device];
  if (seen.life != network_.device(device).life) {
    seen = Seen();
    seen.life = network_.device(device).life;
  }
  const std::string who = words("device ", device, " (", network_.device(device).name, "): ");
  if (seen.mark) {
    if (const Status holds = raft::check_change(*seen.mark, *raft); !holds) return fail(who + holds.error().message);
  }
  seen.mark = raft::mark_of(*raft);
  if (++seen.steps % whole_every == 0) {
    if (const Status holds = raft::check_state(*raft); !holds) return fail(who + holds.error().message);
  }
  const Order order{raft->generation().number, raft->generation().founding};
  if (raft->is_leader()) {
    const raft::NodeId self = raft->self().id;  // Not its key, which may change.
    const auto [leader, fresh] = leaders_.emplace(std::pair{order, raft->term().n}, self);
    if (!fresh && leader->second != self) {
      return fail(words(who, "two leaders in term ", raft->term().n, " of generation ", order.first));
    }
  }
  compare_committed(device, *raft, seen);
}

void Checker::compare_committed(std::size_t device, const raft::Raft& raft, Seen& seen) {
  if (seen.generation != raft.generation()) {
    seen.generation = raft.generation();
    seen.committed = {};
  }
  const Order order{raft.generation().number, raft.generation().founding};
  for (raft::Index at = std::max(seen.committed, raft.log().base().index); at < raft.commit_index();) {
    at = at.next();
    const auto id = raft.log().id_at(at);
    if (!id) continue;  // Damaged: it says so itself.
    const auto [known, fresh] = committed_.emplace(std::pair{order, at.n}, *id);
    if (!fresh && known->second != *id) {
      return fail(words("device ", device, ": another entry is committed at ", at.n, " of generation ", order.first));
    }
  }
  seen.committed = std::max(seen.committed, raft.commit_index());
}

void Checker::look_at_all() {
  for (std::size_t i = 0; i < network_.size(); ++i) {
    const raft::Raft* raft = network_.alive(i) ? network_.pod(i).order() : nullptr;
    if (raft == nullptr) continue;
    if (const Status holds = raft::check_state(*raft); !holds) {
      return fail(words("device ", i, " (", network_.device(i).name, "): ", holds.error().message));
    }
  }
}

}  // namespace rz::sim
