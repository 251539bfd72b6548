// Numbers and small rules that the payload's encoder and decoder share.
#pragma once

#include <cstdint>

#include "document/payload.h"

namespace rz::document {

// The first byte of a value. Others are refused: a new sort of value comes with a new kind of operation.
enum class AtomTag : std::uint8_t {
  null = 0,
  no = 1,
  yes = 2,
  natural = 3,
  negative = 4,
  real = 5,
  string = 6,
  bytes = 7,
  container_map = 8,
  container_list = 9,
  container_text = 10,
  container_counter = 11,
  end = 12,
};

inline bool has_place(OpKind kind) { return kind <= OpKind::list_set; }
inline bool has_count(OpKind kind) { return kind <= OpKind::list_insert || kind >= OpKind::first_unknown; }

// Where the next operation in the container is expected: the delta to it is what is stored.
inline std::uint64_t place_after(const Op& op) {
  switch (op.kind) {
    case OpKind::text_insert:
    case OpKind::list_insert:
      return op.position + op.count;
    case OpKind::delete_back:
      return op.position - op.count + 1;
    default:
      return op.position;
  }
}

// Container and kind in one number: the heads column.
inline std::uint64_t head_of(const Op& op) {
  return static_cast<std::uint64_t>(op.container) * op_kinds + static_cast<std::uint64_t>(op.kind);
}

}  // namespace rz::document
