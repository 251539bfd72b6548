// The operations of one event and their encoding: columns of runs, one canonical form (docs/formats/document.md).
//
// A run is one operation repeated at adjoining places: text typed on, characters deleted forwards or backwards. Each
// unit of a run (a code point, an element, a write) is an operation of its own and has an offset in the event, counted
// from 0 over all runs. Encoding and decoding are exact inverses; the decoder takes nothing but the canonical form.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "document/event_ref.h"
#include "document/value.h"

namespace rz::document {

// What a write carries: a scalar, or the type of a container that it creates.
using Atom = std::variant<Null, bool, std::int64_t, double, std::string, Bytes, Type>;

inline constexpr std::int64_t integer_max = (std::int64_t{1} << 53) - 1;
inline constexpr std::size_t key_bytes_max = 1024;
inline constexpr std::uint64_t units_max = std::uint64_t{1} << 31;  // In one event.
inline constexpr std::uint64_t payload_version = 1;

enum class OpKind : std::uint8_t {
  text_insert = 0,
  delete_forward = 1,  // `count` times at `position`, in a text or a list.
  delete_back = 2,     // At `position`, then one before, and so on; at least two, else it is delete_forward.
  list_insert = 3,
  list_set = 4,
  map_set = 5,
  map_delete = 6,
  counter_add = 7,
  first_unknown = 8,  // 8 to 15: of a later version; `count` units, opaque bytes.
};
inline constexpr std::uint8_t op_kinds = 16;

// Which container an operation is on, as an event names it.
struct ContainerName {
  enum class Kind : std::uint8_t { root = 0, body = 1, own = 2, other = 3 };
  Kind kind = Kind::root;
  EventId event;             // other: the event that created it.
  std::uint32_t offset = 0;  // own, other: of the creating operation within its event.
  friend bool operator==(const ContainerName&, const ContainerName&) = default;
};

struct Op {
  std::uint32_t container = 0;  // Into Payload::containers.
  OpKind kind = OpKind::text_insert;
  std::uint32_t count = 1;     // Units.
  std::uint64_t position = 0;  // Sequences. Of the first unit.
  std::uint32_t content = 0;   // text_insert: byte in Payload::text. Else: first index into Payload::atoms.
  std::uint32_t bytes = 0;     // text_insert: of text.
  std::uint32_t key = 0;       // map_*: index into Payload::keys. Unknown kinds: into Payload::opaque.
  std::int64_t by = 0;         // counter_add.
};

struct Payload {
  std::vector<ContainerName> containers;
  std::vector<Op> ops;
  std::string text;
  std::vector<Atom> atoms;
  std::vector<std::string> keys;
  std::vector<Bytes> opaque;

  bool empty() const { return ops.empty(); }
  std::uint64_t units() const;
  std::string_view text_of(const Op& op) const { return std::string_view(text).substr(op.content, op.bytes); }
};

// Errors: the payload_* codes, with the byte they were met at. An empty view is a payload without operations.
Result<Payload> decode_payload(ByteView bytes);

Bytes encode_payload(const Payload& payload);

// Gathers operations into runs in the one canonical way. What is added is valid: the caller has checked it.
class PayloadBuilder {
 public:
  const Payload& payload() const { return payload_; }
  std::uint32_t units() const { return units_; }  // The offset of the next operation.
  // No less than the encoding's size.
  std::size_t size_bound() const { return size_bound_; }
  static std::size_t bound_of(const Atom& atom);
  static constexpr std::size_t op_bound = 40;         // Of a run's part in the columns.
  static constexpr std::size_t container_bound = 48;  // Of a container's.

  std::uint32_t container(const ContainerName& name);
  void text_insert(std::uint32_t container, std::uint64_t position, std::string_view text, std::uint32_t chars);
  void erase(std::uint32_t container, std::uint64_t position, std::uint32_t count);
  void list_insert(std::uint32_t container, std::uint64_t position, std::vector<Atom> atoms);
  void list_set(std::uint32_t container, std::uint64_t position, Atom atom);
  void map_set(std::uint32_t container, std::string key, Atom atom);
  void map_delete(std::uint32_t container, std::string key);
  void counter_add(std::uint32_t container, std::int64_t by);

 private:
  Op& begin_op(std::uint32_t container, OpKind kind, std::uint64_t position, std::uint32_t count);

  Payload payload_;
  std::uint32_t units_ = 0;
  std::size_t size_bound_ = 16;
};

// True if `next` would have been part of the run `last`: canonical payloads have no such neighbours.
bool continues_run(const Op& last, const Op& next);

// If the operations of `whole` begin with those of `part`, the ones that follow (as a payload of its own over the same
// tables); nothing otherwise.
struct Remainder {
  bool matches = false;
  std::vector<Op> ops;  // Over the tables of `whole`.
};
Remainder remainder_after(const Payload& part, const Payload& whole);

}  // namespace rz::document
