#include "ipld/cid.h"

#include "base/varint.h"
#include "crypto/sha256.h"
#include "ipld/varint_read.h"

namespace rz::ipld {
namespace {

struct CodecName {
  Codec codec;
  std::string_view name;
};

constexpr CodecName codec_names[] = {
    {Codec::identity, "identity"}, {Codec::cbor, "cbor"},
    {Codec::raw, "raw"},           {Codec::dag_pb, "dag-pb"},
    {Codec::dag_cbor, "dag-cbor"}, {Codec::libp2p_key, "libp2p-key"},
    {Codec::git_raw, "git-raw"},   {Codec::eth_block, "eth-block"},
    {Codec::dag_jose, "dag-jose"}, {Codec::dag_cose, "dag-cose"},
    {Codec::dag_json, "dag-json"}, {Codec::bitcoin_block, "bitcoin-block"},
    {Codec::json, "json"},         {Codec::car, "car"},
};

constexpr std::size_t v0_bytes = 34;
constexpr std::size_t v0_text = 46;

bool starts_as_v0(ByteView bytes) { return bytes.size() >= 2 && bytes[0] == 0x12 && bytes[1] == 0x20; }

}  // namespace

std::string_view name_of(Codec codec) {
  for (const CodecName& entry : codec_names) {
    if (entry.codec == codec) return entry.name;
  }
  return "";
}

std::string text_of(Codec codec) {
  const auto name = name_of(codec);
  return name.empty() ? code_text(static_cast<std::uint64_t>(codec)) : std::string(name);
}

Result<Codec> codec_named(std::string_view name) {
  for (const CodecName& entry : codec_names) {
    if (entry.name == name) return entry.codec;
  }
  if (const auto number = parse_code_text(name)) return static_cast<Codec>(*number);
  return fail(ErrorCode::unknown_codec, words("no codec is called \"", name, "\""));
}

Result<std::size_t> cid_size(ByteView bytes) {
  // Nearly every CID there is: version 1, a codec of one byte, sha2-256.
  if (bytes.size() >= 36 && bytes[0] == 1 && bytes[1] < 0x80 && bytes[2] == 0x12 && bytes[3] == 32) return 36;
  if (starts_as_v0(bytes)) {
    if (bytes.size() < v0_bytes) return fail_at(ErrorCode::truncated, bytes.size(), "the digest is cut short");
    return v0_bytes;
  }
  RZ_TRY(const Varint version, read_varint(bytes, 0, "the version of the CID"));
  if (version.value != 1) return fail_at(ErrorCode::bad_cid, 0, words("CID version ", version.value));
  RZ_TRY(const Varint codec, read_varint(bytes, version.size_bytes, "the codec of the CID"));
  const std::size_t hash_at = version.size_bytes + codec.size_bytes;
  auto hash = decode_multihash_prefix(bytes.subspan(hash_at));
  if (!hash) {
    Error error = std::move(hash).error();
    error.offset += hash_at;
    return std::unexpected(std::move(error));
  }
  return hash_at + hash->size_bytes;
}

void Cid::assign(ByteView bytes) {
  size_ = static_cast<std::uint32_t>(bytes.size());
  if (size_ <= inline_bytes_max) {
    std::memset(store_, 0, sizeof store_);
    if (size_ > 0) std::memcpy(store_, bytes.data(), size_);
    return;
  }
  auto* const copy = new std::uint8_t[size_];
  std::memcpy(copy, bytes.data(), size_);
  std::memcpy(store_, &copy, sizeof copy);
}

Result<Cid::Prefix> Cid::decode_prefix(ByteView bytes) {
  RZ_TRY(const std::size_t size, cid_size(bytes));
  Prefix prefix;
  prefix.cid.assign(bytes.first(size));
  prefix.size_bytes = size;
  return prefix;
}

Result<Cid> Cid::decode(ByteView bytes) {
  RZ_TRY(const std::size_t size, cid_size(bytes));
  if (size != bytes.size()) return fail_at(ErrorCode::trailing_bytes, size, "bytes after the CID");
  Cid cid;
  cid.assign(bytes);
  return cid;
}

Result<Cid> Cid::parse(std::string_view text) {
  if (text.size() > text_bytes_max) return fail(ErrorCode::limit_exceeded, "a CID is not that long");
  if (text.size() == v0_text && text.starts_with("Qm")) {
    RZ_TRY(const Bytes bytes, base_decode(Multibase::base58_btc, text));
    if (bytes.size() != v0_bytes || !starts_as_v0(bytes)) {
      return fail_at(ErrorCode::bad_cid, 0, "begins as a CIDv0, but holds no sha2-256");
    }
    return decode(bytes);
  }
  // The bytes of a CID as they are would be no text.
  if (!text.empty() && text[0] == '\0') return fail_at(ErrorCode::unknown_base, 0, "a CID in text has a base");
  RZ_TRY(const MultibaseText decoded, multibase_decode(text));
  if (starts_as_v0(decoded.bytes)) {
    return fail_at(ErrorCode::bad_cid, 0, "a CIDv0 has no multibase prefix");
  }
  // The offset in the bytes means nothing in the text.
  auto cid = decode(decoded.bytes);
  if (!cid) return std::unexpected(Error{cid.error().code, cid.error().message});
  return cid;
}

Cid Cid::v1(Codec codec, Multihash hash) {
  RZ_REQUIRE(hash.digest.size() <= digest_bytes_max);
  Bytes bytes;
  put_varint(bytes, 1);
  put_varint(bytes, static_cast<std::uint64_t>(codec));
  put_multihash(bytes, hash);
  Cid cid;
  cid.assign(bytes);
  return cid;
}

Result<Cid> Cid::v0(Multihash hash) {
  if (hash.code != HashCode::sha2_256 || hash.digest.size() != Hash256::size_bytes) {
    return fail(ErrorCode::bad_cid, "a CIDv0 is a sha2-256");
  }
  Bytes bytes;
  put_multihash(bytes, hash);
  Cid cid;
  cid.assign(bytes);
  return cid;
}

Cid Cid::sha256(Codec codec, const Hash256& digest) {
  if (static_cast<std::uint64_t>(codec) >= 0x80) return v1(codec, {HashCode::sha2_256, digest.view()});
  Cid cid;
  cid.size_ = 36;
  cid.store_[0] = 1;
  cid.store_[1] = static_cast<std::uint8_t>(codec);
  cid.store_[2] = 0x12;
  cid.store_[3] = 32;
  std::memcpy(cid.store_ + 4, digest.bytes.data(), 32);
  return cid;
}

Cid Cid::of(Codec codec, ByteView block) { return sha256(codec, crypto::sha256(block)); }

Codec Cid::codec() const {
  RZ_REQUIRE(!is_empty());
  if (is_v0()) return Codec::dag_pb;
  Varint codec;
  get_varint(bytes().subspan(1), codec);
  return static_cast<Codec>(codec.value);
}

Multihash Cid::multihash() const {
  RZ_REQUIRE(!is_empty());
  std::size_t hash_at = 0;
  if (!is_v0()) {
    Varint codec;
    get_varint(bytes().subspan(1), codec);
    hash_at = 1 + codec.size_bytes;
  }
  auto hash = decode_multihash(bytes().subspan(hash_at));
  RZ_ASSERT(hash.has_value());
  return *hash;
}

std::optional<Hash256> Cid::sha256_digest() const {
  if (is_empty()) return std::nullopt;
  const Multihash hash = multihash();
  if (hash.code != HashCode::sha2_256 || hash.digest.size() != Hash256::size_bytes) return std::nullopt;
  Hash256 digest;
  std::memcpy(digest.bytes.data(), hash.digest.data(), 32);
  return digest;
}

std::string Cid::to_string() const {
  if (is_empty()) return "(empty)";
  const auto text =
      is_v0() ? base_encode(Multibase::base58_btc, bytes()) : multibase_encode(Multibase::base32, bytes());
  RZ_ASSERT(text.has_value());
  return *text;
}

Result<std::string> Cid::to_string(Multibase base) const {
  RZ_REQUIRE(!is_empty());
  if (base == Multibase::identity) return fail(ErrorCode::bad_argument, "a CID in text has a base");
  if (!is_v0()) return multibase_encode(base, bytes());
  if (base != Multibase::base58_btc) return fail(ErrorCode::bad_argument, "a CIDv0 is printed in base58btc only");
  return base_encode(base, bytes());
}

std::string Cid::brief() const {
  const std::string text = to_string();
  return text.size() <= 8 ? text : text.substr(text.size() - 8);
}

Status verify_block(const Cid& cid, ByteView block) {
  const Multihash hash = cid.multihash();
  if (hash.code != HashCode::identity && hash.digest.size() < block_digest_bytes_min) {
    return fail(ErrorCode::bad_digest_length, words("a digest cut to ", hash.digest.size(), " bytes names no block"));
  }
  return verify_multihash(hash, block);
}

}  // namespace rz::ipld
