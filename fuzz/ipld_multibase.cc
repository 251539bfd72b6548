// Text in any base: what decodes and is written again means the same bytes; and bytes come back from every base.
#include "base/assert.h"
#include "ipld/multibase.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::ipld;
  const ByteView input(data, size);
  if (const auto decoded = multibase_decode(as_text(input))) {
    const auto text = multibase_encode(decoded->base, decoded->bytes);
    RZ_ASSERT(text.has_value());
    RZ_ASSERT(multibase_decode(*text)->bytes == decoded->bytes);
    RZ_ASSERT(text->size() == size);  // Only the case of letters may differ.
  }
  if (size == 0) return 0;
  if (const auto text = multibase_encode(static_cast<Multibase>(data[0]), input)) {
    RZ_ASSERT(equal(multibase_decode(*text)->bytes, input));
  }
  return 0;
}
