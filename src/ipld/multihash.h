// Multihash: [varint code, varint length, digest] (multiformats/multihash).
//
// sha2-256, sha2-512, blake2b-256 and identity are computed and verified; every other function is parsed and printed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace rz::ipld {

// A code of the multicodec table; values that have no name here are still carried.
enum class HashCode : std::uint64_t {
  identity = 0x00,
  sha1 = 0x11,
  sha2_256 = 0x12,
  sha2_512 = 0x13,
  sha3_512 = 0x14,
  sha3_384 = 0x15,
  sha3_256 = 0x16,
  sha3_224 = 0x17,
  shake_128 = 0x18,
  shake_256 = 0x19,
  keccak_224 = 0x1a,
  keccak_256 = 0x1b,
  keccak_384 = 0x1c,
  keccak_512 = 0x1d,
  blake3 = 0x1e,
  sha2_384 = 0x20,
  dbl_sha2_256 = 0x56,
  md4 = 0xd4,
  md5 = 0xd5,
  ripemd_160 = 0x1053,
  blake2b_160 = 0xb214,
  blake2b_256 = 0xb220,
  blake2b_512 = 0xb240,
  blake2s_128 = 0xb250,
  blake2s_256 = 0xb260,
  sha2_256_trunc254_padded = 0x1012,
  poseidon_bls12_381_a2_fc1 = 0xb401,
};

// The most bytes a digest may have (an identity "hash" carries its data).
inline constexpr std::size_t digest_bytes_max = 512;

// A view: it borrows the digest.
struct Multihash {
  HashCode code = HashCode::identity;
  ByteView digest;
};

// The name in the multicodec table ("sha2-256"); empty for a code without one here.
std::string_view name_of(HashCode code);
// "sha2-256", or "0xb260" where it has no name here.
std::string text_of(HashCode code);
// Errors: unknown_hash. Takes names and 0x-numbers.
Result<HashCode> hash_code_named(std::string_view name);

struct MultihashPrefix {
  Multihash hash;
  std::size_t size_bytes = 0;  // What it took of the input.
};

// Errors: truncated, bad_varint, digest_too_long; bad_digest_length where it is longer than the
// function's own (a shorter, truncated one is a multihash too).
Result<MultihashPrefix> decode_multihash_prefix(ByteView bytes);
// The same, exactly: trailing_bytes where something follows.
Result<Multihash> decode_multihash(ByteView bytes);
void put_multihash(Bytes& out, Multihash hash);

// [code, length, digest of `data`], truncated to `digest_bytes` if that is not 0. Errors: unsupported where this room
// can't compute `code`; digest_too_long (identity); bad_digest_length (more than there are).
Result<Bytes> multihash_of(HashCode code, ByteView data, std::size_t digest_bytes = 0);

// Does `hash` name `data`? A truncated digest is compared as far as it goes. Errors: hash_mismatch, unsupported (the
// function is not computed here).
Status verify_multihash(Multihash hash, ByteView data);

}  // namespace rz::ipld
