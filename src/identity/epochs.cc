#include "identity/epochs.h"

#include <algorithm>

namespace rz::identity {

namespace {

void sort_unique(std::vector<crypto::BoxPublicKey>& boxes) {
  std::sort(boxes.begin(), boxes.end());
  boxes.erase(std::unique(boxes.begin(), boxes.end()), boxes.end());
}

Result<std::vector<log::Wrap>> make_wraps(std::vector<crypto::BoxPublicKey> boxes, const crypto::Secret32& key,
                                          crypto::Entropy& entropy) {
  sort_unique(boxes);
  if (boxes.size() > log::list_items_max) return fail(ErrorCode::limit_exceeded, "too many readers of one epoch");
  std::vector<log::Wrap> wraps;
  for (const auto& box : boxes) {
    Bytes sealed = crypto::box_seal(box, key.expose(), crypto::Secret32::random(entropy));
    if (sealed.empty()) return fail(ErrorCode::bad_argument, words("the box key ", box.brief(), " is not a key"));
    wraps.push_back({box, std::move(sealed)});
  }
  return wraps;
}

void insert_wrap(std::vector<log::Wrap>& wraps, const log::Wrap& wrap) {
  const auto order = [](const log::Wrap& a, const log::Wrap& b) {
    const int by_reader = compare(a.reader.view(), b.reader.view());
    return by_reader != 0 ? by_reader < 0 : compare(a.sealed, b.sealed) < 0;
  };
  const auto at = std::lower_bound(wraps.begin(), wraps.end(), wrap, order);
  if (at == wraps.end() || !(*at == wrap)) wraps.insert(at, wrap);
}

}  // namespace

Result<OpenedEpoch> open_epoch(const log::StreamId& stream, std::vector<crypto::BoxPublicKey> boxes,
                               crypto::Entropy& entropy) {
  auto key = crypto::Secret32::random(entropy);
  RZ_TRY(auto wraps, make_wraps(std::move(boxes), key, entropy));
  log::OpenEpoch operation{{}, log::key_commitment(key, stream), std::move(wraps), {}};
  return OpenedEpoch{std::move(key), std::move(operation)};
}

Result<OpenedEpoch> open_pod_epoch(const IdentityState& state, crypto::Entropy& entropy) {
  std::vector<crypto::BoxPublicKey> boxes = {state.recovery_box};
  for (const Device* reader : readers(state)) boxes.push_back(reader->box);
  return open_epoch(state.did, std::move(boxes), entropy);
}

Result<log::MoreWraps> wrap_epoch(const EpochId& epoch, const crypto::Secret32& key,
                                  std::vector<crypto::BoxPublicKey> boxes, crypto::Entropy& entropy) {
  RZ_TRY(auto wraps, make_wraps(std::move(boxes), key, entropy));
  return log::MoreWraps{epoch, std::move(wraps)};
}

Result<log::OpenEpoch> join_epochs(std::vector<EpochId> maximal, const log::StreamId& stream, const EpochKeys& keys) {
  std::sort(maximal.begin(), maximal.end());
  maximal.erase(std::unique(maximal.begin(), maximal.end()), maximal.end());
  if (maximal.size() < 2) return fail(ErrorCode::bad_argument, "a joint epoch unites at least two");
  std::vector<const crypto::Secret32*> parts;
  for (const auto& epoch : maximal) {
    RZ_TRY(const auto* key, keys.key(epoch));
    parts.push_back(key);
  }
  const auto joint = log::joint_epoch_key(parts, stream);
  return log::OpenEpoch{std::move(maximal), log::key_commitment(joint, stream), {}, {}};
}

bool EpochFacts::has_reader(const crypto::BoxPublicKey& box) const {
  return std::any_of(wraps.begin(), wraps.end(), [&](const log::Wrap& wrap) { return wrap.reader == box; });
}

EpochTable epoch_table(const log::EventGraph& graph, const log::Counts& counts) {
  EpochTable table;
  // An epoch's wraps may stand before it in no order: it is in their past.
  for (const log::EventIndex event : graph.control_events()) {
    const log::ControlBody* body = graph.control_body(event);
    if (body == nullptr || counts.verdict(event) != log::Verdict::effect) continue;
    if (const auto* open = std::get_if<log::OpenEpoch>(&body->operation)) {
      EpochFacts facts{event, open->commitment, open->joins, {}};
      for (const auto& wrap : open->wraps) insert_wrap(facts.wraps, wrap);
      table.emplace(log::as_epoch_id(graph.id(event)), std::move(facts));
    }
    if (const auto* more = std::get_if<log::MoreWraps>(&body->operation)) {
      const auto found = table.find(more->epoch);
      if (found == table.end()) continue;
      for (const auto& wrap : more->wraps) insert_wrap(found->second.wraps, wrap);
    }
  }
  return table;
}

Status EpochKeys::add(const EpochId& epoch, const crypto::Secret32& key, const Hash256& commitment) {
  if (log::key_commitment(key, stream_) != commitment) {
    return fail(ErrorCode::epoch_mismatch, "this is not the key that the epoch commits to");
  }
  keys_.try_emplace(epoch, key.clone());
  return {};
}

std::size_t EpochKeys::unlock(const EpochTable& table, const crypto::BoxKey& box) {
  const std::size_t before = keys_.size();
  for (const auto& [epoch, facts] : table) {
    if (keys_.contains(epoch)) continue;
    for (const auto& wrap : facts.wraps) {
      if (wrap.reader != box.public_key()) continue;
      auto opened = crypto::box_open(box, wrap.sealed);
      if (!opened) continue;
      auto key = crypto::Secret32::from(*opened);
      crypto::wipe(*opened);
      if (key && add(epoch, *key, facts.commitment)) break;
    }
  }
  // A joint epoch may unite joint ones: until nothing is new.
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [epoch, facts] : table) {
      if (facts.joins.empty() || keys_.contains(epoch)) continue;
      std::vector<const crypto::Secret32*> parts;
      for (const auto& part : facts.joins) parts.push_back(find(part));
      if (std::find(parts.begin(), parts.end(), nullptr) != parts.end()) continue;
      changed = add(epoch, log::joint_epoch_key(parts, stream_), facts.commitment).has_value() || changed;
    }
  }
  return keys_.size() - before;
}

const crypto::Secret32* EpochKeys::find(const EpochId& epoch) const {
  const auto found = keys_.find(epoch);
  return found == keys_.end() ? nullptr : &found->second;
}

Result<const crypto::Secret32*> EpochKeys::key(const EpochId& epoch) const {
  const auto* found = find(epoch);
  if (found != nullptr) return found;
  return fail(ErrorCode::epoch_unknown, words("the key of epoch ", epoch.brief(), " is not here"));
}

Result<log::BodyKey> EpochKeys::body_key(const EpochId& epoch, const log::StreamId& stream) const {
  RZ_TRY(const auto* found, key(epoch));
  return log::BodyKey(*found, stream, epoch);
}

Result<crypto::Secret32> EpochKeys::snapshot_key(const EpochId& epoch) const {
  RZ_TRY(const auto* found, key(epoch));
  return crypto::kdf(*found, "rhizome snapshot key v1", {});
}

EpochDuty pod_epoch_duty(const IdentityState& state, const EpochTable& table, const std::vector<EpochId>& maximal) {
  EpochDuty duty;
  std::vector<crypto::BoxPublicKey> wanted = {state.recovery_box};
  for (const Device* reader : readers(state)) wanted.push_back(reader->box);
  sort_unique(wanted);
  const auto is_wanted = [&](const log::Wrap& wrap) {
    return std::binary_search(wanted.begin(), wanted.end(), wrap.reader);
  };
  // Who can read under a joint epoch is who has all its parts, so parts are looked at, at any depth.
  std::vector<EpochId> todo = maximal, parts;
  while (!todo.empty()) {
    const EpochId epoch = todo.back();
    todo.pop_back();
    const auto found = table.find(epoch);
    if (found == table.end() || std::find(parts.begin(), parts.end(), epoch) != parts.end()) continue;
    parts.push_back(epoch);
    todo.insert(todo.end(), found->second.joins.begin(), found->second.joins.end());
  }
  duty.open = maximal.empty();
  for (const auto& part : parts) {
    const auto& wraps = table.at(part).wraps;
    duty.open = duty.open || !std::all_of(wraps.begin(), wraps.end(), is_wanted);
  }
  // Older epochs too: what was written before is for every reader of today.
  for (const auto& [epoch, facts] : table) {
    if (!facts.joins.empty()) continue;
    for (const auto& box : wanted) {
      if (!facts.has_reader(box)) duty.wrap.push_back({epoch, box});
    }
  }
  duty.join = maximal.size() > 1 && !duty.open;
  return duty;
}

}  // namespace rz::identity
