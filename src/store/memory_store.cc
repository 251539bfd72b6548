#include "store/memory_store.h"

#include "store/checked.h"

namespace rz::store {
namespace {

// Visits one record; returns whether to go on.
Result<bool> visit_record(ByteView key, ByteView record, const Reader::Visit& visit, const Reader::Damaged& damaged) {
  auto value = decode_record(key, record);
  if (value) return visit(key, *value);
  if (!damaged) return std::unexpected(std::move(value).error());
  damaged(key);
  return true;
}

}  // namespace

Result<std::optional<Bytes>> MemoryStore::get(ByteView key) const {
  RZ_CHECK(check_key(key));
  const auto found = records_.find(key);
  if (found == records_.end()) return std::nullopt;
  RZ_TRY(const ByteView value, decode_record(key, found->second));
  return to_bytes(value);
}

Status MemoryStore::scan(const Range& range, const Visit& visit, const Damaged& damaged) const {
  const bool no_end = range.end.empty();
  if (!no_end && rz::compare(range.begin, range.end) >= 0) return {};
  const auto first = records_.lower_bound(range.begin);
  const auto last = no_end ? records_.end() : records_.lower_bound(range.end);
  if (range.order == Order::ascending) {
    for (auto at = first; at != last; ++at) {
      RZ_TRY(const bool go_on, visit_record(at->first, at->second, visit, damaged));
      if (!go_on) break;
    }
  } else {
    for (auto at = last; at != first;) {
      --at;
      RZ_TRY(const bool go_on, visit_record(at->first, at->second, visit, damaged));
      if (!go_on) break;
    }
  }
  return {};
}

Status MemoryStore::commit(const Batch& batch) {
  RZ_CHECK(check_limits(batch));
  for (const auto& operation : batch.operations()) {
    switch (operation.kind) {
      case Batch::Kind::put:
        records_.insert_or_assign(operation.key, encode_record(operation.key, operation.value));
        break;
      case Batch::Kind::erase:
        records_.erase(operation.key);
        break;
      case Batch::Kind::erase_range: {
        const bool no_end = operation.value.empty();
        if (!no_end && rz::compare(operation.key, operation.value) >= 0) break;
        records_.erase(records_.lower_bound(operation.key),
                       no_end ? records_.end() : records_.lower_bound(operation.value));
        break;
      }
    }
  }
  ++transaction_;
  return {};
}

}  // namespace rz::store
