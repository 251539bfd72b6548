// Across codecs, on other people's fixtures and on a few of our own.
#include "ipld/convert.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "ipld/dag_pb.h"
#include "ipld/test_values.h"

namespace rz::ipld {

std::string shared_data() { return RZ_SOURCE_DIR "/../shared/data"; }

bool is_there(const std::string& path) { return std::filesystem::exists(path); }

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

namespace {

namespace fs = std::filesystem;

TEST(Convert, a_value_in_every_codec) {
  const Bytes cbor = hex("a2646c696e6bd82a46000155000161646c697374830120f5");
  const std::string text = R"({"link":{"/":"bafkqaalb"},"list":[1,-1,true]})";
  EXPECT_EQ(as_text(convert(Codec::dag_cbor, Codec::dag_json, cbor).value()), text);
  EXPECT_EQ(convert(Codec::dag_json, Codec::dag_cbor, json(text)).value(), cbor);
  EXPECT_EQ(as_text(convert(Codec::raw, Codec::dag_json, Bytes{1, 2, 3}).value()), R"({"/":{"bytes":"AQID"}})");
  EXPECT_EQ(convert(Codec::dag_json, Codec::raw, json(R"( {"/":{"bytes":"AQID"}} )")).value(), (Bytes{1, 2, 3}));
  EXPECT_EQ(convert(Codec::dag_json, Codec::raw, json("1")).error().code, ErrorCode::raw_not_bytes);
  EXPECT_EQ(convert(Codec::dag_cbor, Codec::dag_pb, cbor).error().code, ErrorCode::pb_bad_shape);
  EXPECT_EQ(convert(Codec::git_raw, Codec::raw, cbor).error().code, ErrorCode::unsupported);
  EXPECT_EQ(convert(Codec::raw, Codec::car, cbor).error().code, ErrorCode::unsupported);
  EXPECT_EQ(block_links(Codec::dag_cbor, cbor).value().size(), 1u);
  EXPECT_EQ(block_links(Codec::dag_json, json(text)).value(), block_links(Codec::dag_cbor, cbor).value());
  EXPECT_TRUE(block_links(Codec::raw, cbor).value().empty());
}

TEST(Convert, a_cid_in_words) {
  const auto report = inspect("QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR");
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->version, 0);
  EXPECT_EQ(report->codec_name, "dag-pb");
  EXPECT_EQ(report->hash_name, "sha2-256");
  EXPECT_EQ(report->multibase, "base58btc");
  EXPECT_EQ(report->text_v1, "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi");
  EXPECT_EQ(inspect(report->text_v1)->text_v0, report->text);
  EXPECT_TRUE(report->verifiable);
  EXPECT_EQ(inspect("f01551114" + std::string(40, '0'))->multibase, "base16");
  EXPECT_FALSE(inspect("f01551114" + std::string(40, '0'))->verifiable);
  EXPECT_FALSE(inspect("hello").has_value());
}

struct Fixture {
  Cid cid;
  Bytes block;
};

// Each folder holds one value in several codecs; a file's name is its CID, its extension the codec.
std::vector<Fixture> fixtures_in(const fs::path& folder) {
  std::vector<Fixture> fixtures;
  for (const auto& file : fs::directory_iterator(folder)) {
    const auto cid = Cid::parse(file.path().stem().string());
    EXPECT_TRUE(cid.has_value()) << file.path();
    if (!cid) continue;
    EXPECT_EQ("." + text_of(cid->codec()), file.path().extension().string());
    fixtures.push_back({*cid, read_file(file.path())});
  }
  return fixtures;
}

TEST(Convert, every_shared_fixture_from_every_codec_to_every_other) {
  const auto root = std::filesystem::path(shared_data()) / "ipld" / "fixtures";
  RZ_NEED_SHARED(root);
  int folders = 0;
  for (const auto& folder : fs::directory_iterator(root)) {
    const auto fixtures = fixtures_in(folder.path());
    ASSERT_GE(fixtures.size(), 2u) << folder.path();
    ++folders;
    for (const Fixture& from : fixtures) {
      EXPECT_EQ(Cid::of(from.cid.codec(), from.block), from.cid) << folder.path();
      EXPECT_TRUE(verify_block(from.cid, from.block).has_value());
      const auto value = decode_block(from.cid.codec(), from.block);
      ASSERT_TRUE(value.has_value()) << folder.path() << " " << value.error().to_string();
      for (const Fixture& to : fixtures) {
        const auto converted = convert(from.cid.codec(), to.cid.codec(), from.block);
        ASSERT_TRUE(converted.has_value()) << folder.path() << " " << converted.error().to_string();
        EXPECT_EQ(to_hex(*converted), to_hex(to.block)) << folder.path();
        EXPECT_EQ(Cid::of(to.cid.codec(), *converted), to.cid);
      }
      EXPECT_EQ(block_links(from.cid.codec(), from.block)->size(),
                block_links(fixtures[0].cid.codec(), fixtures[0].block)->size());
    }
  }
  EXPECT_GT(folders, 80);
}

TEST(Convert, every_shared_negative_fixture_is_refused) {
  const auto root = std::filesystem::path(shared_data()) / "ipld" / "negative-fixtures";
  RZ_NEED_SHARED(root);
  int cases = 0;
  for (const auto& file : fs::recursive_directory_iterator(root)) {
    if (file.path().extension() != ".json") continue;
    const auto list = dag_json::decode(read_file(file.path()), dag_json::Form::tolerant);
    ASSERT_TRUE(list.has_value()) << file.path() << " " << list.error().to_string();
    const Codec codec = codec_named(file.path().parent_path().parent_path().filename().string()).value();
    for (const Value& item : list->as_list()) {
      const std::string name(item.find("name")->as_text());
      ++cases;
      if (const Value* bytes = item.find("hex")) {
        const auto decoded = decode_block(codec, hex(bytes->as_text()));
        EXPECT_FALSE(decoded.has_value()) << file.path() << " " << name;
        if (!decoded) EXPECT_NE(decoded.error().offset, Error::offset_none) << name;
      } else {
        ASSERT_NE(item.find("dag-json"), nullptr) << name;
        EXPECT_FALSE(encode_block(codec, *item.find("dag-json")).has_value()) << file.path() << " " << name;
      }
    }
  }
  EXPECT_GT(cases, 40);
}

TEST(Convert, the_shared_atproto_records) {
  const auto path = std::filesystem::path(shared_data()) / "atproto" / "data-model" / "data-model-fixtures.json";
  RZ_NEED_SHARED(path);
  const auto list = dag_json::decode(read_file(path), dag_json::Form::tolerant);
  ASSERT_TRUE(list.has_value()) << list.error().to_string();
  ASSERT_GT(list->as_list().size(), 2u);
  for (const Value& item : list->as_list()) {
    const auto block = base_decode(Multibase::base64, item.find("cbor_base64")->as_text());
    ASSERT_TRUE(block.has_value());
    EXPECT_EQ(Cid::of(Codec::dag_cbor, *block).to_string(), item.find("cid")->as_text());
    const auto value = dag_cbor::decode(*block);
    ASSERT_TRUE(value.has_value()) << value.error().to_string();
    EXPECT_EQ(dag_cbor::encode(*value).value(), *block);
    const auto text = dag_json::encode(*value);
    ASSERT_TRUE(text.has_value());
    EXPECT_EQ(dag_json::decode(*text).value(), *value);
  }
}

}  // namespace
}  // namespace rz::ipld
