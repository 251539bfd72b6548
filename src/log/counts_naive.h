// What counts, written down a second time from the design's words, with plain sets and no thought for speed. Tests hold
// counts.cc to it.
#pragma once

#include <functional>
#include <set>

#include "log/counts.h"

namespace rz::log::naive {

using Set = std::set<EventIndex>;

class WhatCounts {
 public:
  WhatCounts(const EventGraph& graph, const IdentityFacts& facts) : graph_(graph), facts_(facts) {
    for (std::uint32_t i = 0; i < graph.size(); ++i) {
      const EventIndex event{i};
      Set past;
      graph.for_each_dependency(event, [&](EventIndex named) {
        past.insert(named);
        past.insert(past_[named].begin(), past_[named].end());
      });
      past_[event] = std::move(past);
    }
  }

  std::vector<Verdict> verdicts() {
    Set c = by_levels();
    const Set base = c;
    const Set named = accepted(base, c);
    std::vector<Verdict> all(graph_.size(), Verdict::quarantined);
    for (const EventIndex event : c) {
      const bool counts = base.contains(event) ? has_right(event, needed(event)) : named.contains(event);
      all[event.value] = counts && makes_sense(event) ? Verdict::effect : Verdict::no_effect;
    }
    const std::vector<Verdict> before = all;
    for (const EventIndex event : c) {
      Set here = past_[event];
      here.insert(event);
      for (const EventIndex each : here) {
        const ControlBody* body = graph_.control_body(each);
        if (body && std::holds_alternative<Unknown>(body->operation) && before[each.value] == Verdict::effect) {
          all[event.value] = Verdict::needs_upgrade;
        }
      }
    }
    return all;
  }

 private:
  template <class Op>
  const Op* as(EventIndex event) const {
    const ControlBody* body = graph_.control_body(event);
    return body ? std::get_if<Op>(&body->operation) : nullptr;
  }
  std::string needed(EventIndex event) const {
    if (graph_.kind(event) == EventKind::operations) return "write";
    const ControlBody* body = graph_.control_body(event);
    return body ? body->right : "";
  }
  bool makes_sense(EventIndex event) {
    if (graph_.kind(event) == EventKind::operations) return true;
    return graph_.control_body(event) && (!as<Grant>(event) || is_sound(event));
  }
  const DeviceFact* device(const AuthorKey& author) const {
    for (const DeviceFact& fact : facts_.devices) {
      if (fact.did == graph_.genesis()->owner && fact.device == author) return &fact;
    }
    return nullptr;
  }
  bool device_has(const AuthorKey& author, std::string_view right) const {
    const DeviceFact* fact = device(author);
    return fact && fact->rights.has(right);
  }
  std::optional<EventIndex> proof(EventIndex grant) const {
    const Grant& body = *as<Grant>(grant);
    return body.proof ? graph_.find(*body.proof) : std::nullopt;
  }
  // A grant that leads back to the owner and gives no more than what its issuer held.
  bool is_sound(EventIndex grant) {
    const Grant& body = *as<Grant>(grant);
    const AuthorKey& issuer = graph_.author(grant);
    if (!body.proof) {
      return device_has(issuer, "grant") && device(issuer)->rights.contains(body.rights);
    }
    const auto above = proof(grant);
    if (!above || !past_[grant].contains(*above) || !as<Grant>(*above) || !is_sound(*above)) return false;
    const Grant& held = *as<Grant>(*above);
    return held.audience == Audience::of(issuer) && held.rights.has("grant") && held.rights.contains(body.rights) &&
           body.path.substr(0, held.path.size()) == held.path;
  }
  std::uint32_t level(EventIndex grant) const {
    const auto above = proof(grant);
    return above ? level(*above) + 1 : 1;
  }
  bool aims_at(EventIndex revocation, EventIndex grant) {
    const Revoke& revoke = *as<Revoke>(revocation);
    const AuthorKey& revoker = graph_.author(revocation);
    if (revoke.audience != as<Grant>(grant)->audience) return false;
    if (revoke.grant && *revoke.grant != graph_.id(grant)) return false;
    if (past_[grant].contains(revocation)) return false;
    if (device_has(revoker, "grant")) return true;
    for (auto above = proof(grant); above; above = proof(*above)) {
      if (as<Grant>(*above)->audience == Audience::of(revoker)) return true;
    }
    return false;
  }
  // Seen from an event: is the grant, with all above it, not taken back in the event's past?
  bool stands(EventIndex grant, const Set& past) {
    for (std::optional<EventIndex> each = grant; each; each = proof(*each)) {
      for (const EventIndex event : past) {
        if (as<Revoke>(event) && aims_at(event, *each) && has_right(event, "grant")) return false;
      }
    }
    return true;
  }
  bool has_right(EventIndex event, const std::string& right) {
    if (right.empty()) return false;
    if (right == "enter") return true;
    const AuthorKey& author = graph_.author(event);
    if (device_has(author, right)) return true;
    if (right == "own" || right == "device") return false;
    for (const EventIndex grant : past_[event]) {
      const Grant* body = as<Grant>(grant);
      if (!body || body->audience != Audience::of(author) || !body->rights.has(right) || !is_sound(grant)) continue;
      if (has_right(grant, "grant") && stands(grant, past_[event])) return true;
    }
    return false;
  }

  std::optional<EventIndex> under_grant(EventIndex event) {
    const auto grant = graph_.find(graph_.admission_of(event));
    return grant && as<Grant>(*grant) && is_sound(*grant) ? grant : std::nullopt;
  }
  void close(Set& set, EventIndex event) {
    set.insert(event);
    set.insert(past_[event].begin(), past_[event].end());
  }
  void each_event(const std::function<void(EventIndex)>& visit) const {
    for (std::uint32_t i = 0; i < graph_.size(); ++i) visit(EventIndex{i});
  }
  static bool holds_id(const std::vector<EventId>& ids, const EventId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  }

  Set by_levels() {
    Set c;
    each_event([&](EventIndex event) {
      if (graph_.branch_of(event) || under_grant(event)) return;
      const DeviceFact* fact = device(graph_.author(event));
      if (!fact || fact->rights == RightSet()) return;  // A cloud peer vouches for nothing.
      if (!fact->removed_with || holds_id(*fact->removed_with, graph_.id(event))) close(c, event);
    });
    Set fallen;
    for (std::uint32_t at = 1; at <= graph_.size(); ++at) {
      Set killers;
      each_event([&](EventIndex grant) {
        if (!as<Grant>(grant) || !is_sound(grant) || level(grant) != at) return;
        if (proof(grant) && fallen.contains(*proof(grant))) fallen.insert(grant);
        each_event([&](EventIndex revocation) {
          if (!as<Revoke>(revocation) || !c.contains(revocation)) return;
          if (!aims_at(revocation, grant) || !has_right(revocation, "grant")) return;
          fallen.insert(grant);
          killers.insert(revocation);
        });
      });
      Set added;
      each_event([&](EventIndex event) {
        const auto grant = under_grant(event);
        if (graph_.branch_of(event) || !grant) return;
        if (level(*grant) == at && !fallen.contains(*grant)) close(added, event);
        for (const EventIndex killer : killers) {
          if (!holds_id(as<Revoke>(killer)->heads, graph_.id(event))) continue;
          for (auto each = grant; each; each = proof(*each)) {
            if (fallen.contains(*each) && aims_at(killer, *each)) close(added, event);
          }
        }
      });
      c.insert(added.begin(), added.end());
    }
    return c;
  }

  Set accepted(const Set& base, Set& c) {
    Set named;
    std::set<std::pair<EventIndex, EventIndex>> done;
    for (bool again = true; again;) {
      again = false;
      each_event([&](EventIndex accept) {
        const Accept* body = as<Accept>(accept);
        if (!body) return;
        each_event([&](EventIndex authority) {
          const bool own = accept == authority && base.contains(accept) && has_right(accept, "write");
          const bool lent = lent_.contains({accept, authority});
          if ((!own && !lent) || !done.emplace(accept, authority).second) return;
          again = true;
          Set closure;
          for (const EventId& id : body->heads) {
            if (const auto head = graph_.find(id)) close(closure, *head);
          }
          for (const EventIndex event : closure) {
            c.insert(event);
            if (base.contains(event) || (body->events && !holds_id(*body->events, graph_.id(event)))) continue;
            if (!has_right(authority, needed(event))) continue;
            named.insert(event);
            if (as<Accept>(event)) lent_.emplace(event, authority);
          }
        });
      });
    }
    return named;
  }

  const EventGraph& graph_;
  const IdentityFacts& facts_;
  std::map<EventIndex, Set> past_;
  std::set<std::pair<EventIndex, EventIndex>> lent_;  // Accepts named by an accept, with whose right they work.
};

}  // namespace rz::log::naive
