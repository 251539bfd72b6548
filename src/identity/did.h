// The DID and its document (W3C DID Core 1.0), folded from stream zero (docs/formats/did.md).
//
//   did:rhizome:<CID of stream zero's genesis, base32>
//
// The document lists what others need: the signing and box keys of the devices that count, and the services. It names
// no device, because names are for the owner. Cloud peers have no voice and so no key in it.
#pragma once

#include <string>
#include <string_view>

#include "identity/fold.h"
#include "ipld/value.h"

namespace rz::identity {

inline constexpr std::size_t did_text_bytes_max = 128;

// The inverse of log::did_text; a DID URL's path, query and fragment are refused. Errors: did_malformed (another
// method, not the CID of a DAG-CBOR block by sha2-256, not in its one text form), limit_exceeded.
Result<log::Did> parse_did(std::string_view text);

// publicKeyMultibase of a Multikey: base58btc of the multicodec (Ed25519 0xed, X25519 0xec) and the key.
std::string multikey_text(const crypto::PublicKey& key);
std::string multikey_text(const crypto::BoxPublicKey& key);

// The document as a map of DAG-CBOR: what the pod snapshot's root holds. Equal states, equal values.
ipld::Value did_document(const IdentityState& state);

// The same as JSON text, as a resolver gives it out (application/did+ld+json).
std::string did_document_json(const IdentityState& state);

// Beside the document: {versionId: the number of identity operations that count, contested: Bool}.
ipld::Value did_document_metadata(const IdentityState& state);

}  // namespace rz::identity
