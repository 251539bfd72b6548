#include "identity/pairing.h"
#include "log/genesis.h"

namespace rz::identity {

namespace {

Error error_of(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::wrong_code:
      return {ErrorCode::pairing_wrong_code,
              "the other device does not know this code: compare it, or ask for a new one"};
    case RefusalReason::used_code:
      return {ErrorCode::pairing_used_code, "this code let another device in: ask for a new one"};
    case RefusalReason::expired_code:
      return {ErrorCode::pairing_expired_code, "this code is older than ten minutes: ask for a new one"};
    case RefusalReason::locked_code:
      return {ErrorCode::pairing_locked_code, "wrong codes were tried, so this one was locked: ask for a new one"};
    case RefusalReason::declined:
      return {ErrorCode::pairing_declined, "the other device's owner said no"};
    case RefusalReason::cancelled:
      return {ErrorCode::pairing_cancelled, "the invitation was withdrawn"};
    case RefusalReason::timed_out:
      return {ErrorCode::pairing_timed_out, "nobody said yes on the other device in time"};
    case RefusalReason::failed:
      return {ErrorCode::pairing_cancelled, "the other device could not add this one"};
  }
  return {ErrorCode::internal, "unknown reason"};
}

Bytes encoded(const PairingMessage& message) {
  auto bytes = encode_pairing(message);
  RZ_ASSERT(bytes.has_value());
  return *std::move(bytes);
}

}  // namespace

Newcomer::Newcomer(const DeviceKeys& keys, const JoinSecret& secret, std::optional<crypto::PublicKey> inviter,
                   std::string name, bool browser)
    : device_(keys.public_key()),
      box_key_(keys.box_key().public_key()),
      key_(pairing_key(secret)),
      inviter_(inviter),
      name_(std::move(name)),
      browser_(browser) {
  RZ_REQUIRE(check_device_name(name_).has_value());
}

Newcomer::Output Newcomer::step(Tick now, Input input) {
  Output out;
  if (stage_ == Stage::joined || stage_ == Stage::failed) return out;
  if (const auto* connected = std::get_if<Connected>(&input)) handle_connected(now, connected->peer, out);
  if (const auto* message = std::get_if<Message>(&input)) handle_message(now, *message, out);
  if (const auto* gone = std::get_if<Disconnected>(&input)) handle_disconnected(gone->connection, out);
  if (std::holds_alternative<Persisted>(input) && stage_ == Stage::storing) {
    if (peer_) out.send.push_back({peer_->connection, encoded(Received{})});
    tell(Stage::joined, out);
  }
  if (std::holds_alternative<Cancel>(input) && stage_ != Stage::storing) {
    if (peer_) out.send.push_back({peer_->connection, encoded(GiveUp{})});
    finish({ErrorCode::pairing_cancelled, "pairing was cancelled here"}, out);
  }
  const bool waiting = stage_ == Stage::proving || stage_ == Stage::asking;
  if (waiting && now >= deadline_) {
    finish({ErrorCode::pairing_timed_out, stage_ == Stage::proving ? "the other device does not answer"
                                                                   : "nobody said yes on the other device in time"},
           out);
  }
  if (stage_ == Stage::proving || stage_ == Stage::asking) out.wake_at = deadline_;
  return out;
}

void Newcomer::handle_connected(Tick now, const PairingPeer& peer, Output& out) {
  if (stage_ == Stage::storing) return out.close.push_back(peer.connection);
  if (inviter_ && peer.key != *inviter_) {
    // Nothing is said to it: a proof is for whom the link names.
    peer_ = peer;
    return finish({ErrorCode::pairing_wrong_inviter, "this is not the device that made the code"}, out);
  }
  if (peer_) out.close.push_back(peer_->connection);
  peer_ = peer;
  inviter_ = peer.key;  // From now on it is this one or none.
  const bool first = stage_ == Stage::connecting;
  if (first) {
    deadline_ = now + pairing_silence_max;
    tell(Stage::proving, out);
  }
  const auto proof = make_proof(key_, PairingRole::newcomer, channel());
  out.send.push_back({peer.connection, encoded(Prove{proof, box_key_, name_, browser_})});
}

void Newcomer::handle_message(Tick now, const Message& message, Output& out) {
  if (!peer_ || message.connection != peer_->connection) return;  // An old connection's last words.
  auto decoded = decode_pairing(message.bytes);
  if (!decoded) return finish(decoded.error(), out);
  if (const auto* refuse = std::get_if<Refuse>(&*decoded)) return finish(error_of(refuse->reason), out);
  if (const auto* accept = std::get_if<Accept>(&*decoded)) return handle_accept(now, *accept, out);
  if (auto* welcome = std::get_if<Welcome>(&*decoded)) return handle_welcome(std::move(*welcome), out);
  finish({ErrorCode::pairing_out_of_order, "the other device speaks the newcomer's part"}, out);
}

void Newcomer::handle_accept(Tick now, const Accept& accept, Output& out) {
  if (accepted_) return finish({ErrorCode::pairing_out_of_order, "the other device proved itself twice"}, out);
  if (!check_proof(key_, PairingRole::inviter, channel(), accept.proof)) {
    return finish({ErrorCode::pairing_wrong_code, "the other device could not prove that it knows the code"}, out);
  }
  accepted_ = true;
  if (stage_ == Stage::proving) deadline_ = now + pairing_answer_lifetime;
  tell(Stage::asking, out);
}

void Newcomer::handle_welcome(Welcome welcome, Output& out) {
  if (!accepted_ || stage_ != Stage::asking) {
    return finish({ErrorCode::pairing_out_of_order, "a welcome before the proof"}, out);
  }
  if (auto genesis = log::decode_identity_genesis(welcome.genesis); !genesis) return finish(genesis.error(), out);
  welcome_ = welcome;
  out.persist = std::move(welcome);
  tell(Stage::storing, out);
}

void Newcomer::handle_disconnected(ConnectionId connection, Output& out) {
  if (!peer_ || peer_->connection != connection) return;
  peer_.reset();
  accepted_ = false;
  if (stage_ == Stage::proving) {
    finish({ErrorCode::pairing_cancelled, "the other device closed the connection without an answer"}, out);
  }
}

void Newcomer::finish(Error why, Output& out) {
  if (peer_) out.close.push_back(peer_->connection);
  tell(Stage::failed, out, std::move(why));
}

void Newcomer::tell(Stage stage, Output& out, std::optional<Error> why) {
  stage_ = stage;
  Progress progress;
  progress.stage = stage;
  progress.why = std::move(why);
  const bool known = accepted_ && peer_.has_value();
  if (known && stage != Stage::failed) progress.fingerprint = pairing_fingerprint(channel());
  out.progress = std::move(progress);
}

PairingChannel Newcomer::channel() const {
  RZ_ASSERT(peer_.has_value());
  return {peer_->exporter, device_, peer_->key};
}

}  // namespace rz::identity
