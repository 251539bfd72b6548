#include "log/codec.h"

namespace rz::log::codec {

Result<std::uint64_t> read_uint(Reader& reader) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t value, reader.expect_uint());
  if (value >= integer_end) return fail_at(ErrorCode::integer_too_large, at, words(value, " is not below 2^53"));
  return value;
}

Result<std::uint64_t> read_uint_up_to(Reader& reader, std::uint64_t max, ErrorCode otherwise) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t value, read_uint(reader));
  if (value > max) return fail_at(otherwise, at, words("got ", value, ", known up to ", max));
  return value;
}

Status read_link_digest(Reader& reader, MutableByteView digest32) {
  const std::size_t at = reader.offset();
  const ByteView rest = reader.rest();
  RZ_TRY(const ipld::Cid cid, reader.expect_link());
  constexpr std::size_t link_bytes = sizeof link_head + 32;
  if (reader.offset() - at != link_bytes || !equal(rest.first(sizeof link_head), link_head)) {
    return fail_at(ErrorCode::link_not_event, at, words("expected CIDv1 dag-cbor sha2-256, got ", cid.to_string()));
  }
  std::memcpy(digest32.data(), rest.data() + sizeof link_head, 32);
  return {};
}

Result<bool> read_null(Reader& reader) {
  RZ_TRY(const ipld::Kind kind, reader.peek());
  if (kind != ipld::Kind::null) return false;
  RZ_CHECK(reader.expect_null());
  return true;
}

Result<std::size_t> read_count(Reader& reader, std::size_t items_max) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > items_max) return fail_at(ErrorCode::limit_exceeded, at, words(count, " items, at most ", items_max));
  return static_cast<std::size_t>(count);
}

Result<Bytes> read_bytes(Reader& reader, std::size_t bytes_max) {
  const std::size_t at = reader.offset();
  RZ_TRY(const ByteView view, reader.expect_bytes());
  if (view.size() > bytes_max) {
    return fail_at(ErrorCode::limit_exceeded, at, words(view.size(), " bytes, at most ", bytes_max));
  }
  return to_bytes(view);
}

Result<std::string> read_text(Reader& reader, std::size_t bytes_max) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::string_view text, reader.expect_text());
  if (text.size() > bytes_max) {
    return fail_at(ErrorCode::limit_exceeded, at, words(text.size(), " bytes of text, at most ", bytes_max));
  }
  return std::string(text);
}

}  // namespace rz::log::codec
