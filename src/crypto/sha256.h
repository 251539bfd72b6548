// Hashes: SHA-256 (what events and CIDs are named by), SHA-512, BLAKE2b and HMAC-SHA-256.
//
// SHA-256 is OpenSSL's natively, because it uses the CPU's SHA extensions (five times libsodium's speed), and
// libsodium's in WebAssembly. Every function is pure; nothing here allocates but to return Bytes.
#pragma once

#include <cstddef>
#include <initializer_list>

#include "base/bytes.h"
#include "base/fixed_bytes.h"

namespace rz::crypto {

// FIPS 180-4. Of several views: of their concatenation (which does not tell where one ends; encode lengths if needed).
Hash256 sha256(ByteView message);
Hash256 sha256(std::initializer_list<ByteView> parts);

// The same over a message that comes in parts.
class Sha256 {
 public:
  Sha256();
  Sha256& update(ByteView part);
  // The digest of all parts so far; begins anew.
  Hash256 finish();

 private:
  // The library's own context, in place rather than on the heap: a hash of a small event costs no allocation.
  static constexpr std::size_t context_bytes = 128;
  alignas(8) unsigned char context_[context_bytes];
};

// FIPS 180-4; 64 bytes.
Bytes sha512(ByteView message);

// RFC 7693, `size_bytes` in [16, 64]; keyed if `key` is not empty: then 16 to 64 bytes.
Bytes blake2b(ByteView message, std::size_t size_bytes, ByteView key = {});

// RFC 2104 with SHA-256; a key of any length.
Hash256 hmac_sha256(ByteView key, ByteView message);

}  // namespace rz::crypto
