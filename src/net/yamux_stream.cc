#include "net/yamux_stream.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::net {

void ReceiveBuffer::consume(std::size_t count) {
  RZ_REQUIRE(count <= size());
  begin_ += count;
  if (begin_ == bytes_.size()) {
    bytes_.clear();
    begin_ = 0;
    // A stream that was busy once and is quiet now should not hold a window's worth of memory.
    if (bytes_.capacity() > yamux_initial_window_bytes) bytes_.shrink_to_fit();
  } else if (begin_ > bytes_.size() / 2) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
}

void SendQueue::push(Bytes chunk) {
  if (chunk.empty()) return;
  size_ += chunk.size();
  chunks_.push_back(std::move(chunk));
}

void SendQueue::pull(Bytes& out, std::size_t count) {
  RZ_REQUIRE(count <= size_);
  size_ -= count;
  while (count > 0) {
    const Bytes& chunk = chunks_.front();
    const std::size_t taken = std::min(count, chunk.size() - begin_);
    append(out, ByteView(chunk).subspan(begin_, taken));
    begin_ += taken;
    count -= taken;
    if (begin_ == chunk.size()) {
      chunks_.pop_front();
      begin_ = 0;
    }
  }
}

}  // namespace rz::net
