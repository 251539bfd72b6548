#include "identity/standing.h"

#include <algorithm>

namespace rz::identity {

namespace {

void insert_admission(std::vector<Admission>& list, const Admission& admission) {
  const auto at = std::lower_bound(list.begin(), list.end(), admission,
                                   [](const Admission& a, const Admission& b) { return a.id < b.id; });
  if (at == list.end() || at->id != admission.id) list.insert(at, admission);
}

}  // namespace

const Admission* Standing::admission(const AuthorKey& key, const ChainPath& on) const {
  const auto found = admissions.find(key);
  if (found == admissions.end()) return nullptr;
  for (const auto& each : found->second) {
    if (!each.via || on.holds(*each.via)) return &each;
  }
  return nullptr;
}

bool Standing::is_removed(const AuthorKey& key, const ChainPath& on) const {
  return on.removed.contains(key) || cloud_removals.contains(key);
}

bool Standing::may_speak(const AuthorKey& key, const ChainPath& on) const {
  const Admission* named = admission(key, on);
  return named != nullptr && named->kind != DeviceKind::cloud && !is_removed(key, on);
}

bool Standing::is_established(const AuthorKey& key, const ChainPath& on) const {
  return established.contains(key) && may_speak(key, on);
}

std::set<AuthorKey> Standing::established_on(const ChainPath& on) const {
  std::set<AuthorKey> found;
  for (const auto& key : established) {
    if (may_speak(key, on)) found.insert(key);
  }
  return found;
}

bool Standing::is_suspended(const AuthorKey& key) const {
  const auto found = suspensions.find(key);
  if (found == suspensions.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [this](EventIndex suspension) { return !lifted.contains(suspension); });
}

void Standing::settle() {
  for (;;) {
    const auto electorate = established_on(path);
    const std::size_t needed = majority_of(electorate.size());
    std::vector<AuthorKey> risen;
    for (const auto& [device, signers] : confirmations) {
      if (established.contains(device) || !may_speak(device)) continue;
      const auto votes = std::count_if(signers.begin(), signers.end(),
                                       [&](const AuthorKey& signer) { return electorate.contains(signer); });
      if (!electorate.empty() && static_cast<std::size_t>(votes) >= needed) risen.push_back(device);
    }
    if (risen.empty()) return;
    established.insert(risen.begin(), risen.end());
  }
}

bool operator==(const Standing& a, const Standing& b) {
  // The path follows from chain and vetoed.
  return a.admissions == b.admissions && a.confirmations == b.confirmations && a.established == b.established &&
         a.suspensions == b.suspensions && a.lifted == b.lifted && a.cloud_removals == b.cloud_removals &&
         a.chain == b.chain && a.vetoed == b.vetoed && a.needs_upgrade == b.needs_upgrade;
}

Standing genesis_standing(const log::IdentityGenesis& genesis, const Did& did) {
  Standing standing;
  Admission first;
  first.id = log::as_event_id(did);
  first.box = genesis.device_box;
  standing.admissions[genesis.device] = {first};
  standing.established = {genesis.device};
  standing.path.recovery_hash = genesis.recovery_hash;
  standing.path.recovery_box = genesis.recovery_box;
  return standing;
}

void unite(Standing& a, const Standing& b) {
  for (const auto& [key, list] : b.admissions) {
    for (const auto& each : list) insert_admission(a.admissions[key], each);
  }
  for (const auto& [key, signers] : b.confirmations) a.confirmations[key].insert(signers.begin(), signers.end());
  a.established.insert(b.established.begin(), b.established.end());
  for (const auto& [key, events] : b.suspensions) a.suspensions[key].insert(events.begin(), events.end());
  a.lifted.insert(b.lifted.begin(), b.lifted.end());
  for (const auto& [key, events] : b.cloud_removals) a.cloud_removals[key].insert(events.begin(), events.end());
  a.chain.insert(b.chain.begin(), b.chain.end());
  a.vetoed.insert(b.vetoed.begin(), b.vetoed.end());
  a.needs_upgrade = a.needs_upgrade || b.needs_upgrade;
}

}  // namespace rz::identity
