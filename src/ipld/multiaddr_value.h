// One value of a multiaddr, between text and bytes, by its protocol. Inside this room only.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "ipld/multiaddr.h"

namespace rz::ipld {

// How a protocol's value is written.
enum class ValueForm : std::uint8_t { none, ip4, ip6, port, cidr, name, path, peer_id, certhash };

struct ProtocolRow {
  Protocol protocol;
  std::string_view name;
  ValueForm form;
  int value_bytes;  // Fixed; −1: behind a varint length.
};

// None (nullptr) where it is not in the table.
const ProtocolRow* find_protocol(std::uint64_t code);
const ProtocolRow* find_protocol(std::string_view name);

// Errors: bad_multiaddr.
Result<Bytes> multiaddr_value_of(const ProtocolRow& row, std::string_view text);
// Is this a value of that protocol? Then its text. Errors: bad_multiaddr.
Result<std::string> multiaddr_text_of(const ProtocolRow& row, ByteView value);

}  // namespace rz::ipld
