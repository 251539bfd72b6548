#include <algorithm>

#include "base/varint.h"
#include "ipld/car.h"
#include "ipld/dag_cbor.h"

namespace rz::ipld::car {
namespace {

// The CARv1 header {"version": 2} with its length: how every CARv2 begins.
constexpr std::uint8_t pragma[] = {0x0a, 0xa1, 0x67, 0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x02};
constexpr std::size_t v2_header_bytes = 40;
constexpr std::size_t varint_bytes_max = 9;

std::uint64_t little_endian(ByteView bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

struct V1Header {
  std::uint64_t version = 0;
  std::optional<std::vector<Cid>> roots;
};

Result<V1Header> decode_v1_header(ByteView bytes) {
  dag_cbor::Reader reader(bytes);
  V1Header header;
  RZ_TRY(auto map, reader.expect_map());
  for (std::uint64_t i = 0; i < map.count; ++i) {
    RZ_TRY(const auto key, reader.next_key(map));
    if (key == "version") {
      RZ_TRY(header.version, reader.expect_uint());
    } else if (key == "roots") {
      RZ_TRY(const std::uint64_t count, reader.expect_array());
      header.roots.emplace();
      for (std::uint64_t root = 0; root < count; ++root) {
        RZ_TRY(Cid cid, reader.expect_link());
        header.roots->push_back(std::move(cid));
      }
    } else {
      return fail_at(ErrorCode::car_bad_header, reader.offset(), words("a field \"", key, "\""));
    }
  }
  RZ_CHECK(reader.finish());
  return header;
}

}  // namespace

ByteView Reader::unread() const { return ByteView(buffer_).subspan(read_); }

void Reader::consume(std::size_t bytes) {
  read_ += bytes;
  offset_ += bytes;
}

void Reader::feed(ByteView bytes) {
  if (where_ == Where::done) return;  // The index of a CARv2.
  // Make room by dropping what was read, once that is most of the buffer: each byte moves a bounded number of times.
  if (read_ > buffer_.size() / 2) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
  }
  append(buffer_, bytes);
  block_.data = {};
}

Result<Reader::Step> Reader::next() {
  if (error_) return std::unexpected(*error_);
  auto taken = step();
  if (!taken) error_ = taken.error();
  return taken;
}

Result<Reader::Step> Reader::step() {
  switch (where_) {
    case Where::start:
      return start();
    case Where::v2_header:
      return read_v2_header();
    case Where::v2_skip:
      return skip_to_data();
    case Where::v1_header:
      return read_v1_header();
    case Where::sections:
      return read_section();
    case Where::done:
      break;
  }
  return Step::end;
}

// Is this a CARv2? Only its first eleven bytes say so.
Result<Reader::Step> Reader::start() {
  const ByteView input = unread();
  const std::size_t known = std::min(input.size(), sizeof pragma);
  const bool same = equal(input.first(known), ByteView(pragma).first(known));
  if (same && known < sizeof pragma && !closed_) return Step::need_more;
  if (same && known == sizeof pragma) {
    consume(sizeof pragma);
    header_.version = 2;
    where_ = Where::v2_header;
  } else {
    where_ = Where::v1_header;
  }
  return step();
}

Result<Reader::Step> Reader::read_v2_header() {
  const ByteView input = unread();
  if (input.size() < v2_header_bytes) {
    if (!closed_) return Step::need_more;
    return fail_at(ErrorCode::truncated, offset_ + input.size(), "the CARv2 header is cut short");
  }
  // Characteristics: one bit of the first byte has a meaning, the others are reserved and not looked at.
  header_.fully_indexed = (input[0] & 0x80) != 0;
  header_.data_offset = little_endian(input, 16);
  header_.data_bytes = little_endian(input, 24);
  header_.index_offset = little_endian(input, 32);
  const std::uint64_t header_end = sizeof pragma + v2_header_bytes;
  const std::uint64_t data_end = header_.data_offset + header_.data_bytes;
  const bool fits = header_.data_offset >= header_end && header_.data_bytes > 0 && data_end > header_.data_offset;
  if (!fits) return fail_at(ErrorCode::car_bad_bounds, offset_ + 16, "the CARv1 does not lie behind the header");
  if (header_.index_offset != 0 && header_.index_offset < data_end) {
    return fail_at(ErrorCode::car_bad_bounds, offset_ + 32, "the index lies before the end of the CARv1");
  }
  consume(v2_header_bytes);
  data_end_ = data_end;
  where_ = Where::v2_skip;
  return step();
}

Result<Reader::Step> Reader::skip_to_data() {
  const std::uint64_t skip = std::min<std::uint64_t>(header_.data_offset - offset_, unread().size());
  consume(static_cast<std::size_t>(skip));
  if (offset_ == header_.data_offset) {
    where_ = Where::v1_header;
    return step();
  }
  if (!closed_) return Step::need_more;
  return fail_at(ErrorCode::truncated, offset_, "the file ends before the CARv1");
}

// Takes nothing. The prefix and its bytes are there whole, or more input is needed (none), or that can't help (error).
Result<std::optional<ByteView>> Reader::section(std::size_t bytes_max, std::size_t& prefix_bytes) {
  const ByteView input = unread();
  const std::uint64_t room = data_end_ - offset_;  // What the bounds of a CARv2 leave.
  Varint length;
  switch (get_varint(input.first(static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), room))), length)) {
    case VarintState::complete:
      break;
    case VarintState::truncated:
      if (!closed_ && input.size() < std::min<std::uint64_t>(room, varint_bytes_max)) return std::nullopt;
      return fail_at(ErrorCode::truncated, offset_, "the length of a section is cut short");
    case VarintState::not_minimal:
      return fail_at(ErrorCode::bad_varint, offset_, "the length of a section is not in its shortest form");
    case VarintState::too_long:
      return fail_at(ErrorCode::bad_varint, offset_, "the length of a section has more than 63 bits");
  }
  if (length.value == 0) return fail_at(ErrorCode::car_section_empty, offset_, "a section of no bytes");
  if (length.value > bytes_max) {
    return fail_at(ErrorCode::too_large, offset_,
                   words("a section of ", length.value, " bytes; ", bytes_max, " are taken"));
  }
  if (length.value > room - length.size_bytes) {
    return fail_at(ErrorCode::car_bad_bounds, offset_, "a section reaches behind the CARv1's end");
  }
  if (input.size() - length.size_bytes < length.value) {
    if (!closed_) return std::nullopt;
    return fail_at(ErrorCode::truncated, offset_ + input.size(), "a section is cut short");
  }
  prefix_bytes = length.size_bytes;
  return input.subspan(length.size_bytes, static_cast<std::size_t>(length.value));
}

Result<Reader::Step> Reader::read_v1_header() {
  std::size_t prefix_bytes = 0;
  RZ_TRY(const auto body, section(limits_.header_bytes_max, prefix_bytes));
  if (!body) return Step::need_more;
  const std::uint64_t body_at = offset_ + prefix_bytes;
  auto decoded = decode_v1_header(*body);
  if (!decoded) {
    const Error& error = decoded.error();
    return fail_at(ErrorCode::car_bad_header, body_at + (error.offset == Error::offset_none ? 0 : error.offset),
                   words(name_of(error.code), ": ", error.message));
  }
  if (decoded->version != 1) {
    return fail_at(ErrorCode::car_version, body_at, words("CAR version ", decoded->version));
  }
  if (!decoded->roots) return fail_at(ErrorCode::car_bad_header, body_at, "there are no roots");
  header_.roots = *std::move(decoded->roots);
  consume(prefix_bytes + body->size());
  where_ = Where::sections;
  return Step::header;
}

Result<Reader::Step> Reader::read_section() {
  if (offset_ == data_end_) {
    where_ = Where::done;
    return Step::end;
  }
  if (unread().empty()) {
    if (!closed_) return Step::need_more;
    if (header_.version == 2) return fail_at(ErrorCode::truncated, offset_, "the file ends before the CARv1's end");
    where_ = Where::done;
    return Step::end;
  }
  std::size_t prefix_bytes = 0;
  RZ_TRY(const auto body, section(limits_.section_bytes_max, prefix_bytes));
  if (!body) return Step::need_more;
  const std::uint64_t cid_at = offset_ + prefix_bytes;
  auto cid = Cid::decode_prefix(*body);
  if (!cid) {
    const Error& error = cid.error();
    return fail_at(error.code, cid_at + (error.offset == Error::offset_none ? 0 : error.offset), error.message);
  }
  const ByteView data = body->subspan(cid->size_bytes);
  if (verify_ != Verify::nothing) {
    const auto verified = verify_block(cid->cid, data);
    if (!verified && !(verify_ == Verify::known && verified.error().code == ErrorCode::unsupported)) {
      return fail_at(verified.error().code, offset_, words(cid->cid.to_string(), ": ", verified.error().message));
    }
  }
  block_ = {std::move(cid->cid), data, offset_};
  consume(prefix_bytes + body->size());
  ++block_count_;
  return Step::block;
}

Result<File> read_all(ByteView bytes, Verify verify, Limits limits) {
  Reader reader(verify, limits);
  reader.feed(bytes);
  reader.close();
  File file;
  for (;;) {
    RZ_TRY(const Reader::Step step, reader.next());
    if (step == Reader::Step::header) file.header = reader.header();
    if (step == Reader::Step::block) file.blocks.push_back({reader.block().cid, to_bytes(reader.block().data)});
    if (step == Reader::Step::end) return file;
    RZ_ASSERT(step != Reader::Step::need_more);  // The input is closed.
  }
}

}  // namespace rz::ipld::car
