#include "base/varint.h"
#include "ipld/car.h"
#include "ipld/dag_cbor.h"

namespace rz::ipld::car {

Status Writer::begin(const std::vector<Cid>& roots) {
  RZ_REQUIRE(!begun_);
  begun_ = true;
  Bytes header;
  dag_cbor::Writer writer(header);
  writer.map(2);
  writer.text("roots");
  writer.array(roots.size());
  for (const Cid& root : roots) writer.link(root);
  writer.text("version");
  writer.unsigned_integer(1);
  if (header.size() > Limits{}.header_bytes_max) return fail(ErrorCode::too_large, "too many roots");
  Bytes out;
  put_varint(out, header.size());
  append(out, header);
  return sink_.write(out);
}

Status Writer::put(const Cid& cid, ByteView block) {
  RZ_REQUIRE(begun_);
  RZ_REQUIRE(!cid.is_empty());
  const std::size_t section_bytes = cid.bytes().size() + block.size();
  if (section_bytes > Limits{}.section_bytes_max) {
    return fail(ErrorCode::too_large, words("a section of ", section_bytes, " bytes"));
  }
  Bytes prefix;
  put_varint(prefix, section_bytes);
  append(prefix, cid.bytes());
  RZ_CHECK(sink_.write(prefix));
  return sink_.write(block);
}

}  // namespace rz::ipld::car
