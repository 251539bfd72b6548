#include <algorithm>

#include "identity/judge.h"
#include "identity/keys.h"

namespace rz::identity {

std::optional<Judge::Step> Judge::step_of(const Case& c) const {
  const auto& predecessors = *predecessors_of(*c.operation);
  Step step;
  step.node.operation = c.operation;
  for (const auto& id : predecessors) {
    const auto named = graph_.find(id);
    if (!named || !c.past->chain.contains(*named)) return std::nullopt;
    step.node.sets_aside.push_back(*named);
  }
  if (predecessors.size() == 1) {
    step.node.parent = step.node.sets_aside.front();
    step.node.sets_aside.clear();
  } else {
    step.node.parent = common_predecessor(chain_, step.node.sets_aside);
  }
  step.path = path_to(chain_, step.node.parent, genesis_);
  const auto& before = step.path.operations;
  if (std::any_of(before.begin(), before.end(), [&](EventIndex op) { return c.past->vetoed.contains(op); })) {
    return std::nullopt;
  }
  // The author speaks as of the predecessor; a recovery's author comes in by the recovery itself.
  const auto* recover = std::get_if<log::Recover>(c.operation);
  const bool by_newcomer = recover != nullptr && recover->device.device == c.author;
  if (!by_newcomer && !c.past->may_speak(c.author, step.path)) return std::nullopt;
  step.node.paper = paper_signed(c, step.path.recovery_hash);
  if (step.node.paper) return step;
  // Devices follow the tip that they know, and none while it is contested: only the paper key chooses.
  const bool follows_tip = !c.past->path.is_contested() && c.past->path.tip() == step.node.parent;
  if (!step.node.sets_aside.empty() || !follows_tip || !has_majority(c, step.path)) return std::nullopt;
  step.node.signers = signers_of(c);
  return step;
}

std::set<AuthorKey> Judge::established_before(EventIndex operation) const {
  return past_of(operation)->established_on(path_to(chain_, chain_.at(operation).parent, genesis_));
}

bool Judge::extend_chain(Standing& next, const Case& c, Step step) {
  chain_.emplace(c.event, std::move(step.node));
  next.chain.insert(c.event);
  return true;
}

bool Judge::apply(Standing& next, const Case& c, const log::RemoveDevice& remove) {
  const Admission* here = c.past->admission(remove.device);
  if (here != nullptr && here->kind == DeviceKind::cloud) {
    // No link of the chain: a cloud peer has no voice, so nobody needs to agree on who goes first.
    if (!remove.predecessors.empty() || !c.past->is_established(c.author, c.past->path)) return false;
    next.cloud_removals[remove.device].insert(c.event);
    return true;
  }
  auto step = step_of(c);
  if (!step || !c.past->may_speak(remove.device, step->path)) return false;
  return extend_chain(next, c, *std::move(step));
}

bool Judge::apply(Standing& next, const Case& c, const log::RotateKeys& rotate) {
  auto step = step_of(c);
  if (!step || !c.past->may_speak(rotate.device, step->path) || c.past->knows(rotate.successor)) return false;
  const Bytes message = log::rotation_message(graph_.stream(), rotate.device, rotate.successor, rotate.successor_box);
  if (!crypto::is_valid(rotate.successor)) return false;
  if (!crypto::verify(rotate.successor, log::rotation_domain, message, rotate.possession)) return false;
  const Admission* old = c.past->admission(rotate.device, step->path);
  const log::AddDevice add{rotate.successor, rotate.successor_box, old->kind, old->name, std::nullopt};
  if (!admit(next, c, add, rotate.device, c.event)) return false;
  if (c.past->is_established(rotate.device, step->path)) next.established.insert(rotate.successor);
  return extend_chain(next, c, *std::move(step));
}

bool Judge::apply(Standing& next, const Case& c, const log::SetPolicy&) {
  auto step = step_of(c);
  return step && extend_chain(next, c, *std::move(step));
}

// The paper key alone: no majority stands in for it, because nobody else may replace it.
bool Judge::apply(Standing& next, const Case& c, const log::Recover& recover) {
  auto step = step_of(c);
  if (!step || !step->node.paper || recover.device.kind == DeviceKind::cloud) return false;
  if (c.past->knows(recover.device.device) || !crypto::is_valid(recover.next_recovery_box)) return false;
  if (!admit(next, c, recover.device, std::nullopt, c.event)) return false;
  next.established.insert(recover.device.device);
  return extend_chain(next, c, *std::move(step));
}

// Needs a majority, and at least two, of the devices that were established before the recovery. The paper key has no
// say here: it may be the very thing that was stolen.
bool Judge::apply(Standing& next, const Case& c, const log::Veto& veto) {
  const auto recovery = graph_.find(veto.recovery);
  if (!recovery || !c.past->chain.contains(*recovery)) return false;
  const ChainNode& node = chain_.at(*recovery);
  if (!std::holds_alternative<log::Recover>(*node.operation)) return false;
  const StandingRef before = past_of(*recovery);
  const ChainPath path = path_to(chain_, node.parent, genesis_);
  Case then = c;
  then.past = before.get();
  constexpr std::size_t at_least = 2;
  if (!has_majority(then, path, at_least)) return false;
  next.vetoed.insert(*recovery);
  vetoed_.insert(*recovery);
  return true;
}

}  // namespace rz::identity
