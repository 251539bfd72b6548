// The join code: 128 random bits that let one new device prove itself to the one that made them (pairing.h).
//
// Typed, it is 28 characters in seven groups of four, "7KQ2-…": Crockford's base32, which has neither I, L, O nor U;
// 26 characters hold the secret and two zero bits, 2 are a Reed-Solomon check over GF(32) (docs/formats/pairing.md).
// The check notices any two wrong characters, hence any two swapped ones, and tells where a single one is.
//
// A code is a secret for ten minutes: show it, never log it.
#pragma once

#include <string>
#include <string_view>

#include "base/fixed_bytes.h"
#include "crypto/entropy.h"

namespace rz::identity {

struct JoinSecretTag;
using JoinSecret = FixedBytes<JoinSecretTag, 16>;

// Crockford's base32: a symbol's place is its value.
inline constexpr std::string_view code_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
inline constexpr std::size_t join_code_characters = 28;
inline constexpr std::size_t join_code_text_bytes_max = 256;  // With whatever a person puts between the characters.

JoinSecret draw_join_secret(crypto::Entropy& entropy);

// "7KQ2-M0XR-…": upper case, seven groups of four, 34 characters in all.
std::string format_join_code(const JoinSecret& secret);

// Takes lower case, any spaces, dashes, dots and underscores, O for 0, I and L for 1.
// Errors: code_wrong_length, code_bad_character (offset: the byte in `text`), code_mistyped (offset where it can be
// told), limit_exceeded.
Result<JoinSecret> parse_join_code(std::string_view text);

}  // namespace rz::identity
