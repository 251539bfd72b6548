#include "host/entropy.h"

#include <sodium.h>

namespace rz::host {

void SystemEntropy::fill(MutableByteView out) { randombytes_buf(out.data(), out.size()); }

}  // namespace rz::host
