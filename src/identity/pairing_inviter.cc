#include <algorithm>

#include "identity/pairing.h"
#include "ipld/dag_cbor.h"

namespace rz::identity {

namespace {

// Our own messages are within their limits: the caller's Welcome is checked where it comes in.
Bytes encoded(const PairingMessage& message) {
  auto bytes = encode_pairing(message);
  RZ_ASSERT(bytes.has_value());
  return *std::move(bytes);
}

RefusalReason reason_of(CodeState state) {
  switch (state) {
    case CodeState::open:
    case CodeState::expired:
      return RefusalReason::expired_code;
    case CodeState::used:
      return RefusalReason::used_code;
    case CodeState::locked:
      return RefusalReason::locked_code;
    case CodeState::cancelled:
      return RefusalReason::cancelled;
  }
  return RefusalReason::failed;
}

}  // namespace

Bytes encode_code_records(const std::vector<CodeRecord>& records) {
  Bytes bytes;
  ipld::dag_cbor::Writer writer(bytes);
  writer.array(records.size());
  for (const auto& record : records) {
    writer.array(2);
    writer.unsigned_integer(static_cast<std::uint64_t>(record.state));
    writer.bytes(record.key.expose());
  }
  return bytes;
}

Result<std::vector<CodeRecord>> decode_code_records(ByteView bytes) {
  ipld::dag_cbor::Reader reader(bytes);
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > pairing_records_max + 1) return fail_at(ErrorCode::limit_exceeded, 0, "too many join codes on record");
  std::vector<CodeRecord> records;
  for (std::uint64_t i = 0; i < count; ++i) {
    RZ_CHECK(reader.expect_array(2));
    const std::size_t at = reader.offset();
    RZ_TRY(const std::uint64_t state, reader.expect_uint());
    if (state > static_cast<std::uint64_t>(CodeState::cancelled)) {
      return fail_at(ErrorCode::pairing_bad_message, at, words("unknown state ", state, " of a join code"));
    }
    RZ_TRY(const ByteView key_bytes, reader.expect_bytes());
    RZ_TRY(auto key, crypto::Secret32::from(key_bytes));
    records.push_back({std::move(key), static_cast<CodeState>(state)});
  }
  RZ_CHECK(reader.finish());
  return records;
}

Inviter::Inviter(const crypto::PublicKey& device, std::vector<CodeRecord> records)
    : device_(device), records_(std::move(records)) {
  for (auto& record : records_) {
    if (record.state == CodeState::open) record.state = CodeState::expired;
  }
}

Inviter::Output Inviter::step(Tick now, Input input) {
  Output out;
  handle_timers(now, out);
  if (auto* invite = std::get_if<Invite>(&input)) handle_invite(now, *invite, out);
  if (std::holds_alternative<Withdraw>(input)) handle_withdraw(out);
  if (auto* message = std::get_if<Message>(&input)) handle_message(now, *message, out);
  if (const auto* gone = std::get_if<Disconnected>(&input)) handle_disconnected(gone->connection);
  if (const auto* persisted = std::get_if<Persisted>(&input)) handle_persisted(persisted->revision, out);
  if (const auto* answer = std::get_if<Answer>(&input)) handle_answer(answer->accept, out);
  if (const auto* added = std::get_if<Added>(&input)) handle_added(added->welcome, out);
  if (const auto* failed = std::get_if<AddFailed>(&input); failed != nullptr && claim_ && stage_ == Stage::adding) {
    end_claim(RefusalReason::failed, Error{ErrorCode::internal, failed->why}, out);
  }
  if (open_) out.wake_at = open_->expires_at;
  if (claim_ && (!out.wake_at || claim_->expires_at < *out.wake_at)) out.wake_at = claim_->expires_at;
  return out;
}

void Inviter::handle_timers(Tick now, Output& out) {
  if (open_ && now >= open_->expires_at) {
    close_code(CodeState::expired, out);
    tell(Stage::failed, out, Error{ErrorCode::pairing_expired_code, "nobody used the code within ten minutes"});
  }
  if (!claim_ || now < claim_->expires_at) return;
  // Once the addition is durable the newcomer is a device, whether or not it has heard so.
  if (claim_->welcome) {
    claim_.reset();
    tell(Stage::done, out);
    return;
  }
  end_claim(RefusalReason::timed_out, Error{ErrorCode::pairing_timed_out, "nobody said yes in time"}, out);
}

void Inviter::handle_invite(Tick now, Invite& invite, Output& out) {
  handle_withdraw(out);
  open_.emplace(pairing_key(invite.secret), invite.kind, now + pairing_code_lifetime);
  persist(out);
  tell(Stage::waiting, out);
}

void Inviter::handle_withdraw(Output& out) {
  if (open_) close_code(CodeState::cancelled, out);
  if (claim_ && !claim_->welcome) {
    end_claim(RefusalReason::cancelled, Error{ErrorCode::pairing_cancelled, "the invitation was withdrawn"}, out);
  }
  claim_.reset();
  tell(Stage::idle, out);
}

void Inviter::handle_message(Tick now, Message& message, Output& out) {
  auto decoded = decode_pairing(message.bytes);
  if (!decoded) {
    out.close.push_back(message.peer.connection);
    return;
  }
  if (auto* prove = std::get_if<Prove>(&*decoded)) return handle_prove(now, message.peer, std::move(*prove), out);
  const bool claimant = claim_ && claim_->peer.connection == message.peer.connection;
  if (claimant && std::holds_alternative<Received>(*decoded) && claim_->welcome) {
    out.close.push_back(message.peer.connection);
    claim_.reset();
    return tell(Stage::done, out);
  }
  if (claimant && std::holds_alternative<GiveUp>(*decoded)) {
    if (claim_->welcome) return;  // Too late: it is a device now, and its owner may remove it.
    return end_claim(RefusalReason::cancelled, Error{ErrorCode::pairing_cancelled, "the new device gave up"}, out);
  }
  out.close.push_back(message.peer.connection);  // Nothing else has a place here.
}

void Inviter::handle_prove(Tick now, const PairingPeer& peer, Prove prove, Output& out) {
  const auto channel = channel_of(peer);
  if (claim_ && check_proof(claim_->key, PairingRole::newcomer, channel, prove.proof)) {
    if (peer.key == claim_->peer.key) return handle_resume(peer, std::move(prove), out);
    return refuse(peer.connection, RefusalReason::used_code, out);
  }
  if (open_ && check_proof(open_->key, PairingRole::newcomer, channel, prove.proof)) {
    return claim_code(now, peer, std::move(prove), out);
  }
  for (auto record = records_.rbegin(); record != records_.rend(); ++record) {
    if (check_proof(record->key, PairingRole::newcomer, channel, prove.proof)) {
      return refuse(peer.connection, reason_of(record->state), out);
    }
  }
  count_failure(out);
  refuse(peer.connection, RefusalReason::wrong_code, out);
}

// The code is burnt from here on, in memory at once, on disk before anything is answered (invariant 2).
void Inviter::claim_code(Tick now, const PairingPeer& peer, Prove prove, Output& out) {
  auto key = open_->key.clone();
  const bool browser = open_->kind == DeviceKind::personal && prove.browser;
  const DeviceKind kind = browser ? DeviceKind::browser : open_->kind;
  close_code(CodeState::used, out);
  claim_.emplace(peer, std::move(key), kind, std::move(prove), revision_, false, true, now + pairing_answer_lifetime,
                 std::nullopt);
}

// The newcomer whose proof stands lost its connection and is back on another one.
void Inviter::handle_resume(const PairingPeer& peer, Prove prove, Output& out) {
  if (claim_->connected && claim_->peer.connection != peer.connection) out.close.push_back(claim_->peer.connection);
  // What the owner was shown stays: another box key or name under the same device key would be another request.
  if (prove.box_key != claim_->prove.box_key || prove.name != claim_->prove.name ||
      prove.browser != claim_->prove.browser) {
    return end_claim(RefusalReason::failed, Error{ErrorCode::pairing_bad_message, "the new device changed its keys"},
                     out);
  }
  claim_->peer = peer;
  claim_->connected = true;
  if (claim_->burnt_in > durable_) return;
  claim_->answered = false;
  answer_claim(out);
}

void Inviter::answer_claim(Output& out) {
  claim_->answered = true;
  const auto proof = make_proof(claim_->key, PairingRole::inviter, channel_of(claim_->peer));
  out.send.push_back({claim_->peer.connection, encoded(Accept{proof})});
  if (claim_->welcome) {
    out.send.push_back({claim_->peer.connection, *claim_->welcome});
    return;
  }
  tell(stage_ == Stage::adding ? Stage::adding : Stage::asking, out);
}

void Inviter::handle_persisted(std::uint64_t revision, Output& out) {
  durable_ = std::max(durable_, revision);
  if (!claim_ || claim_->answered || claim_->burnt_in > durable_) return;
  if (claim_->connected) return answer_claim(out);
  // It left before it was answered: the code is burnt all the same, and the claim waits for its return.
  tell(Stage::asking, out);
}

void Inviter::handle_disconnected(ConnectionId connection) {
  if (claim_ && claim_->peer.connection == connection) claim_->connected = false;
}

void Inviter::handle_answer(bool accept, Output& out) {
  if (!claim_ || stage_ != Stage::asking) return;  // Late or twice: there is nothing to answer.
  if (!accept) {
    return end_claim(RefusalReason::declined, Error{ErrorCode::pairing_declined, "you said no"}, out);
  }
  out.add = Add{claim_->peer.key, claim_->prove.box_key, claim_->prove.name, claim_->kind};
  tell(Stage::adding, out);
}

void Inviter::handle_added(const Welcome& welcome, Output& out) {
  if (!claim_ || stage_ != Stage::adding) return;
  auto bytes = encode_pairing(welcome);
  if (!bytes) return end_claim(RefusalReason::failed, bytes.error(), out);
  claim_->welcome = *std::move(bytes);
  if (claim_->connected) out.send.push_back({claim_->peer.connection, *claim_->welcome});
  tell(Stage::copying, out);
}

// Wrong tries count against the open code only; its owner sees them as a code that died.
void Inviter::count_failure(Output& out) {
  if (!open_ || ++open_->failures < pairing_failures_max) return;
  close_code(CodeState::locked, out);
  tell(Stage::failed, out, Error{ErrorCode::pairing_locked_code, "five wrong codes were tried: ask for a new one"});
}

void Inviter::close_code(CodeState state, Output& out) {
  records_.push_back({std::move(open_->key), state});
  open_.reset();
  if (records_.size() > pairing_records_max) records_.erase(records_.begin());
  persist(out);
}

void Inviter::end_claim(RefusalReason reason, Error why, Output& out) {
  if (claim_->connected) refuse(claim_->peer.connection, reason, out);
  tell(Stage::failed, out, std::move(why));
  claim_.reset();
}

void Inviter::refuse(ConnectionId connection, RefusalReason reason, Output& out) {
  out.send.push_back({connection, encoded(Refuse{reason})});
  out.close.push_back(connection);
}

void Inviter::persist(Output& out) {
  std::vector<CodeRecord> all;
  for (const auto& record : records_) all.push_back({record.key.clone(), record.state});
  if (open_) all.push_back({open_->key.clone(), CodeState::open});
  out.persist = Persist{++revision_, encode_code_records(all)};
}

void Inviter::tell(Stage stage, Output& out, std::optional<Error> why) {
  stage_ = stage;
  Progress progress;
  progress.stage = stage;
  progress.why = std::move(why);
  if (claim_ && stage != Stage::waiting && stage != Stage::idle) {
    progress.name = claim_->prove.name;
    progress.fingerprint = pairing_fingerprint(channel_of(claim_->peer));
  }
  if (stage == Stage::waiting && open_) progress.until = open_->expires_at;
  out.progress = std::move(progress);
}

PairingChannel Inviter::channel_of(const PairingPeer& peer) const { return {peer.exporter, peer.key, device_}; }

}  // namespace rz::identity
