// New generations of the cluster: order begun anew by the owner's act, where the majority that decided on it is lost.
//
// A generation is order, not authority. Any personal device founds one by an event of stream zero; of those known the
// higher number wins, then the smaller id of the founding event (identity/fold.cc). So every device that holds the same
// events follows the same one, whoever told it. What the old one had ordered beyond the founder's log is void as order;
// the events stay, and are ordered anew.
#include <algorithm>

#include "identity/operations.h"
#include "pod/core.h"

namespace rz::pod {

namespace {

raft::Generation as_raft(const identity::Generation& generation) {
  return {generation.number, raft::FoundingHash{generation.founded_by.bytes}};
}

}  // namespace

// Whether more than half of those who vote can be reached, this device included.
bool Core::majority_answers() const {
  const std::vector<raft::Member>& voters = raft_->configuration().voters;
  const auto answers = std::count_if(voters.begin(), voters.end(), [this](const raft::Member& voter) {
    return voter.id == node_of(self_) || peers_.contains(device_of(voter.id));
  });
  return static_cast<std::size_t>(answers) * 2 > voters.size();
}

Status Core::restart_cluster(bool although_answering) {
  if (!although_answering && majority_answers()) {
    return fail(ErrorCode::bad_argument,
                "a majority of the devices that decide on the order is in reach: nothing is lost, and a new generation "
                "would only undo what they have ordered");
  }
  std::optional<Hash256> after;
  if (raft_->log().last_index().n > 0) after = Hash256{raft_->log().last().hash.bytes};
  RZ_TRY(log::Operation operation, identity::draft_generation(identity_, self_, {self_}, after));
  // The first generation has number 1, and no event.
  auto& founding = std::get<log::FoundGeneration>(operation);
  founding.number = std::max({founding.number, cluster_generation() + 1, std::uint64_t{2}});
  log::EventId written;
  cluster_.founding = true;
  const Status done = write_control(*zero_, operation, &written);
  cluster_.founding = false;
  RZ_CHECK(done);
  raft_step(raft::FoundGeneration{{founding.number, raft::FoundingHash{written.bytes}}, now_.wall});
  return {};
}

// The owner shut out a device here. Where too few are left of those that decided on the order, that act says who
// decides from now on as well: nobody could order anything any more until they came back, and they are not to.
void Core::decide_without() {
  const identity::Device* own = identity_.find(self_);
  if (!raft_ || own == nullptr || !own->is_personal() || !own->may_speak() || own->suspended) return;
  const std::vector<raft::Member>& voters = raft_->configuration().voters;
  const auto left = std::count_if(voters.begin(), voters.end(), [this](const raft::Member& voter) {
    const identity::Device* device = identity_.find(device_of(voter.id));
    return device != nullptr && device->in_pod() && !device->suspended;
  });
  if (voters.empty() || static_cast<std::size_t>(left) * 2 > voters.size()) return;
  if (const Status done = restart_cluster(true); !done) {
    alarm(Alarm::Level::warning, words("nobody decides on the order any more: ", done.error().message));
  }
}

// Stream zero knows of another generation than the one this device takes part in. Its founder follows it too, if it was
// wiped since: only the act itself makes a device the first voter.
void Core::follow_generation() {
  if (!raft_ || cluster_.founding || identity_.generation.number == 0 || raft_->generation().number == 0) return;
  const raft::Generation known = as_raft(identity_.generation);
  if (known.wins_over(raft_->generation())) raft_step(raft::Superseded{known});
}

// A message may bring this device into another generation only once stream zero says that the owner wanted it. A
// newcomer has no order to lose.
bool Core::may_follow(const raft::Generation& generation) const {
  if (!raft_ || raft_->generation().number == 0 || !generation.wins_over(raft_->generation())) return true;
  return generation == as_raft(identity_.generation);
}

// Of what was applied, only the entries up to `kept` are in the order still.
void Core::void_order(raft::Index kept) {
  while (!cluster_.to_apply.empty() && cluster_.to_apply.back().index > kept) cluster_.to_apply.pop_back();
  if (cluster_.applied <= kept) return;
  cluster_.copied = std::min(cluster_.copied, kept);
  alarm(Alarm::Level::warning,
        words("the order of ", cluster_.applied.n - kept.n,
              " steps that another generation had agreed on is void; nothing of what was written is lost, and it is "
              "being put in order anew"));
  for (const auto& [id, replica] : streams_) {
    replica->forget_cuts();
    cluster_.dirty.insert(id);
  }
  cluster_.to_apply.clear();
  cluster_.heads.clear();
  cluster_.applied = cluster_.saved = {};
  cluster_.applied_hash = {};
  cluster_.applied_time = {};
  // From the saved state on, where it is part of what is kept; else from the beginning.
  raft::Index from;
  const bool may_use = kept.n > 0 && !cluster_.erasing_saved;
  if (auto saved = saved_order(); may_use && saved && *saved && (*saved)->index <= kept) {
    from = cluster_.saved = (*saved)->index;
    cluster_.to_apply.push_back(*std::move(*saved));
  } else {
    batch_.erase(singleton_key("applied"));
    cluster_.erasing_saved = true;
    after_persist([this] { cluster_.erasing_saved = false; });
    if (kept.n > 0 && raft_->log().base().index.n > 0) return raft_step(raft::Damaged{raft::Index{1}});
  }
  std::vector<raft::Entries> runs;
  raft_->log().collect(from.next(), kept.next(), runs);
  for (const raft::Entries& run : runs) apply(run);
}

}  // namespace rz::pod
