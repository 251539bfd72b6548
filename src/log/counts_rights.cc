#include "log/counts_rights.h"

#include <algorithm>

namespace rz::log {

Rights::Rights(const EventGraph& graph, const IdentityFacts& facts) : graph_(graph), facts_(facts) {
  owner_ = graph.is_identity() ? graph.stream() : graph.genesis()->owner;
  for (const EventIndex event : graph.control_events()) {
    const ControlBody* body = graph.control_body(event);
    if (!body) continue;
    if (const auto* enter = std::get_if<Enter>(&body->operation); enter && graph.seq(event).value == 0) {
      for (const DeviceFact& fact : facts.devices) {
        // A friend's cloud peer does not speak for the friend.
        if (fact.rights.is_empty()) continue;
        if (fact.admission == enter->added && as_event_id(EpochId{fact.did.bytes}) == graph.prev_id(event)) {
          visitors_.emplace(graph.author(event), &fact);
        }
      }
    }
    if (const auto* grant = std::get_if<Grant>(&body->operation)) {
      if (auto node = node_of(event, *grant)) grants_.emplace(event, *node);
    }
    if (std::holds_alternative<Revoke>(body->operation)) revocations_.push_back(event);
  }
}

const DeviceFact* Rights::owner_device(const AuthorKey& author) const {
  const auto at = std::lower_bound(facts_.devices.begin(), facts_.devices.end(), std::pair(owner_, author),
                                   [](const DeviceFact& fact, const std::pair<Did, AuthorKey>& wanted) {
                                     return std::pair(fact.did, fact.device) < wanted;
                                   });
  return at != facts_.devices.end() && at->did == owner_ && at->device == author ? &*at : nullptr;
}

const DeviceFact* Rights::visitor(const AuthorKey& author) const {
  const auto found = visitors_.find(author);
  return found == visitors_.end() ? nullptr : found->second;
}

bool Rights::is_audience(const AuthorKey& author, const Audience& audience) const {
  if (audience.kind == AudienceKind::author) return audience == Audience::of(author);
  const DeviceFact* device = visitor(author);
  return device && audience == Audience::of(device->did);
}

// The grant's place in the tree, if it has one. What it needs lies in its past, so its proof was looked at before.
std::optional<Rights::GrantNode> Rights::node_of(EventIndex event, const Grant& grant) const {
  const AuthorKey& issuer = graph_.author(event);
  if (!grant.proof) {
    const DeviceFact* device = owner_device(issuer);
    if (!device || !device->rights.has(rights::grant) || !device->rights.contains(grant.rights)) return std::nullopt;
    return GrantNode{event, &grant, std::nullopt, 1};
  }
  const auto proof_event = graph_.find(*grant.proof);
  if (!proof_event || !graph_.is_ancestor(*proof_event, event)) return std::nullopt;
  const auto proof = grants_.find(*proof_event);
  if (proof == grants_.end()) return std::nullopt;
  const Grant& above = *proof->second.grant;
  const bool is_within = above.rights.has(rights::grant) && above.rights.contains(grant.rights) &&
                         std::string_view(grant.path).starts_with(above.path);
  if (!is_within || !is_audience(issuer, above.audience)) return std::nullopt;
  return GrantNode{event, &grant, proof_event, proof->second.level + 1};
}

bool Rights::takes_back(EventIndex revocation, const GrantNode& node) const {
  const auto& revoke = std::get<Revoke>(graph_.control_body(revocation)->operation);
  if (revoke.audience != node.grant->audience) return false;
  if (revoke.grant && *revoke.grant != graph_.id(node.event)) return false;
  const AuthorKey& revoker = graph_.author(revocation);
  const DeviceFact* device = owner_device(revoker);
  bool may_revoke = device && device->rights.has(rights::grant);
  for (auto above = node.proof; above && !may_revoke;) {
    const GrantNode& holder = grants_.at(*above);
    may_revoke = is_audience(revoker, holder.grant->audience);
    above = holder.proof;
  }
  // A grant that was made knowing of the revocation is a new one.
  return may_revoke && !graph_.is_ancestor(revocation, node.event);
}

bool Rights::stands(const GrantNode& node, const Past& past) const {
  for (const GrantNode* each = &node; each; each = each->proof ? &grants_.at(*each->proof) : nullptr) {
    for (const EventIndex revocation : revocations_) {
      if (takes_back(revocation, *each) && past.holds(revocation) && has_at(revocation, rights::grant)) return false;
    }
  }
  return true;
}

bool Rights::has(const AuthorKey& author, std::string_view right, const Past& past) const {
  if (right == rights::enter) return true;
  if (const DeviceFact* device = owner_device(author); device && device->rights.has(right)) return true;
  if (right == rights::own || right == rights::device) return false;  // Never by a grant.
  return std::any_of(grants_.begin(), grants_.end(), [&](const auto& each) {
    const GrantNode& node = each.second;
    // A grant has effect if its own author could give it there: its proof stood as far as the grant's past says.
    return node.grant->rights.has(right) && is_audience(author, node.grant->audience) && past.holds(node.event) &&
           has_at(node.event, rights::grant) && stands(node, past);
  });
}

bool Rights::has_at(EventIndex event, std::string_view right) const {
  const AuthorKey& author = graph_.author(event);
  if (const DeviceFact* device = owner_device(author); device && device->rights.has(right)) return true;
  if (grants_.empty() && right != rights::enter) return false;
  auto found = remembered_.find(right);
  if (found == remembered_.end()) {
    found = remembered_.emplace(right, std::vector<Memory>(graph_.size(), Memory::unknown)).first;
  }
  std::vector<Memory>& memory = found->second;
  // Nothing changes between an event and the one before it in its feed, unless it names others or that was control.
  EventIndex from = event;
  while (memory[from.value] == Memory::unknown) {
    const auto before = graph_.prev(from);
    if (!before || !graph_.parents(from).empty() || graph_.kind(*before) == EventKind::control) break;
    from = *before;
  }
  if (memory[from.value] == Memory::unknown) {
    memory[from.value] = has(author, right, PastOf(graph_, from)) ? Memory::yes : Memory::no;
  }
  memory[event.value] = memory[from.value];
  return memory[event.value] == Memory::yes;
}

}  // namespace rz::log
