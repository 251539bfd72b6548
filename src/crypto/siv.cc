#include "crypto/siv.h"

#include <sodium.h>

#include "base/cbor_head.h"

namespace rz::crypto {
namespace {

static_assert(siv_overhead_bytes == crypto_stream_xchacha20_NONCEBYTES);

using Tag = std::array<std::uint8_t, siv_overhead_bytes>;

// BLAKE2b-192 over the DAG-CBOR array [associated data, plaintext], fed in parts: neither is copied.
Tag tag_of(const Secret32& mac_key, ByteView associated_data, ByteView plaintext) {
  Bytes head;
  head.reserve(16);
  cbor::put_array(head, 2);
  cbor::put_head(head, cbor::Major::bytes, associated_data.size());
  crypto_generichash_state state;
  crypto_generichash_init(&state, mac_key.expose().data(), Secret32::size_bytes, siv_overhead_bytes);
  crypto_generichash_update(&state, head.data(), head.size());
  crypto_generichash_update(&state, associated_data.data(), associated_data.size());
  head.clear();
  cbor::put_head(head, cbor::Major::bytes, plaintext.size());
  crypto_generichash_update(&state, head.data(), head.size());
  crypto_generichash_update(&state, plaintext.data(), plaintext.size());
  Tag tag;
  crypto_generichash_final(&state, tag.data(), tag.size());
  wipe({reinterpret_cast<std::uint8_t*>(&state), sizeof state});
  return tag;
}

// Encrypts or decrypts, which are the same. libsodium takes no null pointer, not even for nothing.
void xor_stream(std::uint8_t* to, ByteView from, ByteView tag, const Secret32& cipher_key) {
  if (from.empty()) return;
  crypto_stream_xchacha20_xor(to, from.data(), from.size(), tag.data(), cipher_key.expose().data());
}

}  // namespace

SivKey::SivKey(const Secret32& key) : mac_key_(kdf(key, "siv mac", {})), cipher_key_(kdf(key, "siv cipher", {})) {}

Bytes SivKey::seal(ByteView associated_data, ByteView plaintext) const {
  const Tag tag = tag_of(mac_key_, associated_data, plaintext);
  Bytes sealed(siv_overhead_bytes + plaintext.size());
  std::copy(tag.begin(), tag.end(), sealed.begin());
  xor_stream(sealed.data() + siv_overhead_bytes, plaintext, tag, cipher_key_);
  return sealed;
}

Result<Bytes> SivKey::open(ByteView associated_data, ByteView sealed) const {
  if (sealed.size() < siv_overhead_bytes) {
    return fail_at(ErrorCode::sealed_too_short, sealed.size(), "a sealed body has at least 24 bytes");
  }
  const ByteView tag = sealed.first(siv_overhead_bytes);
  const ByteView ciphertext = sealed.subspan(siv_overhead_bytes);
  Bytes plaintext(ciphertext.size());
  xor_stream(plaintext.data(), ciphertext, tag, cipher_key_);
  if (!equal_constant_time(tag, tag_of(mac_key_, associated_data, plaintext))) {
    wipe(plaintext);  // Not authentic: nobody may see it.
    return fail(ErrorCode::not_authentic, "this body was altered, or sealed with another key or header");
  }
  return plaintext;
}

Bytes siv_seal(const Secret32& key, ByteView associated_data, ByteView plaintext) {
  return SivKey(key).seal(associated_data, plaintext);
}

Result<Bytes> siv_open(const Secret32& key, ByteView associated_data, ByteView sealed) {
  return SivKey(key).open(associated_data, sealed);
}

}  // namespace rz::crypto
