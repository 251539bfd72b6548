#include "ipld/dag_pb.h"

#include "ipld/convert.h"
#include "ipld/test_values.h"

namespace rz::ipld {
namespace {

using dag_pb::Form;

const std::string hash_field = "0a221220cf92fdefcdc34cac009c8b05eb662be0618db9de55ecd42785e9ec6712f8df65";

TEST(DagPb, writes_links_first) {
  dag_pb::Node node;
  node.data = Bytes{1, 2, 3};
  node.links.push_back({Cid::parse("bafkqabiaaebagba").value(), "b", 5});
  node.links.push_back({Cid::parse("bafkqabiaaebagba").value(), std::nullopt, std::nullopt});
  EXPECT_EQ(dag_pb::encode(node).error().code, ErrorCode::unsorted_links);
  dag_pb::sort_links(node);
  const Bytes encoded = dag_pb::encode(node).value();
  EXPECT_EQ(to_hex(encoded),
            "120b0a09015500050001020304"
            "12100a09015500050001020304"
            "120162"
            "1805"
            "0a03010203");
  EXPECT_EQ(dag_pb::decode(encoded).value(), node);
  EXPECT_EQ(dag_pb::from_value(dag_pb::to_value(node)).value(), node);
  EXPECT_EQ(block_links(Codec::dag_pb, encoded).value().size(), 2u);
}

TEST(DagPb, each_refusal_has_its_code) {
  const std::pair<std::string, ErrorCode> cases[] = {
      {"0a", ErrorCode::truncated},
      {"0a05ff", ErrorCode::truncated},
      {"8a0000", ErrorCode::bad_varint},
      {"0a8100ff", ErrorCode::bad_varint},
      {"0801", ErrorCode::pb_wire_type},
      {"1a00", ErrorCode::pb_unknown_field},
      {"0a000a00", ErrorCode::pb_field_order},
      {"1200", ErrorCode::pb_missing_hash},
      {"12020a00", ErrorCode::pb_missing_hash},
      {"12021200", ErrorCode::pb_missing_hash},
      {"120318f207", ErrorCode::pb_missing_hash},
      {"1224" + hash_field +
           "0a0012"
           "24" +
           hash_field,
       ErrorCode::pb_field_order},
      {"0a001224" + hash_field, ErrorCode::pb_field_order},
      {"1248" + hash_field + hash_field, ErrorCode::pb_field_order},
      {"1228" + hash_field + "18011200", ErrorCode::pb_field_order},
      {"1226" + hash_field + "2001", ErrorCode::pb_unknown_field},
      {"1227" + hash_field + "1201ff", ErrorCode::invalid_utf8},
      {"1227" + hash_field +
           "120162"
           "1227" +
           hash_field + "120161",
       ErrorCode::unsorted_links},
      {"12040a02ffff", ErrorCode::truncated},
      {"12040a020200", ErrorCode::bad_cid},
  };
  for (const auto& [text, code] : cases) {
    const auto decoded = dag_pb::decode(hex(text));
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_EQ(name_of(decoded.error().code), name_of(code)) << text << " " << decoded.error().to_string();
    EXPECT_NE(decoded.error().offset, Error::offset_none) << text;
  }
  EXPECT_EQ(dag_pb::decode(hex("0a000a00")).error().offset, 2u);
  EXPECT_EQ(dag_pb::decode(Bytes(10), Form::strict, Limits{.bytes_max = 9}).error().code, ErrorCode::too_large);
}

TEST(DagPb, historical_blocks_are_read) {
  EXPECT_TRUE(dag_pb::decode(hex("0a001224" + hash_field), Form::historical).has_value());
  const std::string unsorted = "1227" + hash_field +
                               "120162"
                               "1227" +
                               hash_field + "120161";
  EXPECT_EQ(dag_pb::decode(hex(unsorted), Form::historical).value().links.size(), 2u);
  EXPECT_EQ(dag_pb::decode(hex("1224" + hash_field + "0a001224" + hash_field), Form::historical).error().code,
            ErrorCode::pb_field_order);
}

RC_GTEST_PROP(DagPb, what_is_encoded_decodes, (const std::vector<std::pair<std::uint64_t, std::string>>& drawn)) {
  dag_pb::Node node;
  for (const auto& [number, name] : drawn) {
    dag_pb::Link link{test_cid(number), std::nullopt, std::nullopt};
    if (number % 3 != 0) link.name = to_hex(as_bytes(name));
    if (number % 2 != 0) link.tsize = number >> 1;
    node.links.push_back(std::move(link));
  }
  if (drawn.size() % 2 == 0) node.data = Bytes(drawn.size(), 1);
  dag_pb::sort_links(node);
  const auto encoded = dag_pb::encode(node);
  RC_ASSERT(encoded.has_value());
  RC_ASSERT(dag_pb::decode(*encoded).value() == node);
  RC_ASSERT(dag_pb::from_value(dag_pb::to_value(node)).value() == node);
}

RC_GTEST_PROP(DagPb, a_changed_byte_never_gives_two_encodings,
              (std::uint64_t number, std::uint64_t where, std::uint8_t by)) {
  dag_pb::Node node;
  node.links.push_back({test_cid(number), "name", number >> 1});
  node.data = Bytes(5, 1);
  auto encoded = dag_pb::encode(node).value();
  encoded[where % encoded.size()] ^= by;
  if (const auto decoded = dag_pb::decode(encoded)) RC_ASSERT(dag_pb::encode(*decoded).value() == encoded);
}

}  // namespace
}  // namespace rz::ipld
