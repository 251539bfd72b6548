// What a QR code carries: the join secret, the key of the device that made it, and where that device listens.
//
//   rhizome:join/<base32, lower case, no padding, of the DAG-CBOR [version, secret, inviter, [multiaddr]]>
//
// Whoever has the link knows whom to expect, so that nobody between can stand in for the inviter; the typed code
// (join_code.h) leaves that to the proof alone. In a QR code the same text in upper case takes a third less room; both
// parse (docs/formats/pairing.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/sign.h"
#include "identity/join_code.h"
#include "ipld/multiaddr.h"

namespace rz::identity {

inline constexpr std::uint64_t join_link_version = 1;
inline constexpr std::size_t join_link_addresses_max = 16;
inline constexpr std::size_t join_link_text_bytes_max = 4096;

struct JoinLink {
  JoinSecret secret;
  crypto::PublicKey inviter;  // Its signing key, of which its PeerId is made.
  std::vector<ipld::Multiaddr> addresses;
  friend bool operator==(const JoinLink&, const JoinLink&) = default;
};

// Errors: limit_exceeded (too many addresses, or too long).
Result<std::string> format_join_link(const JoinLink& link);
// The same in upper case, for a QR code's alphanumeric mode.
Result<std::string> format_join_qr(const JoinLink& link);

// Either case, but not mixed with spaces. Errors: join_link_malformed and those of DAG-CBOR and multiaddrs, with the
// offset in the text or, past its prefix, in the decoded bytes; limit_exceeded.
Result<JoinLink> parse_join_link(std::string_view text);

// What a person handed over: a link if it begins like one, otherwise a typed code.
struct JoinInvitation {
  JoinSecret secret;
  std::optional<crypto::PublicKey> inviter;  // None: it was typed.
  std::vector<ipld::Multiaddr> addresses;
};
Result<JoinInvitation> parse_join_invitation(std::string_view text);

}  // namespace rz::identity
