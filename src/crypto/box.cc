#include "crypto/box.h"

#include <sodium.h>

namespace rz::crypto {
namespace {

static_assert(box_overhead_bytes == crypto_box_SEALBYTES);

struct Nonce {
  std::array<std::uint8_t, crypto_box_NONCEBYTES> bytes;
};

// BLAKE2b-192 of the ephemeral key and the recipient's: as crypto_box_seal has it. A fresh ephemeral key makes it
// fresh.
Nonce nonce_of(ByteView ephemeral, const BoxPublicKey& to) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, crypto_box_NONCEBYTES);
  crypto_generichash_update(&state, ephemeral.data(), ephemeral.size());
  crypto_generichash_update(&state, to.bytes.data(), to.bytes.size());
  Nonce nonce;
  crypto_generichash_final(&state, nonce.bytes.data(), nonce.bytes.size());
  return nonce;
}

}  // namespace

BoxKey BoxKey::from_seed(const Secret32& seed) {
  BoxPublicKey public_key;
  std::array<std::uint8_t, crypto_box_SECRETKEYBYTES> scalar;
  crypto_box_seed_keypair(public_key.bytes.data(), scalar.data(), seed.expose().data());
  auto secret = Secret32::from(scalar);
  wipe(scalar);
  return {*std::move(secret), public_key};
}

BoxKey BoxKey::clone() const { return {secret_.clone(), public_key_}; }

bool is_valid(const BoxPublicKey& key) {
  // Any scalar will do: clamping clears the cofactor, so a point of small order, and no other, gives zero.
  static constexpr std::array<std::uint8_t, crypto_scalarmult_SCALARBYTES> scalar = {8};
  std::array<std::uint8_t, crypto_scalarmult_BYTES> shared;
  return crypto_scalarmult(shared.data(), scalar.data(), key.bytes.data()) == 0;
}

Bytes box_seal(const BoxPublicKey& to, ByteView plaintext, const Secret32& ephemeral_seed) {
  const BoxKey ephemeral = BoxKey::from_seed(ephemeral_seed);
  const Nonce nonce = nonce_of(ephemeral.public_key().view(), to);
  Bytes sealed(box_overhead_bytes + plaintext.size());
  std::copy(ephemeral.public_key().bytes.begin(), ephemeral.public_key().bytes.end(), sealed.begin());
  const int refused = crypto_box_easy(sealed.data() + crypto_box_PUBLICKEYBYTES, plaintext.data(), plaintext.size(),
                                      nonce.bytes.data(), to.bytes.data(), ephemeral.secret_key().expose().data());
  if (refused != 0) return {};
  return sealed;
}

Result<Bytes> box_open(const BoxKey& key, ByteView sealed) {
  if (sealed.size() < box_overhead_bytes) {
    return fail_at(ErrorCode::sealed_too_short, sealed.size(), words("a sealed box has at least 48 bytes"));
  }
  const ByteView ephemeral = sealed.first(crypto_box_PUBLICKEYBYTES);
  const ByteView boxed = sealed.subspan(crypto_box_PUBLICKEYBYTES);
  const Nonce nonce = nonce_of(ephemeral, key.public_key());
  Bytes plaintext(sealed.size() - box_overhead_bytes);
  if (crypto_box_open_easy(plaintext.data(), boxed.data(), boxed.size(), nonce.bytes.data(), ephemeral.data(),
                           key.secret_key().expose().data()) != 0) {
    return fail(ErrorCode::not_authentic, "this box was altered, or sealed to another key");
  }
  return plaintext;
}

}  // namespace rz::crypto
