// Sealed bodies and boxes from strangers: never opened, never a crash.
#include "base/assert.h"
#include "crypto/box.h"
#include "crypto/siv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  const ByteView input(data, size);
  crypto::SeededEntropy entropy(1);
  static const crypto::Secret32 secret = crypto::Secret32::random(entropy);
  static const crypto::SivKey key(secret);
  static const crypto::BoxKey box = crypto::BoxKey::from_seed(secret);
  const std::size_t split = size / 3;
  RZ_ASSERT(!key.open(input.first(split), input.subspan(split)).has_value());
  RZ_ASSERT(!crypto::box_open(box, input).has_value());

  const Bytes sealed = key.seal(input.first(split), input.subspan(split));
  const auto opened = key.open(input.first(split), sealed);
  RZ_ASSERT(opened.has_value());
  RZ_ASSERT(equal(*opened, input.subspan(split)));
  return 0;
}
