// DAG-PB (ipld.io/specs/codecs/dag-pb): the two protobuf messages of IPFS files.
//
//   PBNode { repeated PBLink Links = 2; optional bytes Data = 1; }     serialised with the links first
//   PBLink { bytes Hash = 1; optional string Name = 2; optional uint64 Tsize = 3; }
//
// Strict: fields in that order, each at most once, no other field, varints minimal, links sorted by the bytes of their
// names (a missing name sorts as an empty one; equal names stay as they stand). What decodes encodes to the same bytes.
// Historical blocks exist that break the order of fields or links: `Form::historical` takes those as they are; they do
// not encode to the same bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ipld/cid.h"
#include "ipld/limits.h"
#include "ipld/value.h"

namespace rz::ipld::dag_pb {

struct Link {
  Cid hash;
  std::optional<std::string> name;
  std::optional<std::uint64_t> tsize;  // Bytes of the whole DAG under it, as its writer says; below 2^63.
  friend bool operator==(const Link&, const Link&) = default;
};

struct Node {
  std::vector<Link> links;
  std::optional<Bytes> data;
  friend bool operator==(const Node&, const Node&) = default;
};

enum class Form : std::uint8_t { strict, historical };

// Errors, with the offset: truncated, bad_varint, pb_wire_type, pb_unknown_field, pb_field_order (also a field twice),
// pb_missing_hash, unsorted_links, invalid_utf8, too_large, and those of a CID.
Result<Node> decode(ByteView block, Form form = Form::strict, Limits limits = {});
// The order of links is the caller's. Errors: unsorted_links, invalid_utf8, bad_argument (a link without hash, a Tsize
// of 2^63 or more).
Result<Bytes> encode(const Node& node);
// By name, stable.
void sort_links(Node& node);

// {"Data"?: bytes, "Links": [{"Hash": link, "Name"?: text, "Tsize"?: int}]}.
Value to_value(const Node& node);
// Errors: pb_bad_shape, with what is wrong.
Result<Node> from_value(const Value& value);

}  // namespace rz::ipld::dag_pb
