#include "net/signed_key.h"

#include "base/assert.h"

namespace rz::net {

namespace {

constexpr std::string_view message_prefix = "libp2p-tls-handshake:";
constexpr std::uint8_t der_octet_string = 0x04;
constexpr std::uint8_t der_sequence = 0x30;
constexpr std::size_t signed_key_bytes_max = 4096;

void put_der(Bytes& out, std::uint8_t tag, ByteView content) {
  const std::size_t length = content.size();
  RZ_REQUIRE(length <= 0xffff);
  out.push_back(tag);
  if (length >= 0x100) {
    out.push_back(0x82);
    out.push_back(static_cast<std::uint8_t>(length >> 8));
  } else if (length >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(length));
  append(out, content);
}

// Takes one value with `tag` from the front of `input`; `at` is where that is in the whole.
Result<ByteView> take_der(ByteView& input, std::uint8_t tag, std::uint64_t& at) {
  const auto bad = [at](std::string_view why) { return fail_at(ErrorCode::net_bad_signed_key, at, why); };
  if (input.size() < 2) return bad("the value ends early");
  if (input[0] != tag) return bad(words("expected the tag ", tag, ", found ", input[0]));
  std::size_t head = 2;
  std::size_t length = input[1];
  if (length >= 0x80) {  // The long form, in the fewest bytes; three are more than the limit.
    const std::size_t width = length & 0x7f;
    if (width == 0 || width > 2) return bad("a length of this form");
    if (input.size() < 2 + width) return bad("the value ends early");
    length = 0;
    for (std::size_t i = 0; i < width; ++i) length = length << 8 | input[2 + i];
    if (length < (width == 1 ? 0x80u : 0x100u)) return bad("a length that is not minimal");
    head += width;
  }
  if (length > input.size() - head) return bad("a value is longer than what is left");
  const ByteView content = input.subspan(head, length);
  input = input.subspan(head + length);
  at += head + length;
  return content;
}

}  // namespace

Bytes encode_signed_key(const SignedKey& value) {
  Bytes content;
  put_der(content, der_octet_string, value.public_key);
  put_der(content, der_octet_string, value.signature);
  Bytes out;
  put_der(out, der_sequence, content);
  return out;
}

Result<SignedKey> decode_signed_key(ByteView der) {
  if (der.size() > signed_key_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words("a certificate extension of ", der.size(), " bytes"));
  }
  std::uint64_t end = 0;
  ByteView rest = der;
  RZ_TRY(ByteView content, take_der(rest, der_sequence, end));
  if (!rest.empty()) return fail_at(ErrorCode::net_bad_signed_key, end, "bytes after the end");
  std::uint64_t at = static_cast<std::uint64_t>(content.data() - der.data());
  RZ_TRY(const ByteView key, take_der(content, der_octet_string, at));
  RZ_TRY(const ByteView signature, take_der(content, der_octet_string, at));
  if (!content.empty()) return fail_at(ErrorCode::net_bad_signed_key, at, "more than a key and a signature");
  return SignedKey{to_bytes(key), to_bytes(signature)};
}

Bytes signed_key_message(ByteView spki) {
  Bytes message = to_bytes(message_prefix);
  append(message, spki);
  return message;
}

Bytes make_signed_key(const crypto::SigningKey& key, ByteView spki) {
  const auto signature = key.sign_raw(signed_key_message(spki));
  return encode_signed_key({encode_public_key(key.public_key()), to_bytes(signature.view())});
}

Result<ProvenKey> verify_signed_key(ByteView der, ByteView spki) {
  RZ_TRY(const auto signed_key, decode_signed_key(der));
  RZ_TRY(auto key, decode_public_key(signed_key.public_key));
  const auto ed25519 = key.ed25519();
  if (!ed25519) return fail(ErrorCode::unsupported, "a key that is not Ed25519");
  const auto signature = crypto::Signature::from(signed_key.signature);
  if (!signature || !crypto::verify_raw(*ed25519, signed_key_message(spki), *signature)) {
    return fail(ErrorCode::net_bad_signature, "the key did not sign this certificate");
  }
  return ProvenKey{PeerId::from_key_protobuf(signed_key.public_key), std::move(key)};
}

}  // namespace rz::net
