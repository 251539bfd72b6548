#include "log/counts.h"

#include <algorithm>

#include "log/counts_rights.h"
#include "log/event_table.h"

namespace rz::log {
namespace {

// What a feed stands under.
struct Standing {
  enum class Kind : std::uint8_t { nothing, device, grant } kind = Kind::nothing;
  const DeviceFact* device = nullptr;  // Of the owner; or, beside a grant, the visitor's.
  std::optional<EventIndex> grant;
};

std::string_view right_for(const EventGraph& graph, EventIndex event) {
  if (graph.kind(event) == EventKind::operations) return rights::write;
  const ControlBody* body = graph.control_body(event);
  return body ? std::string_view(body->right) : std::string_view{};
}

class Evaluation {
 public:
  Evaluation(const EventGraph& graph, const IdentityFacts& facts)
      : graph_(graph), facts_(facts), rights_(graph, facts), in_c_(graph.size()), named_(graph.size()) {}

  Counts run();

 private:
  Standing standing(EventIndex root) const;
  void add(std::span<const EventIndex> heads, std::vector<bool>& mask) const;
  void add_cut(const std::vector<EventId>& heads, auto&& belongs);
  void admit_devices();
  void admit_grants();
  void follow_accepts();
  void follow(EventIndex accept, EventIndex authority, std::vector<std::pair<EventIndex, EventIndex>>& queue);
  bool has_effect(EventIndex event) const;
  bool is_allowed(EventIndex event) const;
  void judge(Counts& counts) const;
  void mark_descendants(const std::vector<EventIndex>& of, Verdict verdict, Counts& counts) const;
  void collect(Counts& counts) const;

  const EventGraph& graph_;
  const IdentityFacts& facts_;
  Rights rights_;
  std::map<EventIndex, Standing> feeds_;  // By the feed's first event; feeds outside branches.
  std::set<EventIndex> fallen_;           // Grants.
  std::vector<bool> in_c_;
  std::vector<bool> base_;   // C before accepts.
  std::vector<bool> named_;  // By an accept whose author had the right that the event needs.
  std::set<EventIndex> accepts_followed_;
};

Standing Evaluation::standing(EventIndex root) const {
  Standing standing;
  const AuthorKey& author = graph_.author(root);
  const ControlBody* body = graph_.control_body(root);
  if (const auto* enter = body ? std::get_if<Enter>(&body->operation) : nullptr) {
    standing.device = rights_.visitor(author);
    const auto granted = graph_.find(enter->grant);
    if (!standing.device || !granted || !rights_.grants().contains(*granted)) return standing;
    standing.kind = Standing::Kind::grant;
    standing.grant = granted;
    return standing;
  }
  if (const auto granted = graph_.find(graph_.prev_id(root)); granted && rights_.grants().contains(*granted)) {
    standing.kind = Standing::Kind::grant;
    standing.grant = granted;
    return standing;
  }
  standing.device = rights_.owner_device(author);
  // A device without a right, a cloud peer, stands under nothing: naming a quarantined head would be enough for it to
  // bring that into C. Nor does the cut of its removal, which holds such events of it as the remover had.
  if (standing.device && !standing.device->rights.is_empty()) standing.kind = Standing::Kind::device;
  return standing;
}

// Adds the closure of `heads`. What is in the mask is closed already, so the walk stops there.
void Evaluation::add(std::span<const EventIndex> heads, std::vector<bool>& mask) const {
  std::vector<EventIndex> stack(heads.begin(), heads.end());
  while (!stack.empty()) {
    const EventIndex event = stack.back();
    stack.pop_back();
    if (mask[event.value]) continue;
    mask[event.value] = true;
    graph_.for_each_dependency(event, [&](EventIndex named) {
      if (!mask[named.value]) stack.push_back(named);
    });
  }
}

// Of a removal's cut only the heads of the feeds that it removes: a cut never lets in what nobody vouched for.
void Evaluation::add_cut(const std::vector<EventId>& heads, auto&& belongs) {
  for (const EventId& id : heads) {
    const auto head = graph_.find(id);
    if (!head) continue;
    const auto feed = feeds_.find(graph_.feed_root(*head));
    if (feed != feeds_.end() && belongs(feed->second)) add(std::span(&*head, 1), in_c_);
  }
}

// Level 0: the owner's devices, up to their removals' cuts.
void Evaluation::admit_devices() {
  for (const EventIndex head : graph_.chain_heads()) {
    const EventIndex root = graph_.feed_root(head);
    if (graph_.branch_of(root)) continue;
    const auto [feed, is_new] = feeds_.try_emplace(root);
    if (is_new) feed->second = standing(root);
    const Standing& under = feed->second;
    if (under.kind == Standing::Kind::device && !under.device->removed_with) add(std::span(&head, 1), in_c_);
  }
  for (const DeviceFact& fact : facts_.devices) {
    if (!fact.removed_with) continue;
    add_cut(*fact.removed_with,
            [&fact](const Standing& under) { return under.kind == Standing::Kind::device && under.device == &fact; });
  }
}

// Levels 1 and on: what stands is added after everything that could take it back is known.
void Evaluation::admit_grants() {
  std::uint32_t level_last = 0;
  for (const auto& [event, node] : rights_.grants()) level_last = std::max(level_last, node.level);
  for (std::uint32_t level = 1; level <= level_last; ++level) {
    std::set<EventIndex> revoked_by;
    for (const auto& [event, node] : rights_.grants()) {
      if (node.level != level) continue;
      if (node.proof && fallen_.contains(*node.proof)) fallen_.insert(event);
      for (const EventIndex revocation : rights_.revocations()) {
        if (!in_c_[revocation.value] || !rights_.takes_back(revocation, node)) continue;
        if (!rights_.has_at(revocation, rights::grant)) continue;
        fallen_.insert(event);
        revoked_by.insert(revocation);
      }
    }
    const auto is_of_level = [&](const Standing& under) {
      return under.kind == Standing::Kind::grant && rights_.grants().at(*under.grant).level == level;
    };
    for (const EventIndex head : graph_.chain_heads()) {
      const auto feed = feeds_.find(graph_.feed_root(head));
      if (feed == feeds_.end() || !is_of_level(feed->second) || fallen_.contains(*feed->second.grant)) continue;
      const Standing& under = feed->second;
      if (!under.device || !under.device->removed_with) add(std::span(&head, 1), in_c_);
    }
    for (const DeviceFact& fact : facts_.devices) {
      if (!fact.removed_with) continue;
      add_cut(*fact.removed_with, [&](const Standing& under) { return is_of_level(under) && under.device == &fact; });
    }
    for (const EventIndex revocation : revoked_by) {
      const auto& revoke = std::get<Revoke>(graph_.control_body(revocation)->operation);
      add_cut(revoke.heads, [&](const Standing& under) {
        if (under.kind != Standing::Kind::grant) return false;
        for (auto node = under.grant; node; node = rights_.grants().at(*node).proof) {
          if (fallen_.contains(*node) && rights_.takes_back(revocation, rights_.grants().at(*node))) return true;
        }
        return false;
      });
    }
  }
}

void Evaluation::follow(EventIndex accept, EventIndex authority,
                        std::vector<std::pair<EventIndex, EventIndex>>& queue) {
  const auto& body = std::get<Accept>(graph_.control_body(accept)->operation);
  std::vector<EventIndex> heads;
  for (const EventId& id : body.heads) {
    if (const auto head = graph_.find(id)) heads.push_back(*head);
  }
  add(heads, in_c_);
  for (const EventIndex event : graph_.closure(heads)) {
    if (base_[event.value]) continue;
    const bool is_named =
        !body.events || std::binary_search(body.events->begin(), body.events->end(), graph_.id(event));
    const std::string_view needed = right_for(graph_, event);
    if (!is_named || needed.empty() || !rights_.has_at(authority, needed)) continue;
    named_[event.value] = true;
    const ControlBody* control = graph_.control_body(event);
    if (control && std::holds_alternative<Accept>(control->operation)) queue.emplace_back(event, authority);
  }
}

// An accept inside what an accept lets in works by the right of the outermost accepter.
void Evaluation::follow_accepts() {
  base_ = in_c_;
  std::vector<std::pair<EventIndex, EventIndex>> queue;
  for (const EventIndex event : graph_.control_events()) {
    const ControlBody* body = graph_.control_body(event);
    if (!body || !std::holds_alternative<Accept>(body->operation) || !base_[event.value]) continue;
    if (rights_.has_at(event, rights::write)) queue.emplace_back(event, event);
  }
  std::set<std::pair<EventIndex, EventIndex>> followed;
  while (!queue.empty()) {
    const auto next = queue.back();
    queue.pop_back();
    if (!followed.insert(next).second) continue;
    accepts_followed_.insert(next.first);
    follow(next.first, next.second, queue);
  }
}

// What an operation asks beyond the right that it names.
bool Evaluation::is_allowed(EventIndex event) const {
  const ControlBody* body = graph_.control_body(event);
  if (graph_.kind(event) == EventKind::operations) return true;
  if (!body) return false;  // It does not parse: a no-op for everyone.
  if (std::holds_alternative<Grant>(body->operation)) return rights_.grants().contains(event);
  return true;
}

bool Evaluation::has_effect(EventIndex event) const {
  const std::string_view right = right_for(graph_, event);
  if (right.empty() || !is_allowed(event)) return false;
  return base_[event.value] ? rights_.has_at(event, right) : named_[event.value];
}

void Evaluation::mark_descendants(const std::vector<EventIndex>& of, Verdict verdict, Counts& counts) const {
  if (of.empty()) return;
  std::vector<bool> marked(graph_.size());
  for (const EventIndex event : of) marked[event.value] = true;
  for (std::uint32_t i = of.front().value; i < graph_.size(); ++i) {
    graph_.for_each_dependency(EventIndex{i}, [&](EventIndex named) {
      if (marked[named.value]) marked[i] = true;
    });
    if (marked[i] && counts.verdicts[i] != Verdict::quarantined) counts.verdicts[i] = verdict;
  }
}

void Evaluation::judge(Counts& counts) const {
  counts.verdicts.resize(graph_.size(), Verdict::quarantined);
  std::vector<EventIndex> from_later_versions;
  for (std::uint32_t i = 0; i < graph_.size(); ++i) {
    if (!in_c_[i]) continue;
    const EventIndex event{i};
    counts.verdicts[i] = has_effect(event) ? Verdict::effect : Verdict::no_effect;
    const ControlBody* body = graph_.control_body(event);
    if (counts.verdicts[i] == Verdict::effect && body && std::holds_alternative<Unknown>(body->operation)) {
      from_later_versions.push_back(event);
    }
  }
  mark_descendants(from_later_versions, Verdict::needs_upgrade, counts);
  const auto root = facts_.root_in_force ? graph_.find(*facts_.root_in_force) : std::nullopt;
  if (!root) return;
  std::vector<bool> related(graph_.size());
  add(std::span(&*root, 1), related);
  for (std::uint32_t i = root->value + 1; i < graph_.size(); ++i) {
    graph_.for_each_dependency(EventIndex{i}, [&](EventIndex named) {
      if (named.value >= root->value && related[named.value]) related[i] = true;
    });
  }
  for (std::uint32_t i = 0; i < graph_.size(); ++i) {
    if (!related[i] && counts.verdicts[i] != Verdict::quarantined) counts.verdicts[i] = Verdict::needs_history;
  }
}

void Evaluation::collect(Counts& counts) const {
  for (const EventIndex event : graph_.control_events()) {
    if (counts.verdict(event) != Verdict::effect) continue;
    const auto& operation = graph_.control_body(event)->operation;
    if (accepts_followed_.contains(event)) counts.accepts.push_back(event);
    if (std::holds_alternative<Grant>(operation) && !fallen_.contains(event)) counts.live_grants.push_back(event);
    const auto* erase = std::get_if<Erase>(&operation);
    if (!erase) continue;
    const DeviceFact* device = rights_.owner_device(graph_.author(event));
    const bool by_owner = device && device->rights.has(rights::own);
    for (const Erase::Item& item : erase->items) {
      const auto erased = graph_.find(item.event);
      if (!erased || graph_.kind(*erased) == EventKind::control) continue;
      if (!by_owner && graph_.author(*erased) != graph_.author(event)) continue;
      const auto [place, is_new] = counts.erased.try_emplace(*erased, item.redacted);
      if (!is_new) place->second = std::min(place->second, item.redacted);
    }
  }
  for (std::uint32_t i = 0; i < graph_.size(); ++i) {
    const EventIndex event{i};
    if (counts.verdicts[i] == Verdict::quarantined && !graph_.branch_of(event)) {
      ++counts.quarantined_by_author[graph_.author(event)];
    }
  }
}

Counts Evaluation::run() {
  admit_devices();
  admit_grants();
  follow_accepts();
  Counts counts;
  judge(counts);
  collect(counts);
  return counts;
}

struct PastInC final : Past {
  explicit PastInC(const Counts& counts) : counts_(counts) {}
  bool holds(EventIndex event) const override { return counts_.in_c(event); }

 private:
  const Counts& counts_;
};

}  // namespace

Counts what_counts(const EventGraph& graph, const IdentityFacts& facts) { return Evaluation(graph, facts).run(); }

bool may(const EventGraph& graph, const IdentityFacts& facts, const Counts& counts, const AuthorKey& author,
         std::string_view right) {
  const Rights rights(graph, facts);
  for (const DeviceFact* device : {rights.owner_device(author), rights.visitor(author)}) {
    if (device && device->removed_with) return false;
  }
  return rights.has(author, right, PastInC(counts));
}

std::vector<EpochId> maximal_epochs(const EventGraph& graph, const Counts& counts) {
  std::vector<EventIndex> opened;
  for (const EventIndex event : graph.control_events()) {
    const ControlBody* body = graph.control_body(event);
    if (!body || !std::holds_alternative<OpenEpoch>(body->operation)) continue;
    if (counts.verdict(event) == Verdict::effect && !graph.branch_of(event)) opened.push_back(event);
  }
  std::vector<EpochId> epochs;
  for (const EventIndex event : graph.maximal(opened)) epochs.push_back(as_epoch_id(graph.id(event)));
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

}  // namespace rz::log
