#include "identity/judge.h"

#include <algorithm>

#include "crypto/sha256.h"
#include "identity/pairing_messages.h"

namespace rz::identity {

Judge::Judge(const log::EventGraph& graph) : graph_(graph), genesis_(*graph.identity_genesis()) {
  first_ = std::make_shared<const Standing>(genesis_standing(genesis_, graph.stream()));
}

void Judge::run() {
  standings_.reserve(graph_.size());
  valid_.assign(graph_.size(), false);
  for (std::uint32_t i = 0; i < graph_.size(); ++i) judge(EventIndex{i});
}

void Judge::resolve(Standing& standing) const {
  standing.path = resolve_chain(chain_, standing.chain, standing.vetoed, genesis_, nullptr);
}

StandingRef Judge::standing_over(const std::vector<EventIndex>& events) const {
  StandingRef found = first_;
  for (const EventIndex event : events) {
    const StandingRef& other = standings_[event.value];
    if (other == found || found == first_) {
      found = other;
      continue;
    }
    auto merged = std::make_shared<Standing>(*found);
    unite(*merged, *other);
    resolve(*merged);
    merged->settle();
    // Most merges bring nothing new: share what is there.
    if (*merged == *found) continue;
    found = *merged == *other ? other : StandingRef(std::move(merged));
  }
  return found;
}

StandingRef Judge::past_of(EventIndex event) const {
  std::vector<EventIndex> named;
  graph_.for_each_dependency(event, [&](EventIndex dependency) { named.push_back(dependency); });
  return standing_over(named);
}

void Judge::judge(EventIndex event) {
  const StandingRef past = past_of(event);
  standings_.push_back(past);
  const log::ControlBody* body = graph_.control_body(event);
  if (body == nullptr || past->needs_upgrade) return;
  const Case c{event, graph_.author(event), &body->operation, past.get()};
  auto next = std::make_shared<Standing>(*past);
  const bool valid = std::visit([&](const auto& operation) { return apply(*next, c, operation); }, body->operation);
  if (!valid) return;
  valid_[event.value] = true;
  resolve(*next);
  next->settle();
  standings_.back() = std::move(next);
}

std::set<AuthorKey> Judge::signers_of(const Case& c) const {
  std::set<AuthorKey> signers = {c.author};
  const log::Endorsement* endorsement = log::endorsement_of(*c.operation);
  if (endorsement == nullptr || endorsement->devices.empty()) return signers;
  const Bytes message = log::endorsement_message(graph_.stream(), c.author, *c.operation);
  for (const auto& each : endorsement->devices) {
    // Only devices' signatures are worth the time of verifying.
    if (!c.past->knows(each.author) || signers.contains(each.author)) continue;
    if (crypto::verify(each.author, log::endorsement_domain, message, each.signature)) signers.insert(each.author);
  }
  return signers;
}

bool Judge::paper_signed(const Case& c, const Hash256& recovery_hash) const {
  const log::Endorsement* endorsement = log::endorsement_of(*c.operation);
  if (endorsement == nullptr || !endorsement->paper) return false;
  const auto& paper = *endorsement->paper;
  if (crypto::sha256(paper.key.view()) != recovery_hash) return false;
  return crypto::verify(paper.key, log::endorsement_domain,
                        log::endorsement_message(graph_.stream(), c.author, *c.operation), paper.signature);
}

bool Judge::has_majority(const Case& c, const ChainPath& on, std::size_t at_least) const {
  const auto electorate = c.past->established_on(on);
  const auto signers = signers_of(c);
  const auto votes = static_cast<std::size_t>(std::count_if(
      signers.begin(), signers.end(), [&](const AuthorKey& signer) { return electorate.contains(signer); }));
  return votes >= std::max(majority_of(electorate.size()), at_least);
}

bool Judge::admit(Standing& next, const Case& c, const log::AddDevice& add, std::optional<AuthorKey> by,
                  std::optional<EventIndex> via) const {
  if (!crypto::is_valid(add.device) || !crypto::is_valid(add.box)) return false;
  if (!add.name.empty() && !check_device_name(add.name)) return false;
  Admission admission{graph_.id(c.event), add.kind, add.box, add.name, by, graph_.time(c.event), via};
  auto& list = next.admissions[add.device];
  list.insert(std::upper_bound(list.begin(), list.end(), admission,
                               [](const Admission& a, const Admission& b) { return a.id < b.id; }),
              std::move(admission));
  return true;
}

// One personal device adds a device. A key that the adder knows, in the pod or removed, is not added again.
bool Judge::apply(Standing& next, const Case& c, const log::AddDevice& add) {
  if (!c.past->may_speak(c.author)) return false;
  if (c.past->is_removed(add.device, c.past->path) || c.past->admission(add.device) != nullptr) return false;
  return admit(next, c, add, c.author, c.past->admission(c.author)->via);
}

bool Judge::apply(Standing& next, const Case& c, const log::ConfirmDevice& confirm) {
  const Admission* admission = c.past->admission(confirm.device);
  if (admission == nullptr || !c.past->may_speak(confirm.device) || admission->id != confirm.added) return false;
  if (!c.past->may_speak(c.author)) return false;
  const bool paper = paper_signed(c, c.past->path.recovery_hash);
  const auto signers = signers_of(c);
  const bool heard = std::any_of(signers.begin(), signers.end(),
                                 [&](const AuthorKey& signer) { return c.past->is_established(signer, c.past->path); });
  if (!paper && !heard) return false;
  next.confirmations[confirm.device].insert(signers.begin(), signers.end());
  if (paper) next.established.insert(confirm.device);
  return true;
}

bool Judge::apply(Standing& next, const Case& c, const log::SuspendDevice& suspend) {
  if (!c.past->may_speak(c.author) || c.past->is_suspended(c.author)) return false;
  if (c.past->admission(suspend.device) == nullptr || c.past->is_removed(suspend.device, c.past->path)) return false;
  next.suspensions[suspend.device].insert(c.event);
  return true;
}

// Lifts the suspensions that it names.
bool Judge::apply(Standing& next, const Case& c, const log::LiftSuspension& lift) {
  if (!c.past->may_speak(c.author)) return false;
  const auto found = c.past->suspensions.find(lift.device);
  if (found == c.past->suspensions.end()) return false;
  if (!paper_signed(c, c.past->path.recovery_hash) && !has_majority(c, c.past->path)) return false;
  bool any = false;
  for (const auto& named : lift.suspensions) {
    const auto event = graph_.find(named);
    if (!event || !found->second.contains(*event)) continue;
    next.lifted.insert(*event);
    any = true;
  }
  return any;
}

bool Judge::apply(Standing&, const Case& c, const log::SetServices&) {
  return c.past->is_established(c.author, c.past->path);
}

bool Judge::apply(Standing&, const Case& c, const log::FoundGeneration& generation) {
  return generation.number > 0 && c.past->may_speak(c.author);
}

// One personal device names any device that it knows to be in the pod; a name is no change of the identity's rights.
bool Judge::apply(Standing&, const Case& c, const log::NameDevice& named) {
  if (!c.past->may_speak(c.author) || c.past->is_suspended(c.author)) return false;
  if (!check_device_name(named.name)) return false;
  return c.past->admission(named.device) != nullptr && !c.past->is_removed(named.device, c.past->path);
}

// An operation of a later version by who has its right (a personal device has all): what follows can't be judged here.
bool Judge::apply(Standing& next, const Case& c, const log::Unknown&) {
  if (!c.past->may_speak(c.author)) return false;
  next.needs_upgrade = true;
  return true;
}

}  // namespace rz::identity
