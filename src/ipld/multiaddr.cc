#include "ipld/multiaddr.h"

#include "base/assert.h"
#include "base/varint.h"
#include "ipld/multiaddr_value.h"
#include "ipld/varint_read.h"

namespace rz::ipld {
namespace {

struct RawPart {
  const ProtocolRow* row = nullptr;
  ByteView value;
  std::size_t size_bytes = 0;
};

// The part at `at`, its form not yet checked.
Result<RawPart> read_part(ByteView bytes, std::size_t at) {
  RZ_TRY(const Varint code, read_varint(bytes, at, "a protocol's code"));
  RawPart part;
  part.row = find_protocol(code.value);
  if (!part.row) return fail_at(ErrorCode::unknown_protocol, at, words("the protocol ", code.value));
  std::size_t value_at = at + code.size_bytes;
  std::uint64_t size = static_cast<std::uint64_t>(part.row->value_bytes);
  if (part.row->value_bytes < 0) {
    RZ_TRY(const Varint length, read_varint(bytes, value_at, "a value's length"));
    value_at += length.size_bytes;
    size = length.value;
  }
  if (size > bytes.size() - value_at) {
    return fail_at(ErrorCode::truncated, bytes.size(), words("the value of ", part.row->name, " is cut short"));
  }
  part.value = bytes.subspan(value_at, static_cast<std::size_t>(size));
  part.size_bytes = value_at + part.value.size() - at;
  return part;
}

void put_part(Bytes& out, const ProtocolRow& row, ByteView value) {
  put_varint(out, static_cast<std::uint64_t>(row.protocol));
  if (row.value_bytes < 0) put_varint(out, value.size());
  append(out, value);
}

std::unexpected<Error> at(std::size_t offset, const Error& error) { return fail_at(error.code, offset, error.message); }

}  // namespace

std::string_view name_of(Protocol protocol) {
  const ProtocolRow* row = find_protocol(static_cast<std::uint64_t>(protocol));
  return row ? row->name : "";
}

Result<Multiaddr> Multiaddr::decode(ByteView bytes) {
  if (bytes.size() > bytes_max) return fail(ErrorCode::too_large, words("a multiaddr of ", bytes.size(), " bytes"));
  std::size_t offset = 0;
  for (std::size_t count = 0; offset < bytes.size(); ++count) {
    if (count == parts_max) return fail_at(ErrorCode::too_large, offset, words("more than ", parts_max, " parts"));
    RZ_TRY(const RawPart part, read_part(bytes, offset));
    if (const auto text = multiaddr_text_of(*part.row, part.value); !text) return at(offset, text.error());
    offset += part.size_bytes;
    if (part.row->form == ValueForm::path && offset != bytes.size()) {
      return fail_at(ErrorCode::bad_multiaddr, offset, "nothing follows a path");
    }
  }
  Multiaddr address;
  address.bytes_ = to_bytes(bytes);
  return address;
}

Result<Multiaddr> Multiaddr::parse(std::string_view text) {
  if (text.size() > 4 * bytes_max)
    return fail(ErrorCode::too_large, words("a multiaddr of ", text.size(), " characters"));
  if (text.empty() || text[0] != '/') return fail_at(ErrorCode::bad_multiaddr, 0, "a multiaddr begins with \"/\"");
  Bytes bytes;
  std::size_t offset = 0;
  const auto next_word = [&] {
    const std::size_t begin = offset + 1;
    offset = std::min(text.find('/', begin), text.size());
    return text.substr(begin, offset - begin);
  };
  while (offset < text.size() && text != "/") {
    const std::size_t part_at = offset + 1;
    const std::string_view name = next_word();
    const ProtocolRow* row = find_protocol(name);
    if (!row) return fail_at(ErrorCode::unknown_protocol, part_at, words("the protocol \"", name, "\""));
    std::string_view value_text;
    if (row->form == ValueForm::path) {
      value_text = text.substr(offset);
      offset = text.size();
    } else if (row->form != ValueForm::none) {
      if (offset == text.size())
        return fail_at(ErrorCode::bad_multiaddr, offset, words("the value of ", name, " is missing"));
      value_text = next_word();
    }
    auto value = multiaddr_value_of(*row, value_text);
    if (!value) return at(part_at, value.error());
    put_part(bytes, *row, *value);
    // The bytes are held to the same rules as those from outside: decode() below. Here only for the better offset.
    if (const auto checked = multiaddr_text_of(*row, *value); !checked) return at(part_at, checked.error());
  }
  return decode(bytes);
}

std::vector<Multiaddr::Part> Multiaddr::parts() const {
  std::vector<Part> parts;
  for (std::size_t offset = 0; offset < bytes_.size();) {
    const auto part = read_part(bytes_, offset);
    RZ_ASSERT(part.has_value());
    parts.push_back({part->row->protocol, part->value});
    offset += part->size_bytes;
  }
  return parts;
}

std::string Multiaddr::to_string() const {
  if (is_empty()) return "/";
  std::string out;
  for (const Part& part : parts()) {
    const ProtocolRow* row = find_protocol(static_cast<std::uint64_t>(part.protocol));
    out += "/";
    out += row->name;
    if (row->form == ValueForm::none) continue;
    const auto text = multiaddr_text_of(*row, part.value);
    RZ_ASSERT(text.has_value());
    if (row->form != ValueForm::path) out += "/";
    out += *text;
  }
  return out;
}

std::optional<ByteView> Multiaddr::find(Protocol protocol) const {
  for (const Part& part : parts()) {
    if (part.protocol == protocol) return part.value;
  }
  return std::nullopt;
}

std::optional<std::string> Multiaddr::host() const {
  for (const Part& part : parts()) {
    switch (part.protocol) {
      case Protocol::ip4:
      case Protocol::ip6:
      case Protocol::dns:
      case Protocol::dns4:
      case Protocol::dns6:
      case Protocol::dnsaddr: {
        const auto text = multiaddr_text_of(*find_protocol(static_cast<std::uint64_t>(part.protocol)), part.value);
        RZ_ASSERT(text.has_value());
        return *text;
      }
      default:
        break;
    }
  }
  return std::nullopt;
}

std::optional<std::uint16_t> Multiaddr::port(Protocol protocol) const {
  const auto value = find(protocol);
  if (!value) return std::nullopt;
  return static_cast<std::uint16_t>((*value)[0] << 8 | (*value)[1]);
}

std::optional<ByteView> Multiaddr::peer_id() const {
  std::optional<ByteView> last;
  for (const Part& part : parts()) {
    if (part.protocol == Protocol::p2p) last = part.value;
  }
  return last;
}

Result<Multiaddr> Multiaddr::join(const Multiaddr& other) const {
  Bytes bytes = bytes_;
  append(bytes, other.bytes_);
  return decode(bytes);
}

Multiaddr Multiaddr::without_peer() const {
  const auto all = parts();
  if (all.empty() || all.back().protocol != Protocol::p2p) return *this;
  Multiaddr shorter;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    put_part(shorter.bytes_, *find_protocol(static_cast<std::uint64_t>(all[i].protocol)), all[i].value);
  }
  return shorter;
}

}  // namespace rz::ipld
