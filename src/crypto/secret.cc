#include "crypto/secret.h"

#include <algorithm>

#include <sodium.h>

#include "base/cbor_head.h"

namespace rz::crypto {

Result<Secret32> Secret32::from(ByteView bytes) {
  if (bytes.size() != size_bytes) {
    return fail(ErrorCode::bad_argument, words("a secret has 32 bytes, not ", bytes.size()));
  }
  Secret32 secret;
  std::copy(bytes.begin(), bytes.end(), secret.bytes_.begin());
  return secret;
}

Secret32 Secret32::random(Entropy& entropy) {
  Secret32 secret;
  entropy.fill(secret.bytes_);
  return secret;
}

Secret32::Secret32(Secret32&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }

Secret32& Secret32::operator=(Secret32&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    wipe(other.bytes_);
  }
  return *this;
}

Secret32::~Secret32() { wipe(bytes_); }

Secret32 Secret32::clone() const {
  Secret32 copy;
  copy.bytes_ = bytes_;
  return copy;
}

bool Secret32::equals(const Secret32& other) const { return equal_constant_time(expose(), other.expose()); }

Secret32 kdf(const Secret32& key, std::string_view purpose, ByteView context) {
  Bytes message;
  message.reserve(purpose.size() + context.size() + 19);
  cbor::put_array(message, 2);
  cbor::put_text(message, purpose);
  cbor::put_bytes(message, context);
  std::array<std::uint8_t, Secret32::size_bytes> derived;
  crypto_generichash(derived.data(), derived.size(), message.data(), message.size(), key.expose().data(),
                     Secret32::size_bytes);
  wipe(message);  // A context may itself be a secret: the keys that a joint epoch derives from.
  auto secret = Secret32::from(derived);
  wipe(derived);
  return *std::move(secret);
}

void wipe(MutableByteView bytes) { sodium_memzero(bytes.data(), bytes.size()); }

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace rz::crypto
