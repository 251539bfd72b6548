#include <algorithm>
#include <bit>

#include "base/varint.h"
#include "document/payload.h"
#include "document/payload_tags.h"

namespace rz::document {
namespace {

void put_sized(Bytes& out, ByteView bytes) {
  put_varint(out, bytes.size());
  append(out, bytes);
}

struct AtomWriter {
  Bytes& out;
  void tag(AtomTag value) const { out.push_back(static_cast<std::uint8_t>(value)); }
  void operator()(Null) const { tag(AtomTag::null); }
  void operator()(bool value) const { tag(value ? AtomTag::yes : AtomTag::no); }
  void operator()(std::int64_t value) const {
    tag(value < 0 ? AtomTag::negative : AtomTag::natural);
    put_varint(out, static_cast<std::uint64_t>(value < 0 ? -1 - value : value));
  }
  void operator()(double value) const {
    tag(AtomTag::real);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
  void operator()(const std::string& value) const {
    tag(AtomTag::string);
    put_sized(out, as_bytes(value));
  }
  void operator()(const Bytes& value) const {
    tag(AtomTag::bytes);
    put_sized(out, value);
  }
  void operator()(Type type) const {
    out.push_back(static_cast<std::uint8_t>(static_cast<int>(AtomTag::container_map) + static_cast<int>(type)));
  }
};

std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}

void put_containers(Bytes& out, const Payload& payload) {
  std::vector<EventId> events;
  for (const ContainerName& name : payload.containers) {
    if (name.kind == ContainerName::Kind::other) events.push_back(name.event);
  }
  std::sort(events.begin(), events.end());
  events.erase(std::unique(events.begin(), events.end()), events.end());
  put_varint(out, events.size());
  for (const EventId& event : events) append(out, event.view());
  put_varint(out, payload.containers.size());
  for (const ContainerName& name : payload.containers) {
    if (name.kind != ContainerName::Kind::other) {
      put_varint(out, static_cast<std::uint64_t>(name.kind));
      if (name.kind == ContainerName::Kind::own) put_varint(out, name.offset);
      continue;
    }
    const auto place = std::lower_bound(events.begin(), events.end(), name.event) - events.begin();
    put_varint(out, static_cast<std::uint64_t>(place) + static_cast<std::uint64_t>(ContainerName::Kind::other));
    put_varint(out, name.offset);
  }
}

struct Columns {
  Bytes heads;
  Bytes places;
  Bytes counts;
  Bytes values;
};

void put_op(Columns& to, const Payload& payload, const Op& op, std::uint64_t& expected) {
  if (has_place(op.kind)) {
    put_varint(to.places, zigzag(static_cast<std::int64_t>(op.position) - static_cast<std::int64_t>(expected)));
    expected = place_after(op);
  }
  if (has_count(op.kind)) put_varint(to.counts, op.count);
  const AtomWriter writer{to.values};
  switch (op.kind) {
    case OpKind::list_insert:
      for (std::uint32_t i = 0; i < op.count; ++i) std::visit(writer, payload.atoms[op.content + i]);
      break;
    case OpKind::list_set:
      std::visit(writer, payload.atoms[op.content]);
      break;
    case OpKind::map_set:
      put_sized(to.values, as_bytes(payload.keys[op.key]));
      std::visit(writer, payload.atoms[op.content]);
      break;
    case OpKind::map_delete:
      put_sized(to.values, as_bytes(payload.keys[op.key]));
      break;
    case OpKind::counter_add:
      put_varint(to.values, zigzag(op.by));
      break;
    case OpKind::text_insert:
    case OpKind::delete_forward:
    case OpKind::delete_back:
      break;
    default:
      put_sized(to.values, payload.opaque[op.key]);
  }
}

}  // namespace

Bytes encode_payload(const Payload& payload) {
  Bytes out;
  if (payload.empty()) return out;
  put_varint(out, payload_version);
  put_containers(out, payload);
  put_varint(out, payload.ops.size());
  Columns columns;
  std::vector<std::uint64_t> expected(payload.containers.size(), 0);
  for (std::size_t i = 0; i < payload.ops.size();) {
    const std::uint64_t head = head_of(payload.ops[i]);
    std::size_t end = i;
    while (end < payload.ops.size() && head_of(payload.ops[end]) == head) ++end;
    put_varint(columns.heads, head);
    put_varint(columns.heads, end - i - 1);
    for (; i < end; ++i) put_op(columns, payload, payload.ops[i], expected[payload.ops[i].container]);
  }
  put_sized(out, columns.heads);
  put_sized(out, columns.places);
  put_sized(out, columns.counts);
  put_sized(out, columns.values);
  append(out, as_bytes(payload.text));
  return out;
}

}  // namespace rz::document
