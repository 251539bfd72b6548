// Numbers and byte strings of a checkpoint, closed by a checksum.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/varint.h"
#include "document/utf8.h"

namespace rz::document {

// FNV-1a over 8 bytes at a time: notices accidents, not attackers; those are met by checking every number.
inline std::uint64_t checkpoint_sum(ByteView bytes) {
  std::uint64_t sum = 0xcbf29ce484222325;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) word |= std::uint64_t{bytes[at + i]} << (8 * i);
    sum = (sum ^ word) * 0x100000001b3;
    sum ^= sum >> 29;
  }
  for (; at < bytes.size(); ++at) sum = (sum ^ bytes[at]) * 0x100000001b3;
  return sum;
}

struct CheckpointWriter {
  Bytes bytes;

  void number(std::uint64_t value) { put_varint(bytes, value); }
  void signed_number(std::int64_t value) {
    const auto pattern = static_cast<std::uint64_t>(value);
    number(value < 0 ? (~pattern << 1 | 1) : pattern << 1);
  }
  void sized(ByteView view) {
    number(view.size());
    append(bytes, view);
  }
  void seal() {
    const std::uint64_t sum = checkpoint_sum(bytes);
    for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(sum >> shift));
  }
};

class CheckpointReader {
 public:
  static Result<CheckpointReader> open(ByteView bytes) {
    if (bytes.size() < 8) return fail_at(ErrorCode::bad_checkpoint, bytes.size(), "too short");
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < 8; ++i) sum |= std::uint64_t{bytes[bytes.size() - 8 + i]} << (8 * i);
    const ByteView content = bytes.first(bytes.size() - 8);
    if (sum != checkpoint_sum(content)) return fail_at(ErrorCode::bad_checkpoint, content.size(), "wrong checksum");
    return CheckpointReader(content);
  }

  bool at_end() const { return at_ == bytes_.size(); }
  std::unexpected<Error> bad(std::string_view what) const { return fail_at(ErrorCode::bad_checkpoint, at_, what); }

  // Below `end`.
  Result<std::uint64_t> number(std::uint64_t end = ~std::uint64_t{0}) {
    Varint read;
    if (get_varint(bytes_.subspan(at_), read) != VarintState::complete) return bad("a number breaks off");
    if (read.value >= end) return bad("a number that is too large");
    at_ += read.size_bytes;
    return read.value;
  }
  Result<std::int64_t> signed_number() {
    RZ_TRY(const std::uint64_t folded, number());
    return static_cast<std::int64_t>((folded & 1) != 0 ? ~(folded >> 1) : folded >> 1);
  }
  // Of things that take at least so many bytes each.
  Result<std::uint64_t> count(std::size_t bytes_each) {
    RZ_TRY(const std::uint64_t counted, number());
    if (counted > (bytes_.size() - at_) / bytes_each) return bad("more announced than there is");
    return counted;
  }
  Result<ByteView> take(std::uint64_t size) {
    if (size > bytes_.size() - at_) return bad("it breaks off");
    const ByteView taken = bytes_.subspan(at_, static_cast<std::size_t>(size));
    at_ += size;
    return taken;
  }
  Result<ByteView> sized() {
    RZ_TRY(const std::uint64_t size, number());
    return take(size);
  }
  Result<std::string> text() {
    RZ_TRY(const ByteView view, sized());
    if (!utf8::is_valid(as_text(view))) return bad("text that is no UTF-8");
    return std::string(as_text(view));
  }
  template <class Id>
  Result<Id> id() {
    RZ_TRY(const ByteView view, take(Id::size_bytes));
    return Id::from(view);
  }

 private:
  explicit CheckpointReader(ByteView bytes) : bytes_(bytes) {}

  ByteView bytes_;
  std::size_t at_ = 0;
};

}  // namespace rz::document
