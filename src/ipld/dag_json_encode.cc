#include <algorithm>
#include <cmath>

#include "ipld/dag_json.h"
#include "ipld/dag_json_parts.h"
#include "ipld/utf8.h"

namespace rz::ipld::dag_json {
namespace {

// A map's entries in this codec's order: bytewise, not by length first.
std::vector<const MapEntry*> sorted_entries(const Value& map) {
  std::vector<const MapEntry*> entries;
  entries.reserve(map.as_map().size());
  for (const MapEntry& entry : map.as_map()) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
  return entries;
}

class Encoder {
 public:
  Encoder(Bytes& out, const Limits& limits) : out_(out), limits_(limits) {}

  Status value(const Value& value, std::uint32_t depth) {
    switch (value.kind()) {
      case Kind::null:
        return put("null");
      case Kind::boolean:
        return put(value.as_boolean() ? "true" : "false");
      case Kind::integer:
        return integer(value.as_integer());
      case Kind::floating:
        if (!std::isfinite(value.as_floating())) return fail(ErrorCode::float_not_finite, "NaN or an infinity");
        return put(float_text(value.as_floating()));
      case Kind::text:
        return text(value.as_text());
      case Kind::bytes:
        return wrapped(R"({"/":{"bytes":")", base_encode(Multibase::base64, value.as_bytes()), R"("}})");
      case Kind::link:
        return wrapped(R"({"/":")", value.as_link().to_string(), R"("})");
      case Kind::list:
        return list(value, depth);
      case Kind::map:
        return map(value, depth);
    }
    return {};
  }

 private:
  Status put(std::string_view text) {
    if (text.size() > limits_.bytes_max - std::min(limits_.bytes_max, out_.size())) {
      return fail(ErrorCode::too_large, words("more than ", limits_.bytes_max, " bytes"));
    }
    append(out_, as_bytes(text));
    return {};
  }

  Status wrapped(std::string_view before, const Result<std::string>& text, std::string_view after) {
    RZ_CHECK(text);
    RZ_CHECK(put(before));
    RZ_CHECK(put(*text));
    return put(after);
  }

  Status integer(Integer integer) {
    if (!integer.negative) return put(std::to_string(integer.argument));
    if (integer.argument == ~std::uint64_t{0}) return put("-18446744073709551616");
    return put("-" + std::to_string(integer.argument + 1));
  }

  Status text(std::string_view text) {
    RZ_CHECK(check_utf8(as_bytes(text)));
    std::string out = "\"";
    out.reserve(text.size() + 2);
    for (const char c : text) {
      switch (c) {
        case '"':
          out += "\\\"";
          break;
        case '\\':
          out += "\\\\";
          break;
        case '\b':
          out += "\\b";
          break;
        case '\f':
          out += "\\f";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          if (static_cast<std::uint8_t>(c) < 0x20) {
            const auto byte = static_cast<std::uint8_t>(c);
            out += "\\u00" + to_hex({&byte, 1});
          } else {
            out += c;
          }
      }
    }
    out += '"';
    return put(out);
  }

  Status enter(std::uint32_t depth) const {
    if (depth >= limits_.depth_max) return fail(ErrorCode::too_deep, "lists and maps nested too deeply");
    return {};
  }

  Status list(const Value& list, std::uint32_t depth) {
    RZ_CHECK(enter(depth));
    RZ_CHECK(put("["));
    bool first = true;
    for (const Value& item : list.as_list()) {
      if (!first) RZ_CHECK(put(","));
      first = false;
      RZ_CHECK(value(item, depth + 1));
    }
    return put("]");
  }

  Status map(const Value& map, std::uint32_t depth) {
    RZ_CHECK(enter(depth));
    if (is_reserved(map)) return fail(ErrorCode::reserved_key, reserved_words);
    RZ_CHECK(put("{"));
    bool first = true;
    for (const MapEntry* entry : sorted_entries(map)) {
      if (!first) RZ_CHECK(put(","));
      first = false;
      RZ_CHECK(text(entry->key()));
      RZ_CHECK(put(":"));
      RZ_CHECK(value(entry->value(), depth + 1));
    }
    return put("}");
  }

  Bytes& out_;
  const Limits& limits_;
};

}  // namespace

Result<Bytes> encode(const Value& value, Limits limits) {
  Bytes out;
  Encoder encoder(out, limits);
  RZ_CHECK(encoder.value(value, 0));
  return out;
}

}  // namespace rz::ipld::dag_json
