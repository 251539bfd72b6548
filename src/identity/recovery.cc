#include "identity/recovery.h"

#include <algorithm>

#include "crypto/sha256.h"
#include "ipld/dag_cbor.h"
#include "log/genesis.h"

namespace rz::identity {

namespace {

Bytes signed_bytes(const Did& did, const RecoveryChannel& channel) {
  Bytes bytes;
  ipld::dag_cbor::Writer writer(bytes);
  writer.array(4);
  writer.bytes(did.view());
  writer.bytes(channel.exporter.view());
  writer.bytes(channel.recoverer.view());
  writer.bytes(channel.member.view());
  return bytes;
}

}  // namespace

bool must_wipe(const IdentityState& state, const AuthorKey& self, std::optional<UnixMs> seen_at, UnixMs now) {
  constexpr std::size_t veto_at_least = 2;
  const Device* device = state.find(self);
  if (device == nullptr || device->in_pod()) return false;
  const auto removal = std::find(state.chain.begin(), state.chain.end(), device->removed->operation);
  for (const auto& recovery : state.recoveries) {
    const auto& voices = recovery.established_before;
    const bool before = std::find(state.chain.begin(), removal, recovery.operation) != removal;
    const bool could_veto = voices.size() >= veto_at_least && std::binary_search(voices.begin(), voices.end(), self);
    if (before && could_veto) return seen_at && !is_recovery_pending(*seen_at, now);
  }
  return true;
}

RecoveryRequest make_recovery_request(const PaperKey& paper, const Did& did, const RecoveryChannel& channel) {
  return {did, paper.signing_key().public_key(), paper.signing_key().sign(recovery_domain, signed_bytes(did, channel))};
}

Bytes encode_recovery_request(const RecoveryRequest& request) {
  Bytes bytes;
  ipld::dag_cbor::Writer writer(bytes);
  writer.array(4);
  writer.unsigned_integer(recovery_version);
  writer.bytes(request.did.view());
  writer.bytes(request.paper.view());
  writer.bytes(request.signature.view());
  return bytes;
}

Result<RecoveryRequest> decode_recovery_request(ByteView bytes) {
  if (bytes.size() > recovery_message_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words("a recovery request of ", bytes.size(), " bytes"));
  }
  ipld::dag_cbor::Reader reader(bytes);
  RecoveryRequest request;
  RZ_CHECK(reader.expect_array(4));
  const std::size_t version_at = reader.offset();
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != recovery_version) {
    return fail_at(ErrorCode::recovery_bad_message, version_at, words("recovery version ", version, " is not spoken"));
  }
  RZ_CHECK(reader.expect_fixed(request.did));
  RZ_CHECK(reader.expect_fixed(request.paper));
  RZ_CHECK(reader.expect_fixed(request.signature));
  RZ_CHECK(reader.finish());
  return request;
}

Status check_recovery_request(const RecoveryRequest& request, const IdentityState& state,
                              const RecoveryChannel& channel) {
  if (request.did != state.did) return fail(ErrorCode::recovery_wrong_key, "the request is for another pod");
  if (crypto::sha256(request.paper.view()) != state.recovery_hash) {
    return fail(ErrorCode::recovery_wrong_key, "not the paper key in force: an older one, or another pod's");
  }
  if (!crypto::verify(request.paper, recovery_domain, signed_bytes(request.did, channel), request.signature)) {
    return fail(ErrorCode::recovery_wrong_key, "the signature is not for this connection");
  }
  return {};
}

Bytes encode_recovery_grant(const RecoveryGrant& grant) {
  Bytes bytes;
  ipld::dag_cbor::Writer writer(bytes);
  writer.array(2);
  writer.unsigned_integer(recovery_version);
  writer.bytes(grant.genesis);
  return bytes;
}

Result<RecoveryGrant> decode_recovery_grant(ByteView bytes) {
  if (bytes.size() > recovery_genesis_bytes_max + 16) {
    return fail(ErrorCode::limit_exceeded, words("a recovery grant of ", bytes.size(), " bytes"));
  }
  ipld::dag_cbor::Reader reader(bytes);
  RZ_CHECK(reader.expect_array(2));
  const std::size_t version_at = reader.offset();
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != recovery_version) {
    return fail_at(ErrorCode::recovery_bad_message, version_at, words("recovery version ", version, " is not spoken"));
  }
  const std::size_t genesis_at = reader.offset();
  RZ_TRY(const ByteView genesis, reader.expect_bytes());
  RZ_CHECK(reader.finish());
  if (genesis.size() > recovery_genesis_bytes_max) {
    return fail_at(ErrorCode::limit_exceeded, genesis_at, words("a genesis of ", genesis.size(), " bytes"));
  }
  return RecoveryGrant{to_bytes(genesis)};
}

Status check_recovery_grant(const RecoveryGrant& grant, const Did& did) {
  RZ_TRY(const log::IdentityGenesis genesis, log::decode_identity_genesis(grant.genesis));
  if (log::did_of(genesis) == did) return {};
  return fail(ErrorCode::sync_wrong_pod, "what answered belongs to another pod than the one on the paper");
}

// --- The door --------------------------------------------------------------------------------------------------------

bool RecoveryDoor::opened(Tick now, ConnectionId stream) {
  if (waiting_.size() >= waiting_max) return false;
  return waiting_.emplace(stream, now + patience).second;
}

Result<Bytes> RecoveryDoor::knock(Tick now, ConnectionId stream, const RecoveryChannel& channel,
                                  const IdentityState& state, ByteView genesis, ByteView frame) {
  if (waiting_.erase(stream) == 0) return fail(ErrorCode::recovery_bad_message, "a stream that nobody opened");
  const auto refills = static_cast<std::uint64_t>((now - filled_at_).us / try_every.us);
  if (refills > 0) {
    tries_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(tries_burst, tries_ + refills));
    filled_at_ = now;
  }
  if (tries_ == 0) return fail(ErrorCode::limit_exceeded, "too many tries to prove a paper key");
  --tries_;
  RZ_TRY(const RecoveryRequest request, decode_recovery_request(frame));
  RZ_CHECK(check_recovery_request(request, state, channel));
  return encode_recovery_grant({to_bytes(genesis)});
}

std::vector<ConnectionId> RecoveryDoor::expire(Tick now) {
  std::vector<ConnectionId> over;
  for (const auto& [stream, until] : waiting_) {
    if (until <= now) over.push_back(stream);
  }
  for (const ConnectionId stream : over) waiting_.erase(stream);
  return over;
}

std::optional<Tick> RecoveryDoor::wake_at() const {
  std::optional<Tick> first;
  for (const auto& [stream, until] : waiting_) first = first ? std::min(*first, until) : until;
  return first;
}

}  // namespace rz::identity
