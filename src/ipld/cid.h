// CID: the name of a block, by the hash of its bytes (multiformats/cid).
//
//   v0  a sha2-256 multihash of a dag-pb block, printed in base58btc     QmYwAP…
//   v1  [varint 1, varint codec, multihash], printed in base32 lower     bafyrei…
//
// Invariants:
//  1. A Cid is empty (default constructed) or well formed: it can only be made by decoding or from a codec and a hash.
//  2. Equal Cids have equal bytes; they are ordered as those bytes are (compare()).
//  3. Up to 36 bytes (every sha2-256 CID of a codec below 0x80) live inside the object; copying one allocates nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/fixed_bytes.h"
#include "ipld/multibase.h"
#include "ipld/multihash.h"

namespace rz::ipld {

// A code of the multicodec table's "ipld" tag; values that have no name here are still carried.
enum class Codec : std::uint64_t {
  identity = 0x00,
  cbor = 0x51,
  raw = 0x55,
  dag_pb = 0x70,
  dag_cbor = 0x71,
  libp2p_key = 0x72,
  git_raw = 0x78,
  eth_block = 0x90,
  bitcoin_block = 0xb0,
  dag_jose = 0x85,
  dag_cose = 0x86,
  dag_json = 0x0129,
  json = 0x0200,
  car = 0x0202,
};

// The name in the multicodec table ("dag-cbor"); empty for a code without one here.
std::string_view name_of(Codec codec);
// "dag-cbor", or "0x7b" where it has no name here.
std::string text_of(Codec codec);
// Errors: unknown_codec. Takes names and 0x-numbers.
Result<Codec> codec_named(std::string_view name);

class Cid {
 public:
  static constexpr std::size_t inline_bytes_max = 36;
  // Two varints, and a multihash of the longest digest.
  static constexpr std::size_t bytes_max = 9 + 9 + 9 + 9 + digest_bytes_max;
  // The longest text taken: the longest CID in base 2.
  static constexpr std::size_t text_bytes_max = 1 + bytes_max * 8;

  Cid() = default;
  Cid(const Cid& other) { copy_from(other); }
  Cid(Cid&& other) noexcept : size_(other.size_) {
    std::memcpy(store_, other.store_, sizeof store_);
    other.size_ = 0;
  }
  Cid& operator=(const Cid& other) {
    if (this != &other) {
      release();
      copy_from(other);
    }
    return *this;
  }
  Cid& operator=(Cid&& other) noexcept {
    if (this != &other) {
      release();
      size_ = other.size_;
      std::memcpy(store_, other.store_, sizeof store_);
      other.size_ = 0;
    }
    return *this;
  }
  ~Cid() { release(); }

  // The whole of `bytes`. Errors: as decode_prefix, and trailing_bytes.
  static Result<Cid> decode(ByteView bytes);

  struct Prefix;
  // The CID at the front of `bytes`. Errors: truncated, bad_varint, bad_cid (a version that is neither 0 nor 1, a v0
  // form inside v1), digest_too_long, bad_digest_length.
  static Result<Prefix> decode_prefix(ByteView bytes);

  // Any multibase for v1; v0 is 46 characters of base58btc without prefix. Errors: bad_cid, unknown_base,
  // bad_base_text, limit_exceeded, and those of decode. A v0 under a multibase prefix is bad_cid.
  static Result<Cid> parse(std::string_view text);

  static Cid v1(Codec codec, Multihash hash);
  // Errors: bad_cid where `hash` is no sha2-256.
  static Result<Cid> v0(Multihash hash);
  static Cid dag_cbor_sha256(const Hash256& digest) { return sha256(Codec::dag_cbor, digest); }
  static Cid raw_sha256(const Hash256& digest) { return sha256(Codec::raw, digest); }
  static Cid dag_pb_sha256(const Hash256& digest) { return sha256(Codec::dag_pb, digest); }
  static Cid sha256(Codec codec, const Hash256& digest);
  // The v1 CID of a block, by sha2-256.
  static Cid of(Codec codec, ByteView block);

  bool is_empty() const { return size_ == 0; }
  ByteView bytes() const { return {data(), size_}; }
  // The following need a Cid that is not empty.
  int version() const { return is_v0() ? 0 : 1; }
  Codec codec() const;
  Multihash multihash() const;  // Borrows from this.
  std::optional<Hash256> sha256_digest() const;

  // v0: base58btc, v1: base32. "(empty)" where empty.
  std::string to_string() const;
  // v0 has no other text than base58btc. Errors: bad_argument (v0 in another base), limit_exceeded (a quadratic base).
  Result<std::string> to_string(Multibase base) const;
  // The last eight characters of to_string(): enough for a person, never for a program.
  std::string brief() const;

  friend bool operator==(const Cid& a, const Cid& b) { return equal(a.bytes(), b.bytes()); }
  friend std::strong_ordering operator<=>(const Cid& a, const Cid& b) { return compare(a.bytes(), b.bytes()) <=> 0; }

 private:
  bool is_v0() const { return size_ == 34 && store_[0] == 0x12 && store_[1] == 0x20; }
  const std::uint8_t* heap() const {
    const std::uint8_t* pointer;
    std::memcpy(&pointer, store_, sizeof pointer);
    return pointer;
  }
  const std::uint8_t* data() const { return size_ <= inline_bytes_max ? store_ : heap(); }
  void assign(ByteView bytes);
  void copy_from(const Cid& other) {
    if (other.size_ <= inline_bytes_max) {
      size_ = other.size_;
      std::memcpy(store_, other.store_, sizeof store_);
    } else {
      assign(other.bytes());
    }
  }
  void release() {
    if (size_ > inline_bytes_max) delete[] heap();
    size_ = 0;
  }

  alignas(8) std::uint8_t store_[inline_bytes_max] = {};  // The bytes, or a pointer to them.
  std::uint32_t size_ = 0;
};

struct Cid::Prefix {
  Cid cid;
  std::size_t size_bytes = 0;  // What it took of the input.
};

// The size of the CID at the front of `bytes`, checked as decode_prefix checks, without making one.
Result<std::size_t> cid_size(ByteView bytes);

// Digests cut shorter than this no longer name a block safely (as in Kubo's verifcid); identity is not cut.
inline constexpr std::size_t block_digest_bytes_min = 20;

// Does `cid` name `block`? Errors: hash_mismatch, unsupported (a hash function not computed here), bad_digest_length
// (truncated below block_digest_bytes_min).
Status verify_block(const Cid& cid, ByteView block);

}  // namespace rz::ipld

// A digest is already uniform: its last word will do. Unordered containers must never reach an output.
template <>
struct std::hash<rz::ipld::Cid> {
  std::size_t operator()(const rz::ipld::Cid& cid) const noexcept {
    const auto bytes = cid.bytes();
    std::size_t word = bytes.size();
    if (bytes.size() >= sizeof word) std::memcpy(&word, bytes.data() + bytes.size() - sizeof word, sizeof word);
    return word;
  }
};
