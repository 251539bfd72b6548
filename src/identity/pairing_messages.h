// What inviter and newcomer say to each other over one TLS connection (docs/formats/pairing.md): DAG-CBOR arrays, the
// kind first, at most pairing_message_bytes_max, strict.
//
//   newcomer                                   inviter
//   [0, version, proof, box key, name,
//    browser]                            ->
//                                        <-    [1, proof]                        or  [2, reason]
//                                              (the owner says yes)
//                                        <-    [3, genesis, kind, addition, chain, heads, addresses,
//                                               configuration]
//   [4]  welcome is durable              ->
//   [5]  gives up                        ->
//
// Both proofs are HMACs under the code over the TLS exporter, the role and both device keys: a proof heard on one
// connection is worth nothing on another, and neither side can send the other's proof back.
#pragma once

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "crypto/box.h"
#include "crypto/secret.h"
#include "crypto/sign.h"
#include "identity/join_code.h"
#include "ipld/multiaddr.h"
#include "log/control.h"

namespace rz::identity {

inline constexpr std::uint64_t pairing_version = 1;
inline constexpr std::size_t pairing_message_bytes_max = 64 * 1024;
inline constexpr std::size_t device_name_bytes_max = 64;
inline constexpr std::size_t welcome_addresses_max = 64;
inline constexpr std::size_t welcome_heads_max = 256;
inline constexpr std::size_t welcome_genesis_bytes_max = 1024;
inline constexpr std::size_t welcome_configuration_bytes_max = 32 * 1024;

// The TLS exporter's label (RFC 8446 section 7.5, RFC 5705); the context is empty, 32 bytes are taken.
inline constexpr std::string_view pairing_exporter_label = "EXPORTER-rhizome-pairing-v1";
struct ExporterTag;
using Exporter = FixedBytes<ExporterTag, 32>;

struct ProofTag;
using Proof = FixedBytes<ProofTag, 32>;

using log::DeviceKind;

enum class RefusalReason : std::uint8_t {
  wrong_code = 0,
  used_code = 1,
  expired_code = 2,
  locked_code = 3,  // After too many wrong tries.
  declined = 4,     // The owner said no.
  cancelled = 5,    // The owner withdrew the code, or the inviter gave up.
  timed_out = 6,    // Nobody said yes in time.
  failed = 7,       // The addition could not be signed or stored.
};

struct Prove {
  Proof proof;
  crypto::BoxPublicKey box_key;
  std::string name;      // What the newcomer calls itself: shown to the owner, at most device_name_bytes_max.
  bool browser = false;  // It is a browser profile, whose store may vanish.
  friend bool operator==(const Prove&, const Prove&) = default;
};

struct Accept {
  Proof proof;
  friend bool operator==(const Accept&, const Accept&) = default;
};

struct Refuse {
  RefusalReason reason = RefusalReason::failed;
  friend bool operator==(const Refuse&, const Refuse&) = default;
};

// All that a newcomer needs to start syncing. Stream zero itself comes by sync and is checked against `genesis`.
struct Welcome {
  Bytes genesis;                           // Stream zero's genesis block: its digest is the DID.
  DeviceKind kind = DeviceKind::personal;  // As what the newcomer was added.
  log::EventId addition;                   // The event of stream zero that adds it: `prev` of its first event there.
  log::EventId chain;                      // The last of the chained operations that count for the inviter (fold.h).
  std::vector<log::EventId> heads;         // Of stream zero, as the inviter has it: ascending.
  std::vector<ipld::Multiaddr> addresses;  // Where members listen.
  Bytes configuration;                     // Raft's, opaque here.
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

struct Received {
  friend bool operator==(const Received&, const Received&) = default;
};
struct GiveUp {
  friend bool operator==(const GiveUp&, const GiveUp&) = default;
};

using PairingMessage = std::variant<Prove, Accept, Refuse, Welcome, Received, GiveUp>;

// Errors: limit_exceeded, pairing_bad_message (a name that is too long or has control characters, heads out of order).
Result<Bytes> encode_pairing(const PairingMessage& message);

// Errors: pairing_bad_message (unknown kind or reason, a version that is not spoken here, a name or key that is none),
// limit_exceeded, and those of DAG-CBOR with their offset.
Result<PairingMessage> decode_pairing(ByteView bytes);

enum class PairingRole : std::uint8_t { newcomer = 0, inviter = 1 };

// What a proof is bound to.
struct PairingChannel {
  Exporter exporter;
  crypto::PublicKey newcomer;
  crypto::PublicKey inviter;
};

// The key of both proofs: kept instead of the secret, so that a burnt code can be told from a wrong one.
crypto::Secret32 pairing_key(const JoinSecret& secret);
Proof make_proof(const crypto::Secret32& pairing_key, PairingRole role, const PairingChannel& channel);
// In constant time.
bool check_proof(const crypto::Secret32& pairing_key, PairingRole role, const PairingChannel& channel,
                 const Proof& proof);

// Eight characters, "7KQ2-M0XR", shown on both screens: 40 bits of a hash over the channel. They differ if anybody
// stands between the two.
std::string pairing_fingerprint(const PairingChannel& channel);

// Device names: valid UTF-8 without control characters, 1 to device_name_bytes_max bytes. Errors: bad_argument.
Status check_device_name(std::string_view name);

}  // namespace rz::identity
