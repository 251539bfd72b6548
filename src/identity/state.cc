#include "identity/state.h"

#include <algorithm>

#include "ipld/dag_cbor.h"

namespace rz::identity {

namespace {

constexpr std::uint64_t policy_version = 1;
constexpr std::size_t voters_freely = 3;  // Up to so many, any member may vote.

}  // namespace

Bytes encode_policy(const Policy& policy) {
  Bytes bytes;
  ipld::dag_cbor::Writer writer(bytes);
  writer.array(2);
  writer.unsigned_integer(policy_version);
  writer.array(policy.cloud_readers.size());
  for (const auto& reader : policy.cloud_readers) writer.bytes(reader.view());
  return bytes;
}

Result<Policy> decode_policy(ByteView bytes) {
  Policy policy;
  if (bytes.empty()) return policy;
  if (bytes.size() > log::small_bytes_max) return fail(ErrorCode::limit_exceeded, "a policy that is too long");
  ipld::dag_cbor::Reader reader(bytes);
  RZ_CHECK(reader.expect_array(2));
  const std::size_t version_at = reader.offset();
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != policy_version) {
    return fail_at(ErrorCode::identity_bad_policy, version_at, words("a policy of version ", version));
  }
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    AuthorKey key;
    RZ_CHECK(reader.expect_fixed(key));
    if (!policy.cloud_readers.empty() && !(policy.cloud_readers.back() < key)) {
      return fail_at(ErrorCode::identity_bad_policy, at, "readers must ascend");
    }
    policy.cloud_readers.push_back(key);
  }
  RZ_CHECK(reader.finish());
  return policy;
}

const Device* IdentityState::find(const AuthorKey& key) const {
  const auto at = std::lower_bound(devices.begin(), devices.end(), key,
                                   [](const Device& device, const AuthorKey& wanted) { return device.key < wanted; });
  return at != devices.end() && at->key == key ? &*at : nullptr;
}

const Recovery* IdentityState::find_recovery(const EventId& operation) const {
  const auto at = std::find_if(recoveries.begin(), recoveries.end(),
                               [&](const Recovery& recovery) { return recovery.operation == operation; });
  return at == recoveries.end() ? nullptr : &*at;
}

std::vector<AuthorKey> IdentityState::established() const {
  std::vector<AuthorKey> found;
  for (const auto& device : devices) {
    if (device.established && device.may_speak()) found.push_back(device.key);
  }
  return found;
}

bool may_vote(const IdentityState& state, const AuthorKey& device, const std::vector<AuthorKey>& voters) {
  const Device* member = state.find(device);
  if (member == nullptr || !member->in_pod() || member->leaving || member->suspended) return false;
  if (member->kind == DeviceKind::browser) return false;
  const auto others = std::count_if(voters.begin(), voters.end(), [&](const AuthorKey& key) { return key != device; });
  return static_cast<std::size_t>(others) < voters_freely || member->established;
}

std::vector<const Device*> readers(const IdentityState& state) {
  const auto& clouds = state.policy.cloud_readers;
  std::vector<const Device*> found;
  for (const auto& device : state.devices) {
    const bool allowed = device.is_personal() || std::binary_search(clouds.begin(), clouds.end(), device.key);
    if (allowed && device.in_pod() && !device.leaving && !device.suspended) found.push_back(&device);
  }
  return found;
}

log::IdentityFacts facts_for(const IdentityState& state, const log::StreamId& stream, const RemovalCuts& cuts) {
  log::IdentityFacts facts;
  for (const auto& device : state.devices) {
    log::DeviceFact fact{state.did, device.key, device.admission,
                         device.is_personal() ? log::RightSet::all() : log::RightSet(), std::nullopt};
    if (device.removed) {
      fact.removed_with.emplace();
      // The fold counts a removal only if its cut is here.
      const log::HeadList* cut = cuts.find(device.removed->cut);
      RZ_REQUIRE(cut != nullptr);
      const auto at = std::lower_bound(
          cut->begin(), cut->end(), stream,
          [](const log::StreamHeads& heads, const log::StreamId& wanted) { return heads.stream < wanted; });
      if (at != cut->end() && at->stream == stream) fact.removed_with = at->heads;
    }
    facts.devices.push_back(std::move(fact));
  }
  return facts;
}

}  // namespace rz::identity
