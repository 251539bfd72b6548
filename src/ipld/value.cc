#include "ipld/value.h"

#include <algorithm>

#include "ipld/value_maker.h"

namespace rz::ipld {

static_assert(sizeof(Value) == 16);
static_assert(sizeof(MapEntry) == 32);

std::string_view name_of(Kind kind) {
  constexpr std::string_view names[] = {"null", "boolean", "integer", "float", "text", "bytes", "list", "map", "link"};
  return names[static_cast<std::size_t>(kind)];
}

// Copies are owning, whatever the original was.
Value::Value(const Value& other) {
  if (other.store_[size_at] != outside) {
    std::memcpy(store_, other.store_, sizeof store_);
    return;
  }
  const Kind kind = other.kind();
  if (kind == Kind::list) {
    const auto items = other.as_list();
    ValueMaker::begin_block(*this, kind, ::operator new(items.size_bytes() + 1), ValueMaker::Owner::value);
    for (std::uint32_t i = 0; i < items.size(); ++i) ValueMaker::add_item(*this, i) = items[i];
  } else if (kind == Kind::map) {
    const auto entries = other.as_map();
    ValueMaker::begin_block(*this, kind, ::operator new(entries.size_bytes() + 1), ValueMaker::Owner::value);
    for (std::uint32_t i = 0; i < entries.size(); ++i) ValueMaker::add_entry(*this, i) = entries[i];
  } else {
    ValueMaker::copy(*this, kind, other.span_of_bytes());
    store_[tag_at] |= other.store_[tag_at] & known_utf8;
  }
}

void Value::release_outside() {
  const auto count = load<std::uint32_t>(8);
  if (kind() == Kind::list) {
    auto* const items = load<Value*>(0);
    std::destroy_n(items, count);
    ::operator delete(items);
  } else if (kind() == Kind::map) {
    auto* const entries = load<MapEntry*>(0);
    std::destroy_n(entries, count);
    ::operator delete(entries);
  } else {
    ::operator delete(load<void*>(0));
  }
}

Value Value::text(std::string_view text) {
  RZ_REQUIRE(text.size() < std::uint32_t(-1));
  Value made;
  ValueMaker::copy(made, Kind::text, rz::as_bytes(text));
  return made;
}

Value Value::bytes(ByteView bytes) {
  RZ_REQUIRE(bytes.size() < std::uint32_t(-1));
  Value made;
  ValueMaker::copy(made, Kind::bytes, bytes);
  return made;
}

Value Value::link(const Cid& cid) {
  RZ_REQUIRE(!cid.is_empty());
  Value made;
  ValueMaker::copy(made, Kind::link, cid.bytes());
  return made;
}

Value Value::list(std::vector<Value> items) {
  RZ_REQUIRE(items.size() < std::uint32_t(-1));
  Value made;
  ValueMaker::begin_block(made, Kind::list, ::operator new(items.size() * sizeof(Value) + 1), ValueMaker::Owner::value);
  for (std::uint32_t i = 0; i < items.size(); ++i) ValueMaker::add_item(made, i) = std::move(items[i]);
  return made;
}

Result<Value> Value::map(std::vector<std::pair<std::string_view, Value>> entries) {
  RZ_REQUIRE(entries.size() < std::uint32_t(-1));
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return compare_keys(a.first, b.first) < 0; });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    if (entries[i - 1].first == entries[i].first) {
      return fail(ErrorCode::duplicate_key, words("the key \"", entries[i].first, "\" is there twice"));
    }
  }
  Value made;
  ValueMaker::begin_block(made, Kind::map, ::operator new(entries.size() * sizeof(MapEntry) + 1),
                          ValueMaker::Owner::value);
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    MapEntry& entry = ValueMaker::add_entry(made, i);
    ValueMaker::key(entry) = text(entries[i].first);
    ValueMaker::value(entry) = std::move(entries[i].second);
  }
  return made;
}

Cid Value::as_link() const {
  require(Kind::link);
  auto cid = Cid::decode(span_of_bytes());
  RZ_ASSERT(cid.has_value());
  return *std::move(cid);
}

const Value* Value::find(std::string_view key) const {
  if (kind() != Kind::map) return nullptr;
  const auto entries = as_map();
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), key,
                       [](const MapEntry& entry, std::string_view k) { return compare_keys(entry.key(), k) < 0; });
  return found != entries.end() && found->key() == key ? &found->value() : nullptr;
}

const Value* Value::at(std::size_t index) const {
  return kind() == Kind::list && index < as_list().size() ? &as_list()[index] : nullptr;
}

std::optional<std::int64_t> Value::get_int() const {
  return kind() == Kind::integer ? as_integer().as_signed() : std::nullopt;
}

std::optional<std::uint64_t> Value::get_uint() const {
  return kind() == Kind::integer ? as_integer().as_unsigned() : std::nullopt;
}

std::optional<std::string_view> Value::get_text() const {
  return kind() == Kind::text ? std::optional(as_text()) : std::nullopt;
}

std::optional<ByteView> Value::get_bytes() const {
  return kind() == Kind::bytes ? std::optional(as_bytes()) : std::nullopt;
}

std::optional<Cid> Value::get_link() const { return kind() == Kind::link ? std::optional(as_link()) : std::nullopt; }

bool operator==(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return a.as_boolean() == b.as_boolean();
    case Kind::integer:
      return a.as_integer() == b.as_integer();
    case Kind::floating:
      return a.load<std::uint64_t>(0) == b.load<std::uint64_t>(0);
    case Kind::text:
    case Kind::bytes:
    case Kind::link:
      return equal(a.span_of_bytes(), b.span_of_bytes());
    case Kind::list:
      return std::equal(a.as_list().begin(), a.as_list().end(), b.as_list().begin(), b.as_list().end());
    case Kind::map:
      return std::equal(
          a.as_map().begin(), a.as_map().end(), b.as_map().begin(), b.as_map().end(),
          [](const MapEntry& x, const MapEntry& y) { return x.key() == y.key() && x.value() == y.value(); });
  }
  return false;
}

}  // namespace rz::ipld
