#include "net/identify.h"

#include "net/protobuf.h"

namespace rz::net {

namespace {

enum Field : std::uint32_t {
  public_key_field = 1,
  addresses_field = 2,
  protocols_field = 3,
  observed_address_field = 4,
  protocol_version_field = 5,
  agent_version_field = 6,
  signed_peer_record_field = 8,
};

// Names of protocols and versions end up in logs and pages: printable ASCII only.
Result<std::string> read_text(const ProtobufField& field) {
  if (field.bytes.size() > identify_text_bytes_max) {
    return fail_at(ErrorCode::limit_exceeded, field.offset, words("a text of ", field.bytes.size(), " bytes"));
  }
  for (const std::uint8_t byte : field.bytes) {
    if (byte < 0x20 || byte > 0x7e) return fail_at(ErrorCode::net_bad_protobuf, field.offset, "not printable ASCII");
  }
  return std::string(as_text(field.bytes));
}

Status merge_field(const ProtobufField& field, Identify& value) {
  const bool known = field.number <= agent_version_field || field.number == signed_peer_record_field;
  if (!known) return {};
  if (field.type != WireType::bytes) {
    return fail_at(ErrorCode::net_bad_protobuf, field.offset, words("field ", field.number, " is no byte string"));
  }
  switch (field.number) {
    case public_key_field:
      value.public_key = to_bytes(field.bytes);
      return {};
    case observed_address_field:
      value.observed_address = to_bytes(field.bytes);
      return {};
    case signed_peer_record_field:
      value.signed_peer_record = to_bytes(field.bytes);
      return {};
    case addresses_field:
      if (value.addresses.size() == identify_addresses_max) {
        return fail_at(ErrorCode::limit_exceeded, field.offset, "too many addresses");
      }
      value.addresses.push_back(to_bytes(field.bytes));
      return {};
    case protocols_field: {
      if (value.protocols.size() == identify_protocols_max) {
        return fail_at(ErrorCode::limit_exceeded, field.offset, "too many protocols");
      }
      RZ_TRY(value.protocols.emplace_back(), read_text(field));
      return {};
    }
    case protocol_version_field: {
      RZ_TRY(value.protocol_version, read_text(field));
      return {};
    }
    case agent_version_field: {
      RZ_TRY(value.agent_version, read_text(field));
      return {};
    }
    default:
      return {};
  }
}

}  // namespace

Bytes encode_identify(const Identify& value) {
  Bytes out;
  const auto put = [&out](std::uint32_t number, ByteView bytes) {
    if (!bytes.empty()) put_protobuf_bytes(out, number, bytes);
  };
  put(public_key_field, value.public_key);
  for (const auto& address : value.addresses) put(addresses_field, address);
  for (const auto& protocol : value.protocols) put(protocols_field, as_bytes(protocol));
  put(observed_address_field, value.observed_address);
  put(protocol_version_field, as_bytes(value.protocol_version));
  put(agent_version_field, as_bytes(value.agent_version));
  put(signed_peer_record_field, value.signed_peer_record);
  return out;
}

Status merge_identify(ByteView message, Identify& value) {
  if (message.size() > identify_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words("an identify message of ", message.size(), " bytes"));
  }
  Identify merged = value;
  ProtobufReader reader(message);
  for (;;) {
    RZ_TRY(const auto field, reader.next());
    if (!field) break;
    RZ_CHECK(merge_field(*field, merged));
  }
  value = std::move(merged);
  return {};
}

}  // namespace rz::net
