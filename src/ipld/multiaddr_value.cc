#include "ipld/multiaddr_value.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "ipld/cid.h"
#include "ipld/utf8.h"

namespace rz::ipld {
namespace {

constexpr ProtocolRow rows[] = {
    {Protocol::ip4, "ip4", ValueForm::ip4, 4},
    {Protocol::tcp, "tcp", ValueForm::port, 2},
    {Protocol::dccp, "dccp", ValueForm::port, 2},
    {Protocol::ip6, "ip6", ValueForm::ip6, 16},
    {Protocol::ip6zone, "ip6zone", ValueForm::name, -1},
    {Protocol::ipcidr, "ipcidr", ValueForm::cidr, 1},
    {Protocol::dns, "dns", ValueForm::name, -1},
    {Protocol::dns4, "dns4", ValueForm::name, -1},
    {Protocol::dns6, "dns6", ValueForm::name, -1},
    {Protocol::dnsaddr, "dnsaddr", ValueForm::name, -1},
    {Protocol::sctp, "sctp", ValueForm::port, 2},
    {Protocol::udp, "udp", ValueForm::port, 2},
    {Protocol::webrtc_direct, "webrtc-direct", ValueForm::none, 0},
    {Protocol::webrtc, "webrtc", ValueForm::none, 0},
    {Protocol::p2p_circuit, "p2p-circuit", ValueForm::none, 0},
    {Protocol::unix_path, "unix", ValueForm::path, -1},
    {Protocol::p2p, "p2p", ValueForm::peer_id, -1},
    {Protocol::https, "https", ValueForm::none, 0},
    {Protocol::tls, "tls", ValueForm::none, 0},
    {Protocol::sni, "sni", ValueForm::name, -1},
    {Protocol::noise, "noise", ValueForm::none, 0},
    {Protocol::quic, "quic", ValueForm::none, 0},
    {Protocol::quic_v1, "quic-v1", ValueForm::none, 0},
    {Protocol::webtransport, "webtransport", ValueForm::none, 0},
    {Protocol::certhash, "certhash", ValueForm::certhash, -1},
    {Protocol::ws, "ws", ValueForm::none, 0},
    {Protocol::wss, "wss", ValueForm::none, 0},
    {Protocol::http, "http", ValueForm::none, 0},
};

std::unexpected<Error> bad(std::string_view why) { return fail(ErrorCode::bad_multiaddr, why); }

// A decimal number without sign or leading zeros.
std::optional<std::uint32_t> decimal(std::string_view text, std::uint32_t max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value <= max ? std::optional(value) : std::nullopt;
}

Result<Bytes> ip4_of(std::string_view text) {
  Bytes out;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return bad("an IPv4 address has four parts");
    const auto byte = decimal(text.substr(0, dot), 255);
    if (!byte) return bad("a part of an IPv4 address is a number below 256");
    out.push_back(static_cast<std::uint8_t>(*byte));
    text.remove_prefix(std::min(text.size(), dot + 1));
  }
  return out;
}

std::string ip4_text(ByteView value) {
  return words(unsigned{value[0]}, ".", unsigned{value[1]}, ".", unsigned{value[2]}, ".", unsigned{value[3]});
}

// The groups on one side of "::", an IPv4 address at the end allowed.
Result<Bytes> ip6_groups(std::string_view text) {
  Bytes out;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && group.find('.') != std::string_view::npos) {
      RZ_TRY(const Bytes ip4, ip4_of(group));
      append(out, ip4);
      return out;
    }
    std::uint16_t number = 0;
    const auto [stop, failure] = std::from_chars(group.data(), group.data() + group.size(), number, 16);
    if (group.empty() || group.size() > 4 || failure != std::errc() || stop != group.data() + group.size()) {
      return bad("a group of an IPv6 address has one to four hexadecimal digits");
    }
    out.push_back(static_cast<std::uint8_t>(number >> 8));
    out.push_back(static_cast<std::uint8_t>(number));
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return bad("an IPv6 address does not end in one colon");
  }
  return out;
}

// RFC 4291 section 2.2.
Result<Bytes> ip6_of(std::string_view text) {
  if (text.size() > 45) return bad("an IPv6 address is not that long");
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    RZ_TRY(Bytes all, ip6_groups(text));
    if (all.size() != 16) return bad("an IPv6 address has eight groups");
    return all;
  }
  RZ_TRY(Bytes out, ip6_groups(text.substr(0, gap)));
  if (gap > 0 && text.substr(0, gap).find('.') != std::string_view::npos) return bad("an IPv4 part stands at the end");
  RZ_TRY(const Bytes after, ip6_groups(text.substr(gap + 2)));
  if (out.size() + after.size() > 14) return bad("\"::\" stands for at least one group");
  out.resize(16 - after.size(), 0);
  append(out, after);
  return out;
}

// RFC 5952: lower case, no leading zeros, the first longest run of two or more zero groups as "::".
std::string ip6_text(ByteView value) {
  std::array<std::uint16_t, 8> groups;
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<std::uint16_t>(value[2 * i] << 8 | value[2 * i + 1]);
  if (std::all_of(groups.begin(), groups.begin() + 5, [](auto g) { return g == 0; }) && groups[5] == 0xffff) {
    return "::ffff:" + ip4_text(value.subspan(12));
  }
  std::size_t run_begin = 8;
  std::size_t run_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > run_length) {
      run_begin = i;
      run_length = end - i;
    }
    i = end + 1;
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run_begin) {
      out += "::";
      i += run_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    char digits[4];
    const auto end = std::to_chars(digits, digits + 4, groups[i], 16).ptr;
    out.append(digits, end);
  }
  return out;
}

// A name has no "/" (it would end the part), no space and no control characters.
Status check_name(std::string_view text) {
  if (text.empty()) return bad("an empty name");
  for (const char c : text) {
    if (c == '/' || static_cast<std::uint8_t>(c) <= 0x20 || c == 0x7f) return bad("a character that no name has");
  }
  if (!is_utf8(as_bytes(text))) return bad("a name that is not UTF-8");
  return {};
}

Result<Bytes> peer_of(std::string_view text) {
  // Two texts: a bare base58btc multihash ("Qm…", "12D3Koo…"), or a CIDv1 with the codec libp2p-key.
  if (text.starts_with("Qm") || text.starts_with("1")) {
    RZ_TRY(Bytes bytes, base_decode(Multibase::base58_btc, text));
    return bytes;
  }
  RZ_TRY(const Cid cid, Cid::parse(text));
  if (cid.version() != 1 || cid.codec() != Codec::libp2p_key) return bad("a PeerId is a CID of the codec libp2p-key");
  Bytes bytes;
  put_multihash(bytes, cid.multihash());
  return bytes;
}

}  // namespace

const ProtocolRow* find_protocol(std::uint64_t code) {
  for (const ProtocolRow& row : rows) {
    if (static_cast<std::uint64_t>(row.protocol) == code) return &row;
  }
  return nullptr;
}

const ProtocolRow* find_protocol(std::string_view name) {
  if (name == "ipfs") name = "p2p";  // What p2p was called before 2019.
  for (const ProtocolRow& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

Result<Bytes> multiaddr_value_of(const ProtocolRow& row, std::string_view text) {
  switch (row.form) {
    case ValueForm::none:
      return Bytes();
    case ValueForm::ip4:
      return ip4_of(text);
    case ValueForm::ip6:
      return ip6_of(text);
    case ValueForm::port: {
      const auto port = decimal(text, 0xffff);
      if (!port) return bad("a port is a number below 65536");
      return Bytes{static_cast<std::uint8_t>(*port >> 8), static_cast<std::uint8_t>(*port)};
    }
    case ValueForm::cidr: {
      const auto bits = decimal(text, 128);
      if (!bits) return bad("a prefix length is a number up to 128");
      return Bytes{static_cast<std::uint8_t>(*bits)};
    }
    case ValueForm::name:
      RZ_CHECK(check_name(text));
      return to_bytes(text);
    case ValueForm::path:
      return to_bytes(text);
    case ValueForm::peer_id:
      return peer_of(text);
    case ValueForm::certhash: {
      RZ_TRY(MultibaseText decoded, multibase_decode(text));
      return std::move(decoded.bytes);
    }
  }
  return bad("no such form");
}

Result<std::string> multiaddr_text_of(const ProtocolRow& row, ByteView value) {
  switch (row.form) {
    case ValueForm::none:
      return std::string();
    case ValueForm::ip4:
      return ip4_text(value);
    case ValueForm::ip6:
      return ip6_text(value);
    case ValueForm::port:
      return std::to_string(value[0] << 8 | value[1]);
    case ValueForm::cidr:
      if (value[0] > 128) return bad("a prefix length is a number up to 128");
      return std::to_string(value[0]);
    case ValueForm::name:
      RZ_CHECK(check_name(as_text(value)));
      return std::string(as_text(value));
    case ValueForm::path:
      // The path of a unix socket takes the rest of the text; it begins with "/" there, so it has none here twice.
      if (value.size() < 2 || value[0] != '/' || !is_utf8(value)) return bad("a unix socket has an absolute path");
      if (std::find(value.begin(), value.end(), 0) != value.end()) return bad("a path has no byte 0");
      return std::string(as_text(value));
    case ValueForm::peer_id: {
      const auto hash = decode_multihash(value);
      // Whole: the text of a shortened digest doesn't begin as that of a PeerId does ("Qm", "1"), and names nobody.
      const bool is_peer =
          hash && (hash->code == HashCode::identity || (hash->code == HashCode::sha2_256 && hash->digest.size() == 32));
      if (!is_peer) return bad("a PeerId is a multihash: a whole sha2-256 or identity");
      return base_encode(Multibase::base58_btc, value);
    }
    case ValueForm::certhash:
      if (!decode_multihash(value)) return bad("a certhash is a multihash");
      return multibase_encode(Multibase::base64_url, value);
  }
  return bad("no such form");
}

}  // namespace rz::ipld
