// A batch: puts and erasures that a store makes in their order, all of them or none.
#pragma once

#include <cstddef>
#include <vector>

#include "base/bytes.h"

namespace rz::store {

inline constexpr std::size_t key_bytes_max = 512;                // A key has 1 to this many bytes.
inline constexpr std::size_t value_bytes_max = 8 * 1024 * 1024;  // A value 0 to this many.

class Batch {
 public:
  enum class Kind : std::uint8_t { put, erase, erase_range };

  struct Operation {
    Kind kind = Kind::put;
    Bytes key;    // erase_range: the first key that goes.
    Bytes value;  // put: the value. erase_range: the first key after it that stays; empty: none does.
  };

  Batch() = default;
  Batch(const Batch&) = default;
  Batch& operator=(const Batch&) = default;
  // What was moved from is empty.
  Batch(Batch&& other) noexcept;
  Batch& operator=(Batch&& other) noexcept;
  ~Batch() = default;

  // Sets or replaces.
  void put(ByteView key, ByteView value);
  // No error if there is none.
  void erase(ByteView key);
  // All keys in [begin, end); an empty `end` means to the last key.
  void erase_range(ByteView begin, ByteView end);

  // The other's operations, after these.
  void append(Batch other);
  void clear();

  const std::vector<Operation>& operations() const { return operations_; }
  bool empty() const { return operations_.empty(); }
  // Of keys and values together: what it costs to keep or write.
  std::size_t size_bytes() const { return size_bytes_; }

 private:
  void add(Kind kind, ByteView key, ByteView value);
  std::vector<Operation> operations_;
  std::size_t size_bytes_ = 0;
};

}  // namespace rz::store
