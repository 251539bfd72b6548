#include "log/seal.h"

#include "log/codec.h"

namespace rz::log {

Seal make_seal(const crypto::SigningKey& author, const EventId& head) {
  return {head, author.sign(seal_domain, to_cid(head))};
}

bool verify_seal(const AuthorKey& author, const Seal& seal) {
  return crypto::verify(author, seal_domain, to_cid(seal.head), seal.signature);
}

Bytes encode_seal(const Seal& seal) {
  Bytes out;
  out.reserve(108);
  cbor::put_array(out, 2);
  codec::put_link(out, seal.head);
  codec::put_fixed(out, seal.signature);
  return out;
}

Result<Seal> decode_seal(ByteView block) {
  codec::Reader reader(block);
  RZ_CHECK(reader.expect_array(2));
  Seal seal;
  RZ_CHECK(codec::read_link(reader, seal.head));
  RZ_CHECK(reader.expect_fixed(seal.signature));
  RZ_CHECK(reader.finish());
  return seal;
}

}  // namespace rz::log
