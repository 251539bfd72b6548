#include "host/entropy.h"

#include <sodium.h>

namespace rz::host {

void SystemEntropy::fill(MutableByteView out) {
  if (out.empty()) return;  // An empty view may be null, which the library forbids.
  randombytes_buf(out.data(), out.size());
}

}  // namespace rz::host
