// yamux frames: a header of 12 bytes, big-endian: version, type, flags, stream, length. A data frame's payload follows,
// `length` bytes; the others have none and use `length` for a number.
#pragma once

#include <compare>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace rz::net {

inline constexpr std::size_t yamux_header_bytes = 12;
inline constexpr std::uint32_t yamux_initial_window_bytes = 256 * 1024;

// Odd: opened by the dialer; even: by the listener; 0: the session itself.
struct StreamId {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(StreamId, StreamId) = default;
};

enum class FrameType : std::uint8_t { data = 0, window_update = 1, ping = 2, go_away = 3 };

namespace flag {
inline constexpr std::uint16_t syn = 1;  // Opens a stream; asks, in a ping.
inline constexpr std::uint16_t ack = 2;  // Takes a stream; answers, in a ping.
inline constexpr std::uint16_t fin = 4;  // No more from this side.
inline constexpr std::uint16_t rst = 8;  // The stream is gone.
}  // namespace flag

enum class GoAwayReason : std::uint32_t { normal = 0, protocol_error = 1, internal_error = 2 };

struct YamuxHeader {
  FrameType type = FrameType::data;
  std::uint16_t flags = 0;
  StreamId stream;
  std::uint32_t length = 0;  // Data: payload bytes; window update: bytes granted; ping: its value; go away: the reason.

  bool has(std::uint16_t bit) const { return (flags & bit) != 0; }
  friend bool operator==(const YamuxHeader&, const YamuxHeader&) = default;
};

void put_yamux_header(Bytes& out, const YamuxHeader& header);

// Checks what can be checked without the session: version, type, flags that exist and go together (SYN never
// with RST or ACK), stream 0 for pings and go-aways alone. Errors: net_bad_yamux_version,
// net_bad_yamux_type, net_bad_yamux_flags, net_bad_stream_id; offsets count from the header's start.
Result<YamuxHeader> decode_yamux_header(std::span<const std::uint8_t, yamux_header_bytes> bytes);

}  // namespace rz::net
