// Durable storage as the core sees it: an ordered map from keys to values, changed by atomic batches.
//
// What may be assumed:
//  1. A batch takes effect wholly or not at all, also across a crash, and batches in the order of their commits.
//  2. When `commit` returns success, the batch survives the process, the system and the power (as far as the disk tells
//     the truth), and every later read sees it. Whatever a read has seen is durable.
//  3. Keys are ordered as memcmp orders them, a prefix first.
//  4. A value comes back as it was put or not at all: every record carries a checksum over key and value. A record that
//     does not match is `damaged_record`, naming the key in hex; it is never served, and stays until erased or put
//     anew.
//  5. Each commit raises `transaction()` by one. The number is part of the same atomic change.
// What may not:
//  1. That a failed commit left no trace: after `unknown_outcome` or `fsync_failed` it may have taken effect or not;
//  only
//     `disk_full`, `bad_argument` and `store_closed` promise that it did not.
//  2. That the store is as new as its last commit when it is opened again: disks lose and flip bits. That is what the
//     promise (promise.h) is for: compare before you vote or acknowledge anything.
//  3. That erased bytes are gone from the disk at once.
//  4. That two threads may use one store, unless an implementation says so.
#pragma once

#include <functional>
#include <optional>

#include "store/batch.h"

namespace rz::store {

struct Reader {
  // Called with each record; returns whether to go on. The views live until it returns. It must not use the store.
  using Visit = std::function<bool(ByteView key, ByteView value)>;
  // Called with the key of each damaged record, instead of Visit.
  using Damaged = std::function<void(ByteView key)>;

  enum class Order : std::uint8_t { ascending, descending };

  // The keys in [begin, end); an empty `end` means to the last key.
  struct Range {
    ByteView begin;
    ByteView end;
    Order order = Order::ascending;
  };

  virtual ~Reader() = default;

  // Nothing if there is no such key. Errors: damaged_record, store_damaged, store_io, bad_argument (key length).
  virtual Result<std::optional<Bytes>> get(ByteView key) const = 0;

  // Visits a range in order. A damaged record ends it with the error damaged_record; if `damaged` is given, that is
  // called instead, and the scan goes on. Errors: damaged_record, store_damaged, store_io.
  virtual Status scan(const Range& range, const Visit& visit, const Damaged& damaged) const = 0;

  Status scan(ByteView begin, ByteView end, const Visit& visit) const { return scan(Range{begin, end}, visit, {}); }
  Status scan_reverse(ByteView begin, ByteView end, const Visit& visit) const {
    return scan(Range{begin, end, Order::descending}, visit, {});
  }
};

struct Store : Reader {
  // Atomic; durable on return. Errors: disk_full, fsync_failed (the process must end), unknown_outcome, bad_argument (a
  // key or value over its limit: nothing was written), store_io, store_damaged, store_closed.
  virtual Status commit(const Batch& batch) = 0;

  // How many batches this store has ever committed: 0 for a new one.
  virtual std::uint64_t transaction() const = 0;
};

// Errors: bad_argument, naming the operation that a store must refuse (key or value length).
Status check_limits(const Batch& batch);
Status check_key(ByteView key);

// The first key after every key that begins with `prefix`; empty (no end) if there is none: `[prefix, prefix_end)` is
// the range of a prefix.
Bytes prefix_end(ByteView prefix);

}  // namespace rz::store
