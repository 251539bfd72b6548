// Operations of an event, as the network may bring them: whatever decodes has that one encoding.
#include "base/assert.h"
#include "document/payload.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::document;
  const ByteView bytes(data, size);
  const auto decoded = decode_payload(bytes);
  if (!decoded) return 0;
  RZ_ASSERT(equal(encode_payload(*decoded), bytes));
  RZ_ASSERT(remainder_after(*decoded, *decoded).matches);
  RZ_ASSERT(remainder_after(*decoded, *decoded).ops.empty());
  return 0;
}
