// A store in memory: for tests, the simulator and read-only views. Durable in name only.
#pragma once

#include <map>

#include "store/store.h"

namespace rz::store {

class MemoryStore final : public Store {
 public:
  struct KeyOrder {
    using is_transparent = void;
    bool operator()(ByteView a, ByteView b) const { return rz::compare(a, b) < 0; }
  };
  // Key to record (checked.h): damage done to it is noticed, as in a real store.
  using Records = std::map<Bytes, Bytes, KeyOrder>;

  Result<std::optional<Bytes>> get(ByteView key) const override;
  using Reader::scan;
  Status scan(const Range& range, const Visit& visit, const Damaged& damaged) const override;
  Status commit(const Batch& batch) override;
  std::uint64_t transaction() const override { return transaction_; }

  // For tests and FaultyStore: the records as they would lie on a disk.
  Records& records() { return records_; }
  const Records& records() const { return records_; }

 private:
  Records records_;
  std::uint64_t transaction_ = 0;
};

}  // namespace rz::store
