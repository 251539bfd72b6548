// BLAKE2b (RFC 7693) without a key, for checksums of what is stored.
#pragma once

#include <initializer_list>

#include "base/bytes.h"

namespace rz::store {

// Fills `out` (16 to 64 bytes) with the hash of the parts' concatenation.
void checksum(MutableByteView out, std::initializer_list<ByteView> parts);

}  // namespace rz::store
