// How this room's codecs build Values in place: the only door to a Value's representation.
#pragma once

#include <cstring>
#include <new>

#include "ipld/value.h"

namespace rz::ipld {

class ValueMaker {
 public:
  enum class Owner : std::uint8_t { value, arena };

  // Text, bytes or a link that points at `bytes`, which outlives the Value. `slot` holds nothing that needs releasing.
  static void borrow(Value& slot, Kind kind, ByteView bytes) {
    slot.save(0, bytes.data());
    slot.save(8, static_cast<std::uint32_t>(bytes.size()));
    seal_outside(slot, kind, Owner::arena);
  }
  // The same, copied into the Value.
  static void copy(Value& slot, Kind kind, ByteView bytes) {
    if (bytes.size() <= Value::inline_bytes_max) {
      slot.clear(kind);
      copy_short(slot.store_, bytes);
      slot.store_[Value::size_at] = static_cast<std::uint8_t>(bytes.size());
      return;
    }
    auto* const copied = static_cast<std::uint8_t*>(::operator new(bytes.size()));
    std::memcpy(copied, bytes.data(), bytes.size());
    slot.save(0, static_cast<const std::uint8_t*>(copied));
    slot.save(8, static_cast<std::uint32_t>(bytes.size()));
    seal_outside(slot, kind, Owner::value);
  }
  static void set_boolean(Value& slot, bool value) { slot.set_boolean(value); }
  static void set_integer(Value& slot, Integer value) { slot.set_integer(value); }
  static void set_floating(Value& slot, double value) { slot.set_floating(value); }
  static ByteView bytes(const Value& value) { return value.span_of_bytes(); }
  // Text that is known to be UTF-8 need not be checked again when it is encoded.
  static void mark_utf8(Value& slot) { slot.store_[Value::tag_at] |= Value::known_utf8; }
  static bool is_marked_utf8(const Value& value) { return (value.store_[Value::tag_at] & Value::known_utf8) != 0; }

  // A list or map whose block has room for what will follow; its count begins at 0.
  static void begin_block(Value& slot, Kind kind, void* block, Owner owner) {
    slot.save(0, block);
    slot.save(8, std::uint32_t{0});
    seal_outside(slot, kind, owner);
  }
  // Makes the next item of a block, null, and counts it: so a tree that is given up half-built releases what it has.
  static Value& add_item(Value& list, std::uint32_t index) {
    auto* const item = new (list.load<Value*>(0) + index) Value();
    list.save(8, index + 1);
    return *item;
  }
  static MapEntry& add_entry(Value& map, std::uint32_t index) {
    auto* const entry = new (map.load<MapEntry*>(0) + index) MapEntry();
    map.save(8, index + 1);
    return *entry;
  }
  static Value& key(MapEntry& entry) { return entry.key_; }
  static const Value& key(const MapEntry& entry) { return entry.key_; }
  static Value& value(MapEntry& entry) { return entry.value_; }

 private:
  // At most 14 bytes, by words that overlap: no call, and few branches.
  static void copy_short(std::uint8_t* to, ByteView from) {
    const std::size_t size = from.size();
    const std::uint8_t* const begin = from.data();
    if (size >= 8) {
      std::memcpy(to, begin, 8);
      std::memcpy(to + size - 8, begin + size - 8, 8);
    } else if (size >= 4) {
      std::memcpy(to, begin, 4);
      std::memcpy(to + size - 4, begin + size - 4, 4);
    } else if (size > 0) {
      to[0] = begin[0];
      to[size / 2] = begin[size / 2];
      to[size - 1] = begin[size - 1];
    }
  }
  static void seal_outside(Value& slot, Kind kind, Owner owner) {
    slot.store_[12] = 0;
    slot.store_[13] = 0;
    slot.store_[Value::size_at] = Value::outside;
    slot.store_[Value::tag_at] =
        static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) | (owner == Owner::arena ? Value::borrowed : 0));
  }
};

}  // namespace rz::ipld
