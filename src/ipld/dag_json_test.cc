#include "ipld/dag_json.h"

#include "ipld/test_values.h"

namespace rz::ipld {
namespace {

using dag_json::Form;

TEST(DagJson, floats_are_printed_as_ecmascript_does) {
  const std::pair<double, std::string> cases[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1.0, "1.0"},
      {-0.5, "-0.5"},
      {1e-323, "1e-323"},
      {-8.940696716308594e-8, "-8.940696716308594e-8"},
      {0.000001, "0.000001"},
      {1e-7, "1e-7"},
      {123456789.125, "123456789.125"},
      {1e20, "100000000000000000000.0"},
      {1e21, "1e+21"},
      {1.5e300, "1.5e+300"},
      {1.1111111111111112, "1.1111111111111112"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
  };
  for (const auto& [number, text] : cases) {
    EXPECT_EQ(dag_json::float_text(number), text);
    const auto decoded = dag_json::decode(json(text));
    ASSERT_TRUE(decoded.has_value()) << text << decoded.error().to_string();
    EXPECT_EQ(*decoded, Value::floating(number));
  }
}

TEST(DagJson, each_refusal_has_its_code_and_place) {
  struct Case {
    std::string text;
    ErrorCode code;
    std::uint64_t offset;
  };
  const Case cases[] = {
      {"", ErrorCode::truncated, 0},
      {"[1", ErrorCode::truncated, 2},
      {"{\"a\"", ErrorCode::truncated, 4},
      {"\"abc", ErrorCode::truncated, 4},
      {"nul", ErrorCode::bad_json, 0},
      {"[1,]", ErrorCode::bad_json, 3},
      {"{,}", ErrorCode::bad_json, 1},
      {"{\"a\":1,}", ErrorCode::bad_json, 7},
      {"{1:2}", ErrorCode::bad_json, 1},
      {"+1", ErrorCode::bad_json, 0},
      {"01", ErrorCode::bad_json, 1},
      {"1.", ErrorCode::truncated, 2},
      {"[.5]", ErrorCode::bad_json, 1},
      {"[1e]", ErrorCode::bad_json, 3},
      {"NaN", ErrorCode::bad_json, 0},
      {"\"\n\"", ErrorCode::bad_json, 1},
      {"\"\\x\"", ErrorCode::bad_json, 1},
      {"\"\\u00g0\"", ErrorCode::bad_json, 1},
      {" 1", ErrorCode::not_canonical, 0},
      {"[1, 2]", ErrorCode::not_canonical, 3},
      {"{\"a\": 1}", ErrorCode::not_canonical, 5},
      {"1\n", ErrorCode::not_canonical, 1},
      {"\"\\/\"", ErrorCode::not_canonical, 1},
      {"\"\\u0041\"", ErrorCode::not_canonical, 1},
      {"\"\\u000a\"", ErrorCode::not_canonical, 1},
      {"\"\\u001F\"", ErrorCode::not_canonical, 1},
      {"1.00", ErrorCode::not_canonical, 0},
      {"1e2", ErrorCode::not_canonical, 0},
      {"1E+21", ErrorCode::not_canonical, 0},
      {"-0", ErrorCode::not_canonical, 0},
      {"18446744073709551616", ErrorCode::bad_number, 0},
      {"-18446744073709551617", ErrorCode::bad_number, 0},
      {"[1e400]", ErrorCode::bad_number, 1},
      {"{\"b\":1,\"a\":2}", ErrorCode::unsorted_keys, 7},
      {"{\"foo\":1,\"foo\":2,\"bar\":3}", ErrorCode::duplicate_key, 9},
      {"1 2", ErrorCode::not_canonical, 1},
      {"1,", ErrorCode::trailing_bytes, 1},
      {"\"\xff\"", ErrorCode::invalid_utf8, 1},
      {"{\"/\":\"bafkqabiaaebagba\",\"a\":1}", ErrorCode::reserved_key, 0},
      {"{\"/\":{\"bytes\":\"\"},\"a\":1}", ErrorCode::reserved_key, 0},
      {"{\"/\":{\"bytes\":\"\",\"c\":1}}", ErrorCode::reserved_key, 0},
      {"{\"/\":\"no cid\"}", ErrorCode::unknown_base, 5},
      {"{\"/\":\"BAFKQABIAAEBAGBA\"}", ErrorCode::not_canonical, 5},
      {"{\"/\":{\"bytes\":\"AA==\"}}", ErrorCode::bad_base_text, 14},
      {"{\"/\":{\"bytes\":\"AB\"}}", ErrorCode::bad_base_text, 14},
  };
  for (const auto& [text, code, offset] : cases) {
    const auto decoded = dag_json::decode(json(text));
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_EQ(name_of(decoded.error().code), name_of(code)) << text << " " << decoded.error().to_string();
    EXPECT_EQ(decoded.error().offset, offset) << text << " " << decoded.error().to_string();
  }
}

TEST(DagJson, depth_and_size_are_limited) {
  const std::string open(depth_max + 1, '[');
  EXPECT_EQ(dag_json::decode(json(open)).error().code, ErrorCode::too_deep);
  std::string maps;
  for (std::uint32_t i = 0; i <= depth_max; ++i) maps += "{\"/\":";
  EXPECT_EQ(dag_json::decode(json(maps)).error().code, ErrorCode::too_deep);
  EXPECT_EQ(dag_json::decode(json("[1]"), Form::canonical, Limits{.bytes_max = 2}).error().code, ErrorCode::too_large);
  EXPECT_EQ(dag_json::encode(Value::text(std::string(100, 'a')), Limits{.bytes_max = 50}).error().code,
            ErrorCode::too_large);
}

TEST(DagJson, the_reserved_key) {
  // Ordinary maps under "/".
  for (const std::string text : {R"({"/":1})", R"({"/":{"bytes":1}})", R"({"/":{"a":1}})", R"({"/":{}})",
                                 R"({"/":{"bytes":{"/":{"bytes":""}}}})", R"({"/":[]})", R"({"!":1,"/":"x"})",
                                 R"({"/":{"/":"bafkqabiaaebagba"}})"}) {
    const auto decoded = dag_json::decode(json(text));
    ASSERT_TRUE(decoded.has_value()) << text << " " << decoded.error().to_string();
    EXPECT_EQ(decoded->kind(), Kind::map);
    EXPECT_EQ(as_text(dag_json::encode(*decoded).value()), text);
  }
  EXPECT_EQ(dag_json::encode(Value::map({{"/", Value::text("x")}}).value()).error().code, ErrorCode::reserved_key);
  const Value inner = Value::map({{"bytes", Value::text("x")}}).value();
  EXPECT_EQ(dag_json::encode(Value::map({{"/", inner}, {"z", inner}}).value()).error().code, ErrorCode::reserved_key);
  // In another order it is as reserved.
  EXPECT_EQ(dag_json::decode(json(R"({"a":1,"/":"x"})"), Form::tolerant).error().code, ErrorCode::reserved_key);
}

TEST(DagJson, what_a_person_writes) {
  const auto decoded = dag_json::decode(
      json("\n{ \"b\" : [ 1.50 , -0, 1e2 ] ,\t\"a\\u0041\\/\" : \"\\ud800\\udf48\\u00e9\" }\r\n"), Form::tolerant);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().to_string();
  EXPECT_EQ(as_text(dag_json::encode(*decoded).value()), "{\"aA/\":\"𐍈é\",\"b\":[1.5,0,100.0]}");
  const auto link = dag_json::decode(json("{ \"/\" : \"BAFKQABIAAEBAGBA\" }"), Form::tolerant);
  ASSERT_TRUE(link.has_value()) << link.error().to_string();
  EXPECT_EQ(link->kind(), Kind::link);
  const auto bytes = dag_json::decode(json("{ \"/\" : { \"bytes\" : \"AAE\" } }"), Form::tolerant);
  ASSERT_TRUE(bytes.has_value()) << bytes.error().to_string();
  EXPECT_EQ(bytes->as_bytes().size(), 2u);
  for (const std::string text : {R"("\ud800")", R"("\ud800\u0041")", R"("\udc00")"}) {
    EXPECT_EQ(dag_json::decode(json(text), Form::tolerant).error().code, ErrorCode::invalid_utf8) << text;
  }
  EXPECT_EQ(dag_json::decode(json(R"({"a":1,"a":2})"), Form::tolerant).error().code, ErrorCode::duplicate_key);
}

TEST(DagJson, keys_are_in_byte_order_here_and_by_length_there) {
  const auto value = dag_json::decode(json(R"({"aa":1,"b":2})")).value();
  EXPECT_EQ(value.as_map()[0].key(), "b");
  EXPECT_EQ(as_text(dag_json::encode(value).value()), R"({"aa":1,"b":2})");
}

RC_GTEST_PROP(DagJson, what_is_encoded_decodes, (const Value& value)) {
  const auto encoded = dag_json::encode(value);
  RC_PRE(encoded.has_value());  // All but maps that use the reserved key.
  for (const Form form : {Form::canonical, Form::tolerant}) {
    const auto decoded = dag_json::decode(*encoded, form);
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == value);
  }
}

RC_GTEST_PROP(DagJson, a_changed_byte_never_gives_two_encodings,
              (const Value& value, std::uint64_t where, std::uint8_t by)) {
  auto encoded = dag_json::encode(value);
  RC_PRE(encoded.has_value());
  (*encoded)[where % encoded->size()] ^= by;
  if (const auto decoded = dag_json::decode(*encoded)) RC_ASSERT(dag_json::encode(*decoded).value() == *encoded);
}

RC_GTEST_PROP(DagJson, every_float_comes_back, (std::uint64_t bits)) {
  const auto number = std::bit_cast<double>(bits);
  RC_PRE(std::isfinite(number));
  const auto decoded = dag_json::decode(json(dag_json::float_text(number)));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == Value::floating(number));
}

}  // namespace
}  // namespace rz::ipld
