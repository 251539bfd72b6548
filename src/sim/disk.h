// A device's disk in the simulator: a store that can be full, fail to confirm a write, lose its newest transactions, go
// back to a backup, and flip a bit. Nothing is drawn here: who runs it says what goes wrong, and when.
#pragma once

#include <deque>

#include "base/random.h"
#include "store/memory_store.h"

namespace rz::sim {

class Disk final : public store::Store {
 public:
  Result<std::optional<Bytes>> get(ByteView key) const override { return now_.get(key); }
  using Reader::scan;
  Status scan(const Range& range, const Visit& visit, const Damaged& damaged) const override {
    return now_.scan(range, visit, damaged);
  }
  // Errors: disk_full (nothing was written), fsync_failed (it was, or not).
  Status commit(const store::Batch& batch) override;
  std::uint64_t transaction() const override { return transaction_; }

  void set_full(bool full) { full_ = full; }
  // The next commit is not confirmed; whether it took effect is `kept`.
  void fail_next(bool kept) { failing_ = kept ? Failing::kept : Failing::lost; }
  // As it was so many transactions ago, of those that can be undone. Returns how many were lost.
  std::size_t lose(std::size_t transactions);
  // What is there now stays, whatever is lost later.
  void settle() { undo_.clear(); }
  // A copy of all there is, and going back to it.
  void back_up();
  bool restore();
  // One bit of one record, drawn by `random`; nothing where there is no record.
  std::optional<Bytes> flip(Random& random);

 private:
  enum class Failing : std::uint8_t { no, kept, lost };
  // Key to what its record was before the transaction; nothing: there was none.
  using Undo = std::map<Bytes, std::optional<Bytes>>;
  struct Backup {
    store::MemoryStore::Records records;
    std::uint64_t transaction = 0;
  };
  static constexpr std::size_t undo_max = 64;

  store::MemoryStore now_;
  std::uint64_t transaction_ = 0;
  std::deque<Undo> undo_;  // Of the newest transactions, the newest last.
  std::optional<Backup> backup_;
  bool full_ = false;
  Failing failing_ = Failing::no;
};

}  // namespace rz::sim
