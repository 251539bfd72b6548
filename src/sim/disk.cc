#include "sim/disk.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace rz::sim {

Status Disk::commit(const store::Batch& batch) {
  if (full_) return fail(ErrorCode::disk_full, "the disk is full; nothing was written");
  const Failing failing = std::exchange(failing_, Failing::no);
  if (failing == Failing::lost) return fail(ErrorCode::fsync_failed, "the disk did not confirm the write");
  store::MemoryStore::Records& records = now_.records();
  Undo undo;
  const auto remember = [&](const auto& record) { undo.emplace(record->first, record->second); };
  for (const auto& operation : batch.operations()) {
    if (operation.kind == store::Batch::Kind::erase_range) {
      auto at = records.lower_bound(operation.key);
      const auto end = operation.value.empty() ? records.end() : records.lower_bound(operation.value);
      if (!operation.value.empty() && compare(operation.key, operation.value) >= 0) continue;
      for (; at != end; ++at) remember(at);
    } else if (const auto known = records.find(operation.key); known != records.end()) {
      remember(known);
    } else {
      undo.emplace(operation.key, std::nullopt);
    }
  }
  RZ_CHECK(now_.commit(batch));
  undo_.push_back(std::move(undo));
  if (undo_.size() > undo_max) undo_.pop_front();
  ++transaction_;
  if (failing == Failing::kept) return fail(ErrorCode::fsync_failed, "the disk did not confirm the write");
  return {};
}

std::size_t Disk::lose(std::size_t transactions) {
  std::size_t lost = 0;
  for (; lost < transactions && !undo_.empty(); ++lost) {
    for (auto& [key, record] : undo_.back()) {
      if (record) {
        now_.records()[key] = *std::move(record);
      } else {
        now_.records().erase(key);
      }
    }
    undo_.pop_back();
    --transaction_;
  }
  return lost;
}

void Disk::back_up() { backup_ = Backup{now_.records(), transaction_}; }

bool Disk::restore() {
  if (!backup_) return false;
  now_.records() = backup_->records;
  transaction_ = backup_->transaction;
  undo_.clear();
  return true;
}

std::optional<Bytes> Disk::flip(Random& random) {
  store::MemoryStore::Records& records = now_.records();
  if (records.empty()) return std::nullopt;
  const auto record = std::next(records.begin(), static_cast<std::ptrdiff_t>(random.below(records.size())));
  if (record->second.empty()) return std::nullopt;
  record->second[random.below(record->second.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
  return record->first;
}

}  // namespace rz::sim
