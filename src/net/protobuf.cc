#include "net/protobuf.h"

#include "base/assert.h"

namespace rz::net {

Result<std::uint64_t> ProtobufReader::read_varint() {
  const std::size_t begin = at_;
  std::uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at_ == message_.size()) return fail_at(ErrorCode::net_bad_protobuf, begin, "the message ends inside a varint");
    const std::uint8_t byte = message_[at_++];
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return fail_at(ErrorCode::net_bad_protobuf, begin, "a varint over 64 bits");
}

Result<std::optional<ProtobufField>> ProtobufReader::next() {
  if (at_ == message_.size()) return std::optional<ProtobufField>();
  ProtobufField field;
  field.offset = at_;
  RZ_TRY(const std::uint64_t tag, read_varint());
  const std::uint64_t number = tag >> 3;
  if (number == 0 || number >= 1u << 29) {
    return fail_at(ErrorCode::net_bad_protobuf, field.offset, words("no field can have the number ", number));
  }
  field.number = static_cast<std::uint32_t>(number);
  field.type = static_cast<WireType>(tag & 7);
  std::size_t length = 0;
  switch (field.type) {
    case WireType::varint: {
      RZ_TRY(field.value, read_varint());
      return std::optional(field);
    }
    case WireType::fixed64:
      length = 8;
      break;
    case WireType::fixed32:
      length = 4;
      break;
    case WireType::bytes: {
      RZ_TRY(const std::uint64_t announced, read_varint());
      if (announced > message_.size() - at_) {
        return fail_at(ErrorCode::net_bad_protobuf, field.offset, "a field is longer than what is left");
      }
      length = static_cast<std::size_t>(announced);
      break;
    }
    default:
      return fail_at(ErrorCode::net_bad_protobuf, field.offset, words("wire type ", tag & 7));
  }
  if (length > message_.size() - at_) {
    return fail_at(ErrorCode::net_bad_protobuf, field.offset, "a field is longer than what is left");
  }
  field.bytes = message_.subspan(at_, length);
  at_ += length;
  return std::optional(field);
}

}  // namespace rz::net
