// Writing: the tree, measured first and then written into place; and the Writer's links and floats.
#include <bit>
#include <cmath>

#include "ipld/cbor_item.h"
#include "ipld/dag_cbor.h"
#include "ipld/utf8.h"
#include "ipld/value_maker.h"

namespace rz::ipld::dag_cbor {
namespace {

constexpr std::size_t float_bytes = 9;
constexpr std::size_t link_tag_bytes = 2;

// How many steps the head's size has climbed: 0 for an argument inside the first byte, 1 to 4 for 1, 2, 4, 8 bytes
// more. Sums of comparisons, without branches: no processor predicts the sizes in a list of numbers.
unsigned head_class(std::uint64_t argument) {
  return unsigned{argument >= info_uint8} + unsigned{argument > 0xff} + unsigned{argument > 0xffff} +
         unsigned{argument > 0xffffffff};
}

std::size_t argument_bytes(unsigned head_class) { return (std::size_t{1} << head_class) >> 1; }
std::size_t head_bytes(std::uint64_t argument) { return 1 + argument_bytes(head_class(argument)); }

// Adds up the size of a tree, and finds what must not be written.
class Measure {
 public:
  explicit Measure(const Limits& limits) : depth_max_(limits.depth_max) {}

  // False: error() says why.
  bool value(const Value& value, std::uint32_t depth) {
    switch (value.kind()) {
      case Kind::null:
      case Kind::boolean:
        bytes_ += 1;
        return true;
      case Kind::integer:
        bytes_ += head_bytes(value.as_integer().argument);
        return true;
      case Kind::floating:
        bytes_ += float_bytes;
        return std::isfinite(value.as_floating()) || complain(ErrorCode::float_not_finite, "NaN or an infinity");
      case Kind::text:
        return text(value);
      case Kind::bytes:
        string(ValueMaker::bytes(value).size());
        return true;
      case Kind::link:
        bytes_ += link_tag_bytes;
        string(1 + ValueMaker::bytes(value).size());
        return true;
      case Kind::list:
        if (!enter(value.as_list().size(), depth)) return false;
        for (const Value& item : value.as_list()) {
          if (!this->value(item, depth + 1)) return false;
        }
        return true;
      case Kind::map:
        if (!enter(value.as_map().size(), depth)) return false;
        for (const MapEntry& entry : value.as_map()) {
          if (!text(ValueMaker::key(entry)) || !this->value(entry.value(), depth + 1)) return false;
        }
        return true;
    }
    return true;
  }

  std::size_t bytes() const { return bytes_; }
  Error error() const { return {code_, message_}; }

 private:
  bool complain(ErrorCode code, const char* message) {
    code_ = code;
    message_ = message;
    return false;
  }
  void string(std::size_t size) { bytes_ += head_bytes(size) + size; }
  bool text(const Value& value) {
    const ByteView text = ValueMaker::bytes(value);
    string(text.size());
    return ValueMaker::is_marked_utf8(value) || is_utf8(text) || complain(ErrorCode::invalid_utf8, "ill-formed UTF-8");
  }
  bool enter(std::size_t count, std::uint32_t depth) {
    bytes_ += head_bytes(count);
    return depth < depth_max_ || complain(ErrorCode::too_deep, "lists and maps nested too deeply");
  }

  std::uint32_t depth_max_;
  std::size_t bytes_ = 0;
  ErrorCode code_ = ErrorCode::internal;
  const char* message_ = "";
};

// Into memory that was measured, and `slack_bytes` more: nothing is checked again.
class Put {
 public:
  static constexpr std::size_t slack_bytes = 8;

  explicit Put(std::uint8_t* at) : at_(at) {}

  void value(const Value& value) {
    switch (value.kind()) {
      case Kind::null:
        *at_++ = 0xf6;
        return;
      case Kind::boolean:
        *at_++ = value.as_boolean() ? 0xf5 : 0xf4;
        return;
      case Kind::integer: {
        const Integer integer = value.as_integer();
        head(integer.negative ? 1 : 0, integer.argument);
        return;
      }
      case Kind::floating:
        *at_ = 0xfb;
        put_big_endian(at_ + 1, std::bit_cast<std::uint64_t>(value.as_floating()));
        at_ += float_bytes;
        return;
      case Kind::text:
        string(3, ValueMaker::bytes(value));
        return;
      case Kind::bytes:
        string(2, ValueMaker::bytes(value));
        return;
      case Kind::link: {
        const ByteView cid = ValueMaker::bytes(value);
        *at_++ = 0xd8;
        *at_++ = static_cast<std::uint8_t>(link_tag);
        head(2, cid.size() + 1);
        *at_++ = 0;
        copy(cid);
        return;
      }
      case Kind::list:
        head(4, value.as_list().size());
        for (const Value& item : value.as_list()) this->value(item);
        return;
      case Kind::map:
        head(5, value.as_map().size());
        for (const MapEntry& entry : value.as_map()) {
          string(3, ValueMaker::bytes(ValueMaker::key(entry)));
          this->value(entry.value());
        }
        return;
    }
  }

  const std::uint8_t* at() const { return at_; }

 private:
  static void put_big_endian(std::uint8_t* to, std::uint64_t value) {
    if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
    std::memcpy(to, &value, sizeof value);
  }
  // Most texts are short: up to 64 bytes go as words that overlap, without a call.
  void copy(ByteView bytes) {
    const std::size_t size = bytes.size();
    const std::uint8_t* const from = bytes.data();
    if (size > 64) {
      std::memcpy(at_, from, size);
    } else if (size > 32) {
      copy_ends<32>(from, size);
    } else if (size > 16) {
      copy_ends<16>(from, size);
    } else if (size >= 8) {
      copy_ends<8>(from, size);
    } else {
      for (std::size_t i = 0; i < size; ++i) at_[i] = from[i];
    }
    at_ += size;
  }
  // The first and the last `word_bytes` of at least as many.
  template <std::size_t word_bytes>
  void copy_ends(const std::uint8_t* from, std::size_t size) {
    std::memcpy(at_, from, word_bytes);
    std::memcpy(at_ + size - word_bytes, from + size - word_bytes, word_bytes);
  }
  void head(std::uint8_t major, std::uint64_t argument) {
    const unsigned steps = head_class(argument);
    const std::size_t width = argument_bytes(steps);
    const std::uint64_t info = steps == 0 ? argument : info_uint8 - 1 + steps;
    *at_ = static_cast<std::uint8_t>(major << 5 | info);
    // The argument's bytes come first, what follows them is overwritten next. (Without an argument all is; & 63 because
    // a shift by 64 is undefined.)
    put_big_endian(at_ + 1, argument << ((64 - 8 * width) & 63));
    at_ += 1 + width;
  }
  void string(std::uint8_t major, ByteView bytes) {
    head(major, bytes.size());
    copy(bytes);
  }

  std::uint8_t* at_;
};

}  // namespace

Result<Bytes> encode(const Value& value, Limits limits) {
  Measure measure(limits);
  if (!measure.value(value, 0)) return std::unexpected(measure.error());
  if (measure.bytes() > limits.bytes_max) {
    return fail(ErrorCode::too_large, words(measure.bytes(), " bytes; ", limits.bytes_max, " are taken"));
  }
  Bytes out(measure.bytes() + Put::slack_bytes);
  Put put(out.data());
  put.value(value);
  out.resize(measure.bytes());
  RZ_ASSERT(put.at() == out.data() + out.size());
  return out;
}

void Writer::floating(double value) {
  RZ_REQUIRE(std::isfinite(value));
  const auto bits = std::bit_cast<std::uint64_t>(value);
  out_.push_back(0xfb);
  for (int shift = 56; shift >= 0; shift -= 8) out_.push_back(static_cast<std::uint8_t>(bits >> shift));
}

void Writer::link(const Cid& cid) {
  RZ_REQUIRE(!cid.is_empty());
  const ByteView bytes = cid.bytes();
  const std::uint8_t tag[] = {0xd8, static_cast<std::uint8_t>(link_tag)};
  append(out_, tag);
  cbor::put_head(out_, cbor::Major::bytes, bytes.size() + 1);
  out_.push_back(0);
  append(out_, bytes);
}

}  // namespace rz::ipld::dag_cbor
