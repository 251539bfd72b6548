#include "store/checksum.h"

#include <sodium.h>

#include "base/assert.h"

namespace rz::store {

void checksum(MutableByteView out, std::initializer_list<ByteView> parts) {
  RZ_REQUIRE(out.size() >= crypto_generichash_BYTES_MIN && out.size() <= crypto_generichash_BYTES_MAX);
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, out.size());
  for (const ByteView part : parts) crypto_generichash_update(&state, part.data(), part.size());
  crypto_generichash_final(&state, out.data(), out.size());
}

}  // namespace rz::store
