// The promise file as a disk may return it. Also: what decodes encodes to the same slot, and a file that FilePromise
// would write over it is read back.
#include "store/promise.h"

#include "base/assert.h"
#include "store/checksum.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  const ByteView input(data, size);
  (void)store::decode_promise(input);

  // Behind the checksum: a fuzzer can't guess one, so the rest of the decoder gets slots that match theirs.
  if (size < 136) return 0;
  store::PromiseSlot slot;
  std::copy_n(input.begin(), 136, slot.begin());
  store::checksum(MutableByteView(slot).subspan(136), {ByteView(slot).first(136)});
  const auto decoded = store::decode_slot(slot);
  if (!decoded) return 0;
  RZ_ASSERT(equal(store::encode_slot(decoded->promise, decoded->counter), slot));

  Bytes file(store::promise_file_bytes);
  std::copy(slot.begin(), slot.end(), file.begin());
  const auto whole = store::decode_promise(file);
  RZ_ASSERT(whole.has_value());
  RZ_ASSERT(whole->promise == decoded->promise);
  return 0;
}
