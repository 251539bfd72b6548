// Secrets: 32 bytes that must not leak by accident, and what is derived from them.
//
// Invariants: 1. the bytes are zeroed when the object dies or is moved from; 2. no operator prints, compares in
// variable time or copies without saying so (`clone`).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "crypto/entropy.h"

namespace rz::crypto {

class Secret32 {
 public:
  static constexpr std::size_t size_bytes = 32;

  // Errors: bad_argument where the length is not 32. The caller wipes its own copy.
  static Result<Secret32> from(ByteView bytes);
  static Secret32 random(Entropy& entropy);

  Secret32(Secret32&& other) noexcept;
  Secret32& operator=(Secret32&& other) noexcept;
  Secret32(const Secret32&) = delete;
  Secret32& operator=(const Secret32&) = delete;
  ~Secret32();

  Secret32 clone() const;

  // The bytes themselves: for a cipher, for wrapping to a key, for a file with mode 0600; never for a log.
  ByteView expose() const { return {bytes_.data(), bytes_.size()}; }

  // In constant time.
  bool equals(const Secret32& other) const;

 private:
  Secret32() = default;
  std::array<std::uint8_t, size_bytes> bytes_{};
};

// Derives a key for one purpose: BLAKE2b-256 keyed with `key` over the DAG-CBOR array [purpose, context]
// (docs/formats/sealed-body.md). Purposes are fixed strings; what varies goes into `context`.
Secret32 kdf(const Secret32& key, std::string_view purpose, ByteView context);

// Overwrites with zeros in a way that the compiler keeps.
void wipe(MutableByteView bytes);

// In constant time for equal lengths; false at once for different ones.
bool equal_constant_time(ByteView a, ByteView b);

}  // namespace rz::crypto
