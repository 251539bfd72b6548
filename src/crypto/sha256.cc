// OpenSSL's EVP interface costs a context on the heap and a look-up per hash, about as much as hashing 200 bytes; its
// SHA256_* functions, deprecated for new programs but kept, run the same SHA-NI code on a context in place.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <new>

#include <sodium.h>

#ifndef __wasm__
#include <openssl/sha.h>
#endif

#include "base/assert.h"

namespace rz::crypto {
namespace {

#ifdef __wasm__
using Context = crypto_hash_sha256_state;
void begin(Context& context) { crypto_hash_sha256_init(&context); }
void add(Context& context, ByteView part) { crypto_hash_sha256_update(&context, part.data(), part.size()); }
void end(Context& context, Hash256& out) { crypto_hash_sha256_final(&context, out.bytes.data()); }
#else
using Context = SHA256_CTX;
void begin(Context& context) { SHA256_Init(&context); }
void add(Context& context, ByteView part) { SHA256_Update(&context, part.data(), part.size()); }
void end(Context& context, Hash256& out) { SHA256_Final(out.bytes.data(), &context); }
#endif

static_assert(std::is_trivially_copyable_v<Context>);

Context& context_in(unsigned char* storage) { return *std::launder(reinterpret_cast<Context*>(storage)); }

}  // namespace

Hash256 sha256(ByteView message) { return sha256({message}); }

Hash256 sha256(std::initializer_list<ByteView> parts) {
  Context context;
  begin(context);
  for (const ByteView part : parts) add(context, part);
  Hash256 hash;
  end(context, hash);
  return hash;
}

Sha256::Sha256() {
  static_assert(sizeof(Context) <= context_bytes && alignof(Context) <= 8);
  begin(*new (context_) Context);
}

Sha256& Sha256::update(ByteView part) {
  add(context_in(context_), part);
  return *this;
}

Hash256 Sha256::finish() {
  Hash256 hash;
  end(context_in(context_), hash);
  begin(context_in(context_));
  return hash;
}

Bytes sha512(ByteView message) {
  Bytes hash(crypto_hash_sha512_BYTES);
  crypto_hash_sha512(hash.data(), message.data(), message.size());
  return hash;
}

Bytes blake2b(ByteView message, std::size_t size_bytes, ByteView key) {
  RZ_REQUIRE(size_bytes >= crypto_generichash_BYTES_MIN && size_bytes <= crypto_generichash_BYTES_MAX);
  RZ_REQUIRE(key.empty() ||
             (key.size() >= crypto_generichash_KEYBYTES_MIN && key.size() <= crypto_generichash_KEYBYTES_MAX));
  Bytes hash(size_bytes);
  crypto_generichash(hash.data(), size_bytes, message.data(), message.size(), key.data(), key.size());
  return hash;
}

Hash256 hmac_sha256(ByteView key, ByteView message) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  crypto_auth_hmacsha256_update(&state, message.data(), message.size());
  Hash256 code;
  crypto_auth_hmacsha256_final(&state, code.bytes.data());
  sodium_memzero(&state, sizeof state);
  return code;
}

}  // namespace rz::crypto
