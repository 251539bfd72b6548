#include "net/yamux_frame.h"

namespace rz::net {

namespace {

std::uint32_t get_u32(const std::uint8_t* from) {
  return std::uint32_t{from[0]} << 24 | std::uint32_t{from[1]} << 16 | std::uint32_t{from[2]} << 8 | from[3];
}

void put_u32(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

Status check_stream_flags(std::uint16_t flags) {
  const bool syn = (flags & flag::syn) != 0;
  const bool ack = (flags & flag::ack) != 0;
  const bool rst = (flags & flag::rst) != 0;
  if (syn && ack) return fail_at(ErrorCode::net_bad_yamux_flags, 2, "SYN and ACK together");
  if (syn && rst) return fail_at(ErrorCode::net_bad_yamux_flags, 2, "SYN and RST together");
  return {};
}

}  // namespace

void put_yamux_header(Bytes& out, const YamuxHeader& header) {
  out.push_back(0);
  out.push_back(static_cast<std::uint8_t>(header.type));
  out.push_back(static_cast<std::uint8_t>(header.flags >> 8));
  out.push_back(static_cast<std::uint8_t>(header.flags));
  put_u32(out, header.stream.value);
  put_u32(out, header.length);
}

Result<YamuxHeader> decode_yamux_header(std::span<const std::uint8_t, yamux_header_bytes> bytes) {
  if (bytes[0] != 0) return fail_at(ErrorCode::net_bad_yamux_version, 0, words("version ", bytes[0]));
  if (bytes[1] > static_cast<std::uint8_t>(FrameType::go_away)) {
    return fail_at(ErrorCode::net_bad_yamux_type, 1, words("type ", bytes[1]));
  }
  YamuxHeader header;
  header.type = static_cast<FrameType>(bytes[1]);
  header.flags = static_cast<std::uint16_t>(bytes[2] << 8 | bytes[3]);
  header.stream = {get_u32(&bytes[4])};
  header.length = get_u32(&bytes[8]);
  if (header.flags > 0xf) return fail_at(ErrorCode::net_bad_yamux_flags, 2, words("flags ", header.flags));
  const bool of_session = header.type == FrameType::ping || header.type == FrameType::go_away;
  if (of_session != (header.stream.value == 0)) {
    return fail_at(ErrorCode::net_bad_stream_id, 4, words("stream ", header.stream.value, " in type ", bytes[1]));
  }
  if (!of_session) RZ_CHECK(check_stream_flags(header.flags));
  if (header.type == FrameType::ping && header.flags != flag::syn && header.flags != flag::ack) {
    return fail_at(ErrorCode::net_bad_yamux_flags, 2, words("a ping with flags ", header.flags));
  }
  if (header.type == FrameType::go_away && header.flags != 0) {
    return fail_at(ErrorCode::net_bad_yamux_flags, 2, words("a go-away with flags ", header.flags));
  }
  return header;
}

}  // namespace rz::net
