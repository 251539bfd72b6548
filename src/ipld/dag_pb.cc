#include "ipld/dag_pb.h"

#include <algorithm>

#include "base/varint.h"
#include "ipld/utf8.h"
#include "ipld/varint_read.h"

namespace rz::ipld::dag_pb {
namespace {

// Protobuf's wire types that DAG-PB uses, and its fields as whole tags (number << 3 | wire type).
constexpr std::uint64_t wire_varint = 0;
constexpr std::uint64_t wire_bytes = 2;
constexpr std::uint64_t node_data = 1;
constexpr std::uint64_t node_links = 2;
constexpr std::uint64_t link_hash = 1;
constexpr std::uint64_t link_name = 2;
constexpr std::uint64_t link_tsize = 3;

constexpr std::uint64_t tag_of(std::uint64_t field, std::uint64_t wire) { return field << 3 | wire; }

std::string_view name_bytes(const Link& link) { return link.name ? std::string_view(*link.name) : std::string_view(); }

// Reads fields; offsets are in the whole block.
class Fields {
 public:
  Fields(ByteView bytes, std::size_t base_offset) : bytes_(bytes), base_(base_offset) {}

  bool at_end() const { return at_ == bytes_.size(); }
  std::size_t offset() const { return base_ + at_; }

  // The next field's number. Errors: pb_wire_type where its wire type is not `wanted(number)`.
  Result<std::uint64_t> field(std::uint64_t (*wanted)(std::uint64_t)) {
    const std::size_t tag_at = offset();
    RZ_TRY(const std::uint64_t tag, varint("a field's tag"));
    const std::uint64_t number = tag >> 3;
    const std::uint64_t wire = wanted(number);
    if (wire == ~std::uint64_t{0}) return fail_at(ErrorCode::pb_unknown_field, tag_at, words("field ", number));
    if (wire != (tag & 7)) return fail_at(ErrorCode::pb_wire_type, tag_at, words("wire type ", tag & 7));
    return number;
  }

  Result<std::uint64_t> varint(std::string_view what) {
    auto read = read_varint(bytes_, at_, what);
    if (!read) {
      Error error = std::move(read).error();
      error.offset += base_;
      return std::unexpected(std::move(error));
    }
    at_ += read->size_bytes;
    return read->value;
  }

  Result<ByteView> bytes() {
    const std::size_t size_at = offset();
    RZ_TRY(const std::uint64_t size, varint("a field's length"));
    if (size > bytes_.size() - at_) {
      return fail_at(ErrorCode::truncated, size_at, "a length that reaches behind the end");
    }
    const ByteView taken = bytes_.subspan(at_, static_cast<std::size_t>(size));
    at_ += taken.size();
    return taken;
  }

 private:
  ByteView bytes_;
  std::size_t base_;
  std::size_t at_ = 0;
};

std::uint64_t wire_of_node(std::uint64_t field) {
  return field == node_data || field == node_links ? wire_bytes : ~std::uint64_t{0};
}

std::uint64_t wire_of_link(std::uint64_t field) {
  if (field == link_tsize) return wire_varint;
  return field == link_hash || field == link_name ? wire_bytes : ~std::uint64_t{0};
}

Result<Link> decode_link(ByteView bytes, std::size_t base_offset) {
  Fields fields(bytes, base_offset);
  Link link;
  std::uint64_t previous = 0;
  while (!fields.at_end()) {
    const std::size_t field_at = fields.offset();
    RZ_TRY(const std::uint64_t field, fields.field(wire_of_link));
    if (field <= previous) return fail_at(ErrorCode::pb_field_order, field_at, "a link's field out of order or twice");
    if (field != link_hash && previous == 0) break;  // Without a hash, whatever follows.
    previous = field;
    if (field == link_tsize) {
      RZ_TRY(link.tsize, fields.varint("a link's Tsize"));
      continue;
    }
    RZ_TRY(const ByteView value, fields.bytes());
    const std::size_t value_at = fields.offset() - value.size();
    if (field == link_hash) {
      if (value.empty()) break;
      auto cid = Cid::decode(value);
      if (!cid) {
        const std::uint64_t inside = cid.error().offset == Error::offset_none ? 0 : cid.error().offset;
        return fail_at(cid.error().code, value_at + inside, cid.error().message);
      }
      link.hash = *std::move(cid);
    } else {
      RZ_CHECK(check_utf8(value, value_at));
      link.name = std::string(as_text(value));
    }
  }
  if (link.hash.is_empty()) return fail_at(ErrorCode::pb_missing_hash, base_offset, "a link without a hash");
  return link;
}

// Strictly: all links, then the data. Historically, the data may come first; never between links.
Status check_order(const Node& node, bool links_ended, std::uint64_t field, std::size_t at, Form form) {
  if (field == node_data) {
    if (node.data) return fail_at(ErrorCode::pb_field_order, at, "Data twice");
    return {};
  }
  if (links_ended) return fail_at(ErrorCode::pb_field_order, at, "links after the links' end");
  if (node.data && form == Form::strict) return fail_at(ErrorCode::pb_field_order, at, "a link after Data");
  return {};
}

}  // namespace

Result<Node> decode(ByteView block, Form form, Limits limits) {
  if (block.size() > limits.bytes_max) {
    return fail_at(ErrorCode::too_large, 0, words(block.size(), " bytes; ", limits.bytes_max, " are taken"));
  }
  Fields fields(block, 0);
  Node node;
  bool links_ended = false;
  while (!fields.at_end()) {
    const std::size_t field_at = fields.offset();
    RZ_TRY(const std::uint64_t field, fields.field(wire_of_node));
    RZ_CHECK(check_order(node, links_ended, field, field_at, form));
    RZ_TRY(const ByteView value, fields.bytes());
    if (field == node_data) {
      links_ended = !node.links.empty();
      node.data = to_bytes(value);
      continue;
    }
    RZ_TRY(Link link, decode_link(value, fields.offset() - value.size()));
    if (form == Form::strict && !node.links.empty() && name_bytes(link) < name_bytes(node.links.back())) {
      return fail_at(ErrorCode::unsorted_links, field_at, "a link's name sorts before that of the link before it");
    }
    node.links.push_back(std::move(link));
  }
  return node;
}

namespace {

void put_bytes_field(Bytes& out, std::uint64_t field, ByteView bytes) {
  put_varint(out, tag_of(field, wire_bytes));
  put_varint(out, bytes.size());
  append(out, bytes);
}

}  // namespace

Result<Bytes> encode(const Node& node) {
  Bytes out;
  Bytes encoded;
  for (std::size_t i = 0; i < node.links.size(); ++i) {
    const Link& link = node.links[i];
    if (link.hash.is_empty()) return fail(ErrorCode::bad_argument, words("link ", i, " has no hash"));
    if (i > 0 && name_bytes(link) < name_bytes(node.links[i - 1])) {
      return fail(ErrorCode::unsorted_links, words("the name of link ", i, " sorts before the one before it"));
    }
    encoded.clear();
    put_bytes_field(encoded, link_hash, link.hash.bytes());
    if (link.name) {
      RZ_CHECK(check_utf8(as_bytes(*link.name)));
      put_bytes_field(encoded, link_name, as_bytes(*link.name));
    }
    if (link.tsize) {
      if (*link.tsize >> 63 != 0) return fail(ErrorCode::bad_argument, words("the Tsize of link ", i, " is too large"));
      put_varint(encoded, tag_of(link_tsize, wire_varint));
      put_varint(encoded, *link.tsize);
    }
    put_bytes_field(out, node_links, encoded);
  }
  if (node.data) put_bytes_field(out, node_data, *node.data);
  return out;
}

void sort_links(Node& node) {
  // Stable by the index: std::stable_sort allocates through what C++23 deprecates.
  std::vector<std::size_t> order(node.links.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&node](std::size_t a, std::size_t b) {
    const int names = name_bytes(node.links[a]).compare(name_bytes(node.links[b]));
    return names != 0 ? names < 0 : a < b;
  });
  std::vector<Link> sorted;
  sorted.reserve(order.size());
  for (const std::size_t i : order) sorted.push_back(std::move(node.links[i]));
  node.links = std::move(sorted);
}

}  // namespace rz::ipld::dag_pb
