#include "net/framing.h"

#include <algorithm>

namespace rz::net {

Result<std::optional<ByteView>> FrameReader::next(ByteView& input) {
  if (error_) return std::unexpected(*error_);
  if (!reading_) {
    frame_.clear();
    if (auto status = read_prefix(input); !status) {
      error_ = status.error();
      return std::unexpected(std::move(status).error());
    }
    if (!reading_) return std::optional<ByteView>();
    if (input.size() >= length_) {  // The whole frame is here: no copy.
      const ByteView whole = input.first(length_);
      input = input.subspan(length_);
      offset_ += length_;
      reading_ = false;
      return std::optional(whole);
    }
  }
  const std::size_t taken = std::min(length_ - frame_.size(), input.size());
  append(frame_, input.first(taken));
  input = input.subspan(taken);
  offset_ += taken;
  if (frame_.size() < length_) return std::optional<ByteView>();
  reading_ = false;
  return std::optional(ByteView(frame_));
}

Status FrameReader::read_prefix(ByteView& input) {
  while (!input.empty()) {
    prefix_.push_back(input.front());
    input = input.subspan(1);
    ++offset_;
    Varint length;
    const auto state = get_varint(prefix_, length);
    if (state == VarintState::truncated) continue;
    const std::uint64_t begin = offset_ - prefix_.size();
    if (state != VarintState::complete) {
      return fail_at(ErrorCode::net_bad_length, begin, state == VarintState::too_long ? "over 63 bits" : "not minimal");
    }
    if (length.value > frame_bytes_max_) {
      return fail_at(ErrorCode::net_frame_too_long, begin,
                     words("a frame of ", length.value, " bytes, at most ", frame_bytes_max_, " are taken"));
    }
    prefix_.clear();
    length_ = static_cast<std::size_t>(length.value);
    reading_ = true;
    return {};
  }
  return {};
}

}  // namespace rz::net
