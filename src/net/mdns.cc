#include "net/mdns.h"

#include <algorithm>
#include <optional>

#include "base/assert.h"

namespace rz::net {

namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t label_bytes_max = 63;
constexpr std::size_t name_bytes_max = 255;
constexpr std::uint16_t type_ptr = 12;
constexpr std::uint16_t type_txt = 16;
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t class_mask = 0x7fff;    // The top bit means other things in mDNS.
constexpr std::uint16_t flags_answer = 0x8400;  // A response, authoritative.
constexpr std::uint16_t flag_response = 0x8000;
constexpr std::string_view text_prefix = "at=";
constexpr std::size_t answer_bytes_max = 1400;  // Of ours: one packet everywhere.

void put_u16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_name(Bytes& out, std::string_view name) {
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    RZ_REQUIRE(!label.empty() && label.size() <= label_bytes_max);
    out.push_back(static_cast<std::uint8_t>(label.size()));
    append(out, as_bytes(label));
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  out.push_back(0);
}

void put_header(Bytes& out, std::uint16_t flags, std::size_t questions, std::size_t answers, std::size_t additional) {
  put_u16(out, 0);
  put_u16(out, flags);
  put_u16(out, questions);
  put_u16(out, answers);
  put_u16(out, 0);
  put_u16(out, additional);
}

void put_record(Bytes& out, std::string_view name, std::uint16_t type, ByteView data) {
  put_name(out, name);
  put_u16(out, type);
  put_u16(out, class_in);
  put_u16(out, mdns_ttl_s >> 16);
  put_u16(out, mdns_ttl_s & 0xffff);
  put_u16(out, data.size());
  append(out, data);
}

class Reader {
 public:
  explicit Reader(ByteView message) : message_(message) {}

  Result<std::uint16_t> u16() {
    if (message_.size() - at_ < 2) return bad("the message ends early");
    const auto value = static_cast<std::uint16_t>(message_[at_] << 8 | message_[at_ + 1]);
    at_ += 2;
    return value;
  }

  Result<ByteView> take(std::size_t count) {
    if (message_.size() - at_ < count) return bad("the message ends early");
    const ByteView taken = message_.subspan(at_, count);
    at_ += count;
    return taken;
  }

  // Lower-case, labels joined by dots. Pointers go strictly backwards, so this ends.
  Result<std::string> name() {
    std::string joined;
    std::size_t at = at_;
    std::size_t pointers_before = at_;
    bool jumped = false;
    for (;;) {
      if (at >= message_.size()) return bad("a name ends early");
      const std::uint8_t length = message_[at];
      if ((length & 0xc0) == 0xc0) {
        if (at + 1 >= message_.size()) return bad("a name ends early");
        const std::size_t target = static_cast<std::size_t>(length & 0x3f) << 8 | message_[at + 1];
        if (!jumped) at_ = at + 2;
        jumped = true;
        if (target >= pointers_before) return bad("a compression pointer that does not go back");
        pointers_before = at = target;
        continue;
      }
      if (length > label_bytes_max) return bad("a label of a kind that is not known");
      if (length == 0) break;
      if (message_.size() - at - 1 < length) return bad("a label ends early");
      if (joined.size() + length + 1 > name_bytes_max) return bad("a name is too long");
      if (!joined.empty()) joined += '.';
      for (const std::uint8_t byte : message_.subspan(at + 1, length)) {
        joined += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
      }
      at += 1u + length;
    }
    if (!jumped) at_ = at + 1;
    return joined;
  }

  std::unexpected<Error> bad(std::string_view why) const { return fail_at(ErrorCode::net_bad_dns, at_, why); }

 private:
  ByteView message_;
  std::size_t at_ = 0;
};

// NAME of "NAME._rhizome._udp.local"; empty where it is no such name.
std::string_view label_before_service(std::string_view name) {
  if (!name.ends_with(mdns_service) || name.size() == mdns_service.size()) return {};
  name.remove_suffix(mdns_service.size());
  if (name.back() != '.') return {};
  name.remove_suffix(1);
  return name.find('.') == std::string_view::npos ? name : std::string_view();
}

std::optional<std::string> text_of(const ipld::Multiaddr& address) {
  std::string text = words(text_prefix, address.to_string());
  if (text.size() > 255) return std::nullopt;
  return text;
}

// The strings of a TXT record, those that are addresses.
void read_txt(ByteView data, std::string_view name, std::size_t& count, MdnsMessage& message) {
  while (!data.empty()) {
    const std::size_t length = data[0];
    if (length > data.size() - 1) return;
    const std::string_view text = as_text(data.subspan(1, length));
    data = data.subspan(1 + length);
    if (!text.starts_with(text_prefix) || count == mdns_addresses_max) continue;
    auto address = ipld::Multiaddr::parse(text.substr(text_prefix.size()));
    if (!address || address->is_empty()) continue;
    auto known = std::ranges::find(message.announcements, name, &MdnsAnnouncement::name);
    if (known == message.announcements.end()) {
      message.announcements.push_back({std::string(name), {}});
      known = message.announcements.end() - 1;
    }
    known->addresses.push_back(*std::move(address));
    ++count;
  }
}

Status read_record(Reader& reader, std::size_t& count, MdnsMessage& message) {
  RZ_TRY(const auto name, reader.name());
  RZ_TRY(const std::uint16_t type, reader.u16());
  RZ_TRY(const std::uint16_t record_class, reader.u16());
  RZ_CHECK(reader.take(4));  // How long it holds: we dial at once or not at all.
  RZ_TRY(const std::uint16_t length, reader.u16());
  RZ_TRY(const ByteView data, reader.take(length));
  const std::string_view label = label_before_service(name);
  if (type == type_txt && !label.empty() && (record_class & class_mask) == class_in) {
    read_txt(data, label, count, message);
  }
  return {};
}

}  // namespace

Bytes encode_mdns_query() {
  Bytes out;
  put_header(out, 0, 1, 0, 0);
  put_name(out, mdns_service);
  put_u16(out, type_ptr);
  put_u16(out, class_in);
  return out;
}

std::vector<ipld::Multiaddr> mdns_addresses_that_fit(const std::vector<ipld::Multiaddr>& addresses) {
  std::vector<ipld::Multiaddr> fitting;
  // Name, service and the fixed part of a record are written out anew for each.
  const std::size_t record_bytes = mdns_name_letters + mdns_service.size() + 16;
  std::size_t bytes = header_bytes + 2 * record_bytes;
  for (const auto& address : addresses) {
    const auto text = text_of(address);
    if (!text || fitting.size() == mdns_addresses_max) continue;
    if (bytes + record_bytes + text->size() > answer_bytes_max) break;
    bytes += record_bytes + text->size();
    fitting.push_back(address);
  }
  return fitting;
}

Bytes encode_mdns_answer(std::string_view peer_name, const std::vector<ipld::Multiaddr>& addresses) {
  RZ_REQUIRE(peer_name.size() == mdns_name_letters);
  const std::string name = words(peer_name, ".", mdns_service);
  Bytes pointer;
  put_name(pointer, name);
  const auto fitting = mdns_addresses_that_fit(addresses);
  Bytes out;
  put_header(out, flags_answer, 0, 1, fitting.size());
  put_record(out, mdns_service, type_ptr, pointer);
  for (const auto& address : fitting) {
    const auto text = text_of(address);
    RZ_ASSERT(text.has_value());
    Bytes data{static_cast<std::uint8_t>(text->size())};
    append(data, as_bytes(*text));
    put_record(out, name, type_txt, data);
  }
  RZ_ASSERT(out.size() <= answer_bytes_max);
  return out;
}

Result<MdnsMessage> decode_mdns(ByteView bytes) {
  if (bytes.size() > mdns_bytes_max)
    return fail(ErrorCode::limit_exceeded, words("a message of ", bytes.size(), " bytes"));
  Reader reader(bytes);
  RZ_CHECK(reader.u16());  // The id: of no use in mDNS.
  RZ_TRY(const std::uint16_t flags, reader.u16());
  RZ_TRY(const std::uint16_t questions, reader.u16());
  std::size_t records = 0;
  for (int part = 0; part < 3; ++part) {  // Answers, authorities, additional ones.
    RZ_TRY(const std::uint16_t count, reader.u16());
    records += count;
  }
  if (questions > mdns_records_max || records > mdns_records_max) {
    return fail(ErrorCode::limit_exceeded, words(questions, " questions and ", records, " records"));
  }
  MdnsMessage message;
  for (std::size_t i = 0; i < questions; ++i) {
    RZ_TRY(const auto name, reader.name());
    RZ_TRY(const std::uint16_t type, reader.u16());
    RZ_TRY(const std::uint16_t question_class, reader.u16());
    const bool asked = type == type_ptr && (question_class & class_mask) == class_in && name == mdns_service;
    if (asked && (flags & flag_response) == 0) message.is_query = true;
  }
  std::size_t addresses = 0;
  for (std::size_t i = 0; i < records; ++i) RZ_CHECK(read_record(reader, addresses, message));
  if ((flags & flag_response) == 0) message.announcements.clear();  // A query's records announce nothing.
  return message;
}

}  // namespace rz::net
