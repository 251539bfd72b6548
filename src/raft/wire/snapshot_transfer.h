// A snapshot's content by name: in parts that anybody may serve, in any order, each checked by itself, so that a
// transfer that breaks off resumes where it was, with another member if need be.
//
// The name (ContentId) is the SHA-256 of the manifest, part 0:
//
//   [version, size, [hash of chunk: Bytes(32), ...]]     canonical DAG-CBOR; chunks of 64 KiB, the last one shorter
//
// Part n is chunk n - 1. Members ask each other for (name, part); how that travels is the host's matter.
#pragma once

#include <optional>
#include <vector>

#include "raft/wire/types.h"

namespace rz::raft {

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::size_t snapshot_bytes_max = 64 * 1024 * 1024;

struct PartRequest {
  ContentId content;
  std::uint64_t part = 0;
};

// Canonical DAG-CBOR, [content, part]. Errors: those of wire/reader.h.
Bytes encode(const PartRequest& request);
Result<PartRequest> decode_part_request(ByteView bytes);

// Serves one snapshot.
class SnapshotSource {
 public:
  // Errors: too_large.
  static Result<SnapshotSource> of(Bytes content);

  const ContentId& name() const { return name_; }
  const Bytes& content() const { return content_; }
  // Errors: not_found.
  Result<ByteView> part(std::uint64_t number) const;

 private:
  ContentId name_;
  Bytes manifest_;
  Bytes content_;
};

// Gathers one. Parts that are kept across restarts are simply taken again.
class SnapshotFetch {
 public:
  explicit SnapshotFetch(const ContentId& name) : name_(name) {}

  const ContentId& name() const { return name_; }
  // Up to `count_max` parts that are missing, in order: only the manifest until that is here.
  std::vector<std::uint64_t> missing(std::size_t count_max) const;
  // A part from whoever had it; one that is here already changes nothing. Errors: raft_wrong_content (not the bytes
  // that the name asks for, or no such part), those of wire/reader.h for a manifest that is named but malformed.
  Status take(std::uint64_t part, ByteView bytes);
  bool is_complete() const { return sizes_known_ && missing_count_ == 0; }
  // Of a complete one.
  Bytes take_content() { return std::move(content_); }

 private:
  Status take_manifest(ByteView bytes);

  ContentId name_;
  bool sizes_known_ = false;
  std::vector<Hash256> chunks_;
  std::vector<bool> have_;
  std::size_t missing_count_ = 0;
  Bytes content_;
};

}  // namespace rz::raft
