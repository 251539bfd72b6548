#include "store/batch.h"

#include <iterator>
#include <utility>

namespace rz::store {

Batch::Batch(Batch&& other) noexcept
    : operations_(std::exchange(other.operations_, {})), size_bytes_(std::exchange(other.size_bytes_, 0)) {}

Batch& Batch::operator=(Batch&& other) noexcept {
  std::swap(operations_, other.operations_);
  std::swap(size_bytes_, other.size_bytes_);
  if (this != &other) other.clear();
  return *this;
}

void Batch::add(Kind kind, ByteView key, ByteView value) {
  operations_.push_back({kind, to_bytes(key), to_bytes(value)});
  size_bytes_ += key.size() + value.size();
}

void Batch::put(ByteView key, ByteView value) { add(Kind::put, key, value); }
void Batch::erase(ByteView key) { add(Kind::erase, key, {}); }
void Batch::erase_range(ByteView begin, ByteView end) { add(Kind::erase_range, begin, end); }

void Batch::append(Batch other) {
  size_bytes_ += other.size_bytes_;
  if (operations_.empty()) {
    operations_ = std::move(other.operations_);
    return;
  }
  operations_.insert(operations_.end(), std::make_move_iterator(other.operations_.begin()),
                     std::make_move_iterator(other.operations_.end()));
}

void Batch::clear() {
  operations_.clear();
  size_bytes_ = 0;
}

}  // namespace rz::store
