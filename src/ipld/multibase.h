// Multibase: bytes as text, the first character naming the alphabet (multiformats/multibase).
//
// Strict: wrong or missing padding and bits left over that are not zero are refused. Base 16, 32 and 36 are read in
// either case, as the specification asks, and written in the one that the prefix names; so a text that must be the only
// one for its bytes is compared with what is written again (as dag_json does). Bases that are no power of two cost
// quadratic time, so their length is limited before any work is done.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace rz::ipld {

// The value is the prefix character.
enum class Multibase : char {
  identity = '\0',
  base2 = '0',
  base8 = '7',
  base10 = '9',
  base16 = 'f',
  base16_upper = 'F',
  base32_hex = 'v',
  base32_hex_upper = 'V',
  base32_hex_pad = 't',
  base32_hex_pad_upper = 'T',
  base32 = 'b',
  base32_upper = 'B',
  base32_pad = 'c',
  base32_pad_upper = 'C',
  base32_z = 'h',
  base36 = 'k',
  base36_upper = 'K',
  base58_btc = 'z',
  base58_flickr = 'Z',
  base64 = 'm',
  base64_pad = 'M',
  base64_url = 'u',
  base64_url_pad = 'U',
};

// The most bytes that base 10, 36 and 58 take, either way (their work grows with the square).
inline constexpr std::size_t quadratic_base_bytes_max = 4096;

// The name in the multibase table ("base58btc"); "unknown" for a value that is not in it.
std::string_view name_of(Multibase base);
// Errors: unknown_base.
Result<Multibase> multibase_named(std::string_view name);

// Text with its prefix. Errors: limit_exceeded (a quadratic base, too many bytes).
Result<std::string> multibase_encode(Multibase base, ByteView bytes);

struct MultibaseText {
  Multibase base = Multibase::identity;
  Bytes bytes;
};

// Errors: unknown_base (no or an unknown prefix), bad_base_text (with the offset of the character), limit_exceeded.
Result<MultibaseText> multibase_decode(std::string_view text);

// The same without a prefix character.
Result<std::string> base_encode(Multibase base, ByteView bytes);
Result<Bytes> base_decode(Multibase base, std::string_view text);

}  // namespace rz::ipld
