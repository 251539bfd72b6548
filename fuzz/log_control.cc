// Control bodies from strangers, known operations and those of later versions.
#include "base/assert.h"
#include "log/control.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  const ByteView input(data, size);
  const auto body = log::decode_control(input);
  if (!body) return 0;
  const auto again = log::encode_control(*body);
  RZ_ASSERT(again.has_value());
  RZ_ASSERT(equal(*again, input));
  if (log::endorsement_of(body->operation)) {
    RZ_ASSERT(!log::endorsement_message({}, {}, body->operation).empty());
  }
  return 0;
}
