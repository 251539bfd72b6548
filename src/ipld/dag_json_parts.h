// Numbers and the reserved key of DAG-JSON. Inside this room only.
#pragma once

#include <optional>
#include <string_view>

#include "ipld/value.h"

namespace rz::ipld::dag_json {

// The text of a JSON number ("-12", "1.5e+3"), as the grammar allows it. An integer has neither point nor exponent.
// None where it is outside what the data model holds (2^64 and more, 1e400, 1e-400).
std::optional<Value> number_value(std::string_view text);

// Would this map be taken for a link or for bytes, were it written?
bool is_reserved(const Value& map);

inline constexpr std::string_view reserved_words =
    "a map under \"/\" that looks like a link or like bytes and is neither";

}  // namespace rz::ipld::dag_json
