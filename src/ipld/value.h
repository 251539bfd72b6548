// A tree of the IPLD data model: null, boolean, integer, float, text, bytes, list, map, link.
//
// Sixteen bytes a node. Text, bytes and links of up to 14 bytes live inside it, lists and maps are one contiguous
// block. A map is always in the order of DAG-CBOR (shorter keys first, then bytewise) without duplicates.
//
// A Value owns what it holds, or, inside a Document (dag_cbor.h), borrows it from there. Borrowing is invisible:
// copying a borrowed Value makes an owning one. Moving from a Document is impossible, because it only hands out const
// Values.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "ipld/cid.h"
#include "ipld/limits.h"

namespace rz::ipld {

enum class Kind : std::uint8_t { null, boolean, integer, floating, text, bytes, list, map, link };

// "null", "boolean", …, for messages.
std::string_view name_of(Kind kind);

// −2^64 … 2^64−1: the value is `argument`, or −1 − `argument` where negative (as CBOR writes it).
struct Integer {
  std::uint64_t argument = 0;
  bool negative = false;

  static constexpr Integer of(std::int64_t value) {
    return value < 0 ? Integer{static_cast<std::uint64_t>(-1 - value), true}
                     : Integer{static_cast<std::uint64_t>(value), false};
  }
  // None where it does not fit.
  constexpr std::optional<std::int64_t> as_signed() const {
    if (argument >> 63 != 0) return std::nullopt;
    const auto magnitude = static_cast<std::int64_t>(argument);
    return negative ? -1 - magnitude : magnitude;
  }
  constexpr std::optional<std::uint64_t> as_unsigned() const {
    return negative ? std::nullopt : std::optional(argument);
  }
  friend constexpr bool operator==(Integer, Integer) = default;
};

class MapEntry;

class Value {
 public:
  Value() { clear(Kind::null); }
  Value(const Value& other);
  Value(Value&& other) noexcept {
    std::memcpy(store_, other.store_, sizeof store_);
    other.clear(Kind::null);
  }
  Value& operator=(const Value& other) {
    if (this != &other) *this = Value(other);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    if (this != &other) {
      release();
      std::memcpy(store_, other.store_, sizeof store_);
      other.clear(Kind::null);
    }
    return *this;
  }
  ~Value() { release(); }

  static Value null() { return {}; }
  static Value boolean(bool value) {
    Value made;
    made.set_boolean(value);
    return made;
  }
  static Value integer(std::int64_t value) { return integer(Integer::of(value)); }
  static Value unsigned_integer(std::uint64_t value) { return integer(Integer{value, false}); }
  static Value integer(Integer value) {
    Value made;
    made.set_integer(value);
    return made;
  }
  // Must be finite: the data model's codecs know neither NaN nor infinities (the caller's contract).
  static Value floating(double value) {
    Value made;
    made.set_floating(value);
    return made;
  }
  // Must be UTF-8: encoders check it (invalid_utf8).
  static Value text(std::string_view text);
  static Value bytes(ByteView bytes);
  static Value link(const Cid& cid);
  static Value list(std::vector<Value> items);
  // Sorts. Errors: duplicate_key.
  static Result<Value> map(std::vector<std::pair<std::string_view, Value>> entries);

  Kind kind() const { return static_cast<Kind>(store_[tag_at] & 0x0f); }
  bool is_null() const { return kind() == Kind::null; }

  // Each needs its own kind (the caller's contract; see the get_ functions for input that is not known).
  bool as_boolean() const { return require(Kind::boolean), store_[0] != 0; }
  Integer as_integer() const { return require(Kind::integer), Integer{load<std::uint64_t>(0), store_[8] != 0}; }
  double as_floating() const { return require(Kind::floating), load<double>(0); }
  std::string_view as_text() const { return require(Kind::text), rz::as_text(span_of_bytes()); }
  ByteView as_bytes() const { return require(Kind::bytes), span_of_bytes(); }
  Cid as_link() const;
  ByteView as_link_bytes() const { return require(Kind::link), span_of_bytes(); }
  std::span<const Value> as_list() const {
    return require(Kind::list), std::span<const Value>(load<const Value*>(0), load<std::uint32_t>(8));
  }
  std::span<const MapEntry> as_map() const;

  // The value under `key`; none where this is no map or has no such key.
  const Value* find(std::string_view key) const;
  // The item at `index`; none where this is no list or is shorter.
  const Value* at(std::size_t index) const;
  // Nothing where the kind is another one (or the integer does not fit).
  std::optional<std::int64_t> get_int() const;
  std::optional<std::uint64_t> get_uint() const;
  std::optional<std::string_view> get_text() const;
  std::optional<ByteView> get_bytes() const;
  std::optional<Cid> get_link() const;

  // Structural; floats by their bits.
  friend bool operator==(const Value& a, const Value& b);

 private:
  friend class ValueMaker;

  // Sixteen bytes: [0,8) a pointer or a number, [8,12) a count, or [0,14) bytes in place; 14 the number of bytes in
  // place or `outside`; 15 the kind and the two flags below it.
  static constexpr std::size_t inline_bytes_max = 14;
  static constexpr std::size_t size_at = 14;
  static constexpr std::size_t tag_at = 15;
  static constexpr std::uint8_t outside = 0xff;
  static constexpr std::uint8_t borrowed = 0x80;
  static constexpr std::uint8_t known_utf8 = 0x40;

  void require(Kind expected) const { RZ_REQUIRE(kind() == expected); }
  void clear(Kind kind) {
    std::memset(store_, 0, sizeof store_);
    store_[tag_at] = static_cast<std::uint8_t>(kind);
  }
  template <class T>
  T load(std::size_t at) const {
    T value;
    std::memcpy(&value, store_ + at, sizeof value);
    return value;
  }
  template <class T>
  void save(std::size_t at, T value) {
    std::memcpy(store_ + at, &value, sizeof value);
  }
  // These overwrite what needs no release.
  void set_boolean(bool value) {
    clear(Kind::boolean);
    store_[0] = value ? 1 : 0;
  }
  void set_integer(Integer value) {
    clear(Kind::integer);
    save(0, value.argument);
    store_[8] = value.negative ? 1 : 0;
  }
  void set_floating(double value) {
    clear(Kind::floating);
    save(0, value);
  }
  ByteView span_of_bytes() const {
    if (store_[size_at] != outside) return {store_, store_[size_at]};
    return {load<const std::uint8_t*>(0), load<std::uint32_t>(8)};
  }
  void release() {
    if (store_[size_at] == outside && (store_[tag_at] & borrowed) == 0) release_outside();
  }
  void release_outside();

  alignas(8) std::uint8_t store_[16];
};

// One entry of a map: the key is text.
class MapEntry {
 public:
  MapEntry() = default;
  MapEntry(Value key, Value value) : key_(std::move(key)), value_(std::move(value)) {}
  std::string_view key() const { return key_.as_text(); }
  const Value& value() const { return value_; }

 private:
  friend class ValueMaker;
  Value key_;
  Value value_;
};

inline std::span<const MapEntry> Value::as_map() const {
  return require(Kind::map), std::span<const MapEntry>(load<const MapEntry*>(0), load<std::uint32_t>(8));
}

// The order of keys in DAG-CBOR: shorter first, then bytewise.
inline int compare_keys(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.empty() ? 0 : std::memcmp(a.data(), b.data(), a.size());
}

}  // namespace rz::ipld
