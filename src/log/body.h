// The body of an operations event, and how it is sealed (docs/formats/event.md).
//
//   body (plaintext) = [format: Int, schema: Link | null, payload: Bytes]
//   sealed           = SIV(key, header with `body` zeroed, plaintext): 24 bytes longer, deterministic, key-committing
//
// The key of an epoch and a stream is derived once (`BodyKey`) and then seals any number of bodies. A body in a public
// stream, and every control body, is stored as it is.
#pragma once

#include <optional>

#include "crypto/secret.h"
#include "crypto/siv.h"
#include "log/header.h"

namespace rz::log {

// Which codec `payload` is in: numbers of the format, given out here once.
enum class BodyFormat : std::uint64_t {
  about = 0,     // The opening of the genesis' `about`: payload is encode_about(...).
  document = 1,  // Operations of the document engine.
  raw = 2,       // Bytes that a custom reducer understands.
  blob = 3,      // Bytes of a file, whole.
};

struct OperationsBody {
  std::uint64_t format = 0;       // A BodyFormat, or one of a later version.
  std::optional<Hash256> schema;  // The digest of the schema's block; none: as before in this feed.
  Bytes payload;
  friend bool operator==(const OperationsBody&, const OperationsBody&) = default;
};

// At most body_bytes_max. Errors: body_too_large.
Result<Bytes> encode_operations_body(const OperationsBody& body);
Result<OperationsBody> decode_operations_body(ByteView plaintext);

// The key that seals the bodies of one stream in one epoch:
// kdf(kdf(epoch_key, "rhizome stream v1", stream), "rhizome body v1", epoch).
class BodyKey {
 public:
  BodyKey(const crypto::Secret32& epoch_key, const StreamId& stream, const EpochId& epoch);

  // Fills in header.body and header.size and returns the ciphertext. header.epoch must be this key's and not zero.
  Result<Bytes> seal(Header& header, ByteView plaintext) const;

  // Errors: not_authentic, sealed_too_short, body_hash_mismatch.
  Result<Bytes> open(const Header& header, ByteView sealed) const;

  const EpochId& epoch() const { return epoch_; }

 private:
  crypto::SivKey siv_;
  EpochId epoch_;
};

// stream zero's epochs serve a stream that only the pod's devices read: key = kdf(epoch key, ..., stream). This is the
// inner key above, on its own for whoever wraps it.
crypto::Secret32 stream_key(const crypto::Secret32& epoch_key, const StreamId& stream);

// The key of a joint epoch: kdf over the opened keys in the order of the epochs' ids.
crypto::Secret32 joint_epoch_key(const std::vector<const crypto::Secret32*>& keys_by_epoch_id, const StreamId& stream);

// What an epoch event says about its key without giving it away: kdf(key, "rhizome epoch commitment v1", stream).
Hash256 key_commitment(const crypto::Secret32& epoch_key, const StreamId& stream);

// For plaintext bodies (control, public): fills in header.body and header.size. Errors: body_too_large.
Status set_plain_body(Header& header, ByteView body);

// Whether `body` is what the header names. Errors: body_hash_mismatch, body_size_mismatch.
Status check_body(const Header& header, ByteView body);

}  // namespace rz::log
