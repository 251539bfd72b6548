#include "document/value.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/cbor_head.h"
#include "document/path.h"

namespace rz::document {

const Value* Value::find(std::string_view key) const {
  const auto* map = std::get_if<MapValue>(&is);
  if (map == nullptr) return nullptr;
  for (const auto& [name, value] : map->entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

bool operator==(const MapValue& a, const MapValue& b) { return a.entries == b.entries; }
bool operator==(const ListValue& a, const ListValue& b) { return a.items == b.items; }
bool operator==(const Value& a, const Value& b) { return a.is == b.is; }

Value empty_container(Type type) {
  switch (type) {
    case Type::map:
      return {MapValue{}};
    case Type::list:
      return {ListValue{}};
    case Type::text:
      return {TextValue{}};
    case Type::counter:
      break;
  }
  return {CounterValue{}};
}

namespace {

void put_integer(Bytes& out, std::int64_t value) {
  if (value >= 0) return cbor::put_uint(out, static_cast<std::uint64_t>(value));
  cbor::put_head(out, cbor::Major::negative_int, static_cast<std::uint64_t>(-1 - value));
}

struct CborWriter {
  Bytes& out;
  void operator()(Null) const { out.push_back(0xf6); }
  void operator()(bool value) const { out.push_back(value ? 0xf5 : 0xf4); }
  void operator()(std::int64_t value) const { put_integer(out, value); }
  void operator()(double value) const {
    out.push_back(0xfb);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
  void operator()(const std::string& value) const { cbor::put_text(out, value); }
  void operator()(const Bytes& value) const { cbor::put_bytes(out, value); }
  void operator()(const MapValue& value) const {
    std::vector<const MapEntry*> entries;
    for (const auto& entry : value.entries) entries.push_back(&entry);
    std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) {
      return a->key.size() != b->key.size() ? a->key.size() < b->key.size() : a->key < b->key;
    });
    cbor::put_head(out, cbor::Major::map, entries.size());
    for (const auto* entry : entries) {
      cbor::put_text(out, entry->key);
      std::visit(*this, entry->value.is);
    }
  }
  void operator()(const ListValue& value) const {
    cbor::put_array(out, value.items.size());
    for (const Value& item : value.items) std::visit(*this, item.is);
  }
  void operator()(const TextValue& value) const { cbor::put_text(out, value.text); }
  void operator()(CounterValue value) const { put_integer(out, value.sum); }
};

std::string base64(const Bytes& bytes) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    held += 8;
    while (held >= 6) {
      held -= 6;
      out += digits[bits >> held & 63];
    }
  }
  if (held > 0) out += digits[bits << (6 - held) & 63];
  return out;
}

void put_string(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

struct JsonWriter {
  std::string& out;
  void operator()(Null) const { out += "null"; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { out += std::to_string(value); }
  void operator()(double value) const {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;  // Shortest that reads back the same.
    const std::string_view text(digits, static_cast<std::size_t>(end - digits));
    out += text;
    if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
  }
  void operator()(const std::string& value) const { put_string(out, value); }
  void operator()(const Bytes& value) const { out += "{\"/\":{\"bytes\":\"" + base64(value) + "\"}}"; }
  void operator()(const MapValue& value) const {
    char separator = '{';
    for (const auto& [key, item] : value.entries) {
      out += separator;
      put_string(out, key);
      out += ':';
      std::visit(*this, item.is);
      separator = ',';
    }
    out += value.entries.empty() ? "{}" : "}";
  }
  void operator()(const ListValue& value) const {
    char separator = '[';
    for (const Value& item : value.items) {
      out += separator;
      std::visit(*this, item.is);
      separator = ',';
    }
    out += value.items.empty() ? "[]" : "]";
  }
  void operator()(const TextValue& value) const { put_string(out, value.text); }
  void operator()(CounterValue value) const { out += std::to_string(value.sum); }
};

}  // namespace

Bytes to_dag_cbor(const Value& value) {
  Bytes out;
  std::visit(CborWriter{out}, value.is);
  return out;
}

std::string to_json(const Value& value) {
  std::string out;
  std::visit(JsonWriter{out}, value.is);
  return out;
}

std::string to_string(const Path& path) {
  std::string out;
  for (const PathStep& step : path) {
    if (!out.empty()) out += '/';
    if (const auto* key = std::get_if<std::string>(&step)) {
      out += key->empty() ? "(body)" : *key;
    } else {
      out += std::to_string(std::get<std::uint64_t>(step));
    }
  }
  return out.empty() ? "the root" : out;
}

}  // namespace rz::document
