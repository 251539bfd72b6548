// Stored records as a disk may return them: the first byte says how many bytes of the input are the key.
#include "base/assert.h"
#include "store/checked.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  if (size == 0) return 0;
  const ByteView input = ByteView(data, size).subspan(1);
  const ByteView key = input.first(std::min<std::size_t>(data[0], input.size()));
  const ByteView rest = input.subspan(key.size());
  if (const auto value = store::decode_record(key, rest)) RZ_ASSERT(equal(store::encode_record(key, *value), rest));

  const Bytes record = store::encode_record(key, rest);
  const auto value = store::decode_record(key, record);
  RZ_ASSERT(value.has_value());
  RZ_ASSERT(equal(*value, rest));
  return 0;
}
