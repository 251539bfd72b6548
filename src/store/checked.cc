#include "store/checked.h"

#include <algorithm>
#include <array>

#include "store/checksum.h"

namespace rz::store {
namespace {

using Sum = std::array<std::uint8_t, checksum_bytes>;

Sum sum_of(ByteView key, ByteView value) {
  // The key's length first, so that no byte can move between key and value unnoticed.
  const std::array<std::uint8_t, 2> length = {static_cast<std::uint8_t>(key.size() >> 8),
                                              static_cast<std::uint8_t>(key.size())};
  Sum sum;
  checksum(sum, {length, key, value});
  return sum;
}

}  // namespace

Bytes encode_record(ByteView key, ByteView value) {
  const Sum sum = sum_of(key, value);
  Bytes record;
  record.reserve(checksum_bytes + value.size());
  append(record, sum);
  append(record, value);
  return record;
}

Result<ByteView> decode_record(ByteView key, ByteView record) {
  if (record.size() < checksum_bytes) {
    return fail_at(ErrorCode::damaged_record, record.size(),
                   words("the record of key ", to_hex(key), " is shorter than its checksum"));
  }
  const ByteView value = record.subspan(checksum_bytes);
  if (!equal(record.first(checksum_bytes), sum_of(key, value))) {
    return fail(ErrorCode::damaged_record, words("the record of key ", to_hex(key), " does not match its checksum"));
  }
  return value;
}

}  // namespace rz::store
