#include "log/header.h"

#include "crypto/sha256.h"
#include "log/codec.h"

namespace rz::log {
namespace {

constexpr std::uint64_t header_fields = 12;

Status check_parents(const Header& header) {
  if (header.parents.size() > parents_max) {
    return fail(ErrorCode::parents_count, words(header.parents.size(), " parents, at most ", parents_max));
  }
  if (!codec::ascends(header.parents)) return fail(ErrorCode::parents_order, "parents must ascend");
  if (std::binary_search(header.parents.begin(), header.parents.end(), header.prev)) {
    return fail(ErrorCode::parents_order, "prev is among the parents");
  }
  return {};
}

}  // namespace

Status check_header(const Header& header) {
  for (const std::uint64_t value : {header.feed.value, header.seq.value, header.time.ms}) {
    if (value >= integer_end) return fail(ErrorCode::integer_too_large, words(value, " is not below 2^53"));
  }
  if (header.size > body_bytes_max) {
    return fail(ErrorCode::body_too_large, words("a body of ", header.size, " bytes, at most ", body_bytes_max));
  }
  if (header.kind == EventKind::control && !header.epoch.is_zero()) {
    return fail(ErrorCode::control_sealed, "a control event has epoch zero");
  }
  return check_parents(header);
}

void append_header(Bytes& out, const Header& header) {
  cbor::put_array(out, header_fields);
  cbor::put_uint(out, header_version);
  cbor::put_uint(out, static_cast<std::uint64_t>(header.kind));
  codec::put_fixed(out, header.stream);
  codec::put_fixed(out, header.author);
  cbor::put_uint(out, header.feed.value);
  cbor::put_uint(out, header.seq.value);
  codec::put_link(out, header.prev);
  codec::put_links(out, header.parents);
  cbor::put_uint(out, header.time.ms);
  codec::put_fixed(out, header.epoch);
  codec::put_fixed(out, header.body);
  cbor::put_uint(out, header.size);
}

Bytes encode_header(const Header& header) {
  Bytes out;
  out.reserve(256 + header.parents.size() * 41);
  append_header(out, header);
  return out;
}

Result<Header> decode_header(ByteView block) {
  if (block.size() > header_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words("a header of ", block.size(), " bytes, at most ", header_bytes_max));
  }
  codec::Reader reader(block);
  RZ_CHECK(reader.expect_array(header_fields));
  Header header;
  const std::size_t version_at = reader.offset();
  RZ_TRY(const std::uint64_t version, codec::read_uint(reader));
  if (version != header_version) return fail_at(ErrorCode::event_version, version_at, words("version ", version));
  RZ_TRY(const std::uint64_t kind, codec::read_uint_up_to(reader, 1, ErrorCode::event_kind));
  header.kind = static_cast<EventKind>(kind);
  RZ_CHECK(reader.expect_fixed(header.stream));
  RZ_CHECK(reader.expect_fixed(header.author));
  RZ_TRY(header.feed.value, codec::read_uint(reader));
  RZ_TRY(header.seq.value, codec::read_uint(reader));
  RZ_CHECK(codec::read_link(reader, header.prev));
  const std::size_t parents_at = reader.offset();
  RZ_CHECK(codec::read_links(reader, header.parents, parents_max));
  RZ_TRY(header.time.ms, codec::read_uint(reader));
  RZ_CHECK(reader.expect_fixed(header.epoch));
  RZ_CHECK(reader.expect_fixed(header.body));
  RZ_TRY(header.size, codec::read_uint_up_to(reader, body_bytes_max, ErrorCode::body_too_large));
  RZ_CHECK(reader.finish());
  if (auto status = check_header(header); !status) {
    status.error().offset = parents_at;  // The rest of what it checks was checked in place.
    return std::unexpected(std::move(status).error());
  }
  return header;
}

EventId event_id_of_block(ByteView header_block) { return EventId{crypto::sha256(header_block).bytes}; }

EventId event_id(const Header& header) { return event_id_of_block(encode_header(header)); }

Bytes body_associated_data(const Header& header) {
  Header zeroed = header;
  zeroed.body = {};
  return encode_header(zeroed);
}

BodyHash body_hash(ByteView body) { return BodyHash{crypto::sha256(body).bytes}; }

}  // namespace rz::log
