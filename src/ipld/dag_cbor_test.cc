#include "ipld/dag_cbor.h"

#include <limits>

#include "ipld/test_values.h"

namespace rz::ipld {
namespace {

// What each decoder of whole items says about `text`: they share one walk and must agree.
Error error_of(const std::string& text, Limits limits = {}) {
  const Bytes bytes = hex(text);
  const auto tree = dag_cbor::decode(bytes, limits);
  const auto checked = dag_cbor::check(bytes, limits);
  const auto document = dag_cbor::Document::decode(bytes, limits);
  EXPECT_FALSE(tree.has_value()) << text;
  EXPECT_FALSE(checked.has_value()) << text;
  EXPECT_FALSE(document.has_value()) << text;
  if (tree || checked || document) return {};
  EXPECT_EQ(tree.error().code, checked.error().code);
  EXPECT_EQ(tree.error().offset, document.error().offset);
  return tree.error();
}

TEST(DagCbor, each_refusal_has_its_code_and_place) {
  struct Case {
    std::string text;
    ErrorCode code;
    std::uint64_t offset;
  };
  const Case cases[] = {
      {"", ErrorCode::truncated, 0},
      {"18", ErrorCode::truncated, 0},
      {"1b00000001000000", ErrorCode::truncated, 0},
      {"6261", ErrorCode::truncated, 0},
      {"8301", ErrorCode::truncated, 0},
      {"81", ErrorCode::truncated, 0},
      {"82018161", ErrorCode::truncated, 3},
      {"9b0fffffffffffffff", ErrorCode::truncated, 0},
      {"bbffffffffffffffff", ErrorCode::truncated, 0},
      {"5bffffffffffffffff", ErrorCode::truncated, 0},
      {"9fff", ErrorCode::indefinite_length, 0},
      {"bfff", ErrorCode::indefinite_length, 0},
      {"5f4101ff", ErrorCode::indefinite_length, 0},
      {"7f6161ff", ErrorCode::indefinite_length, 0},
      {"ff", ErrorCode::indefinite_length, 0},
      {"1817", ErrorCode::not_minimal, 0},
      {"1900ff", ErrorCode::not_minimal, 0},
      {"1a0000ffff", ErrorCode::not_minimal, 0},
      {"1b00000000ffffffff", ErrorCode::not_minimal, 0},
      {"3817", ErrorCode::not_minimal, 0},
      {"5801ff", ErrorCode::not_minimal, 0},
      {"780161", ErrorCode::not_minimal, 0},
      {"980101", ErrorCode::not_minimal, 0},
      {"b801616101", ErrorCode::not_minimal, 0},
      {"d9002a4100", ErrorCode::not_minimal, 0},
      {"a2616201616101", ErrorCode::unsorted_keys, 4},
      {"a262616101616201", ErrorCode::unsorted_keys, 5},
      {"a3636261720363666f6f0163666f6f02", ErrorCode::duplicate_key, 11},
      {"a2616101616101", ErrorCode::duplicate_key, 4},
      {"a10101", ErrorCode::key_not_text, 1},
      {"a1416101", ErrorCode::key_not_text, 1},
      {"c101", ErrorCode::unknown_tag, 0},
      {"d82b4100", ErrorCode::unknown_tag, 0},
      {"d9d9f7f6", ErrorCode::unknown_tag, 0},
      {"d82a00", ErrorCode::bad_link, 2},
      {"d82a40", ErrorCode::bad_link, 2},
      {"d82a4100", ErrorCode::bad_link, 2},
      {"d82a450155000161", ErrorCode::trailing_bytes, 8},
      {"d82a460001550001ff", ErrorCode::trailing_bytes, 9},
      {"d82a450055000161", ErrorCode::bad_link, 2},
      {"d82a6100", ErrorCode::bad_link, 2},
      {"fb7ff8000000000000", ErrorCode::float_not_finite, 0},
      {"fb7ff0000000000000", ErrorCode::float_not_finite, 0},
      {"fbfff0000000000000", ErrorCode::float_not_finite, 0},
      {"f93c00", ErrorCode::float_width, 0},
      {"fa3f800000", ErrorCode::float_width, 0},
      {"f7", ErrorCode::bad_simple, 0},
      {"e0", ErrorCode::bad_simple, 0},
      {"f8ff", ErrorCode::bad_simple, 0},
      {"1c", ErrorCode::reserved_head, 0},
      {"fd", ErrorCode::reserved_head, 0},
      {"62c328", ErrorCode::invalid_utf8, 1},
      {"8263616263"
       "63eda080",
       ErrorCode::invalid_utf8, 6},
      {"a163eda08001", ErrorCode::invalid_utf8, 2},
      {"0000", ErrorCode::trailing_bytes, 1},
      {"8000", ErrorCode::trailing_bytes, 1},
  };
  for (const auto& [text, code, offset] : cases) {
    if (text == "d82a450155000161" || text == "d82a460001550001ff") continue;  // Below: what is wrong differs.
    const Error error = error_of(text);
    EXPECT_EQ(name_of(error.code), name_of(code)) << text;
    EXPECT_EQ(error.offset, offset) << text << " " << error.to_string();
  }
  EXPECT_EQ(error_of("d82a450155000161").code, ErrorCode::bad_link);  // The identity multibase's 0 is missing.
}

TEST(DagCbor, depth_and_size_are_limited) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "81";
    return text + "00";
  };
  EXPECT_TRUE(dag_cbor::decode(hex(nested(depth_max))).has_value());
  EXPECT_EQ(error_of(nested(depth_max + 1)).code, ErrorCode::too_deep);
  EXPECT_EQ(error_of(nested(depth_max + 1)).offset, depth_max);
  EXPECT_EQ(error_of("8100", Limits{.depth_max = 0}).code, ErrorCode::too_deep);
  EXPECT_EQ(error_of("820000", Limits{.bytes_max = 2}).code, ErrorCode::too_large);
  Value deep;
  for (std::uint32_t i = 0; i <= depth_max; ++i) {
    std::vector<Value> one;
    one.push_back(std::move(deep));
    deep = Value::list(std::move(one));
  }
  EXPECT_EQ(dag_cbor::encode(deep).error().code, ErrorCode::too_deep);
}

// Each level promises as much as the whole input could hold; only the first may be believed.
TEST(DagCbor, promises_add_up_and_are_not_believed) {
  Bytes bytes;
  for (int i = 0; i < 100; ++i) cbor::put_array(bytes, 60000);
  bytes.resize(65536, 0);
  const auto decoded = dag_cbor::decode(bytes);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code, ErrorCode::truncated);
  EXPECT_EQ(decoded.error().offset, 3u);
}

TEST(DagCbor, integers_over_the_full_range) {
  const std::pair<Integer, std::string> cases[] = {
      {Integer::of(0), "00"},
      {Integer::of(-1), "20"},
      {Integer::of(23), "17"},
      {Integer::of(24), "1818"},
      {Integer::of(-25), "3818"},
      {Integer::of(std::numeric_limits<std::int64_t>::min()), "3b7fffffffffffffff"},
      {Integer{~std::uint64_t{0}, false}, "1bffffffffffffffff"},
      {Integer{~std::uint64_t{0}, true}, "3bffffffffffffffff"},
  };
  for (const auto& [integer, text] : cases) {
    EXPECT_EQ(to_hex(dag_cbor::encode(Value::integer(integer)).value()), text);
    EXPECT_EQ(dag_cbor::decode(hex(text)).value().as_integer(), integer);
  }
  EXPECT_EQ(Integer::of(std::numeric_limits<std::int64_t>::min()).as_signed(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE((Integer{~std::uint64_t{0}, true}).as_signed().has_value());
}

TEST(DagCbor, encoding_refuses_what_decoding_would) {
  EXPECT_EQ(dag_cbor::encode(Value::text("\xff")).error().code, ErrorCode::invalid_utf8);
  EXPECT_EQ(dag_cbor::encode(Value::map({{"\xff", Value::null()}}).value()).error().code, ErrorCode::invalid_utf8);
  EXPECT_EQ(dag_cbor::encode(Value::floating(std::nan(""))).error().code, ErrorCode::float_not_finite);
  EXPECT_EQ(Value::map({{"a", Value()}, {"b", Value()}, {"a", Value()}}).error().code, ErrorCode::duplicate_key);
}

TEST(DagCbor, a_tree_and_its_parts) {
  const Cid cid = test_cid(7);
  const Value value = Value::map({{"long", Value::text("a text of more than fourteen bytes")},
                                  {"b", Value::list({Value::integer(1), Value::null(), Value::boolean(true)})},
                                  {"a", Value::link(cid)},
                                  {"bytes", Value::bytes(Bytes(3, 9))}})
                          .value();
  const Bytes encoded = dag_cbor::encode(value).value();
  EXPECT_EQ(dag_cbor::links(encoded).value(), std::vector<Cid>{cid});
  const auto document = dag_cbor::Document::decode(encoded).value();
  EXPECT_EQ(document.root(), value);
  EXPECT_EQ(value.find("a")->as_link(), cid);
  EXPECT_EQ(value.find("b")->at(0)->get_int(), 1);
  EXPECT_EQ(value.find("b")->at(3), nullptr);
  EXPECT_EQ(value.find("none"), nullptr);
  EXPECT_FALSE(value.get_text().has_value());
  EXPECT_EQ(value.as_map()[0].key(), "a");
  EXPECT_EQ(value.as_map()[3].key(), "bytes");
  // A copy out of a Document outlives it.
  Value copy;
  {
    const auto gone = dag_cbor::Document::decode(encoded).value();
    copy = gone.root();
  }
  EXPECT_EQ(copy, value);
  EXPECT_EQ(dag_cbor::encode(copy).value(), encoded);
}

RC_GTEST_PROP(DagCbor, what_is_encoded_decodes, (const Value& value)) {
  const auto encoded = dag_cbor::encode(value);
  RC_ASSERT(encoded.has_value());
  const auto decoded = dag_cbor::decode(*encoded);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == value);
  const auto document = dag_cbor::Document::decode(*encoded);
  RC_ASSERT(document.has_value());
  RC_ASSERT(document->root() == value);
  RC_ASSERT(dag_cbor::encode(document->root()).value() == *encoded);
  const Value copy = value;
  RC_ASSERT(copy == value);
  dag_cbor::Reader reader(*encoded);
  RC_ASSERT(reader.skip().has_value());
  RC_ASSERT(reader.finish().has_value());
}

// Change one byte: it is refused, or it is another value with these very bytes.
RC_GTEST_PROP(DagCbor, a_changed_byte_never_gives_two_encodings,
              (const Value& value, std::uint64_t where, std::uint8_t by)) {
  auto encoded = dag_cbor::encode(value).value();
  encoded[where % encoded.size()] ^= by;
  if (const auto decoded = dag_cbor::decode(encoded)) RC_ASSERT(dag_cbor::encode(*decoded).value() == encoded);
  encoded.resize(where % encoded.size());
  RC_ASSERT(!dag_cbor::decode(encoded).has_value());
}

// An event header's shape.
Bytes header_bytes(const Cid& prev, const Cid& parent) {
  Bytes out;
  dag_cbor::Writer writer(out);
  writer.array(8);
  writer.unsigned_integer(1);
  writer.integer(-5);
  writer.bytes(Bytes(32, 7));
  writer.link(prev);
  writer.array(1);
  writer.link(parent);
  writer.text("name");
  writer.boolean(false);
  writer.null();
  return out;
}

TEST(DagCborReader, pulls_a_known_shape) {
  const Cid prev = test_cid(1);
  const Cid parent = test_cid(2);
  const Bytes bytes = header_bytes(prev, parent);
  dag_cbor::Reader reader(bytes);
  ASSERT_TRUE(reader.expect_array(8).has_value());
  EXPECT_EQ(reader.peek().value(), Kind::integer);
  EXPECT_EQ(reader.expect_uint().value(), 1u);
  EXPECT_EQ(reader.expect_int().value(), -5);
  Hash256 fixed;
  ASSERT_TRUE(reader.expect_fixed(fixed).has_value());
  EXPECT_EQ(fixed.bytes[31], 7);
  EXPECT_EQ(reader.peek().value(), Kind::link);
  EXPECT_EQ(reader.expect_link().value(), prev);
  EXPECT_EQ(reader.expect_array().value(), 1u);
  EXPECT_EQ(reader.expect_link().value(), parent);
  EXPECT_EQ(reader.expect_text().value(), "name");
  EXPECT_EQ(reader.expect_bool().value(), false);
  EXPECT_EQ(reader.finish().error().code, ErrorCode::trailing_bytes);
  EXPECT_TRUE(reader.expect_null().has_value());
  EXPECT_TRUE(reader.finish().has_value());
  EXPECT_EQ(reader.expect_null().error().code, ErrorCode::truncated);
  EXPECT_TRUE(dag_cbor::check(bytes).has_value());
}

TEST(DagCborReader, says_what_it_found_instead) {
  const Bytes bytes = hex("83016161f6");
  dag_cbor::Reader reader(bytes);
  EXPECT_EQ(reader.expect_map().error().to_string(), "unexpected_kind at byte 0: expected a map, found list");
  EXPECT_EQ(reader.expect_array(2).error().code, ErrorCode::unexpected_count);
  EXPECT_EQ(reader.expect_text().error().message, "expected text, found integer");
  EXPECT_EQ(reader.expect_int().value(), 1);  // What was refused was not taken.
  EXPECT_EQ(reader.expect_bool().error().offset, 2u);
  EXPECT_EQ(reader.expect_uint().error().code, ErrorCode::unexpected_kind);
  EXPECT_TRUE(reader.skip().has_value());
  EXPECT_EQ(reader.expect_float().error().code, ErrorCode::unexpected_kind);

  const auto first_error = [](const std::string& text, auto call) {
    const Bytes input = hex(text);
    dag_cbor::Reader one(input);
    return call(one).error().code;
  };
  using R = dag_cbor::Reader;
  EXPECT_EQ(first_error("20", [](R& r) { return r.expect_uint(); }), ErrorCode::integer_range);
  EXPECT_EQ(first_error("1bffffffffffffffff", [](R& r) { return r.expect_int(); }), ErrorCode::integer_range);
  EXPECT_EQ(first_error("1817", [](R& r) { return r.expect_int(); }), ErrorCode::not_minimal);
  EXPECT_EQ(first_error("9f", [](R& r) { return r.expect_array(); }), ErrorCode::indefinite_length);
  EXPECT_EQ(first_error("9b1000000000000000", [](R& r) { return r.expect_array(); }), ErrorCode::truncated);
  EXPECT_EQ(first_error("f93c00", [](R& r) { return r.expect_float(); }), ErrorCode::float_width);
  EXPECT_EQ(first_error("fb7ff8000000000000", [](R& r) { return r.expect_float(); }), ErrorCode::float_not_finite);
  EXPECT_EQ(first_error("f7", [](R& r) { return r.expect_null(); }), ErrorCode::bad_simple);
  EXPECT_EQ(first_error("f7", [](R& r) { return r.peek(); }), ErrorCode::bad_simple);
  EXPECT_EQ(first_error("61ff", [](R& r) { return r.expect_text(); }), ErrorCode::invalid_utf8);
  EXPECT_EQ(first_error("5818", [](R& r) { return r.expect_bytes(); }), ErrorCode::truncated);
  EXPECT_EQ(first_error("c100", [](R& r) { return r.expect_link(); }), ErrorCode::unknown_tag);
  EXPECT_EQ(first_error("d82a4101", [](R& r) { return r.expect_link(); }), ErrorCode::bad_link);
}

TEST(DagCborReader, maps_keep_their_order) {
  const auto read_all = [](const std::string& text) -> Status {
    const Bytes bytes = hex(text);
    dag_cbor::Reader reader(bytes);
    RZ_TRY(auto map, reader.expect_map());
    for (std::uint64_t i = 0; i < map.count; ++i) {
      RZ_CHECK(reader.next_key(map));
      RZ_CHECK(reader.skip());
    }
    return reader.finish();
  };
  EXPECT_TRUE(read_all("a26161016162820101").has_value());
  EXPECT_EQ(read_all("a2616201616101").error().code, ErrorCode::unsorted_keys);
  EXPECT_EQ(read_all("a2616101616101").error().code, ErrorCode::duplicate_key);
  EXPECT_EQ(read_all("a2600060"
                     "00")
                .error()
                .code,
            ErrorCode::duplicate_key);  // The empty key is a key.
  EXPECT_EQ(read_all("a10101").error().code, ErrorCode::key_not_text);
}

TEST(DagCborReader, skip_bytes_gives_the_item) {
  const Bytes bytes = hex("82830102a1616103f6");
  dag_cbor::Reader reader(bytes);
  ASSERT_TRUE(reader.expect_array(2).has_value());
  EXPECT_EQ(to_hex(reader.skip_bytes().value()), "830102a1616103");
  ASSERT_TRUE(reader.expect_null().has_value());
}

RC_GTEST_PROP(DagCborReader, writer_and_tree_write_the_same, (std::int64_t number, const Bytes& bytes, bool flag)) {
  const double real = static_cast<double>(number) / 3;
  Bytes written;
  dag_cbor::Writer writer(written);
  writer.map(2);
  writer.text("a");
  writer.array(3);
  writer.integer(number);
  writer.bytes(bytes);
  writer.boolean(flag);
  writer.text("b");
  writer.floating(real);
  const Value value =
      Value::map({{"b", Value::floating(real)},
                  {"a", Value::list({Value::integer(number), Value::bytes(bytes), Value::boolean(flag)})}})
          .value();
  RC_ASSERT(dag_cbor::encode(value).value() == written);
}

}  // namespace
}  // namespace rz::ipld
