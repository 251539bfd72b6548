#include "pod/export.h"

#include "ipld/dag_cbor.h"

namespace rz::pod {

namespace {

constexpr std::uint64_t export_version = 1;

using Reader = ipld::dag_cbor::Reader;
using Writer = ipld::dag_cbor::Writer;

std::unexpected<Error> malformed(const Reader& reader, std::string_view what) {
  return fail_at(ErrorCode::export_malformed, reader.offset(), what);
}

Status expect_version(Reader& reader) {
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != export_version) return malformed(reader, words("an export of version ", version));
  return {};
}

Result<Hash256> expect_digest(Reader& reader) {
  RZ_TRY(const ipld::Cid link, reader.expect_link());
  const auto digest =
      link.version() == 1 && link.codec() == ipld::Codec::dag_cbor ? link.sha256_digest() : std::nullopt;
  if (!digest) return malformed(reader, "a link to something other than a DAG-CBOR block by SHA-256");
  return *digest;
}

struct RecordWriter {
  Writer& out;

  void begin(std::uint64_t kind, std::uint64_t fields) const {
    out.array(1 + fields);
    out.unsigned_integer(kind);
  }
  void operator()(const ExportStream& stream) const {
    begin(0, 2);
    out.unsigned_integer(static_cast<std::uint64_t>(stream.keeping));
    out.bytes(stream.genesis);
  }
  void operator()(const ExportRun& run) const {
    begin(1, 2);
    out.bytes(run.run);
    if (!run.seal) return out.null();
    out.array(2);
    out.link(ipld::Cid::dag_cbor_sha256(Hash256{run.seal->head.bytes}));
    out.bytes(run.seal->signature.view());
  }
  void operator()(const ExportTree& tree) const {
    begin(2, 1);
    out.bytes(tree.heads);
  }
  void operator()(const ExportKey& key) const {
    begin(3, 2);
    out.bytes(key.epoch.view());
    out.bytes(key.key.expose());
  }
  void operator()(const ExportCut& cut) const {
    begin(4, 1);
    out.bytes(cut.state);
  }
};

Result<Bytes> expect_copied(Reader& reader) {
  RZ_TRY(const ByteView bytes, reader.expect_bytes());
  return to_bytes(bytes);
}

Result<ExportRecord> read_run(Reader& reader) {
  ExportRun run;
  RZ_TRY(run.run, expect_copied(reader));
  RZ_TRY(const ipld::Kind kind, reader.peek());
  if (kind == ipld::Kind::null) {
    RZ_CHECK(reader.expect_null());
    return run;
  }
  run.seal.emplace();
  RZ_CHECK(reader.expect_array(2));
  RZ_TRY(const Hash256 head, expect_digest(reader));
  run.seal->head = log::EventId{head.bytes};
  RZ_CHECK(reader.expect_fixed(run.seal->signature));
  return run;
}

Result<ExportRecord> read_record(Reader& reader) {
  RZ_TRY(const std::uint64_t fields, reader.expect_array());
  RZ_TRY(const std::uint64_t kind, reader.expect_uint());
  const std::uint64_t wanted[] = {3, 3, 2, 3, 2};
  if (kind >= std::size(wanted)) return malformed(reader, words("a record of kind ", kind));
  if (fields != wanted[kind]) return malformed(reader, words("a record of ", fields, " fields"));
  switch (kind) {
    case 0: {
      ExportStream stream;
      RZ_TRY(const std::uint64_t keeping, reader.expect_uint());
      if (keeping > static_cast<std::uint64_t>(log::Keeping::followed)) return malformed(reader, "a kind of keeping");
      stream.keeping = static_cast<log::Keeping>(keeping);
      RZ_TRY(stream.genesis, expect_copied(reader));
      if (stream.genesis.size() > log::genesis_bytes_max) return malformed(reader, "a genesis that is too large");
      return stream;
    }
    case 1:
      return read_run(reader);
    case 2: {
      RZ_TRY(Bytes heads, expect_copied(reader));
      return ExportTree{std::move(heads)};
    }
    case 3: {
      log::EpochId epoch;
      RZ_CHECK(reader.expect_fixed(epoch));
      RZ_TRY(const ByteView bytes, reader.expect_bytes());
      auto key = crypto::Secret32::from(bytes);
      if (!key) return malformed(reader, "a key of another length");
      return ExportKey{epoch, *std::move(key)};
    }
    default: {
      RZ_TRY(Bytes state, expect_copied(reader));
      return ExportCut{std::move(state)};
    }
  }
}

}  // namespace

Bytes encode_export_part(const std::vector<ExportRecord>& records, std::uint64_t number) {
  Bytes data;
  Writer writer(data);
  writer.array(3);
  writer.unsigned_integer(export_version);
  writer.unsigned_integer(number);
  writer.array(records.size());
  for (const ExportRecord& record : records) std::visit(RecordWriter{writer}, record);
  return data;
}

Result<std::vector<ExportRecord>> decode_export_part(ByteView block, std::uint64_t number) {
  Reader reader(block, {.bytes_max = export_part_bytes_max, .depth_max = 8});
  RZ_CHECK(reader.expect_array(3));
  RZ_CHECK(expect_version(reader));
  RZ_TRY(const std::uint64_t own_number, reader.expect_uint());
  if (own_number != number) return malformed(reader, words("part ", own_number, " where part ", number, " is"));
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count == 0) return malformed(reader, "a part without records");
  std::vector<ExportRecord> records;
  for (std::uint64_t i = 0; i < count; ++i) {
    RZ_TRY(ExportRecord record, read_record(reader));
    records.push_back(std::move(record));
  }
  RZ_CHECK(reader.finish());
  return records;
}

Bytes encode_export_manifest(const ExportManifest& manifest) {
  Bytes data;
  Writer writer(data);
  writer.array(6);
  writer.unsigned_integer(export_version);
  writer.bytes(manifest.did.view());
  writer.boolean(manifest.sealed);
  writer.unsigned_integer(manifest.streams);
  writer.unsigned_integer(manifest.events);
  writer.array(manifest.parts.size());
  for (const ipld::Cid& part : manifest.parts) writer.link(part);
  return data;
}

Result<ExportManifest> decode_export_manifest(ByteView block) {
  ExportManifest manifest;
  Reader reader(block, {.bytes_max = export_manifest_bytes_max, .depth_max = 4});
  RZ_CHECK(reader.expect_array(6));
  RZ_CHECK(expect_version(reader));
  RZ_CHECK(reader.expect_fixed(manifest.did));
  RZ_TRY(manifest.sealed, reader.expect_bool());
  RZ_TRY(manifest.streams, reader.expect_uint());
  RZ_TRY(manifest.events, reader.expect_uint());
  RZ_TRY(const std::uint64_t parts, reader.expect_array());
  if (parts == 0 || parts > export_parts_max) return malformed(reader, words(parts, " parts"));
  for (std::uint64_t i = 0; i < parts; ++i) {
    RZ_TRY(const Hash256 part, expect_digest(reader));
    manifest.parts.push_back(ipld::Cid::dag_cbor_sha256(part));
  }
  RZ_CHECK(reader.finish());
  return manifest;
}

}  // namespace rz::pod
