// Two changes of the devices that contradict each other: shown, and decided by the paper key (docs/decisions/0074).
#include <algorithm>

#include "identity/chain.h"
#include "pod/core.h"

namespace rz::pod {

using log::EventIndex;

namespace {

const log::Operation* operation_of(const log::EventGraph& graph, const log::EventId& id) {
  const auto event = graph.find(id);
  const log::ControlBody* body = event ? graph.control_body(*event) : nullptr;
  return body == nullptr ? nullptr : &body->operation;
}

bool has_paper(const log::Operation* operation) {
  const log::Endorsement* endorsement = operation == nullptr ? nullptr : log::endorsement_of(*operation);
  return endorsement != nullptr && endorsement->paper.has_value();
}

}  // namespace

std::vector<RivalSummary> Core::rivals() const {
  std::vector<RivalSummary> found;
  if (!identity_.contest) return found;
  const log::EventGraph& graph = zero_->graph();
  for (const log::EventId& id : identity_.contest->rivals) {
    RivalSummary rival;
    rival.id = id;
    rival.followed_here = identity_.contest->stayed == id;
    const auto event = graph.find(id);
    const log::Operation* operation = operation_of(graph, id);
    if (!event || operation == nullptr) continue;
    rival.author = graph.author(*event);
    rival.author_name = device_name(rival.author);
    rival.time = graph.time(*event);
    rival.operation = std::string(log::operation_name(*operation));
    rival.by_paper = has_paper(operation);
    std::optional<PublicKey> subject;
    if (const auto* remove = std::get_if<log::RemoveDevice>(operation)) subject = remove->device;
    if (const auto* rotate = std::get_if<log::RotateKeys>(operation)) subject = rotate->device;
    if (const auto* recover = std::get_if<log::Recover>(operation)) subject = recover->device.device;
    if (subject) rival.device_name = device_name(*subject);
    found.push_back(std::move(rival));
  }
  return found;
}

// The policy in force before `operation`: of its predecessors the last that set one.
Bytes Core::policy_before(const log::EventId& operation) const {
  log::EventId at = operation;
  for (std::size_t steps = 0; steps <= zero_->graph().size(); ++steps) {
    const log::Operation* here = operation_of(zero_->graph(), at);
    if (here == nullptr) break;
    if (const auto* policy = std::get_if<log::SetPolicy>(here); policy != nullptr && at != operation) {
      return policy->policy;
    }
    const auto* predecessors = identity::predecessors_of(*here);
    if (predecessors == nullptr || predecessors->empty()) break;
    at = predecessors->front();
  }
  return identity::encode_policy({});
}

// An operation by the paper key that follows the rival `keep`. Where the paper key has signed more than one of them,
// following does not decide: then what `keep` says is said again, in the place of all of them. None: none of them.
Result<log::Operation> Core::deciding(const std::optional<log::EventId>& keep) const {
  const std::vector<log::EventId>& rivals = identity_.contest->rivals;
  const log::EventGraph& graph = zero_->graph();
  if (keep && std::find(rivals.begin(), rivals.end(), *keep) == rivals.end()) {
    return fail(ErrorCode::bad_argument, "that is none of the changes in question");
  }
  const Bytes before = policy_before(rivals.front());
  if (!keep) {
    log::Operation operation = log::SetPolicy{before, {}, {}};
    RZ_CHECK(identity::decide(identity_, std::nullopt, operation));
    return operation;
  }
  const log::Operation* kept = operation_of(graph, *keep);
  if (kept == nullptr) return fail(ErrorCode::bad_argument, "that change can't be read here");
  const bool papers = std::any_of(rivals.begin(), rivals.end(), [&](const log::EventId& id) {
    return id != *keep && has_paper(operation_of(graph, id));
  });
  if (papers) {
    log::Operation again = *kept;
    if (!std::holds_alternative<log::RemoveDevice>(again) && !std::holds_alternative<log::SetPolicy>(again)) {
      return fail(ErrorCode::identity_contested,
                  "the paper key has signed several of these: decide for none of them, and make the change anew");
    }
    *log::endorsement_of(again) = {};
    RZ_CHECK(identity::decide(identity_, std::nullopt, again));
    return again;
  }
  const auto* policy = std::get_if<log::SetPolicy>(kept);
  log::Operation operation = log::SetPolicy{policy != nullptr ? policy->policy : before, {}, {}};
  if (identity_.contest->stayed == *keep) {
    // To the end of what is followed here, which is not set aside by it.
    std::get<log::SetPolicy>(operation).policy = identity::encode_policy(identity_.policy);
    std::get<log::SetPolicy>(operation).predecessors = {identity_.chain_tip()};
    return operation;
  }
  RZ_CHECK(identity::decide(identity_, keep, operation));
  return operation;
}

Status Core::decide_contest(const std::optional<log::EventId>& keep, const identity::PaperKey& paper) {
  if (!identity_.contest) return fail(ErrorCode::not_found, "no changes of your devices contradict each other");
  RZ_TRY(log::Operation operation, deciding(keep));
  RZ_CHECK(identity::sign_with_paper(identity_, paper, self_, operation));
  RZ_CHECK(identity::check_authority(identity_, self_, operation));
  return write_decided(operation);
}

}  // namespace rz::pod
