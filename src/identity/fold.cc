#include "identity/fold.h"

#include <algorithm>

#include "identity/judge.h"
#include "log/order.h"

namespace rz::identity {

namespace {

struct StayedWith final : Preference {
  StayedWith(const log::EventGraph& graph, const Stance& stance) {
    for (const auto& id : stance.stayed_with) {
      if (const auto event = graph.find(id)) events.insert(*event);
    }
  }
  bool stayed_with(EventIndex operation) const override { return events.contains(operation); }
  std::set<EventIndex> events;
};

const Hash256* cut_of(const log::Operation& operation) {
  if (const auto* remove = std::get_if<log::RemoveDevice>(&operation)) return &remove->cut;
  if (const auto* rotate = std::get_if<log::RotateKeys>(&operation)) return &rotate->cut;
  return nullptr;
}

// What makes a new version of the DID Document. Names and the cluster's generations are nobody else's business.
bool changes_identity(const log::Operation& operation) {
  return !std::holds_alternative<log::FoundGeneration>(operation) &&
         !std::holds_alternative<log::NameDevice>(operation);
}

class Fold {
 public:
  Fold(const log::EventGraph& graph, const RemovalCuts& cuts, const Stance& stance)
      : graph_(graph), cuts_(cuts), stance_(graph, stance), judge_(graph) {}

  FoldResult run() {
    judge_.run();
    std::set<EventIndex> all;
    for (const auto& [operation, node] : judge_.chain()) all.insert(operation);
    path_ = resolve_chain(judge_.chain(), all, judge_.vetoed(), judge_.genesis(), &stance_);
    find_c();
    find_standing();
    find_effect();
    fill_state();
    return std::move(result_);
  }

 private:
  const log::Operation& operation_at(EventIndex event) const { return graph_.control_body(event)->operation; }

  void include(const std::vector<EventIndex>& heads) {
    for (const EventIndex event : graph_.closure(heads)) result_.in_c[event.value] = true;
  }

  // The removal of `key` that counts on the path and whose cut is here; none: it stands.
  bool is_cut_off(const AuthorKey& key) const {
    const auto removal = path_.removed.find(key);
    return removal != path_.removed.end() && cuts_.find(*cut_of(operation_at(removal->second))) != nullptr;
  }

  // C: what the operations that count have in their past, what the removals' cuts name, and what the devices that speak
  // have written; a device speaks only if what added it is in C by then, so nobody comes in by their own word.
  void find_c() {
    result_.in_c.assign(graph_.size(), false);
    include(path_.operations);
    for (const auto& [device, removal] : path_.removed) {
      const log::HeadList* cut = cuts_.find(*cut_of(operation_at(removal)));
      if (cut == nullptr) continue;
      for (const auto& stream : *cut) {
        if (stream.stream != graph_.stream()) continue;
        std::vector<EventIndex> heads;
        for (const auto& head : stream.heads) {
          // A head that is not here is not in anybody's past here either. Of others' feeds a cut says nothing.
          if (const auto event = graph_.find(head); event && graph_.author(*event) == device) heads.push_back(*event);
        }
        include(heads);
      }
    }
    std::set<AuthorKey> heard;
    for (bool changed = true; changed;) {
      changed = false;
      const auto standing = standing_in_c();
      for (const auto& [key, admissions] : standing.admissions) {
        const Admission* named = standing.admission(key, path_);
        if (heard.contains(key) || named == nullptr || named->kind == DeviceKind::cloud || is_cut_off(key)) continue;
        heard.insert(key);
        include(graph_.heads_of(key));
        changed = true;
      }
    }
  }

  std::vector<EventIndex> heads_in_c() const {
    std::vector<EventIndex> inside;
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      if (result_.in_c[i]) inside.push_back(EventIndex{i});
    }
    return graph_.maximal(inside);
  }

  Standing standing_in_c() const { return *judge_.standing_over(heads_in_c()); }

  void find_standing() {
    standing_ = standing_in_c();
    standing_.path = path_;
    standing_.settle();
  }

  void find_effect() {
    result_.effect.assign(graph_.size(), false);
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      const EventIndex event{i};
      if (!judge_.valid()[i] || !result_.in_c[i]) continue;
      if (std::holds_alternative<log::Unknown>(operation_at(event))) continue;
      const bool chained = judge_.chain().contains(event);
      const bool author_counts = standing_.admission(graph_.author(event), path_) != nullptr;
      const bool veto = std::holds_alternative<log::Veto>(operation_at(event));
      result_.effect[i] = chained ? path_.holds(event) : author_counts || veto;
    }
  }

  void fill_state() {
    IdentityState& state = result_.state;
    state.did = graph_.stream();
    state.genesis = judge_.genesis();
    state.recovery_hash = path_.recovery_hash;
    state.recovery_box = path_.recovery_box;
    state.needs_upgrade = standing_.needs_upgrade;
    for (const EventIndex event : path_.operations) state.chain.push_back(graph_.id(event));
    fill_recoveries();
    if (path_.policy != nullptr) {
      // A policy of a later version: the default is the careful reading, because it lets fewer read.
      if (auto policy = decode_policy(*path_.policy)) state.policy = *std::move(policy);
    }
    fill_contest();
    fill_devices();
    fill_registers();
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      if (result_.effect[i] && changes_identity(operation_at(EventIndex{i}))) ++state.operations_count;
      if (!result_.in_c[i]) ++state.quarantined_count;
    }
  }

  void fill_recoveries() {
    auto& recoveries = result_.state.recoveries;
    for (const auto& [event, node] : judge_.chain()) {
      const auto* recover = std::get_if<log::Recover>(node.operation);
      if (recover == nullptr || judge_.vetoed().contains(event)) continue;
      const auto before = judge_.established_before(event);
      recoveries.push_back(
          {graph_.id(event), recover->device.device, {before.begin(), before.end()}, path_.holds(event)});
    }
    std::sort(recoveries.begin(), recoveries.end(),
              [](const Recovery& a, const Recovery& b) { return a.operation < b.operation; });
  }

  void fill_contest() {
    if (path_.is_contested()) {
      Contest contest;
      if (path_.contested_after) contest.after = graph_.id(*path_.contested_after);
      for (const EventIndex rival : path_.rivals) {
        contest.rivals.push_back(graph_.id(rival));
        if (path_.holds(rival)) contest.stayed = graph_.id(rival);
      }
      std::sort(contest.rivals.begin(), contest.rivals.end());
      result_.state.contest = std::move(contest);
    }
    std::map<AuthorKey, Equivocator> found;
    const auto& chain = judge_.chain();
    for (auto first = chain.begin(); first != chain.end(); ++first) {
      for (auto second = std::next(first); second != chain.end(); ++second) {
        if (first->second.parent != second->second.parent) continue;
        for (const auto& signer : first->second.signers) {
          if (!second->second.signers.contains(signer)) continue;
          const auto [a, b] = std::minmax(graph_.id(first->first), graph_.id(second->first));
          const auto at = found.try_emplace(signer, Equivocator{signer, a, b}).first;
          if (std::pair(a, b) < std::pair(at->second.first, at->second.second)) at->second = {signer, a, b};
        }
      }
    }
    for (const auto& [device, proof] : found) result_.state.equivocators.push_back(proof);
  }

  void fill_devices() {
    IdentityState& state = result_.state;
    const auto electorate = standing_.established_on(path_);
    for (const auto& [key, admissions] : standing_.admissions) {
      const Admission* named = standing_.admission(key, path_);
      if (named == nullptr) continue;
      Device device;
      device.key = key;
      device.box = named->box;
      device.kind = named->kind;
      device.name = named->name;
      device.admission = named->id;
      device.added_by = named->added_by;
      device.added_at = named->added_at;
      device.established = standing_.established.contains(key);
      fill_suspension(device);
      if (const auto signers = standing_.confirmations.find(key);
          signers != standing_.confirmations.end() && !device.established) {
        std::set_intersection(signers->second.begin(), signers->second.end(), electorate.begin(), electorate.end(),
                              std::back_inserter(device.confirmed_by));
      }
      fill_removal(device);
      state.devices.push_back(std::move(device));
    }
    std::sort(state.missing_cuts.begin(), state.missing_cuts.end());
  }

  void fill_suspension(Device& device) {
    const auto suspensions = standing_.suspensions.find(device.key);
    if (suspensions == standing_.suspensions.end()) return;
    for (const EventIndex suspension : suspensions->second) {
      if (!standing_.lifted.contains(suspension)) device.suspended_by.push_back(graph_.id(suspension));
    }
    std::sort(device.suspended_by.begin(), device.suspended_by.end());
    device.suspended = !device.suspended_by.empty();
  }

  void fill_removal(Device& device) {
    std::vector<EventIndex> removals;
    if (const auto chained = path_.removed.find(device.key); chained != path_.removed.end()) {
      removals.push_back(chained->second);
    } else if (const auto cloud = standing_.cloud_removals.find(device.key); cloud != standing_.cloud_removals.end()) {
      removals.assign(cloud->second.begin(), cloud->second.end());
      std::sort(removals.begin(), removals.end(), [&](auto a, auto b) { return graph_.id(a) < graph_.id(b); });
    }
    for (const EventIndex removal : removals) {
      const Hash256& cut = *cut_of(operation_at(removal));
      if (cuts_.find(cut) == nullptr) {
        result_.state.missing_cuts.push_back(cut);
        device.leaving = true;
        continue;
      }
      if (device.removed) continue;
      device.removed = Device::Removal{graph_.id(removal), cut, std::nullopt};
      if (const auto* rotate = std::get_if<log::RotateKeys>(&operation_at(removal))) {
        device.removed->successor = rotate->successor;
      }
    }
    if (device.removed) device.leaving = false;
  }

  // Registers: of concurrent writes the greatest in the log's order wins.
  void fill_registers() {
    IdentityState& state = result_.state;
    std::optional<EventIndex> services;
    std::map<AuthorKey, EventIndex> names;
    for (std::uint32_t i = 0; i < graph_.size(); ++i) {
      const EventIndex event{i};
      if (!result_.effect[i]) continue;
      const auto& operation = operation_at(event);
      if (std::holds_alternative<log::SetServices>(operation)) {
        if (!services || log::before(graph_, *services, event)) services = event;
      }
      if (const auto* generation = std::get_if<log::FoundGeneration>(&operation)) {
        const EventId id = graph_.id(event);
        const bool newer = generation->number > state.generation.number;
        const bool smaller = generation->number == state.generation.number && id < state.generation.founded_by;
        if (newer || smaller) state.generation = {generation->number, id, generation->voters};
      }
      if (const auto* named = std::get_if<log::NameDevice>(&operation)) {
        const auto [last, is_first] = names.try_emplace(named->device, event);
        if (!is_first && log::before(graph_, last->second, event)) last->second = event;
      }
    }
    for (Device& device : state.devices) {
      const auto named = names.find(device.key);
      if (named != names.end()) device.name = std::get<log::NameDevice>(operation_at(named->second)).name;
    }
    if (services) state.services = std::get<log::SetServices>(operation_at(*services)).services;
  }

  const log::EventGraph& graph_;
  const RemovalCuts& cuts_;
  StayedWith stance_;
  Judge judge_;
  ChainPath path_;
  Standing standing_;
  FoldResult result_;
};

}  // namespace

FoldResult fold_identity(const log::EventGraph& graph, const RemovalCuts& cuts, const Stance& stance) {
  RZ_REQUIRE(graph.is_identity());
  return Fold(graph, cuts, stance).run();
}

}  // namespace rz::identity
