// Control bodies: plaintext, [right needed, operation, arguments ...], one struct an operation
// (docs/formats/control.md).
//
// This room fixes the bytes. What the stream's operations mean is in counts.h; what stream zero's mean, one level up,
// in identity. An operation this version doesn't know is kept as `Unknown`, byte for byte.
//
// Invariants of what `decode_control` lets through: lists are ascending and unique, within limits.h; the right named is
// the operation's own; encode(decode(bytes)) == bytes.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/tick.h"
#include "crypto/box.h"
#include "log/genesis.h"
#include "log/ids.h"
#include "log/rights.h"

namespace rz::log {

// --- Of any stream ---------------------------------------------------------------------------------------------------

// Who is meant: one key, or all devices of a pod (which come in by `enter`).
enum class AudienceKind : std::uint8_t { author = 0, did = 1 };
struct Audience {
  AudienceKind kind = AudienceKind::author;
  Hash256 key;  // An AuthorKey or a Did.
  static Audience of(const AuthorKey& author) { return {AudienceKind::author, Hash256{author.bytes}}; }
  static Audience of(const Did& did) { return {AudienceKind::did, Hash256{did.bytes}}; }
  friend bool operator==(const Audience&, const Audience&) = default;
};

// Gives `rights` over the part of the stream under `path`. `proof` is the grant that the granter holds; none: the
// granter is a device of the owner.
struct Grant {
  Audience audience;
  RightSet rights;
  std::string path;               // A JSON-pointer-like prefix in the stream's root; empty: all of it.
  std::optional<UnixMs> expires;  // Enforced by who serves; only a revocation has effect.
  std::optional<EventId> proof;
  friend bool operator==(const Grant&, const Grant&) = default;
};

// Takes back grants to `audience` that descend from the revoker's own: all of them, or just `grant` and what descends
// from it. A grant with this revocation in its past is a new one and stands. `heads`: the revoked feeds, as seen.
struct Revoke {
  Audience audience;
  std::optional<EventId> grant;
  std::vector<EventId> heads;
  friend bool operator==(const Revoke&, const Revoke&) = default;
};

// A key, wrapped for one reader.
struct Wrap {
  crypto::BoxPublicKey reader;
  Bytes sealed;  // crypto::box_seal of the 32 bytes: 80 bytes.
  friend bool operator==(const Wrap&, const Wrap&) = default;
};
struct Commitment {
  EpochId epoch;
  Hash256 commitment;  // key_commitment(key, stream)
  friend bool operator==(const Commitment&, const Commitment&) = default;
};

// Opens a key; its EventId is the EpochId. A joint epoch names the maximal epochs it unites and wraps nothing.
struct OpenEpoch {
  std::vector<EpochId> joins;  // Ascending; empty unless joint, then at least two.
  Hash256 commitment;
  std::vector<Wrap> wraps;        // Ascending by reader.
  std::vector<Commitment> older;  // Ascending by epoch: commitments repeated for a newcomer.
  friend bool operator==(const OpenEpoch&, const OpenEpoch&) = default;
};
struct MoreWraps {
  EpochId epoch;
  std::vector<Wrap> wraps;
  friend bool operator==(const MoreWraps&, const MoreWraps&) = default;
};

// Opens a branch on top of `heads`; feeds whose seq 0 names this event belong to it. Its opener may write in any case.
struct Branch {
  std::vector<EventId> heads;
  std::vector<AuthorKey> writers;
  friend bool operator==(const Branch&, const Branch&) = default;
};

// Lets the closure of `heads` into C; `events` (none: all) have effect by the accepter's right.
struct Accept {
  std::vector<EventId> heads;
  std::optional<std::vector<EventId>> events;
  friend bool operator==(const Accept&, const Accept&) = default;
};

// Seq 0 of a feed in another pod's stream: a friend's device under a key drawn afresh.
struct Enter {
  EventId grant;                // To the friend's DID (which `prev` names).
  EventId added;                // The operation in the friend's stream zero, or its genesis, that added the device.
  crypto::Signature by_device;  // enter_statement(author, stream) under the device's key.
  friend bool operator==(const Enter&, const Enter&) = default;
};

struct Erase {
  struct Item {
    EventId event;
    BodyHash redacted;  // Same structure and lengths, content gone; sealed as the old body was.
    friend bool operator==(const Item&, const Item&) = default;
  };
  std::vector<Item> items;  // Ascending by event.
  friend bool operator==(const Erase&, const Erase&) = default;
};

// Truncation: once a cut holds it, what lies in its past may be dropped.
struct Root {
  struct Head {
    EventId event;
    std::uint64_t depth = 0;
    std::uint64_t own = 0;
    UnixMs effective;  // eff(head)
    friend bool operator==(const Head&, const Head&) = default;
  };
  struct Author {
    AuthorKey author;
    std::uint64_t depth = 0;  // The greatest in the root's past.
    std::uint64_t own = 0;
    UnixMs effective;
    friend bool operator==(const Author&, const Author&) = default;
  };
  std::vector<Head> heads;        // Ascending by event.
  std::vector<Author> authors;    // Ascending by author.
  Hash256 state;                  // Digest of the state's root block.
  std::vector<EventId> controls;  // Control events still needed.
  friend bool operator==(const Root&, const Root&) = default;
};

// A block or DAG of ciphertext, announced so that a blind member can meter, keep and collect it.
struct Blob {
  std::uint64_t codec = 0x55;  // Of its CIDv1: raw, dag-pb or dag-cbor.
  Hash256 digest;
  std::uint64_t bytes = 0;
  friend bool operator==(const Blob&, const Blob&) = default;
};
struct Attach {
  std::vector<Blob> blobs;  // Ascending by (codec, digest).
  friend bool operator==(const Attach&, const Attach&) = default;
};
struct Release {
  std::vector<Blob> blobs;
  friend bool operator==(const Release&, const Release&) = default;
};

// --- Of the catalogue ------------------------------------------------------------------------------------------------

enum class Keeping : std::uint8_t { kept = 0, followed = 1 };
struct List {
  Bytes genesis;  // The stream's genesis block, which names owner and visibility.
  Keeping keeping = Keeping::kept;
  friend bool operator==(const List&, const List&) = default;
};
struct Unlist {
  StreamId stream;
  friend bool operator==(const Unlist&, const Unlist&) = default;
};

// --- Of stream zero
// ---------------------------------------------------------------------------------------------------

enum class DeviceKind : std::uint8_t {
  personal = 0,
  cloud = 1,    // Always on, no screen, no voice in identity.
  browser = 2,  // A personal device whose store may vanish: a learner for ever.
};

// One established device's signature under endorsement_message(...).
struct CoSignature {
  AuthorKey author;
  crypto::Signature signature;
  friend bool operator==(const CoSignature&, const CoSignature&) = default;
};
// The paper key speaking: the recovery signing key, revealed, over the same message.
struct PaperSignature {
  crypto::PublicKey key;
  crypto::Signature signature;
  friend bool operator==(const PaperSignature&, const PaperSignature&) = default;
};
// By what an operation that one device may not do alone is carried: a majority of established devices (the event's
// author counts without a co-signature), or the paper key.
struct Endorsement {
  std::vector<CoSignature> devices;  // Ascending by author.
  std::optional<PaperSignature> paper;
  friend bool operator==(const Endorsement&, const Endorsement&) = default;
};

struct AddDevice {
  AuthorKey device;
  crypto::BoxPublicKey box;
  DeviceKind kind = DeviceKind::personal;
  std::string name;                    // As its owner calls it.
  std::optional<Hash256> fingerprint;  // Of the pairing that the owner said yes to.
  friend bool operator==(const AddDevice&, const AddDevice&) = default;
};
struct ConfirmDevice {
  AuthorKey device;
  EventId added;  // The AddDevice event.
  Endorsement endorsement;
  friend bool operator==(const ConfirmDevice&, const ConfirmDevice&) = default;
};
struct SuspendDevice {
  AuthorKey device;
  friend bool operator==(const SuspendDevice&, const SuspendDevice&) = default;
};
struct LiftSuspension {
  AuthorKey device;
  std::vector<EventId> suspensions;  // The SuspendDevice events it lifts: a later one is a new one.
  Endorsement endorsement;
  friend bool operator==(const LiftSuspension&, const LiftSuspension&) = default;
};
// The operations below form one chain: `predecessors` names the one before (two after a contest; none: the genesis).
struct RemoveDevice {
  AuthorKey device;
  Hash256 cut;  // head_tree root over the heads of the device's feeds in every stream.
  std::vector<EventId> predecessors;
  Endorsement endorsement;
  friend bool operator==(const RemoveDevice&, const RemoveDevice&) = default;
};
// A device's keys are replaced: `device` counts as removed with `cut`, `successor` as added with its standing.
struct RotateKeys {
  AuthorKey device;
  AuthorKey successor;
  crypto::BoxPublicKey successor_box;
  crypto::Signature possession;  // By the successor, under rotation_message(did, device, successor, box).
  Hash256 cut;
  std::vector<EventId> predecessors;
  Endorsement endorsement;
  friend bool operator==(const RotateKeys&, const RotateKeys&) = default;
};
struct SetPolicy {
  Bytes policy;  // Identity gives it meaning.
  std::vector<EventId> predecessors;
  Endorsement endorsement;
  friend bool operator==(const SetPolicy&, const SetPolicy&) = default;
};
// Replaces all services in the DID Document.
struct SetServices {
  struct Service {
    std::string id;
    std::string type;
    std::string endpoint;
    friend bool operator==(const Service&, const Service&) = default;
  };
  std::vector<Service> services;  // Ascending by id.
  friend bool operator==(const SetServices&, const SetServices&) = default;
};
// The paper key adds `device`, whose own feed begins with this (seq 0, `prev` the DID), and commits to the next paper.
// Its endorsement's `paper` is present.
struct Recover {
  AddDevice device;
  Hash256 next_recovery_hash;
  crypto::BoxPublicKey next_recovery_box;
  std::vector<EventId> predecessors;
  Endorsement endorsement;
  friend bool operator==(const Recover&, const Recover&) = default;
};
struct Veto {
  EventId recovery;
  Endorsement endorsement;
  friend bool operator==(const Veto&, const Veto&) = default;
};
// Founds a new generation of the cluster; the event's own id breaks ties between equal numbers.
struct FoundGeneration {
  std::uint64_t number = 0;       // Above every one seen.
  std::optional<Hash256> after;   // Hash of the last Raft entry known of the generation before.
  std::vector<AuthorKey> voters;  // Its first configuration, ascending.
  friend bool operator==(const FoundGeneration&, const FoundGeneration&) = default;
};

// What a device is called from now on; of concurrent names the last in the log's order wins. The first device has none
// but by this, and any personal device may name any.
struct NameDevice {
  AuthorKey device;
  std::string name;
  friend bool operator==(const NameDevice&, const NameDevice&) = default;
};

// An operation of a later version: kept, stored, synced and cut, but what has it in its past isn't folded here if its
// author has the right that it names.
struct Unknown {
  std::string operation;
  Bytes arguments;  // The encoded items after the operation, one after the other.
  std::uint64_t argument_count = 0;
  friend bool operator==(const Unknown&, const Unknown&) = default;
};

using Operation = std::variant<Grant, Revoke, OpenEpoch, MoreWraps, Branch, Accept, Enter, Erase, Root, Attach, Release,
                               List, Unlist, AddDevice, ConfirmDevice, SuspendDevice, LiftSuspension, RemoveDevice,
                               RotateKeys, SetPolicy, SetServices, Recover, Veto, FoundGeneration, NameDevice, Unknown>;

struct ControlBody {
  std::string right;  // That its author needs; for a known operation always right_needed(operation).
  Operation operation;
  friend bool operator==(const ControlBody&, const ControlBody&) = default;
};

// The operation's name on the wire: "grant", "epoch", "add" ...
std::string_view operation_name(const Operation& operation);
// Empty for Unknown, whose right is in its body.
std::string_view right_needed(const Operation& operation);

// A body ready to be encoded. The operation is not Unknown.
ControlBody control(Operation operation);

// Errors: limit_exceeded; list_order (a list out of order).
Result<Bytes> encode_control(const ControlBody& body);

// Strict. Errors: those of the DAG-CBOR reader, control_right, list_order, control_value, limit_exceeded, each with the
// offset.
Result<ControlBody> decode_control(ByteView body);

// --- What is signed beside events
// --------------------------------------------------------------------------------------

inline constexpr std::string_view endorsement_domain = "rhizome endorsement v1";
inline constexpr std::string_view enter_domain = "rhizome enter v1";
inline constexpr std::string_view rotation_domain = "rhizome rotation v1";

// What co-signers and the paper key sign: [stream, author, control body with its endorsement emptied]. The author is
// the event's. It needs no header: predecessors or subjects make it unique.
Bytes endorsement_message(const StreamId& stream, const AuthorKey& author, const Operation& operation);
// The operation's endorsement, if it has one.
const Endorsement* endorsement_of(const Operation& operation);
Endorsement* endorsement_of(Operation& operation);

Bytes enter_message(const AuthorKey& author, const StreamId& stream);
Bytes rotation_message(const Did& did, const AuthorKey& device, const AuthorKey& successor,
                       const crypto::BoxPublicKey& box);

}  // namespace rz::log
