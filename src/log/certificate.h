// A certificate: a majority of a configuration's voters' signatures over (domain, DID, entry hash). It proves order to
// outsiders, who get it with the head tree's branch for their stream. It proves no authority
// (docs/formats/certificate.md).
#pragma once

#include <vector>

#include "crypto/sign.h"
#include "log/entry.h"

namespace rz::log {

inline constexpr std::string_view certificate_domain = "rhizome certificate v1";

struct VoterSignature {
  AuthorKey voter;
  crypto::Signature signature;
  friend bool operator==(const VoterSignature&, const VoterSignature&) = default;
};

struct Certificate {
  EntryHeader entry;
  std::vector<VoterSignature> signatures;  // Ascending by voter.
  friend bool operator==(const Certificate&, const Certificate&) = default;
};

// DID (32 bytes) and entry hash (32 bytes).
Bytes certificate_message(const Did& did, const Hash256& entry_hash);
VoterSignature sign_entry(const crypto::SigningKey& voter, const Did& did, const EntryHeader& entry);
bool verify_entry(const Did& did, const EntryHeader& entry, const VoterSignature& signature);

// `voters` ascending; of a joint configuration call it for both. Signatures by others don't count and don't harm.
// Errors: certificate_minority, certificate_signature (a voter's signature that does not verify).
Status verify_certificate(const Certificate& certificate, const Did& did, const std::vector<AuthorKey>& voters);

Bytes encode_certificate(const Certificate& certificate);  // [entry, [[voter, signature], ...]]
Result<Certificate> decode_certificate(ByteView block);

// Two different entries signed by one voter for the same generation, term and index.
struct Equivocation {
  EntryHeader first;
  EntryHeader second;
  VoterSignature on_first;
  VoterSignature on_second;
  friend bool operator==(const Equivocation&, const Equivocation&) = default;
};
// Errors: equivocation_unproven.
Status verify_equivocation(const Equivocation& proof, const Did& did);

Bytes encode_equivocation(const Equivocation& proof);
Result<Equivocation> decode_equivocation(ByteView block);

}  // namespace rz::log
