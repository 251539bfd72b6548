#include "raft/wire/snapshot_transfer.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/sha256.h"
#include "raft/wire/reader.h"

namespace rz::raft {
namespace {

constexpr std::uint64_t manifest_version = 1;

std::size_t chunk_count(std::uint64_t size) { return static_cast<std::size_t>((size + chunk_bytes - 1) / chunk_bytes); }

ByteView chunk_of(ByteView content, std::uint64_t number) {
  const std::size_t begin = static_cast<std::size_t>(number) * chunk_bytes;
  return content.subspan(begin, std::min(chunk_bytes, content.size() - begin));
}

}  // namespace

Bytes encode(const PartRequest& request) {
  Bytes out;
  cbor::put_array(out, 2);
  cbor::put_bytes(out, request.content.view());
  cbor::put_uint(out, request.part);
  return out;
}

Result<PartRequest> decode_part_request(ByteView bytes) {
  Reader reader(bytes);
  PartRequest request;
  RZ_CHECK(reader.array_of(2));
  RZ_TRY(request.content, reader.fixed<ContentId>());
  RZ_TRY(request.part, reader.unsigned_int());
  RZ_CHECK(reader.finish());
  return request;
}

Result<SnapshotSource> SnapshotSource::of(Bytes content) {
  if (content.size() > snapshot_bytes_max) return fail(ErrorCode::too_large, "a snapshot over its limit");
  SnapshotSource source;
  source.content_ = std::move(content);
  Bytes& manifest = source.manifest_;
  cbor::put_array(manifest, 3);
  cbor::put_uint(manifest, manifest_version);
  cbor::put_uint(manifest, source.content_.size());
  const std::size_t count = chunk_count(source.content_.size());
  cbor::put_array(manifest, count);
  for (std::size_t i = 0; i < count; ++i) {
    cbor::put_bytes(manifest, crypto::sha256(chunk_of(source.content_, i)).view());
  }
  source.name_.bytes = crypto::sha256(manifest).bytes;
  return source;
}

Result<ByteView> SnapshotSource::part(std::uint64_t number) const {
  if (number == 0) return ByteView(manifest_);
  if (number > chunk_count(content_.size())) return fail(ErrorCode::not_found, words("no part ", number));
  return chunk_of(content_, number - 1);
}

std::vector<std::uint64_t> SnapshotFetch::missing(std::size_t count_max) const {
  if (!sizes_known_) return {0};
  std::vector<std::uint64_t> parts;
  for (std::size_t i = 0; i < have_.size() && parts.size() < count_max; ++i) {
    if (!have_[i]) parts.push_back(i + 1);
  }
  return parts;
}

Status SnapshotFetch::take(std::uint64_t part, ByteView bytes) {
  if (part == 0) return sizes_known_ ? Status{} : take_manifest(bytes);
  if (part > chunks_.size()) return fail(ErrorCode::raft_wrong_content, words("no part ", part));
  const std::size_t at = static_cast<std::size_t>(part - 1);
  if (have_[at]) return {};
  if (bytes.size() != chunk_of(content_, at).size() || crypto::sha256(bytes) != chunks_[at]) {
    return fail(ErrorCode::raft_wrong_content, words("part ", part, " has other bytes"));
  }
  std::copy(bytes.begin(), bytes.end(), content_.begin() + static_cast<std::ptrdiff_t>(at * chunk_bytes));
  have_[at] = true;
  --missing_count_;
  return {};
}

Status SnapshotFetch::take_manifest(ByteView bytes) {
  if (crypto::sha256(bytes).bytes != name_.bytes) return fail(ErrorCode::raft_wrong_content, "another manifest");
  Reader reader(bytes);
  RZ_CHECK(reader.array_of(3));
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t version, reader.unsigned_int());
  if (version != manifest_version)
    return fail_at(ErrorCode::raft_unknown_version, at, words("manifest version ", version));
  RZ_TRY(const std::uint64_t size, reader.unsigned_int(snapshot_bytes_max));
  RZ_CHECK(reader.array_of(chunk_count(size)));
  std::vector<Hash256> chunks;
  for (std::size_t i = 0; i < chunk_count(size); ++i) {
    RZ_TRY(const Hash256 hash, reader.fixed<Hash256>());
    chunks.push_back(hash);
  }
  RZ_CHECK(reader.finish());
  chunks_ = std::move(chunks);
  have_.assign(chunks_.size(), false);
  missing_count_ = chunks_.size();
  content_.resize(static_cast<std::size_t>(size));
  sizes_known_ = true;
  return {};
}

}  // namespace rz::raft
