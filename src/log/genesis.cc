#include "log/genesis.h"

#include "crypto/sha256.h"
#include "ipld/cid.h"
#include "log/codec.h"

namespace rz::log {
namespace {

constexpr std::uint64_t genesis_fields = 6;
constexpr std::string_view catalogue_type = "rhizome/catalogue";

Status read_version(codec::Reader& reader) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t version, codec::read_uint(reader));
  if (version != genesis_version) return fail_at(ErrorCode::genesis_version, at, words("version ", version));
  return {};
}

}  // namespace

Bytes encode_about(const About& about) {
  Bytes out;
  cbor::put_array(out, 3);
  cbor::put_text(out, about.type);
  if (about.first_schema) {
    codec::put_link(out, *about.first_schema);
  } else {
    codec::put_null(out);
  }
  codec::put_fixed(out, about.salt);
  return out;
}

Result<About> decode_about(ByteView block) {
  codec::Reader reader(block);
  RZ_CHECK(reader.expect_array(3));
  About about;
  RZ_TRY(about.type, codec::read_text(reader, about_type_bytes_max));
  RZ_CHECK(codec::read_optional_link(reader, about.first_schema));
  RZ_CHECK(reader.expect_fixed(about.salt));
  RZ_CHECK(reader.finish());
  return about;
}

Hash256 about_hash(const About& about) { return crypto::sha256(encode_about(about)); }

Bytes encode_genesis(const Genesis& genesis) {
  Bytes out;
  cbor::put_array(out, genesis_fields);
  cbor::put_uint(out, genesis_version);
  codec::put_fixed(out, genesis.owner);
  codec::put_bool(out, genesis.visibility == Visibility::open);
  cbor::put_bytes(out, genesis.policy);
  codec::put_fixed(out, genesis.nonce);
  codec::put_fixed(out, genesis.about);
  return out;
}

Result<Genesis> decode_genesis(ByteView block) {
  codec::Reader reader(block);
  RZ_CHECK(reader.expect_array(genesis_fields));
  RZ_CHECK(read_version(reader));
  Genesis genesis;
  RZ_CHECK(reader.expect_fixed(genesis.owner));
  RZ_TRY(const bool open, reader.expect_bool());
  genesis.visibility = open ? Visibility::open : Visibility::sealed;
  RZ_TRY(genesis.policy, codec::read_bytes(reader, small_bytes_max));
  RZ_CHECK(reader.expect_fixed(genesis.nonce));
  RZ_CHECK(reader.expect_fixed(genesis.about));
  RZ_CHECK(reader.finish());
  return genesis;
}

StreamId stream_id(const Genesis& genesis) { return stream_id_of_block(encode_genesis(genesis)); }

Bytes encode_identity_genesis(const IdentityGenesis& genesis) {
  Bytes out;
  cbor::put_array(out, genesis_fields);
  cbor::put_uint(out, genesis_version);
  codec::put_fixed(out, genesis.device);
  codec::put_fixed(out, genesis.device_box);
  codec::put_fixed(out, genesis.recovery_hash);
  codec::put_fixed(out, genesis.recovery_box);
  codec::put_fixed(out, genesis.locator);
  return out;
}

Result<IdentityGenesis> decode_identity_genesis(ByteView block) {
  codec::Reader reader(block);
  RZ_CHECK(reader.expect_array(genesis_fields));
  RZ_CHECK(read_version(reader));
  IdentityGenesis genesis;
  RZ_CHECK(reader.expect_fixed(genesis.device));
  RZ_CHECK(reader.expect_fixed(genesis.device_box));
  RZ_CHECK(reader.expect_fixed(genesis.recovery_hash));
  RZ_CHECK(reader.expect_fixed(genesis.recovery_box));
  RZ_CHECK(reader.expect_fixed(genesis.locator));
  RZ_CHECK(reader.finish());
  return genesis;
}

Did did_of(const IdentityGenesis& genesis) { return stream_id_of_block(encode_identity_genesis(genesis)); }

StreamId stream_id_of_block(ByteView genesis_block) { return StreamId{crypto::sha256(genesis_block).bytes}; }

std::string did_text(const Did& did) {
  return words("did:rhizome:", ipld::Cid::dag_cbor_sha256(Hash256{did.bytes}).to_string());
}

Genesis catalogue_genesis(const Did& did) {
  Genesis genesis;
  genesis.owner = did;
  genesis.visibility = Visibility::sealed;
  genesis.about = about_hash(About{std::string(catalogue_type), std::nullopt, Nonce{}});
  return genesis;
}

}  // namespace rz::log
