// Checked records: what a store keeps for a value is a checksum, then the value.
//
// The checksum is BLAKE2b-128 over the key's length (two bytes, big-endian), the key and the value: a flipped bit in
// either, or a value that ended up under another key, does not match. It finds accidents; an attacker who writes to the
// disk is another matter (signatures and hashes above this layer).
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace rz::store {

inline constexpr std::size_t checksum_bytes = 16;

// The record of `value` under `key`.
Bytes encode_record(ByteView key, ByteView value);

// The value in `record`, as a view into it. Errors: damaged_record, naming the key in hex.
Result<ByteView> decode_record(ByteView key, ByteView record);

}  // namespace rz::store
