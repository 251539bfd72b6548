#include "store/faulty_store.h"

#include <algorithm>
#include <iterator>

namespace rz::store {

Status FaultyStore::closed_error() const {
  return fail(ErrorCode::store_closed, "the store is closed until it is reopened");
}

Result<std::optional<Bytes>> FaultyStore::get(ByteView key) const {
  if (closed_) RZ_CHECK(closed_error());
  return now_.get(key);
}

Status FaultyStore::scan(const Range& range, const Visit& visit, const Damaged& damaged) const {
  if (closed_) return closed_error();
  return now_.scan(range, visit, damaged);
}

// As a disk fills: what is there, and what comes, whatever the batch frees (a log is written before space is freed).
bool FaultyStore::fits(const Batch& batch) const {
  std::size_t used = batch.size_bytes();
  for (const auto& [key, record] : now_.records()) used += key.size() + record.size();
  return used <= faults_.capacity_bytes;
}

void FaultyStore::apply(const Batch& batch) {
  older_.push_back(now_);
  if (older_.size() > history_max) older_.pop_front();
  const Status status = now_.commit(batch);
  RZ_ASSERT(status.has_value());
}

Status FaultyStore::commit(const Batch& batch) {
  if (closed_) return closed_error();
  RZ_CHECK(check_limits(batch));
  if (faults_.capacity_bytes != ~std::size_t{0} && !fits(batch)) {
    return fail(ErrorCode::disk_full, "the disk is full; nothing was written");
  }
  if (random_.chance(faults_.crash_before, 1000)) {
    closed_ = true;
    return fail(ErrorCode::unknown_outcome, "crashed before the commit");
  }
  if (random_.chance(faults_.fsync_error, 1000)) {
    if (random_.chance(1, 2)) apply(batch);
    closed_ = true;
    return fail(ErrorCode::fsync_failed, "the disk did not confirm the write");
  }
  apply(batch);
  if (random_.chance(faults_.flipped_byte, 1000)) (void)flip();
  if (random_.chance(faults_.crash_after, 1000)) {
    closed_ = true;
    return fail(ErrorCode::unknown_outcome, "crashed after the commit");
  }
  return {};
}

void FaultyStore::reopen() {
  const std::size_t lost_max = faults_.lost_on_reopen_max;
  reopen_older(lost_max == 0 ? 0 : static_cast<std::size_t>(random_.below(lost_max + 1)));
}

void FaultyStore::reopen_older(std::size_t transactions) {
  closed_ = false;
  const std::size_t lost = std::min(transactions, older_.size());
  if (lost == 0) return;
  now_ = older_[older_.size() - lost];
  older_.resize(older_.size() - lost);
}

std::optional<Bytes> FaultyStore::flip() {
  auto& records = now_.records();
  if (records.empty()) return std::nullopt;
  const auto chosen = std::next(records.begin(), static_cast<std::ptrdiff_t>(random_.below(records.size())));
  Bytes& record = chosen->second;
  record[static_cast<std::size_t>(random_.below(record.size()))] ^= static_cast<std::uint8_t>(1u << random_.below(8));
  return chosen->first;
}

}  // namespace rz::store
