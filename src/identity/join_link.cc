#include "identity/join_link.h"

#include <algorithm>

#include "crypto/sign.h"
#include "ipld/dag_cbor.h"
#include "ipld/multibase.h"

namespace rz::identity {

namespace {

constexpr std::string_view prefix = "rhizome:join/";
constexpr std::uint64_t fields_count = 4;

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  const auto first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

Result<JoinLink> decode(ByteView bytes) {
  ipld::dag_cbor::Reader reader(bytes);
  JoinLink link;
  RZ_CHECK(reader.expect_array(fields_count));
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != join_link_version) {
    return fail(ErrorCode::join_link_malformed, words("version ", version, " of the join link is not known here"));
  }
  RZ_CHECK(reader.expect_fixed(link.secret));
  RZ_CHECK(reader.expect_fixed(link.inviter));
  if (!crypto::is_valid(link.inviter)) return fail(ErrorCode::join_link_malformed, "the inviter's key is not a key");
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > join_link_addresses_max) return fail(ErrorCode::limit_exceeded, "too many addresses in a join link");
  for (std::uint64_t i = 0; i < count; ++i) {
    RZ_TRY(const ByteView address, reader.expect_bytes());
    RZ_TRY(auto multiaddr, ipld::Multiaddr::decode(address));
    link.addresses.push_back(std::move(multiaddr));
  }
  RZ_CHECK(reader.finish());
  return link;
}

}  // namespace

Result<std::string> format_join_link(const JoinLink& link) {
  if (link.addresses.size() > join_link_addresses_max) {
    return fail(ErrorCode::limit_exceeded, "too many addresses for a join link");
  }
  Bytes bytes;
  ipld::dag_cbor::Writer writer(bytes);
  writer.array(fields_count);
  writer.unsigned_integer(join_link_version);
  writer.bytes(link.secret.view());
  writer.bytes(link.inviter.view());
  writer.array(link.addresses.size());
  for (const auto& address : link.addresses) writer.bytes(address.bytes());
  RZ_TRY(const std::string text, ipld::base_encode(ipld::Multibase::base32, bytes));
  if (prefix.size() + text.size() > join_link_text_bytes_max) {
    return fail(ErrorCode::limit_exceeded, "the addresses are too long for a join link");
  }
  return words(prefix, text);
}

Result<std::string> format_join_qr(const JoinLink& link) {
  RZ_TRY(std::string text, format_join_link(link));
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

Result<JoinLink> parse_join_link(std::string_view text) {
  text = trimmed(text);
  if (text.size() > join_link_text_bytes_max) return fail(ErrorCode::limit_exceeded, "far too long for a join link");
  const std::string lower = to_lower(text);
  if (!lower.starts_with(prefix)) {
    return fail_at(ErrorCode::join_link_malformed, 0, "a join link begins with rhizome:join/");
  }
  auto bytes = ipld::base_decode(ipld::Multibase::base32, std::string_view(lower).substr(prefix.size()));
  if (!bytes) {
    const std::uint64_t offset = bytes.error().offset;
    return fail_at(ErrorCode::join_link_malformed, offset == Error::offset_none ? offset : offset + prefix.size(),
                   words("a mistyped or cut off join link: ", bytes.error().message));
  }
  return decode(*bytes);
}

Result<JoinInvitation> parse_join_invitation(std::string_view text) {
  text = trimmed(text);
  if (to_lower(text.substr(0, std::string_view("rhizome:").size())) == "rhizome:") {
    RZ_TRY(JoinLink link, parse_join_link(text));
    return JoinInvitation{link.secret, link.inviter, std::move(link.addresses)};
  }
  RZ_TRY(const JoinSecret secret, parse_join_code(text));
  return JoinInvitation{secret, std::nullopt, {}};
}

}  // namespace rz::identity
