#include "raft/wire/reader.h"

namespace rz::raft {

Result<std::uint64_t> Reader::head(cbor::Major major) {
  const std::size_t at = offset_;
  if (at == bytes_.size()) return fail_at(ErrorCode::truncated, at, "ends where an item should begin");
  const std::uint8_t first = bytes_[at];
  if (first >> 5 != static_cast<std::uint8_t>(major)) {
    return fail_at(ErrorCode::unexpected_kind, at,
                   words("CBOR major type ", first >> 5, " in place of ", static_cast<int>(major)));
  }
  const std::uint8_t low = first & 0x1f;
  if (low < 24) {
    ++offset_;
    return low;
  }
  if (low > 27) return fail_at(ErrorCode::indefinite_length, at, "a head that is reserved or indefinite");
  const std::size_t width = std::size_t{1} << (low - 24);
  if (bytes_.size() - at - 1 < width) return fail_at(ErrorCode::truncated, at, "ends within a head");
  std::uint64_t argument = 0;
  for (std::size_t i = 1; i <= width; ++i) argument = argument << 8 | bytes_[at + i];
  const std::uint64_t least = width == 1 ? 24 : std::uint64_t{1} << (width * 4);
  if (argument < least) return fail_at(ErrorCode::not_minimal, at, "a head longer than it need be");
  offset_ += 1 + width;
  return argument;
}

Result<std::uint64_t> Reader::unsigned_int(std::uint64_t max) {
  const std::size_t at = offset_;
  RZ_TRY(const std::uint64_t value, head(cbor::Major::unsigned_int));
  if (value > max) return fail_at(ErrorCode::integer_range, at, words(value, " is over ", max));
  return value;
}

Result<bool> Reader::boolean() {
  if (at_end()) return fail_at(ErrorCode::truncated, offset_, "ends where an item should begin");
  const std::uint8_t byte = bytes_[offset_];
  if (byte != 0xf4 && byte != 0xf5) return fail_at(ErrorCode::unexpected_kind, offset_, "neither false nor true");
  ++offset_;
  return byte == 0xf5;
}

Result<std::size_t> Reader::array(std::size_t max) {
  const std::size_t at = offset_;
  RZ_TRY(const std::uint64_t count, head(cbor::Major::array));
  if (count > max) return fail_at(ErrorCode::too_large, at, words("a list of ", count, ", at most ", max));
  if (count > bytes_.size() - offset_) return fail_at(ErrorCode::truncated, at, "a list longer than what is left");
  return static_cast<std::size_t>(count);
}

Status Reader::array_of(std::size_t count) {
  const std::size_t at = offset_;
  RZ_TRY(const std::uint64_t found, head(cbor::Major::array));
  if (found != count) return fail_at(ErrorCode::unexpected_count, at, words(found, " fields in place of ", count));
  return {};
}

Result<ByteView> Reader::bytes(std::size_t max) {
  const std::size_t at = offset_;
  RZ_TRY(const std::uint64_t size, head(cbor::Major::bytes));
  if (size > max) return fail_at(ErrorCode::too_large, at, words(size, " bytes, at most ", max));
  if (size > bytes_.size() - offset_) return fail_at(ErrorCode::truncated, at, "bytes longer than what is left");
  const ByteView view = bytes_.subspan(offset_, static_cast<std::size_t>(size));
  offset_ += view.size();
  return view;
}

Status Reader::finish() const {
  if (!at_end())
    return fail_at(ErrorCode::trailing_bytes, offset_, words(bytes_.size() - offset_, " bytes after the end"));
  return {};
}

}  // namespace rz::raft
