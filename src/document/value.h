// What a document holds, as plain values: scalars and deep copies of containers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace rz::document {

enum class Type : std::uint8_t { map = 0, list = 1, text = 2, counter = 3 };

struct Value;
struct MapEntry;

struct Null {
  friend bool operator==(Null, Null) = default;
};
// Entries in the order of their keys' bytes, each key once.
struct MapValue {
  std::vector<MapEntry> entries;
};
struct ListValue {
  std::vector<Value> items;
};
// The content of a text container, UTF-8. A plain string scalar is std::string.
struct TextValue {
  std::string text;
  friend bool operator==(const TextValue&, const TextValue&) = default;
};
struct CounterValue {
  std::int64_t sum = 0;
  friend bool operator==(CounterValue, CounterValue) = default;
};

struct Value {
  std::variant<Null, bool, std::int64_t, double, std::string, Bytes, MapValue, ListValue, TextValue, CounterValue> is;

  bool is_container() const { return is.index() >= 6; }
  // The value under `key` if this is a map that has it, or nullptr.
  const Value* find(std::string_view key) const;
};

struct MapEntry {
  std::string key;
  Value value;
};

bool operator==(const MapValue& a, const MapValue& b);
bool operator==(const ListValue& a, const ListValue& b);
bool operator==(const Value& a, const Value& b);
inline bool operator==(const MapEntry& a, const MapEntry& b) { return a.key == b.key && a.value == b.value; }

// An empty container of that type.
Value empty_container(Type type);

// DAG-CBOR (map keys shortest first, then by bytes; texts are strings, counters integers).
Bytes to_dag_cbor(const Value& value);

// JSON, keys in the order of their bytes; byte strings as DAG-JSON writes them.
std::string to_json(const Value& value);

}  // namespace rz::document
