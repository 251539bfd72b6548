#include "raft/wire/entry_codec.h"

#include <algorithm>

#include "raft/wire/configuration.h"
#include "raft/wire/message.h"

namespace rz::raft {
namespace {

constexpr std::uint8_t major_unsigned = 0;
constexpr std::uint8_t major_bytes = 2;
constexpr std::uint8_t major_array = 4;

}  // namespace

HeaderBytes::HeaderBytes(const EntryHeader& header) {
  put_head(major_array, 8);
  put_head(major_unsigned, header.version);
  put_head(major_unsigned, static_cast<std::uint8_t>(header.kind));
  put_head(major_unsigned, header.generation);
  put_head(major_unsigned, header.index.n);
  put_head(major_unsigned, header.term.n);
  put_hash(header.prev.bytes);
  put_head(major_unsigned, header.time.ms);
  put_hash(header.root.bytes);
}

// As cbor::put_head, into an array: this runs once for every entry.
void HeaderBytes::put_head(std::uint8_t major, std::uint64_t argument) {
  const auto type = static_cast<std::uint8_t>(major << 5);
  if (argument < 24) {
    bytes_[size_++] = static_cast<std::uint8_t>(type | argument);
    return;
  }
  const int log_width = argument <= 0xff ? 0 : argument <= 0xffff ? 1 : argument <= 0xffffffff ? 2 : 3;
  bytes_[size_++] = static_cast<std::uint8_t>(type | (24 + log_width));
  for (int shift = (8 << log_width) - 8; shift >= 0; shift -= 8) {
    bytes_[size_++] = static_cast<std::uint8_t>(argument >> shift);
  }
}

void HeaderBytes::put_hash(const std::array<std::uint8_t, 32>& hash) {
  put_head(major_bytes, hash.size());
  std::copy(hash.begin(), hash.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += hash.size();
}

Result<EntryHeader> read_header(Reader& reader) {
  EntryHeader header;
  RZ_CHECK(reader.array_of(8));
  std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t version, reader.unsigned_int());
  if (version != EntryHeader::version_newest) {
    return fail_at(ErrorCode::raft_unknown_version, at, words("entry version ", version));
  }
  at = reader.offset();
  RZ_TRY(const std::uint64_t kind, reader.unsigned_int());
  if (kind > static_cast<std::uint8_t>(EntryKind::pod_snapshot)) {
    return fail_at(ErrorCode::raft_unknown_kind, at, words("entry kind ", kind));
  }
  header.version = static_cast<std::uint8_t>(version);
  header.kind = static_cast<EntryKind>(kind);
  RZ_TRY(header.generation, reader.unsigned_int());
  at = reader.offset();
  RZ_TRY(header.index.n, reader.unsigned_int());
  if (header.index.n == 0) return fail_at(ErrorCode::integer_range, at, "an entry with index 0");
  RZ_TRY(header.term.n, reader.unsigned_int());
  RZ_TRY(header.prev, reader.fixed<EntryHash>());
  RZ_TRY(header.time.ms, reader.unsigned_int());
  at = reader.offset();
  RZ_TRY(header.root, reader.fixed<Root>());
  if (header.kind == EntryKind::empty && !header.root.is_zero()) {
    return fail_at(ErrorCode::raft_bad_root, at, "an empty entry with a root");
  }
  return header;
}

void put_entry(Bytes& out, const Entry& entry) {
  cbor::put_array(out, 2);
  append(out, HeaderBytes(entry.header()).view());
  cbor::put_bytes(out, entry.payload().view());
}

Result<Entry> read_entry(Reader& reader, const std::shared_ptr<const Bytes>& owner) {
  RZ_CHECK(reader.array_of(2));
  RZ_TRY(const EntryHeader header, read_header(reader));
  const std::size_t at = reader.offset();
  RZ_TRY(const ByteView payload, reader.bytes(payload_bytes_max));
  if (header.kind == EntryKind::empty && !payload.empty()) {
    return fail_at(ErrorCode::raft_bad_payload, at, "an empty entry with a payload");
  }
  if (header.kind == EntryKind::configuration) {
    if (root_of(payload) != header.root) {
      return fail_at(ErrorCode::raft_bad_payload, at, "not the configuration that the root names");
    }
    RZ_CHECK(decode_configuration(payload));
  }
  return Entry::make(header, owner ? Payload::slice(owner, payload) : Payload::copy_of(payload));
}

void put_entry_id(Bytes& out, const EntryId& id) {
  cbor::put_array(out, 4);
  cbor::put_uint(out, id.generation);
  cbor::put_uint(out, id.term.n);
  cbor::put_uint(out, id.index.n);
  cbor::put_bytes(out, id.hash.view());
}

Result<EntryId> read_entry_id(Reader& reader) {
  EntryId id;
  RZ_CHECK(reader.array_of(4));
  RZ_TRY(id.generation, reader.unsigned_int());
  RZ_TRY(id.term.n, reader.unsigned_int());
  RZ_TRY(id.index.n, reader.unsigned_int());
  RZ_TRY(id.hash, reader.fixed<EntryHash>());
  return id;
}

}  // namespace rz::raft
