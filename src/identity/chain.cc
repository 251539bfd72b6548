#include "identity/chain.h"

#include <algorithm>

namespace rz::identity {

namespace {

using Children = std::map<std::optional<EventIndex>, std::vector<EventIndex>>;

Children children_of(const ChainTable& table, const std::set<EventIndex>& alive, const std::set<EventIndex>& vetoed) {
  Children children;
  for (const EventIndex operation : alive) {
    if (!vetoed.contains(operation)) children[table.at(operation).parent].push_back(operation);
  }
  return children;
}

// Everything that follows `root`, itself included.
std::set<EventIndex> subtree(const Children& children, EventIndex root) {
  std::set<EventIndex> found = {root};
  std::vector<EventIndex> todo = {root};
  while (!todo.empty()) {
    const EventIndex at = todo.back();
    todo.pop_back();
    const auto below = children.find(at);
    if (below == children.end()) continue;
    for (const EventIndex child : below->second) {
      if (found.insert(child).second) todo.push_back(child);
    }
  }
  return found;
}

bool has_paper(const ChainTable& table, const std::set<EventIndex>& branch) {
  return std::any_of(branch.begin(), branch.end(), [&](EventIndex op) { return table.at(op).paper; });
}

// The branches at one fork that are still in question; one is the rule.
std::vector<EventIndex> contenders(const ChainTable& table, const Children& children,
                                   const std::vector<EventIndex>& forks) {
  if (forks.size() < 2) return forks;
  std::map<EventIndex, std::set<EventIndex>> branches;
  for (const EventIndex fork : forks) branches.emplace(fork, subtree(children, fork));
  const bool any_paper =
      std::any_of(branches.begin(), branches.end(), [&](const auto& entry) { return has_paper(table, entry.second); });
  auto set_aside = [&](EventIndex fork) {
    for (const auto& [other, branch] : branches) {
      if (other == fork) continue;
      for (const EventIndex operation : branch) {
        const auto& named = table.at(operation).sets_aside;
        const auto& mine = branches.at(fork);
        if (std::any_of(named.begin(), named.end(), [&](EventIndex op) { return mine.contains(op); })) return true;
      }
    }
    return false;
  };
  std::vector<EventIndex> strong;
  for (const EventIndex fork : forks) {
    if (!any_paper || has_paper(table, branches.at(fork))) strong.push_back(fork);
  }
  std::vector<EventIndex> standing;
  for (const EventIndex fork : strong) {
    if (!set_aside(fork)) standing.push_back(fork);
  }
  return standing.empty() ? strong : standing;  // Two that set each other aside: contested.
}

ChainPath start(const log::IdentityGenesis& genesis) {
  ChainPath path;
  path.recovery_hash = genesis.recovery_hash;
  path.recovery_box = genesis.recovery_box;
  return path;
}

void extend(ChainPath& path, EventIndex at, const ChainNode& node) {
  path.operations.push_back(at);
  if (const auto* remove = std::get_if<log::RemoveDevice>(node.operation)) path.removed.emplace(remove->device, at);
  if (const auto* rotate = std::get_if<log::RotateKeys>(node.operation)) path.removed.emplace(rotate->device, at);
  if (const auto* policy = std::get_if<log::SetPolicy>(node.operation)) path.policy = &policy->policy;
  if (const auto* recover = std::get_if<log::Recover>(node.operation)) {
    path.recovery_hash = recover->next_recovery_hash;
    path.recovery_box = recover->next_recovery_box;
  }
}

}  // namespace

bool ChainPath::holds(EventIndex operation) const {
  return std::find(operations.begin(), operations.end(), operation) != operations.end();
}

std::optional<EventIndex> ChainPath::tip() const {
  return operations.empty() ? std::nullopt : std::optional(operations.back());
}

ChainPath resolve_chain(const ChainTable& table, const std::set<EventIndex>& alive, const std::set<EventIndex>& vetoed,
                        const log::IdentityGenesis& genesis, const Preference* preference) {
  const Children children = children_of(table, alive, vetoed);
  ChainPath path = start(genesis);
  std::optional<EventIndex> at;
  for (;;) {
    const auto forks = children.find(at);
    if (forks == children.end()) return path;
    auto left = contenders(table, children, forks->second);
    if (left.size() > 1) {
      if (path.rivals.empty()) {  // The first contest is the one to decide.
        path.rivals = left;
        path.contested_after = at;
      }
      const auto stayed = std::find_if(left.begin(), left.end(), [&](EventIndex fork) {
        return preference != nullptr && preference->stayed_with(fork);
      });
      if (stayed == left.end()) return path;
      left = {*stayed};
    }
    extend(path, left.front(), table.at(left.front()));
    at = left.front();
  }
}

ChainPath path_to(const ChainTable& table, std::optional<EventIndex> tip, const log::IdentityGenesis& genesis) {
  std::vector<EventIndex> backwards;
  for (auto at = tip; at; at = table.at(*at).parent) backwards.push_back(*at);
  ChainPath path = start(genesis);
  for (auto at = backwards.rbegin(); at != backwards.rend(); ++at) extend(path, *at, table.at(*at));
  return path;
}

std::optional<EventIndex> common_predecessor(const ChainTable& table, const std::vector<EventIndex>& operations) {
  if (operations.empty()) return std::nullopt;
  const auto before = [&](EventIndex operation) {
    std::vector<EventIndex> way;
    for (auto at = table.at(operation).parent; at; at = table.at(*at).parent) way.push_back(*at);
    return way;
  };
  auto common = before(operations.front());
  for (const EventIndex operation : operations) {
    const auto way = before(operation);
    std::erase_if(common, [&](EventIndex at) { return std::find(way.begin(), way.end(), at) == way.end(); });
  }
  return common.empty() ? std::nullopt : std::optional(common.front());  // The ways begin at their ends.
}

std::vector<EventId>* predecessors_of(log::Operation& operation) {
  if (auto* remove = std::get_if<log::RemoveDevice>(&operation)) return &remove->predecessors;
  if (auto* rotate = std::get_if<log::RotateKeys>(&operation)) return &rotate->predecessors;
  if (auto* policy = std::get_if<log::SetPolicy>(&operation)) return &policy->predecessors;
  if (auto* recover = std::get_if<log::Recover>(&operation)) return &recover->predecessors;
  return nullptr;
}

const std::vector<EventId>* predecessors_of(const log::Operation& operation) {
  return predecessors_of(const_cast<log::Operation&>(operation));
}

}  // namespace rz::identity
