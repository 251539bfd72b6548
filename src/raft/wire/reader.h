// A strict reader of the canonical DAG-CBOR that this room writes: definite lengths, shortest heads, no tags, no maps.
//
// Every error carries the offset of the item that is wrong. Nothing is allocated before a length is checked against
// what is left of the input.
#pragma once

#include "base/bytes.h"
#include "base/cbor_head.h"
#include "base/fixed_bytes.h"

namespace rz::raft {

class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  std::size_t offset() const { return offset_; }
  bool at_end() const { return offset_ == bytes_.size(); }

  // Errors of all: truncated, not_minimal, unexpected_kind, integer_range (2^53 or more, or over `max`).
  Result<std::uint64_t> unsigned_int(std::uint64_t max = integer_max);
  Result<bool> boolean();
  // The count of an array whose items take a byte each at least. Errors: too_large (over `max`), truncated.
  Result<std::size_t> array(std::size_t max);
  // Errors: unexpected_count where the array has another count.
  Status array_of(std::size_t count);
  // Errors: too_large (over `max`).
  Result<ByteView> bytes(std::size_t max);

  template <class Fixed>
  Result<Fixed> fixed() {
    const std::size_t at = offset_;
    RZ_TRY(const ByteView view, bytes(Fixed::size_bytes));
    if (view.size() != Fixed::size_bytes)
      return fail_at(ErrorCode::unexpected_count, at, "a hash or key of another length");
    return *Fixed::from(view);
  }

  // Errors: trailing_bytes.
  Status finish() const;

  static constexpr std::uint64_t integer_max = (std::uint64_t{1} << 53) - 1;

 private:
  Result<std::uint64_t> head(cbor::Major major);

  ByteView bytes_;
  std::size_t offset_ = 0;
};

// CBOR's false and true.
inline void put_bool(Bytes& out, bool value) { out.push_back(value ? 0xf5 : 0xf4); }

}  // namespace rz::raft
