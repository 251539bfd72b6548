// Recovery: everything is lost but the paper. Whoever holds it proves so to a member (often a blind cloud peer), is
// served ciphertext and wrapped keys, and then writes the recovery (make_recovery in operations.h), which commits to
// the next paper (docs/formats/paper.md).
//
//   recoverer -> member:  [version, did, paper signing key, signature]
//
// The signature is over the DID, the TLS exporter and both TLS keys: it is worth nothing on another connection.
#pragma once

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

}  // namespace rz::identity
