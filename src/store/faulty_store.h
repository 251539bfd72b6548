// A store that fails as real ones do: for tests and the simulator. Every fault is drawn from a seed or ordered by the
// test; equal seeds and calls give equal faults.
#pragma once

#include <deque>

#include "base/random.h"
#include "store/memory_store.h"

namespace rz::store {

class FaultyStore final : public Store {
 public:
  // Chances are in thousandths, per commit.
  struct Faults {
    std::uint32_t crash_before = 0;                // The machine dies before the batch took effect.
    std::uint32_t crash_after = 0;                 // The machine dies after it did, before `commit` returns.
    std::uint32_t fsync_error = 0;                 // The batch took effect or not, drawn from the seed.
    std::uint32_t flipped_byte = 0;                // A bit of some record flips after the commit.
    std::size_t capacity_bytes = ~std::size_t{0};  // Of keys and records together; a batch beyond it is disk_full.
    // How many transactions the store may lose when reopened (a flipped bit in a write-ahead log): 0 for none.
    std::size_t lost_on_reopen_max = 0;
  };

  explicit FaultyStore(std::uint64_t seed) : random_(seed) {}
  FaultyStore(std::uint64_t seed, const Faults& faults) : faults_(faults), random_(seed) {}

  Result<std::optional<Bytes>> get(ByteView key) const override;
  using Reader::scan;
  Status scan(const Range& range, const Visit& visit, const Damaged& damaged) const override;
  // A crash is the error unknown_outcome; then, as after fsync_failed, everything is store_closed until `reopen`.
  Status commit(const Batch& batch) override;
  std::uint64_t transaction() const override { return now_.transaction(); }

  Faults& faults() { return faults_; }

  // A crash at a moment of the test's choosing: nothing committed is lost.
  void crash() { closed_ = true; }
  // The process starts again. May have lost up to faults().lost_on_reopen_max of the newest transactions.
  void reopen();
  // Reopens as it was `transactions` commits ago (at most the 64 kept).
  void reopen_older(std::size_t transactions);
  // Flips one bit of one record, drawn from the seed; returns its key, nothing if there is no record.
  std::optional<Bytes> flip();
  bool closed() const { return closed_; }

 private:
  static constexpr std::size_t history_max = 64;

  Status closed_error() const;
  bool fits(const Batch& batch) const;
  void apply(const Batch& batch);

  Faults faults_;
  Random random_;
  MemoryStore now_;
  std::deque<MemoryStore> older_;  // The states before the newest commits, the newest last.
  bool closed_ = false;
};

}  // namespace rz::store
