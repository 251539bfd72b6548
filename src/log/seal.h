// A seal: an author's signature on a head, which vouches for all of the feed before it, because `prev` chains it
// (docs/formats/seal.md). What is signed: the domain and the head's CID.
#pragma once

#include "crypto/sign.h"
#include "log/ids.h"

namespace rz::log {

inline constexpr std::string_view seal_domain = "rhizome seal v1";

struct Seal {
  EventId head;
  crypto::Signature signature;
  friend bool operator==(const Seal&, const Seal&) = default;
};

Seal make_seal(const crypto::SigningKey& author, const EventId& head);
bool verify_seal(const AuthorKey& author, const Seal& seal);

Bytes encode_seal(const Seal& seal);       // [head: Link, signature: Bytes(64)]
Result<Seal> decode_seal(ByteView block);  // Strict. Errors: those of the DAG-CBOR reader.

// Whoever can show two seals of one feed, neither head in the other's past, shows that its author forked it.
struct ForkEvidence {
  FeedName feed;
  Seal first;  // The smaller head.
  Seal second;
  friend bool operator==(const ForkEvidence&, const ForkEvidence&) = default;
};

}  // namespace rz::log
