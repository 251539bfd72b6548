#include "identity/did.h"

#include "ipld/cid.h"
#include "ipld/dag_json.h"
#include "ipld/multibase.h"
#include "log/genesis.h"

namespace rz::identity {

namespace {

using ipld::Value;
using Entries = std::vector<std::pair<std::string_view, Value>>;

constexpr std::string_view method_prefix = "did:rhizome:";

// Keys are ours and distinct.
Value map_of(Entries entries) {
  auto map = Value::map(std::move(entries));
  RZ_ASSERT(map.has_value());
  return *std::move(map);
}

std::string multikey(std::uint8_t codec, ByteView key) {
  Bytes bytes = {codec, 0x01};  // 0xed and 0xec take two bytes as varints.
  append(bytes, key);
  auto text = ipld::multibase_encode(ipld::Multibase::base58_btc, bytes);
  RZ_ASSERT(text.has_value());
  return *std::move(text);
}

Value verification_method(const std::string& did, const std::string& key) {
  return map_of({{"id", Value::text(words(did, "#", key))},
                 {"type", Value::text("Multikey")},
                 {"controller", Value::text(did)},
                 {"publicKeyMultibase", Value::text(key)}});
}

Value service_value(const std::string& did, const log::SetServices::Service& service) {
  return map_of({{"id", Value::text(words(did, "#", service.id))},
                 {"type", Value::text(service.type)},
                 {"serviceEndpoint", Value::text(service.endpoint)}});
}

}  // namespace

Result<log::Did> parse_did(std::string_view text) {
  if (text.size() > did_text_bytes_max) return fail(ErrorCode::limit_exceeded, "far too long for a DID");
  if (!text.starts_with(method_prefix)) {
    return fail_at(ErrorCode::did_malformed, 0, "a DID of this method begins with did:rhizome:");
  }
  const auto id = text.substr(method_prefix.size());
  if (const auto more = id.find_first_of("/?#"); more != std::string_view::npos) {
    return fail_at(ErrorCode::did_malformed, method_prefix.size() + more, "a DID has no path, query or fragment");
  }
  auto cid = ipld::Cid::parse(id);
  if (!cid) {
    return fail_at(ErrorCode::did_malformed, method_prefix.size(), words("not a CID: ", cid.error().message));
  }
  const auto digest =
      cid->version() == 1 && cid->codec() == ipld::Codec::dag_cbor ? cid->sha256_digest() : std::nullopt;
  if (!digest) {
    return fail_at(ErrorCode::did_malformed, method_prefix.size(), "not the CID of a DAG-CBOR block by SHA-256");
  }
  const log::Did did{digest->bytes};
  if (log::did_text(did) != text) {
    return fail_at(ErrorCode::did_malformed, method_prefix.size(), "a DID is written in lower-case base32");
  }
  return did;
}

std::string multikey_text(const crypto::PublicKey& key) { return multikey(0xed, key.view()); }
std::string multikey_text(const crypto::BoxPublicKey& key) { return multikey(0xec, key.view()); }

Value did_document(const IdentityState& state) {
  const std::string did = log::did_text(state.did);
  std::vector<Value> methods, signing, agreement, services;
  for (const auto& device : state.devices) {
    if (!device.may_speak()) continue;
    const auto sign = multikey_text(device.key);
    const auto box = multikey_text(device.box);
    methods.push_back(verification_method(did, sign));
    methods.push_back(verification_method(did, box));
    signing.push_back(Value::text(words(did, "#", sign)));
    agreement.push_back(Value::text(words(did, "#", box)));
  }
  for (const auto& service : state.services) services.push_back(service_value(did, service));
  const Value signers = Value::list(signing);
  return map_of({{"@context", Value::list({Value::text("https://www.w3.org/ns/did/v1"),
                                           Value::text("https://w3id.org/security/multikey/v1")})},
                 {"id", Value::text(did)},
                 {"verificationMethod", Value::list(std::move(methods))},
                 {"authentication", signers},
                 {"assertionMethod", signers},
                 {"capabilityInvocation", signers},
                 {"keyAgreement", Value::list(std::move(agreement))},
                 {"service", Value::list(std::move(services))}});
}

std::string did_document_json(const IdentityState& state) {
  auto bytes = ipld::dag_json::encode(did_document(state));
  RZ_ASSERT(bytes.has_value());  // Texts in the state were decoded as UTF-8.
  return std::string(as_text(*bytes));
}

Value did_document_metadata(const IdentityState& state) {
  return map_of({{"versionId", Value::text(std::to_string(state.operations_count))},
                 {"contested", Value::boolean(state.contest.has_value())}});
}

}  // namespace rz::identity
