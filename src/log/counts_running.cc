#include "log/counts_running.h"

#include <algorithm>

#include "log/rights.h"

namespace rz::log {
namespace {

bool says_nothing_of_rights(const ControlBody* body) {
  if (body == nullptr) return true;  // It does not parse: a no-op for everyone.
  const Operation& operation = body->operation;
  return std::holds_alternative<List>(operation) || std::holds_alternative<Unlist>(operation) ||
         std::holds_alternative<OpenEpoch>(operation);
}

const DeviceFact* owner_device(const IdentityFacts& facts, const Did& owner, const AuthorKey& author) {
  const auto found = std::find_if(facts.devices.begin(), facts.devices.end(),
                                  [&](const DeviceFact& each) { return each.did == owner && each.device == author; });
  return found == facts.devices.end() ? nullptr : &*found;
}

}  // namespace

bool RunningCounts::look_at_controls(const EventGraph& graph) {
  const std::vector<EventIndex>& controls = graph.control_events();
  for (; controls_seen_ < controls.size(); ++controls_seen_) {
    is_plain_ = is_plain_ && says_nothing_of_rights(graph.control_body(controls[controls_seen_]));
  }
  return is_plain_;
}

// The verdicts of what is new, as far as they follow from those before. Returns whether they did.
bool RunningCounts::extend(const EventGraph& graph, const IdentityFacts& facts) {
  const Did owner = graph.is_identity() ? graph.stream() : graph.genesis()->owner;
  const auto before = static_cast<std::uint32_t>(counts_.verdicts.size());
  for (std::uint32_t i = before; i < graph.size(); ++i) {
    const EventIndex event{i};
    if (graph.branch_of(event)) return false;
    const AuthorKey& author = graph.author(event);
    const DeviceFact* device = owner_device(facts, owner, author);
    // A device without a right stands under nothing; a removed one only up to its removal's heads.
    bool in_c = device != nullptr && !device->rights.is_empty();
    if (in_c && device->removed_with) {
      const std::vector<EventId>& heads = *device->removed_with;
      in_c = std::find(heads.begin(), heads.end(), graph.id(event)) != heads.end();
    }
    if (!in_c) {
      counts_.verdicts.push_back(Verdict::quarantined);
      ++counts_.quarantined_by_author[author];
      continue;
    }
    bool is_closed = true;
    graph.for_each_dependency(event, [&](EventIndex named) {
      const Verdict verdict = counts_.verdicts[named.value];
      is_closed = is_closed && (verdict == Verdict::effect || verdict == Verdict::no_effect);
    });
    if (!is_closed) return false;
    bool has_effect = true;
    if (graph.kind(event) == EventKind::operations) {
      has_effect = device->rights.has(rights::write);
    } else {
      const ControlBody* body = graph.control_body(event);
      has_effect = body != nullptr && (body->right == rights::enter || device->rights.has(body->right));
    }
    counts_.verdicts.push_back(has_effect ? Verdict::effect : Verdict::no_effect);
  }
  return true;
}

std::optional<std::vector<Verdict>> RunningCounts::update(const EventGraph& graph, const IdentityFacts& facts,
                                                          bool facts_changed) {
  const std::size_t before = counts_.verdicts.size();
  if (look_at_controls(graph) && !facts_changed && !facts.root_in_force && extend(graph, facts)) return std::nullopt;
  std::vector<Verdict> replaced = std::move(counts_.verdicts);
  replaced.resize(before);  // Without those that were tried.
  counts_ = what_counts(graph, facts);
  ++evaluations_;
  return replaced;
}

}  // namespace rz::log
