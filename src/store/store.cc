#include "store/store.h"

namespace rz::store {

Status check_key(ByteView key) {
  if (key.empty() || key.size() > key_bytes_max) {
    return fail(ErrorCode::bad_argument, words("a key has 1 to ", key_bytes_max, " bytes, not ", key.size()));
  }
  return {};
}

Status check_limits(const Batch& batch) {
  std::size_t at = 0;
  for (const auto& operation : batch.operations()) {
    const bool range = operation.kind == Batch::Kind::erase_range;
    const bool key_fits = operation.key.size() <= key_bytes_max && (range || !operation.key.empty());
    if (!key_fits) {
      return fail(ErrorCode::bad_argument,
                  words("operation ", at, ": a key has 1 to ", key_bytes_max, " bytes, not ", operation.key.size()));
    }
    const std::size_t value_max = range ? key_bytes_max : value_bytes_max;
    if (operation.value.size() > value_max) {
      return fail(ErrorCode::bad_argument, words("operation ", at, " of key ", to_hex(operation.key), ": ",
                                                 operation.value.size(), " bytes, more than ", value_max));
    }
    ++at;
  }
  return {};
}

Bytes prefix_end(ByteView prefix) {
  Bytes end = to_bytes(prefix);
  while (!end.empty() && end.back() == 0xff) end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

}  // namespace rz::store
