// DAG-JSON (ipld.io/specs/codecs/dag-json): the data model as JSON, links as {"/": "baf…"}, bytes as
// {"/": {"bytes": "base64 without padding"}}.
//
// Canonical form, the one that encode() writes and decode() takes: no white space, keys sorted bytewise (not as in
// DAG-CBOR), none twice; " \ and the controls escaped as JSON.stringify does and nothing else; integers in decimal
// within −2^64 … 2^64−1; floats as ECMAScript prints them, ".0" added to whole numbers so that they stay floats.
//
// Reserved: a map whose first key is "/" with text under it is a link and has no second key; one whose first key is "/"
// with a map whose first key is "bytes" with text under it is bytes, and neither map has a second key. All else under
// "/" is an ordinary map. What would collide can't be encoded (reserved_key).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "ipld/limits.h"
#include "ipld/value.h"

namespace rz::ipld::dag_json {

enum class Form : std::uint8_t {
  canonical,  // encode(decode(x)) == x for all that is taken.
  tolerant,   // What a person writes: white space, any JSON escape, any order of keys, any form of a number.
};

// Exactly one value. Errors, with the offset: bad_json (the grammar), not_canonical (valid, but not the one form),
// unsorted_keys, duplicate_key, reserved_key, bad_number, bad_cid and its like in a link, bad_base_text, invalid_utf8,
// truncated, trailing_bytes, too_deep, too_large.
Result<Value> decode(ByteView bytes, Form form = Form::canonical, Limits limits = {});

// Errors: reserved_key, invalid_utf8, too_deep.
Result<Bytes> encode(const Value& value, Limits limits = {});

// A finite number as this codec prints it: "1.0", "1e-323", "8.940696716308594e-8", "1e+21".
std::string float_text(double value);

}  // namespace rz::ipld::dag_json
