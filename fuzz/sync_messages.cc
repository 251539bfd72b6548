// Frames between devices: what is taken has one form only.
#include "base/assert.h"
#include "sync/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  const ByteView frame(data, size);
  if (const auto message = sync::decode(frame)) RZ_ASSERT(equal(sync::encode(*message), frame));
  if (const auto message = sync::decode_live(frame)) RZ_ASSERT(equal(sync::encode_live(*message), frame));
  return 0;
}
