// The few protobuf fields that libp2p's messages use (protobuf.dev, "Encoding"): varints and byte strings.
//
// protozero reads the same but throws on bad input, and the core has no exceptions; the tests use it as the second
// reading that must agree with this one.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/varint.h"

namespace rz::net {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct ProtobufField {
  std::uint32_t number = 0;
  WireType type = WireType::varint;
  std::uint64_t value = 0;   // Of a varint.
  ByteView bytes;            // Of a byte string (or the raw bytes of a fixed one).
  std::uint64_t offset = 0;  // Of the field's tag in the message.
};

// Reads fields one after another. Groups are refused, as are tag 0, varints longer than ten bytes or over 64 bits, and
// lengths beyond the end. Varints need not be in their shortest form (protobuf allows others).
class ProtobufReader {
 public:
  explicit ProtobufReader(ByteView message) : message_(message) {}

  // The next field; empty at the end. Errors: net_bad_protobuf with the offset.
  Result<std::optional<ProtobufField>> next();

 private:
  Result<std::uint64_t> read_varint();

  ByteView message_;
  std::size_t at_ = 0;
};

inline void put_protobuf_varint(Bytes& out, std::uint32_t number, std::uint64_t value) {
  put_varint(out, std::uint64_t{number} << 3 | static_cast<std::uint64_t>(WireType::varint));
  put_varint(out, value);
}

inline void put_protobuf_bytes(Bytes& out, std::uint32_t number, ByteView bytes) {
  put_varint(out, std::uint64_t{number} << 3 | static_cast<std::uint64_t>(WireType::bytes));
  put_varint(out, bytes.size());
  append(out, bytes);
}

}  // namespace rz::net
