// Recovery: everything is lost but the paper. Whoever holds it proves so to a member (often a blind cloud peer), is
// served ciphertext and wrapped keys, and then writes the recovery (make_recovery in operations.h), which commits to
// the next paper (docs/formats/paper.md).
//
//   recoverer -> member:  request [version, did, paper signing key, signature]
//   member -> recoverer:  grant [version, stream zero's genesis]; or the stream is reset, without a word
//   then both ways:       the messages of sync (docs/formats/sync.md), the recoverer a guest until it is a device
//
// The signature is over the DID, the TLS exporter and both TLS keys: it is worth nothing on another connection. To all
// who do not prove the paper key in force a member says nothing at all, not even which pod it belongs to.
#pragma once

#include <map>

#include "base/tick.h"
#include "identity/pairing.h"
#include "identity/pairing_messages.h"
#include "identity/paper.h"
#include "identity/state.h"

namespace rz::identity {

inline constexpr std::uint64_t recovery_version = 1;
inline constexpr std::size_t recovery_message_bytes_max = 1024;
inline constexpr std::string_view recovery_domain = "rhizome recovery v1";
inline constexpr std::string_view recovery_exporter_label = "EXPORTER-rhizome-recovery-v1";

// For 72 hours of its own clock the recovering device shows "pending" and does nothing irrevocable: a veto may come.
inline constexpr std::uint64_t recovery_pending_ms = 72ULL * 60 * 60 * 1000;
constexpr bool is_recovery_pending(UnixMs written_at, UnixMs now) {
  return now.ms < written_at.ms || now.ms - written_at.ms < recovery_pending_ms;
}

// Whether a device that finds itself removed wipes its keys now. Not while it might still veto the recovery on which
// its removal stands: a thief with the paper key removes those first who could stop it. `seen_at`: when this device, by
// its own clock, first saw the oldest recovery that counts; none: it saw none.
bool must_wipe(const IdentityState& state, const AuthorKey& self, std::optional<UnixMs> seen_at, UnixMs now);

// The connection as both sides see it.
struct RecoveryChannel {
  Exporter exporter;
  crypto::PublicKey recoverer;
  crypto::PublicKey member;
};

struct RecoveryRequest {
  Did did;
  crypto::PublicKey paper;
  crypto::Signature signature;
  friend bool operator==(const RecoveryRequest&, const RecoveryRequest&) = default;
};

RecoveryRequest make_recovery_request(const PaperKey& paper, const Did& did, const RecoveryChannel& channel);
Bytes encode_recovery_request(const RecoveryRequest& request);
// Strict. Errors: recovery_bad_message, limit_exceeded, DAG-CBOR's.
Result<RecoveryRequest> decode_recovery_request(ByteView bytes);

// For the member, which may be blind: by the paper key in force. Errors: recovery_wrong_key (another pod, another or an
// older paper, or a signature that does not verify here).
Status check_recovery_request(const RecoveryRequest& request, const IdentityState& state,
                              const RecoveryChannel& channel);

// The member's yes: what everything else is verified from.
struct RecoveryGrant {
  Bytes genesis;  // Stream zero's block. Its hash is the DID.
  friend bool operator==(const RecoveryGrant&, const RecoveryGrant&) = default;
};
inline constexpr std::size_t recovery_genesis_bytes_max = 1024;
Bytes encode_recovery_grant(const RecoveryGrant& grant);
// Strict. Errors: recovery_bad_message, limit_exceeded, DAG-CBOR's.
Result<RecoveryGrant> decode_recovery_grant(ByteView bytes);
// For the recoverer: is it the genesis of the pod that the paper names? Errors: sync_wrong_pod, and those of the
// genesis' decoder.
Status check_recovery_grant(const RecoveryGrant& grant, const Did& did);

// The member's side, before anything is proved: who waits, how long, and how often anybody may try. It keeps a few
// numbers for each stream that is open and nothing else.
//
// Invariants:
//   1. at most waiting_max streams wait, each for at most patience;
//   2. a stream gets one try, and all together tries_burst at once and one a try_every in the long run: what exceeds
//      that costs no signature check;
//   3. every refusal looks the same from outside.
class RecoveryDoor {
 public:
  static constexpr std::size_t waiting_max = 16;
  static constexpr Duration patience = seconds(10);
  static constexpr std::uint32_t tries_burst = 16;
  static constexpr Duration try_every = milliseconds(250);

  // A stream was opened. False: too many wait; reset it.
  bool opened(Tick now, ConnectionId stream);
  void closed(ConnectionId stream) { waiting_.erase(stream); }
  // Its first frame. Success: the frame to answer with. Errors: those of check_recovery_request and of the decoder,
  // limit_exceeded; whatever it is, reset the stream and tell the other side nothing.
  Result<Bytes> knock(Tick now, ConnectionId stream, const RecoveryChannel& channel, const IdentityState& state,
                      ByteView genesis, ByteView frame);
  // Streams whose patience is over, which are forgotten: reset them.
  std::vector<ConnectionId> expire(Tick now);
  std::optional<Tick> wake_at() const;

 private:
  std::map<ConnectionId, Tick> waiting_;  // Until when.
  std::uint32_t tries_ = tries_burst;
  Tick filled_at_;
};

}  // namespace rz::identity
