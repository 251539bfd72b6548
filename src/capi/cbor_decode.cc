#include <array>
#include <string>
#include <utility>

#include "capi/cbor.h"
#include "ipld/dag_cbor.h"

namespace rz::capi {
namespace {

using document::Edit;
using document::Path;
using document::PathStep;
using document::Value;
using ipld::Kind;
using ipld::dag_cbor::Reader;

Result<Path> read_path(Reader& reader) {
  RZ_TRY(const std::uint64_t steps, reader.expect_array());
  Path path;
  for (std::uint64_t i = 0; i < steps; ++i) {
    RZ_TRY(const Kind kind, reader.peek());
    if (kind == Kind::text) {
      RZ_TRY(const std::string_view key, reader.expect_text());
      path.emplace_back(std::string(key));
    } else {
      RZ_TRY(const std::uint64_t index, reader.expect_uint());
      path.emplace_back(index);
    }
  }
  return path;
}

// {"new": type}
Result<Value> read_new_container(Reader& reader) {
  static constexpr std::array<std::string_view, 4> names = {"map", "list", "text", "counter"};
  const std::size_t at = reader.offset();
  RZ_TRY(auto map, reader.expect_map());
  if (map.count != 1) return fail_at(ErrorCode::unexpected_kind, at, "a value is a scalar or {\"new\": type}");
  RZ_TRY(const std::string_view key, reader.next_key(map));
  if (key != "new") return fail_at(ErrorCode::unexpected_kind, at, "a value is a scalar or {\"new\": type}");
  RZ_TRY(const std::string_view name, reader.expect_text());
  for (std::size_t type = 0; type < names.size(); ++type) {
    if (name == names[type]) return document::empty_container(static_cast<document::Type>(type));
  }
  return fail_at(ErrorCode::unexpected_kind, at, words("no container is called ", name));
}

Result<Value> read_value(Reader& reader) {
  const std::size_t at = reader.offset();
  RZ_TRY(const Kind kind, reader.peek());
  switch (kind) {
    case Kind::null: {
      RZ_CHECK(reader.expect_null());
      return Value{document::Null{}};
    }
    case Kind::boolean: {
      RZ_TRY(const bool value, reader.expect_bool());
      return Value{value};
    }
    case Kind::integer: {
      RZ_TRY(const std::int64_t value, reader.expect_int());
      return Value{value};
    }
    case Kind::floating: {
      RZ_TRY(const double value, reader.expect_float());
      return Value{value};
    }
    case Kind::text: {
      RZ_TRY(const std::string_view value, reader.expect_text());
      return Value{std::string(value)};
    }
    case Kind::bytes: {
      RZ_TRY(const ByteView value, reader.expect_bytes());
      return Value{to_bytes(value)};
    }
    case Kind::map:
      return read_new_container(reader);
    case Kind::list:
    case Kind::link:
      break;
  }
  return fail_at(ErrorCode::unexpected_kind, at, "a value is a scalar or {\"new\": type}");
}

struct Shape {
  std::string_view name;
  std::uint64_t arguments;  // Besides name and path.
  Result<Edit> (*read)(Reader&, Path);
};

Result<Edit> read_text_insert(Reader& reader, Path path) {
  RZ_TRY(const std::uint64_t position, reader.expect_uint());
  RZ_TRY(const std::string_view text, reader.expect_text());
  return Edit{std::move(path), document::TextInsert{position, std::string(text)}};
}

template <class Deletion>
Result<Edit> read_deletion(Reader& reader, Path path) {
  RZ_TRY(const std::uint64_t position, reader.expect_uint());
  RZ_TRY(const std::uint64_t count, reader.expect_uint());
  return Edit{std::move(path), Deletion{position, count}};
}

Result<Edit> read_list_insert(Reader& reader, Path path) {
  document::ListInsert insert;
  RZ_TRY(insert.index, reader.expect_uint());
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  for (std::uint64_t i = 0; i < count; ++i) {
    RZ_TRY(Value value, read_value(reader));
    insert.values.push_back(std::move(value));
  }
  return Edit{std::move(path), std::move(insert)};
}

Result<Edit> read_list_set(Reader& reader, Path path) {
  RZ_TRY(const std::uint64_t index, reader.expect_uint());
  RZ_TRY(Value value, read_value(reader));
  return Edit{std::move(path), document::ListSet{index, std::move(value)}};
}

Result<Edit> read_map_set(Reader& reader, Path path) {
  RZ_TRY(const std::string_view key, reader.expect_text());
  RZ_TRY(Value value, read_value(reader));
  return Edit{std::move(path), document::MapSet{std::string(key), std::move(value)}};
}

Result<Edit> read_map_delete(Reader& reader, Path path) {
  RZ_TRY(const std::string_view key, reader.expect_text());
  return Edit{std::move(path), document::MapDelete{std::string(key)}};
}

Result<Edit> read_counter_add(Reader& reader, Path path) {
  RZ_TRY(const std::int64_t by, reader.expect_int());
  return Edit{std::move(path), document::CounterAdd{by}};
}

constexpr std::array<Shape, 8> shapes = {{
    {"text_insert", 2, read_text_insert},
    {"text_delete", 2, read_deletion<document::TextDelete>},
    {"list_insert", 2, read_list_insert},
    {"list_delete", 2, read_deletion<document::ListDelete>},
    {"list_set", 2, read_list_set},
    {"map_set", 2, read_map_set},
    {"map_delete", 1, read_map_delete},
    {"counter_add", 1, read_counter_add},
}};

Result<Edit> read_edit(Reader& reader) {
  const std::size_t at = reader.offset();
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count < 2) return fail_at(ErrorCode::unexpected_count, at, "an edit begins with its name and a path");
  RZ_TRY(const std::string_view name, reader.expect_text());
  for (const Shape& shape : shapes) {
    if (name != shape.name) continue;
    if (count != shape.arguments + 2) {
      return fail_at(ErrorCode::unexpected_count, at,
                     words(name, " has ", shape.arguments + 2, " parts, this one ", count));
    }
    RZ_TRY(Path path, read_path(reader));
    return shape.read(reader, std::move(path));
  }
  return fail_at(ErrorCode::unexpected_kind, at, words("no edit is called ", name));
}

}  // namespace

Result<Path> decode_path(ByteView bytes) {
  if (bytes.empty()) return document::body();
  Reader reader(bytes);
  RZ_TRY(Path path, read_path(reader));
  RZ_CHECK(reader.finish());
  return path;
}

Result<std::vector<Edit>> decode_edits(ByteView bytes) {
  Reader reader(bytes);
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  std::vector<Edit> edits;
  for (std::uint64_t i = 0; i < count; ++i) {
    RZ_TRY(Edit edit, read_edit(reader));
    edits.push_back(std::move(edit));
  }
  RZ_CHECK(reader.finish());
  return edits;
}

}  // namespace rz::capi
