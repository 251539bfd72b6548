#include "log/body.h"

#include "log/codec.h"

namespace rz::log {
namespace {

constexpr std::string_view stream_key_purpose = "rhizome stream key v1";
constexpr std::string_view body_key_purpose = "rhizome body key v1";
constexpr std::string_view joint_key_purpose = "rhizome joint epoch v1";
constexpr std::string_view commitment_purpose = "rhizome epoch commitment v1";

std::unexpected<Error> too_large(std::size_t size) {
  return fail(ErrorCode::body_too_large, words("a body of ", size, " bytes, at most ", body_bytes_max));
}

}  // namespace

Result<Bytes> encode_operations_body(const OperationsBody& body) {
  if (body.format >= integer_end) return fail(ErrorCode::integer_too_large, "the format's number");
  Bytes out;
  out.reserve(body.payload.size() + 64);
  cbor::put_array(out, 3);
  cbor::put_uint(out, body.format);
  if (body.schema) {
    codec::put_link(out, *body.schema);
  } else {
    codec::put_null(out);
  }
  cbor::put_bytes(out, body.payload);
  if (out.size() > body_bytes_max) return too_large(out.size());
  return out;
}

Result<OperationsBody> decode_operations_body(ByteView plaintext) {
  if (plaintext.size() > body_bytes_max) return too_large(plaintext.size());
  codec::Reader reader(plaintext);
  RZ_CHECK(reader.expect_array(3));
  OperationsBody body;
  RZ_TRY(body.format, codec::read_uint(reader));
  RZ_CHECK(codec::read_optional_link(reader, body.schema));
  RZ_TRY(const ByteView payload, reader.expect_bytes());
  body.payload = to_bytes(payload);
  RZ_CHECK(reader.finish());
  return body;
}

crypto::Secret32 stream_key(const crypto::Secret32& epoch_key, const StreamId& stream) {
  return crypto::kdf(epoch_key, stream_key_purpose, stream.view());
}

BodyKey::BodyKey(const crypto::Secret32& epoch_key, const StreamId& stream, const EpochId& epoch)
    : siv_(crypto::kdf(stream_key(epoch_key, stream), body_key_purpose, epoch.view())), epoch_(epoch) {}

Result<Bytes> BodyKey::seal(Header& header, ByteView plaintext) const {
  RZ_REQUIRE(header.epoch == epoch_);
  RZ_REQUIRE(!epoch_.is_zero());
  const std::size_t sealed_bytes = plaintext.size() + crypto::siv_overhead_bytes;
  if (sealed_bytes > body_bytes_max) return too_large(sealed_bytes);
  header.size = sealed_bytes;
  Bytes sealed = siv_.seal(body_associated_data(header), plaintext);
  RZ_ASSERT_CMP(sealed.size(), ==, sealed_bytes);
  header.body = body_hash(sealed);
  return sealed;
}

Result<Bytes> BodyKey::open(const Header& header, ByteView sealed) const {
  RZ_CHECK(check_body(header, sealed));
  return siv_.open(body_associated_data(header), sealed);
}

crypto::Secret32 joint_epoch_key(const std::vector<const crypto::Secret32*>& keys_by_epoch_id, const StreamId& stream) {
  RZ_REQUIRE(keys_by_epoch_id.size() >= 2);
  // A chain: each key keys the next step, so that whoever lacks one of them learns nothing.
  crypto::Secret32 joint = crypto::kdf(*keys_by_epoch_id.front(), joint_key_purpose, stream.view());
  for (std::size_t i = 1; i < keys_by_epoch_id.size(); ++i) {
    const crypto::Secret32 next = crypto::kdf(*keys_by_epoch_id[i], joint_key_purpose, stream.view());
    joint = crypto::kdf(joint, joint_key_purpose, next.expose());
  }
  return joint;
}

Hash256 key_commitment(const crypto::Secret32& epoch_key, const StreamId& stream) {
  const crypto::Secret32 commitment = crypto::kdf(epoch_key, commitment_purpose, stream.view());
  Hash256 published;
  std::copy(commitment.expose().begin(), commitment.expose().end(), published.bytes.begin());
  return published;
}

Status set_plain_body(Header& header, ByteView body) {
  if (body.size() > body_bytes_max) return too_large(body.size());
  header.size = body.size();
  header.body = body_hash(body);
  return {};
}

Status check_body(const Header& header, ByteView body) {
  if (body.size() != header.size) {
    return fail(ErrorCode::body_size_mismatch, words(body.size(), " bytes where the header says ", header.size));
  }
  if (body_hash(body) != header.body) return fail(ErrorCode::body_hash_mismatch, "the hash differs");
  return {};
}

}  // namespace rz::log
