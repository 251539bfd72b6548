// The promise: what this device has told others that it stores, kept beside the store and checked against it.
//
// Why: a store can come back older than it was without an error (a bit flipped in the middle of SQLite's write-ahead
// log drops everything after it; measured in docs/formats/store.md). For a voter that is a lost vote or a lost entry,
// hence two leaders or lost writes. So after each transaction, and before anything is acknowledged, its number and
// Raft's hard state are written to a small file of their own, which shares no failure with the store.
//
// Two slots, written in turn, each with a checksum and a counter: a torn or damaged write leaves the other.
// Pure functions; the file itself is the host's (host/store/file_promise.h). Layout: docs/formats/store.md.
#pragma once

#include <array>
#include <optional>

#include "base/fixed_bytes.h"

namespace rz::store {

// Drawn when a store is created and kept in it: ties a promise to the one store that it is about.
struct StoreIdTag;
using StoreId = FixedBytes<StoreIdTag, 16>;

struct VoteTag;
using Vote = FixedBytes<VoteTag, 32>;  // The key of the device that got this device's vote in the term.

struct Promise {
  StoreId store_id = {};
  std::uint64_t transaction = 0;  // The store's, when this was written.
  std::uint64_t generation = 0;   // Of the cluster. This and the fields below are Raft's; zero without a cluster.
  std::uint64_t term = 0;
  std::optional<Vote> vote = std::nullopt;
  std::uint64_t last_index = 0;  // Of the last entry that this device has stored.
  Hash256 last_hash = {};
  // Set while a store that was behind is being repaired, lest its transaction numbers catch up with the promise and
  // hide what is missing. Such a device neither votes nor leads.
  bool repairing = false;

  friend bool operator==(const Promise&, const Promise&) = default;
};

inline constexpr std::size_t promise_slot_bytes = 168;
inline constexpr std::size_t promise_slot_stride = 4096;  // Slots lie in different pages of the disk.
inline constexpr std::size_t promise_file_bytes = 2 * promise_slot_stride;

using PromiseSlot = std::array<std::uint8_t, promise_slot_bytes>;

struct DecodedSlot {
  Promise promise;
  std::uint64_t counter = 0;  // Of writes to the file: the slot with the greater one is the newer.
};

PromiseSlot encode_slot(const Promise& promise, std::uint64_t counter);

// Errors: promise_damaged (length, checksum, or a field that no encoder writes), store_too_new (a later version).
Result<DecodedSlot> decode_slot(ByteView slot);

// What a file of two slots says. `next_slot` is the one to write next: never the one that holds the newest promise.
struct DecodedPromise {
  std::optional<Promise> promise;  // Nothing in a file that never held one (all zero).
  std::uint64_t counter = 0;
  int next_slot = 0;
  bool one_slot_damaged = false;  // A torn write, or a flipped bit: the promise may be one transaction old.
};

// Errors: promise_damaged if neither slot is readable (a file shorter than promise_file_bytes counts its missing bytes
// as damage, an empty one as new), store_too_new.
Result<DecodedPromise> decode_promise(ByteView file);

enum class Standing : std::uint8_t {
  fresh,      // A new store, and nothing promised.
  equal,      // Exactly what was promised.
  ahead,      // The store has more: a crash came between its commit and the promise. Normal.
  behind,     // The store has less than was promised: damaged. It neither votes nor leads until repaired.
  repairing,  // It was behind before, and is not repaired yet.
  missing,    // The store has data, but no promise: what was promised is unknown. As behind.
  foreign,    // The promise is another store's. As behind.
};

// The rule. `transaction` and `id` are the store's own.
Standing compare(const StoreId& id, std::uint64_t transaction, const std::optional<Promise>& promise);

// Whether a device that stands so may vote, lead and acknowledge.
constexpr bool may_promise(Standing standing) {
  return standing == Standing::fresh || standing == Standing::equal || standing == Standing::ahead;
}

// success where may_promise, otherwise store_behind_promise, store_repairing, promise_missing or promise_foreign, with
// both numbers in the message.
Status check_standing(const StoreId& id, std::uint64_t transaction, const std::optional<Promise>& promise);

// Where promises are kept. One writer.
struct PromiseFile {
  virtual ~PromiseFile() = default;
  // The newest promise that was read or written; nothing if none ever was.
  virtual const std::optional<Promise>& newest() const = 0;
  // Durable on return. Errors: fsync_failed (the process must end), disk_full, store_io.
  virtual Status write(const Promise& promise) = 0;
};

// Keeps it in memory: for tests and the simulator.
class MemoryPromise final : public PromiseFile {
 public:
  const std::optional<Promise>& newest() const override { return promise_; }
  Status write(const Promise& promise) override {
    promise_ = promise;
    return {};
  }

 private:
  std::optional<Promise> promise_;
};

}  // namespace rz::store
