// Frames in a byte stream: an unsigned varint length, then that many bytes (as libp2p's protocols do).
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "base/varint.h"

namespace rz::net {

inline void put_frame(Bytes& out, ByteView frame) {
  put_varint(out, frame.size());
  append(out, frame);
}

// Cuts a stream into frames. Memory: at most one frame, and never more than has arrived (a length alone allocates
// nothing).
class FrameReader {
 public:
  explicit FrameReader(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

  // Takes from the front of `input` up to the end of one frame. The view lasts until the next call, or until `input`'s
  // bytes go. Empty when `input` is used up first. Errors, after which the reader stays failed: net_bad_length,
  // net_frame_too_long (offset: in the stream).
  Result<std::optional<ByteView>> next(ByteView& input);

  // Whether the stream may end here: between frames.
  bool at_border() const { return prefix_.empty() && !reading_; }
  std::size_t buffered_bytes() const { return frame_.size(); }

 private:
  Status read_prefix(ByteView& input);

  std::size_t frame_bytes_max_;
  Bytes prefix_;          // The part of a length that has come.
  bool reading_ = false;  // A length is known, its frame is not complete.
  std::size_t length_ = 0;
  Bytes frame_;
  std::uint64_t offset_ = 0;  // In the stream, of the next byte.
  std::optional<Error> error_;
};

}  // namespace rz::net
