#include "ipld/dag_json_parts.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "ipld/dag_json.h"

namespace rz::ipld::dag_json {
namespace {

std::optional<Value> integer_value(std::string_view digits, bool negative) {
  // −2^64 has a magnitude that does not fit 64 bits.
  if (negative && digits == "18446744073709551616") return Value::integer(Integer{~std::uint64_t{0}, true});
  std::uint64_t magnitude = 0;
  const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude);
  if (failure != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
  if (negative && magnitude > 0) return Value::integer(Integer{magnitude - 1, true});
  return Value::unsigned_integer(magnitude);
}

// The entry that is written first; none where the map is empty.
const MapEntry* first_entry(const Value& map) {
  const auto entries = map.as_map();
  const auto first = std::min_element(entries.begin(), entries.end(),
                                      [](const MapEntry& a, const MapEntry& b) { return a.key() < b.key(); });
  return first == entries.end() ? nullptr : &*first;
}

}  // namespace

std::optional<Value> number_value(std::string_view text) {
  if (text.find_first_of(".eE") == std::string_view::npos) {
    const bool negative = text.starts_with('-');
    return integer_value(negative ? text.substr(1) : text, negative);
  }
  double value = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || stop != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return Value::floating(value);
}

bool is_reserved(const Value& map) {
  const MapEntry* const outer = first_entry(map);
  if (!outer || outer->key() != "/") return false;
  if (outer->value().kind() == Kind::text) return true;
  if (outer->value().kind() != Kind::map) return false;
  const MapEntry* const inner = first_entry(outer->value());
  return inner && inner->key() == "bytes" && inner->value().kind() == Kind::text;
}

// ECMA-262 Number::toString (the shortest digits that read back as the same number), but for whole numbers, which get
// ".0" so that they stay floats.
std::string float_text(double value) {
  RZ_REQUIRE(std::isfinite(value));
  // "-d.ddddde-xxx": the standard fixes shortest digits; their layout is ours.
  char buffer[40];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  std::string out;
  if (text.starts_with('-')) {
    out = "-";
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  int exponent = 0;
  const char* exponent_text = text.data() + e + 1;
  if (*exponent_text == '+') ++exponent_text;
  std::from_chars(exponent_text, text.data() + text.size(), exponent);

  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // Where the point stands, in digits from the left.
  if (count <= point && point <= 21)
    return out + digits + std::string(static_cast<std::size_t>(point - count), '0') + ".0";
  if (0 < point && point <= 21) return out + digits.insert(static_cast<std::size_t>(point), ".");
  if (-6 < point && point <= 0) return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (count > 1) digits.insert(1, ".");
  return out + digits + (exponent < 0 ? "e-" : "e+") + std::to_string(exponent < 0 ? -exponent : exponent);
}

}  // namespace rz::ipld::dag_json
