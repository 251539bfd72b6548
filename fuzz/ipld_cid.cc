// CIDs as bytes and as text: what decodes has these very bytes, and its text means it again.
#include "base/assert.h"
#include "ipld/cid.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::ipld;
  const ByteView input(data, size);
  if (const auto cid = Cid::decode(input)) {
    RZ_ASSERT(equal(cid->bytes(), input));
    RZ_ASSERT(*Cid::parse(cid->to_string()) == *cid);
    (void)verify_block(*cid, input);
    (void)cid->codec();
  }
  if (const auto prefix = Cid::decode_prefix(input)) {
    RZ_ASSERT(equal(prefix->cid.bytes(), input.first(prefix->size_bytes)));
  }
  if (const auto cid = Cid::parse(as_text(input))) {
    RZ_ASSERT(*Cid::parse(cid->to_string()) == *cid);
    RZ_ASSERT(*Cid::decode(cid->bytes()) == *cid);
  }
  return 0;
}
