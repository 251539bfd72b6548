#include "pod/document_records.h"

#include "ipld/dag_cbor.h"

namespace rz::pod {
namespace {

constexpr std::uint64_t record_version = 1;

Status expect_rules(ipld::dag_cbor::Reader& reader) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  RZ_TRY(const std::uint64_t rules, reader.expect_uint());
  if (version != record_version || rules != fold_rules) {
    return fail_at(ErrorCode::bad_checkpoint, at, words("version ", version, " by rules ", rules));
  }
  return {};
}

}  // namespace

Bytes encode_checkpoint_head(const CheckpointHead& head) {
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(6);
  writer.unsigned_integer(record_version);
  writer.unsigned_integer(fold_rules);
  writer.array(head.heads.size());
  for (const log::EventId& id : head.heads) writer.bytes(id.view());
  writer.unsigned_integer(head.events);
  writer.unsigned_integer(head.parts);
  writer.bytes(head.digest.view());
  return value;
}

Result<CheckpointHead> decode_checkpoint_head(ByteView value) {
  CheckpointHead head;
  ipld::dag_cbor::Reader reader(value);
  RZ_CHECK(reader.expect_array(6));
  RZ_CHECK(expect_rules(reader));
  const std::size_t heads_at = reader.offset();
  RZ_TRY(const std::uint64_t heads, reader.expect_array());
  if (heads > checkpoint_heads_max) return fail_at(ErrorCode::limit_exceeded, heads_at, words(heads, " heads"));
  head.heads.resize(static_cast<std::size_t>(heads));
  for (std::size_t i = 0; i < heads; ++i) {
    const std::size_t at = reader.offset();
    RZ_CHECK(reader.expect_fixed(head.heads[i]));
    if (i > 0 && !(head.heads[i - 1] < head.heads[i])) return fail_at(ErrorCode::list_order, at, "heads ascend");
  }
  RZ_TRY(head.events, reader.expect_uint());
  const std::size_t parts_at = reader.offset();
  RZ_TRY(head.parts, reader.expect_uint());
  if (head.parts > checkpoint_parts_max) {
    return fail_at(ErrorCode::limit_exceeded, parts_at, words(head.parts, " parts"));
  }
  RZ_CHECK(reader.expect_fixed(head.digest));
  RZ_CHECK(reader.finish());
  return head;
}

Bytes encode_summary(const SummaryRecord& summary) {
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(6);
  writer.unsigned_integer(record_version);
  writer.unsigned_integer(fold_rules);
  writer.text(summary.title);
  writer.unsigned_integer(summary.bytes);
  writer.unsigned_integer(summary.updated.ms);
  writer.bytes(summary.of.view());
  return value;
}

Result<SummaryRecord> decode_summary(ByteView value) {
  SummaryRecord summary;
  ipld::dag_cbor::Reader reader(value);
  RZ_CHECK(reader.expect_array(6));
  RZ_CHECK(expect_rules(reader));
  RZ_TRY(const std::string_view title, reader.expect_text());
  summary.title = std::string(title);
  RZ_TRY(summary.bytes, reader.expect_uint());
  RZ_TRY(summary.updated.ms, reader.expect_uint());
  RZ_CHECK(reader.expect_fixed(summary.of));
  RZ_CHECK(reader.finish());
  return summary;
}

}  // namespace rz::pod
