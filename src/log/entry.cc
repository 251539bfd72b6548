#include "log/entry.h"

#include "crypto/sha256.h"
#include "log/codec.h"
#include "log/entry_codec.h"

namespace rz::log {
namespace {
constexpr std::uint64_t entry_fields = 8;
}

Bytes encode_entry(const EntryHeader& entry) {
  Bytes out;
  out.reserve(128);
  codec::put_entry(out, entry);
  return out;
}

void codec::put_entry(Bytes& out, const EntryHeader& entry) {
  cbor::put_array(out, entry_fields);
  cbor::put_uint(out, entry_version);
  cbor::put_uint(out, static_cast<std::uint64_t>(entry.kind));
  cbor::put_uint(out, entry.generation);
  cbor::put_uint(out, entry.index);
  cbor::put_uint(out, entry.term);
  put_fixed(out, entry.previous);
  cbor::put_uint(out, entry.time.ms);
  put_fixed(out, entry.root);
}

Status codec::read_entry(Reader& reader, EntryHeader& entry) {
  RZ_CHECK(reader.expect_array(entry_fields));
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t version, read_uint(reader));
  if (version != entry_version) return fail_at(ErrorCode::entry_version, at, words("version ", version));
  constexpr auto kind_last = static_cast<std::uint64_t>(EntryKind::pod_snapshot);
  RZ_TRY(const std::uint64_t kind, read_uint_up_to(reader, kind_last, ErrorCode::entry_kind));
  entry.kind = static_cast<EntryKind>(kind);
  RZ_TRY(entry.generation, read_uint(reader));
  RZ_TRY(entry.index, read_uint(reader));
  RZ_TRY(entry.term, read_uint(reader));
  RZ_CHECK(reader.expect_fixed(entry.previous));
  RZ_TRY(entry.time.ms, read_uint(reader));
  return reader.expect_fixed(entry.root);
}

Result<EntryHeader> decode_entry(ByteView block) {
  codec::Reader reader(block);
  EntryHeader entry;
  RZ_CHECK(codec::read_entry(reader, entry));
  RZ_CHECK(reader.finish());
  return entry;
}

Hash256 entry_hash(const EntryHeader& entry) { return crypto::sha256(encode_entry(entry)); }

}  // namespace rz::log
