#include "ipld/multibase.h"

#include <array>

namespace rz::ipld {
namespace {

// How a base turns bytes into digits.
enum class Scheme : std::uint8_t {
  none,     // The bytes themselves.
  bits,     // A fixed number of bits a digit, from the most significant on (RFC 4648).
  integer,  // One big integer; leading zero bytes are leading zero digits.
};

struct Base {
  Multibase id;
  std::string_view name;
  Scheme scheme;
  std::string_view alphabet;
  std::uint8_t bits = 0;   // A digit (Scheme::bits).
  std::uint8_t group = 0;  // Digits that padding fills up to; 0: no padding.
};

constexpr std::string_view digits_16 = "0123456789abcdef";
constexpr std::string_view digits_16_upper = "0123456789ABCDEF";
constexpr std::string_view digits_32_hex = "0123456789abcdefghijklmnopqrstuv";
constexpr std::string_view digits_32_hex_upper = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
constexpr std::string_view digits_32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view digits_32_upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view digits_32_z = "ybndrfg8ejkmcpqxot1uwisza345h769";
constexpr std::string_view digits_36 = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits_36_upper = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits_58_btc = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view digits_58_flickr = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
constexpr std::string_view digits_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view digits_64_url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr Base bases[] = {
    {Multibase::identity, "identity", Scheme::none, ""},
    {Multibase::base2, "base2", Scheme::bits, "01", 1},
    {Multibase::base8, "base8", Scheme::bits, "01234567", 3},
    {Multibase::base10, "base10", Scheme::integer, "0123456789"},
    {Multibase::base16, "base16", Scheme::bits, digits_16, 4},
    {Multibase::base16_upper, "base16upper", Scheme::bits, digits_16_upper, 4},
    {Multibase::base32_hex, "base32hex", Scheme::bits, digits_32_hex, 5},
    {Multibase::base32_hex_upper, "base32hexupper", Scheme::bits, digits_32_hex_upper, 5},
    {Multibase::base32_hex_pad, "base32hexpad", Scheme::bits, digits_32_hex, 5, 8},
    {Multibase::base32_hex_pad_upper, "base32hexpadupper", Scheme::bits, digits_32_hex_upper, 5, 8},
    {Multibase::base32, "base32", Scheme::bits, digits_32, 5},
    {Multibase::base32_upper, "base32upper", Scheme::bits, digits_32_upper, 5},
    {Multibase::base32_pad, "base32pad", Scheme::bits, digits_32, 5, 8},
    {Multibase::base32_pad_upper, "base32padupper", Scheme::bits, digits_32_upper, 5, 8},
    {Multibase::base32_z, "base32z", Scheme::bits, digits_32_z, 5},
    {Multibase::base36, "base36", Scheme::integer, digits_36},
    {Multibase::base36_upper, "base36upper", Scheme::integer, digits_36_upper},
    {Multibase::base58_btc, "base58btc", Scheme::integer, digits_58_btc},
    {Multibase::base58_flickr, "base58flickr", Scheme::integer, digits_58_flickr},
    {Multibase::base64, "base64", Scheme::bits, digits_64, 6},
    {Multibase::base64_pad, "base64pad", Scheme::bits, digits_64, 6, 4},
    {Multibase::base64_url, "base64url", Scheme::bits, digits_64_url, 6},
    {Multibase::base64_url_pad, "base64urlpad", Scheme::bits, digits_64_url, 6, 4},
};

const Base* find(Multibase id) {
  for (const Base& base : bases) {
    if (base.id == id) return &base;
  }
  return nullptr;
}

std::unexpected<Error> bad(std::size_t at, std::string_view why) { return fail_at(ErrorCode::bad_base_text, at, why); }

// Base 16, 32 and 36 are read in either case, as their specification asks; they are written in one.
bool is_case_insensitive(Multibase id) {
  switch (id) {
    case Multibase::base2:
    case Multibase::base8:
    case Multibase::base10:
    case Multibase::base32_z:
    case Multibase::base58_btc:
    case Multibase::base58_flickr:
    case Multibase::base64:
    case Multibase::base64_pad:
    case Multibase::base64_url:
    case Multibase::base64_url_pad:
    case Multibase::identity:
      return false;
    default:
      return true;
  }
}

// The value of each character, −1 where it is no digit.
std::array<std::int8_t, 256> values_of(const Base& base) {
  const std::string_view alphabet = base.alphabet;
  std::array<std::int8_t, 256> values;
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    const auto digit = static_cast<std::uint8_t>(alphabet[i]);
    values[digit] = static_cast<std::int8_t>(i);
    const bool is_letter = (digit | 0x20) >= 'a' && (digit | 0x20) <= 'z';
    if (is_letter && is_case_insensitive(base.id)) values[digit ^ 0x20] = static_cast<std::int8_t>(i);
  }
  return values;
}

std::string encode_bits(const Base& base, ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() * 8 + base.bits - 1) / base.bits + base.group);
  const std::uint32_t mask = (1u << base.bits) - 1;
  std::uint32_t pool = 0;
  std::uint32_t pool_bits = 0;
  for (const std::uint8_t byte : bytes) {
    pool = pool << 8 | byte;
    pool_bits += 8;
    while (pool_bits >= base.bits) {
      pool_bits -= base.bits;
      out.push_back(base.alphabet[pool >> pool_bits & mask]);
    }
  }
  if (pool_bits > 0) out.push_back(base.alphabet[pool << (base.bits - pool_bits) & mask]);
  if (base.group != 0) {
    while (out.size() % base.group != 0) out.push_back('=');
  }
  return out;
}

Result<Bytes> decode_bits(const Base& base, std::string_view text) {
  std::string_view digits = text;
  if (base.group != 0) {
    if (text.size() % base.group != 0) return bad(text.size(), "the padding is missing or too long");
    while (!digits.empty() && digits.back() == '=') digits.remove_suffix(1);
    if (text.size() - digits.size() >= base.group) return bad(digits.size(), "more padding than a group");
  }
  const auto values = values_of(base);
  Bytes out;
  out.reserve(digits.size() * base.bits / 8);
  std::uint32_t pool = 0;
  std::uint32_t pool_bits = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int value = values[static_cast<std::uint8_t>(digits[i])];
    if (value < 0) return bad(i, words("not a digit of ", base.name));
    pool = pool << base.bits | static_cast<std::uint32_t>(value);
    pool_bits += base.bits;
    if (pool_bits >= 8) {
      pool_bits -= 8;
      out.push_back(static_cast<std::uint8_t>(pool >> pool_bits));
    }
  }
  // What is left over must be less than a digit, and zero: otherwise two texts would mean the same bytes.
  if (pool_bits >= base.bits) return bad(digits.size(), "a digit too many");
  if ((pool & ((1u << pool_bits) - 1)) != 0) return bad(digits.size() - 1, "bits left over that are not zero");
  return out;
}

// By long multiplication, digit by digit: the square of the length, hence quadratic_base_bytes_max.
std::string encode_integer(const Base& base, ByteView bytes) {
  const auto radix = static_cast<std::uint32_t>(base.alphabet.size());
  std::size_t zeros = 0;
  while (zeros < bytes.size() && bytes[zeros] == 0) ++zeros;
  std::vector<std::uint8_t> digits;  // Least significant first.
  for (const std::uint8_t byte : bytes.subspan(zeros)) {
    std::uint32_t carry = byte;
    for (std::uint8_t& digit : digits) {
      carry += static_cast<std::uint32_t>(digit) << 8;
      digit = static_cast<std::uint8_t>(carry % radix);
      carry /= radix;
    }
    for (; carry > 0; carry /= radix) digits.push_back(static_cast<std::uint8_t>(carry % radix));
  }
  std::string out(zeros, base.alphabet[0]);
  out.reserve(zeros + digits.size());
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) out.push_back(base.alphabet[*digit]);
  return out;
}

Result<Bytes> decode_integer(const Base& base, std::string_view text) {
  const auto radix = static_cast<std::uint32_t>(base.alphabet.size());
  const auto values = values_of(base);
  std::size_t zeros = 0;
  while (zeros < text.size() && text[zeros] == base.alphabet[0]) ++zeros;
  Bytes bytes;  // Least significant first.
  for (std::size_t i = zeros; i < text.size(); ++i) {
    const int value = values[static_cast<std::uint8_t>(text[i])];
    if (value < 0) return bad(i, words("not a digit of ", base.name));
    auto carry = static_cast<std::uint32_t>(value);
    for (std::uint8_t& byte : bytes) {
      carry += byte * radix;
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    for (; carry > 0; carry >>= 8) bytes.push_back(static_cast<std::uint8_t>(carry));
  }
  Bytes out(zeros, 0);
  out.insert(out.end(), bytes.rbegin(), bytes.rend());
  return out;
}

}  // namespace

std::string_view name_of(Multibase base) {
  const Base* found = find(base);
  return found ? found->name : "unknown";
}

Result<Multibase> multibase_named(std::string_view name) {
  for (const Base& base : bases) {
    if (base.name == name) return base.id;
  }
  return fail(ErrorCode::unknown_base, words("no base is called \"", name, "\""));
}

Result<std::string> base_encode(Multibase base, ByteView bytes) {
  const Base* found = find(base);
  if (!found) return fail(ErrorCode::unknown_base, "no such base");
  if (found->scheme == Scheme::none) return std::string(as_text(bytes));
  if (found->scheme == Scheme::bits) return encode_bits(*found, bytes);
  if (bytes.size() > quadratic_base_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words(found->name, " takes ", quadratic_base_bytes_max, " bytes at most"));
  }
  return encode_integer(*found, bytes);
}

Result<Bytes> base_decode(Multibase base, std::string_view text) {
  const Base* found = find(base);
  if (!found) return fail(ErrorCode::unknown_base, "no such base");
  if (found->scheme == Scheme::none) return to_bytes(text);
  if (found->scheme == Scheme::bits) return decode_bits(*found, text);
  // A byte takes up to 2.41 digits (base 10).
  if (text.size() > quadratic_base_bytes_max * 5 / 2) {
    return fail(ErrorCode::limit_exceeded, words(found->name, " takes ", quadratic_base_bytes_max, " bytes at most"));
  }
  RZ_TRY(Bytes bytes, decode_integer(*found, text));
  if (bytes.size() > quadratic_base_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words(found->name, " takes ", quadratic_base_bytes_max, " bytes at most"));
  }
  return bytes;
}

Result<std::string> multibase_encode(Multibase base, ByteView bytes) {
  RZ_TRY(std::string digits, base_encode(base, bytes));
  digits.insert(digits.begin(), static_cast<char>(base));
  return digits;
}

Result<MultibaseText> multibase_decode(std::string_view text) {
  if (text.empty()) return fail_at(ErrorCode::unknown_base, 0, "no prefix character");
  const auto base = static_cast<Multibase>(text[0]);
  if (!find(base)) return fail_at(ErrorCode::unknown_base, 0, "no base has this prefix character");
  auto bytes = base_decode(base, text.substr(1));
  if (!bytes) {
    Error error = std::move(bytes).error();
    if (error.offset != Error::offset_none) error.offset += 1;
    return std::unexpected(std::move(error));
  }
  return MultibaseText{base, *std::move(bytes)};
}

}  // namespace rz::ipld
