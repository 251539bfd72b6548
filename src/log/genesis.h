// How a stream begins: the block whose digest is the stream's name (docs/formats/genesis.md).
//
//   stream:       [version, owner: Bytes(32), public: Bool, policy: Bytes, nonce: Bytes(16), about: Bytes(32)]
//   stream zero:  [version, signing key, box key, recovery hash, recovery box key, locator: five times Bytes(32)]
//
// A blind member sees `about` only: the hash of [type, first schema, salt], which the stream's first event opens.
#pragma once

#include <optional>
#include <string>

#include "crypto/box.h"
#include "log/ids.h"
#include "log/limits.h"

namespace rz::log {

inline constexpr std::uint64_t genesis_version = 1;

struct NonceTag;
using Nonce = FixedBytes<NonceTag, 16>;

// What a stream is for.
struct About {
  std::string type;                     // "rhizome/document", say.
  std::optional<Hash256> first_schema;  // The digest of the schema's block; none: schemaless.
  Nonce salt;                           // Random, so that nobody can guess the rest from the hash.
};
Bytes encode_about(const About& about);
Result<About> decode_about(ByteView block);
Hash256 about_hash(const About& about);

enum class Visibility : std::uint8_t { sealed = 0, open = 1 };  // In the block: is it public?

struct Genesis {
  Did owner;
  Visibility visibility = Visibility::sealed;
  Bytes policy;  // Opaque here; empty: the default. At most small_bytes_max.
  Nonce nonce;
  Hash256 about;
  friend bool operator==(const Genesis&, const Genesis&) = default;
};

Bytes encode_genesis(const Genesis& genesis);
Result<Genesis> decode_genesis(
    ByteView block);  // Errors: genesis_version, those of the DAG-CBOR reader, limit_exceeded.
StreamId stream_id(const Genesis& genesis);

// Stream zero: the identity log. It has no owner in its genesis; its digest is the DID.
struct IdentityGenesis {
  AuthorKey device;                   // The first device's signing key.
  crypto::BoxPublicKey device_box;    // The key to which epoch keys are wrapped for it.
  Hash256 recovery_hash;              // SHA-256 of the recovery signing key, which stays hidden until it is used.
  crypto::BoxPublicKey recovery_box;  // Epoch keys are wrapped to it too.
  crypto::PublicKey locator;          // An Ed25519 key used only for IPNS hints.
  friend bool operator==(const IdentityGenesis&, const IdentityGenesis&) = default;
};

Bytes encode_identity_genesis(const IdentityGenesis& genesis);
Result<IdentityGenesis> decode_identity_genesis(ByteView block);
Did did_of(const IdentityGenesis& genesis);

// SHA-256 of a genesis block of either kind.
StreamId stream_id_of_block(ByteView genesis_block);

// "did:rhizome:" and the DID's CID in base32, the form people see.
std::string did_text(const Did& did);

// The catalogue (stream one): its genesis follows from the DID alone, so every device names it alike.
Genesis catalogue_genesis(const Did& did);

}  // namespace rz::log
