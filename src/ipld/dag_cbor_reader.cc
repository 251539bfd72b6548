// Pulling items of a known shape.
#include "ipld/cbor_item.h"
#include "ipld/dag_cbor.h"
#include "ipld/utf8.h"

namespace rz::ipld::dag_cbor {

Result<Kind> Reader::peek() const {
  if (at_ == bytes_.size()) return fail_at(ErrorCode::truncated, at_, "an item is missing");
  const std::uint8_t first = bytes_[at_];
  const auto info = static_cast<std::uint8_t>(first & 0x1f);
  switch (first >> 5) {
    case 0:
    case 1:
      return Kind::integer;
    case 2:
      return Kind::bytes;
    case 3:
      return Kind::text;
    case 4:
      return Kind::list;
    case 5:
      return Kind::map;
    case 6:
      return Kind::link;
    default:
      break;
  }
  if (info == 20 || info == 21) return Kind::boolean;
  if (info == 22) return Kind::null;
  if (info == info_uint64) return Kind::floating;
  if (info == info_indefinite) return fail_at(ErrorCode::indefinite_length, at_, "a break");
  const Complaint complaint = complaint_of_simple({major_simple, info, 0});
  return fail_at(complaint.code, at_, complaint.message);
}

Status Reader::head(Head& out) {
  if (at_ == 0 && bytes_.size() > limits_.bytes_max) {
    return fail_at(ErrorCode::too_large, 0, words(bytes_.size(), " bytes; ", limits_.bytes_max, " are taken"));
  }
  const std::uint8_t* at = bytes_.data() + at_;
  ItemHead item;
  if (const HeadFault fault = read_head(at, bytes_.data() + bytes_.size(), item); fault != HeadFault::ok) {
    const Complaint complaint = complaint_of(fault);
    return fail_at(complaint.code, at_, complaint.message);
  }
  out = {item.major, item.info, item.argument};
  at_ = static_cast<std::size_t>(at - bytes_.data());
  return {};
}

std::unexpected<Error> Reader::unexpected(std::size_t item_at, std::string_view wanted) const {
  Reader here = *this;
  here.at_ = item_at;
  const auto kind = here.peek();
  if (!kind) return std::unexpected(kind.error());
  return fail_at(ErrorCode::unexpected_kind, item_at, words("expected ", wanted, ", found ", name_of(*kind)));
}

std::unexpected<Error> Reader::wrong_length(std::uint64_t wanted, std::uint64_t got) const {
  return fail_at(ErrorCode::unexpected_count, at_, words("expected ", wanted, ", found ", got));
}

Status Reader::head_of(std::uint8_t major, Head& out) {
  constexpr std::string_view wanted[] = {"an integer", "an integer", "bytes", "text", "a list", "a map", "a link"};
  const std::size_t item_at = at_;
  RZ_CHECK(head(out));
  if (out.major != major) [[unlikely]] {
    at_ = item_at;
    return unexpected(item_at, wanted[major]);
  }
  return {};
}

Result<ByteView> Reader::take(std::uint64_t size, std::size_t item_at) {
  if (size > bytes_.size() - at_) {
    return fail_at(ErrorCode::truncated, item_at, "a length that reaches behind the end");
  }
  const ByteView taken = bytes_.subspan(at_, static_cast<std::size_t>(size));
  at_ += taken.size();
  return taken;
}

Status Reader::expect_null() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head(item));
  if (item.major != major_simple || item.info != 22) {
    at_ = item_at;
    return unexpected(item_at, "null");
  }
  return {};
}

Result<bool> Reader::expect_bool() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head(item));
  if (item.major != major_simple || (item.info != 20 && item.info != 21)) {
    at_ = item_at;
    return unexpected(item_at, "a boolean");
  }
  return item.info == 21;
}

Result<Integer> Reader::expect_integer() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head(item));
  if (item.major > 1) {
    at_ = item_at;
    return unexpected(item_at, "an integer");
  }
  return Integer{item.argument, item.major == 1};
}

Result<std::int64_t> Reader::expect_int() {
  const std::size_t item_at = at_;
  RZ_TRY(const Integer integer, expect_integer());
  const auto value = integer.as_signed();
  if (!value) return fail_at(ErrorCode::integer_range, item_at, "does not fit a signed 64-bit integer");
  return *value;
}

Result<std::uint64_t> Reader::expect_uint() {
  const std::size_t item_at = at_;
  RZ_TRY(const Integer integer, expect_integer());
  if (integer.negative) return fail_at(ErrorCode::integer_range, item_at, "a negative integer");
  return integer.argument;
}

Result<double> Reader::expect_float() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head(item));
  if (item.major != major_simple || item.info != info_uint64) {
    at_ = item_at;
    return unexpected(item_at, "a float");
  }
  if (!is_finite_float(item.argument)) {
    return fail_at(ErrorCode::float_not_finite, item_at, "NaN or an infinity");
  }
  return std::bit_cast<double>(item.argument);
}

Result<std::string_view> Reader::expect_text() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head_of(3, item));
  RZ_TRY(const ByteView text, take(item.argument, item_at));
  RZ_CHECK(check_utf8(text, at_ - text.size()));
  return as_text(text);
}

Result<ByteView> Reader::expect_bytes() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head_of(2, item));
  return take(item.argument, item_at);
}

Result<Cid> Reader::expect_link() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head_of(6, item));
  if (item.argument != link_tag) return fail_at(ErrorCode::unknown_tag, item_at, "a tag other than 42");
  const std::size_t content_at = at_;
  RZ_CHECK(head(item));
  if (item.major != 2) return fail_at(ErrorCode::bad_link, content_at, "tag 42 goes with bytes");
  RZ_TRY(const ByteView content, take(item.argument, content_at));
  if (content.empty() || content[0] != 0) {
    return fail_at(ErrorCode::bad_link, content_at, "the CID of a link begins with the byte 0");
  }
  auto cid = Cid::decode(content.subspan(1));
  if (!cid) return fail_at(ErrorCode::bad_link, content_at, cid.error().to_string());
  return cid;
}

Result<std::uint64_t> Reader::expect_array() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head_of(4, item));
  if (item.argument > bytes_.size() - at_) {
    return fail_at(ErrorCode::truncated, item_at, "a count of items that the input is too short for");
  }
  return item.argument;
}

Status Reader::expect_array(std::uint64_t count) {
  const std::size_t item_at = at_;
  RZ_TRY(const std::uint64_t got, expect_array());
  if (got != count) {
    return fail_at(ErrorCode::unexpected_count, item_at, words("expected ", count, " items, found ", got));
  }
  return {};
}

Result<Reader::Map> Reader::expect_map() {
  const std::size_t item_at = at_;
  Head item;
  RZ_CHECK(head_of(5, item));
  if (item.argument > (bytes_.size() - at_) / 2) {
    return fail_at(ErrorCode::truncated, item_at, "a count of entries that the input is too short for");
  }
  return Map{item.argument, {}, false};
}

Result<std::string_view> Reader::next_key(Map& map) {
  const std::size_t key_at = at_;
  auto key = expect_text();
  if (!key) {
    if (key.error().code != ErrorCode::unexpected_kind) return key;
    return fail_at(ErrorCode::key_not_text, key_at, "the keys of a map are text");
  }
  if (map.started) {
    const int order = compare_keys(map.previous_key, *key);
    if (order == 0) return fail_at(ErrorCode::duplicate_key, key_at, words("the key \"", *key, "\" is there twice"));
    if (order > 0) return fail_at(ErrorCode::unsorted_keys, key_at, words("the key \"", *key, "\" is out of order"));
  }
  map.previous_key = *key;
  map.started = true;
  return key;
}

Result<ByteView> Reader::skip_bytes() {
  const std::size_t item_at = at_;
  RZ_CHECK(skip());
  return bytes_.subspan(item_at, at_ - item_at);
}

Status Reader::finish() const {
  if (at_ != bytes_.size()) return fail_at(ErrorCode::trailing_bytes, at_, "bytes after the last item");
  return {};
}

}  // namespace rz::ipld::dag_cbor
