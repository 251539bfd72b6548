#include "log/certificate.h"

#include <algorithm>

#include "log/entry_codec.h"

namespace rz::log {
namespace {

void put_signature(Bytes& out, const VoterSignature& by) {
  cbor::put_array(out, 2);
  codec::put_fixed(out, by.voter);
  codec::put_fixed(out, by.signature);
}

Status read_signature(codec::Reader& reader, VoterSignature& by) {
  RZ_CHECK(reader.expect_array(2));
  RZ_CHECK(reader.expect_fixed(by.voter));
  return reader.expect_fixed(by.signature);
}

}  // namespace

Bytes certificate_message(const Did& did, const Hash256& entry_hash) {
  Bytes message = to_bytes(did.view());
  append(message, entry_hash.view());
  return message;
}

VoterSignature sign_entry(const crypto::SigningKey& voter, const Did& did, const EntryHeader& entry) {
  return {voter.public_key(), voter.sign(certificate_domain, certificate_message(did, entry_hash(entry)))};
}

bool verify_entry(const Did& did, const EntryHeader& entry, const VoterSignature& by) {
  return crypto::verify(by.voter, certificate_domain, certificate_message(did, entry_hash(entry)), by.signature);
}

Status verify_certificate(const Certificate& certificate, const Did& did, const std::vector<AuthorKey>& voters) {
  const Bytes message = certificate_message(did, entry_hash(certificate.entry));
  std::size_t signed_by = 0;
  for (std::size_t i = 0; i < voters.size(); ++i) {
    const AuthorKey& voter = voters[i];
    if (i > 0 && !(voters[i - 1] < voter)) return fail(ErrorCode::list_order, "voters must ascend");
    const auto found = std::find_if(certificate.signatures.begin(), certificate.signatures.end(),
                                    [&voter](const VoterSignature& by) { return by.voter == voter; });
    if (found == certificate.signatures.end()) continue;
    if (!crypto::verify(voter, certificate_domain, message, found->signature)) {
      return fail(ErrorCode::certificate_signature, words("voter ", voter.brief()));
    }
    ++signed_by;
  }
  if (signed_by * 2 <= voters.size()) {
    return fail(ErrorCode::certificate_minority, words(signed_by, " of ", voters.size(), " voters signed"));
  }
  return {};
}

Bytes encode_certificate(const Certificate& certificate) {
  Bytes out;
  cbor::put_array(out, 2);
  codec::put_entry(out, certificate.entry);
  cbor::put_array(out, certificate.signatures.size());
  for (const VoterSignature& by : certificate.signatures) put_signature(out, by);
  return out;
}

Result<Certificate> decode_certificate(ByteView block) {
  codec::Reader reader(block);
  Certificate certificate;
  RZ_CHECK(reader.expect_array(2));
  RZ_CHECK(codec::read_entry(reader, certificate.entry));
  RZ_TRY(const std::size_t count, codec::read_count(reader, voters_max));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    VoterSignature by;
    RZ_CHECK(read_signature(reader, by));
    if (!certificate.signatures.empty() && !(certificate.signatures.back().voter < by.voter)) {
      return fail_at(ErrorCode::list_order, at, "voters must ascend");
    }
    certificate.signatures.push_back(by);
  }
  RZ_CHECK(reader.finish());
  return certificate;
}

Status verify_equivocation(const Equivocation& proof, const Did& did) {
  const auto unproven = [](std::string_view why) { return fail(ErrorCode::equivocation_unproven, why); };
  const EntryHeader& a = proof.first;
  const EntryHeader& b = proof.second;
  if (a.generation != b.generation || a.term != b.term || a.index != b.index) return unproven("two different places");
  if (entry_hash(a) == entry_hash(b)) return unproven("one and the same entry");
  if (proof.on_first.voter != proof.on_second.voter) return unproven("two different voters");
  if (!verify_entry(did, a, proof.on_first)) return unproven("the first signature does not verify");
  if (!verify_entry(did, b, proof.on_second)) return unproven("the second signature does not verify");
  return {};
}

Bytes encode_equivocation(const Equivocation& proof) {
  Bytes out;
  cbor::put_array(out, 4);
  codec::put_entry(out, proof.first);
  codec::put_entry(out, proof.second);
  put_signature(out, proof.on_first);
  put_signature(out, proof.on_second);
  return out;
}

Result<Equivocation> decode_equivocation(ByteView block) {
  codec::Reader reader(block);
  Equivocation proof;
  RZ_CHECK(reader.expect_array(4));
  RZ_CHECK(codec::read_entry(reader, proof.first));
  RZ_CHECK(codec::read_entry(reader, proof.second));
  RZ_CHECK(read_signature(reader, proof.on_first));
  RZ_CHECK(read_signature(reader, proof.on_second));
  RZ_CHECK(reader.finish());
  return proof;
}

}  // namespace rz::log
