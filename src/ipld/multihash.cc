#include "ipld/multihash.h"

#include <algorithm>

#include "base/varint.h"
#include "crypto/sha256.h"
#include "ipld/varint_read.h"

namespace rz::ipld {
namespace {

struct Function {
  HashCode code;
  std::string_view name;
  std::size_t digest_bytes;  // 0: any.
};

constexpr Function functions[] = {
    {HashCode::identity, "identity", 0},
    {HashCode::sha1, "sha1", 20},
    {HashCode::sha2_256, "sha2-256", 32},
    {HashCode::sha2_512, "sha2-512", 64},
    {HashCode::sha3_512, "sha3-512", 64},
    {HashCode::sha3_384, "sha3-384", 48},
    {HashCode::sha3_256, "sha3-256", 32},
    {HashCode::sha3_224, "sha3-224", 28},
    {HashCode::shake_128, "shake-128", 0},
    {HashCode::shake_256, "shake-256", 0},
    {HashCode::keccak_224, "keccak-224", 28},
    {HashCode::keccak_256, "keccak-256", 32},
    {HashCode::keccak_384, "keccak-384", 48},
    {HashCode::keccak_512, "keccak-512", 64},
    {HashCode::blake3, "blake3", 0},
    {HashCode::sha2_384, "sha2-384", 48},
    {HashCode::dbl_sha2_256, "dbl-sha2-256", 32},
    {HashCode::md4, "md4", 16},
    {HashCode::md5, "md5", 16},
    {HashCode::ripemd_160, "ripemd-160", 20},
    {HashCode::blake2b_160, "blake2b-160", 20},
    {HashCode::blake2b_256, "blake2b-256", 32},
    {HashCode::blake2b_512, "blake2b-512", 64},
    {HashCode::blake2s_128, "blake2s-128", 16},
    {HashCode::blake2s_256, "blake2s-256", 32},
    {HashCode::sha2_256_trunc254_padded, "sha2-256-trunc254-padded", 32},
    {HashCode::poseidon_bls12_381_a2_fc1, "poseidon-bls12_381-a2-fc1", 32},
};

const Function* find(HashCode code) {
  for (const Function& function : functions) {
    if (function.code == code) return &function;
  }
  return nullptr;
}

}  // namespace

std::string_view name_of(HashCode code) {
  const Function* found = find(code);
  return found ? found->name : "";
}

std::string text_of(HashCode code) {
  const auto name = name_of(code);
  return name.empty() ? code_text(static_cast<std::uint64_t>(code)) : std::string(name);
}

Result<HashCode> hash_code_named(std::string_view name) {
  for (const Function& function : functions) {
    if (function.name == name) return function.code;
  }
  if (const auto number = parse_code_text(name)) return static_cast<HashCode>(*number);
  return fail(ErrorCode::unknown_hash, words("no hash function is called \"", name, "\""));
}

Result<MultihashPrefix> decode_multihash_prefix(ByteView bytes) {
  RZ_TRY(const Varint code, read_varint(bytes, 0, "the hash function"));
  RZ_TRY(const Varint length, read_varint(bytes, code.size_bytes, "the length of the digest"));
  const std::size_t begin = code.size_bytes + length.size_bytes;
  if (length.value > digest_bytes_max) {
    return fail_at(ErrorCode::digest_too_long, code.size_bytes,
                   words("a digest of ", length.value, " bytes; ", digest_bytes_max, " are taken"));
  }
  const auto hash_code = static_cast<HashCode>(code.value);
  // Shorter than the function's own is a truncated digest, which multihash allows (see verify_block for what it is
  // worth).
  if (const Function* function = find(hash_code);
      function && function->digest_bytes != 0 && function->digest_bytes < length.value) {
    return fail_at(ErrorCode::bad_digest_length, code.size_bytes,
                   words(function->name, " has ", function->digest_bytes, " bytes, not ", length.value));
  }
  const auto digest_bytes = static_cast<std::size_t>(length.value);
  if (bytes.size() - begin < digest_bytes) {
    return fail_at(ErrorCode::truncated, bytes.size(), "the digest is cut short");
  }
  return MultihashPrefix{{hash_code, bytes.subspan(begin, digest_bytes)}, begin + digest_bytes};
}

Result<Multihash> decode_multihash(ByteView bytes) {
  RZ_TRY(const MultihashPrefix prefix, decode_multihash_prefix(bytes));
  if (prefix.size_bytes != bytes.size()) {
    return fail_at(ErrorCode::trailing_bytes, prefix.size_bytes, "bytes after the multihash");
  }
  return prefix.hash;
}

void put_multihash(Bytes& out, Multihash hash) {
  put_varint(out, static_cast<std::uint64_t>(hash.code));
  put_varint(out, hash.digest.size());
  append(out, hash.digest);
}

namespace {

Result<Bytes> digest_of(HashCode code, ByteView data) {
  switch (code) {
    case HashCode::identity:
      if (data.size() > digest_bytes_max) {
        return fail(ErrorCode::digest_too_long, words("identity takes ", digest_bytes_max, " bytes at most"));
      }
      return to_bytes(data);
    case HashCode::sha2_256:
      return to_bytes(crypto::sha256(data).view());
    case HashCode::sha2_512:
      return crypto::sha512(data);
    case HashCode::blake2b_256:
      return crypto::blake2b(data, 32);
    default:
      return fail(ErrorCode::unsupported, words(text_of(code), " is not computed here"));
  }
}

}  // namespace

Result<Bytes> multihash_of(HashCode code, ByteView data, std::size_t digest_bytes) {
  RZ_TRY(Bytes digest, digest_of(code, data));
  if (digest_bytes > digest.size()) {
    return fail(ErrorCode::bad_digest_length, words(text_of(code), " has ", digest.size(), " bytes"));
  }
  if (digest_bytes > 0) digest.resize(digest_bytes);
  Bytes out;
  put_multihash(out, {code, digest});
  return out;
}

Status verify_multihash(Multihash hash, ByteView data) {
  // The common one without an allocation, and an identity hash without a copy.
  bool same = false;
  if (hash.code == HashCode::sha2_256) {
    same = equal(crypto::sha256(data).view().first(std::min<std::size_t>(32, hash.digest.size())), hash.digest);
  } else if (hash.code == HashCode::identity) {
    same = equal(data, hash.digest);
  } else {
    RZ_TRY(const Bytes digest, digest_of(hash.code, data));
    same = hash.digest.size() <= digest.size() && equal(ByteView(digest).first(hash.digest.size()), hash.digest);
  }
  if (!same) return fail(ErrorCode::hash_mismatch, words("the ", text_of(hash.code), " of the bytes is another"));
  return {};
}

}  // namespace rz::ipld
