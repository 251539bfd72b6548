#include "ipld/car.h"

#include <filesystem>

#include "base/varint.h"
#include "ipld/convert.h"
#include "ipld/test_values.h"

namespace rz::ipld {
namespace {

using Step = car::Reader::Step;

struct Sample {
  std::vector<Cid> roots;
  std::vector<car::Entry> blocks;
  Bytes file;
};

Sample sample(std::size_t block_count) {
  Sample made;
  car::BytesSink sink(made.file);
  car::Writer writer(sink);
  for (std::size_t i = 0; i < block_count; ++i) {
    const Bytes block(i * 37 % 300, static_cast<std::uint8_t>(i));
    made.blocks.push_back({Cid::of(Codec::raw, block), block});
  }
  if (!made.blocks.empty()) made.roots = {made.blocks[0].cid};
  EXPECT_TRUE(writer.begin(made.roots).has_value());
  for (const auto& entry : made.blocks) EXPECT_TRUE(writer.put(entry.cid, entry.data).has_value());
  return made;
}

// The same blocks as a CARv2: padding before and after, and something in the place of an index.
Bytes as_v2(const Bytes& v1, std::size_t padding) {
  Bytes out = hex("0aa16776657273696f6e02");
  out.resize(11 + 16, 0);
  const auto put = [&out](std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  put(51 + padding);
  put(v1.size());
  put(51 + padding + v1.size() + padding);
  out.resize(out.size() + padding, 0);
  append(out, v1);
  out.resize(out.size() + padding, 0);
  append(out, Bytes(100, 0xee));
  return out;
}

// Feeds `file` in pieces of `piece_bytes` and collects what comes.
Result<std::vector<car::Entry>> read_in_pieces(const Bytes& file, std::size_t piece_bytes,
                                               std::vector<Cid>* roots = nullptr) {
  car::Reader reader;
  std::vector<car::Entry> blocks;
  std::size_t fed = 0;
  for (;;) {
    RZ_TRY(const Step step, reader.next());
    if (step == Step::header && roots) *roots = reader.header().roots;
    if (step == Step::block) blocks.push_back({reader.block().cid, to_bytes(reader.block().data)});
    if (step == Step::end) return blocks;
    if (step != Step::need_more) continue;
    const std::size_t size = std::min(piece_bytes, file.size() - fed);
    if (size == 0) {
      reader.close();
    } else {
      reader.feed(ByteView(file).subspan(fed, size));
      fed += size;
    }
  }
}

RC_GTEST_PROP(Car, what_is_written_is_read_in_pieces_of_any_size, ()) {
  const Sample made = sample(*rc::gen::inRange<std::size_t>(0, 20));
  const auto piece = *rc::gen::inRange<std::size_t>(1, 200);
  const auto padding = *rc::gen::inRange<std::size_t>(0, 50);
  for (const Bytes& file : {made.file, as_v2(made.file, padding)}) {
    std::vector<Cid> roots;
    const auto blocks = read_in_pieces(file, piece, &roots);
    RC_ASSERT(blocks.has_value());
    RC_ASSERT(roots == made.roots);
    RC_ASSERT(blocks->size() == made.blocks.size());
    for (std::size_t i = 0; i < blocks->size(); ++i) {
      RC_ASSERT((*blocks)[i].cid == made.blocks[i].cid);
      RC_ASSERT((*blocks)[i].data == made.blocks[i].data);
    }
  }
}

TEST(Car, every_truncation_is_noticed) {
  const Sample made = sample(4);
  std::vector<std::size_t> whole_after;  // Where a file may end: after the header and after each block.
  {
    car::Reader reader;
    reader.feed(made.file);
    reader.close();
    for (auto step = reader.next(); step && *step != Step::end; step = reader.next()) {
      if (*step == Step::block) whole_after.push_back(static_cast<std::size_t>(reader.block().offset));
    }
    whole_after.push_back(made.file.size());
  }
  for (std::size_t size = 0; size < made.file.size(); ++size) {
    const Bytes cut(made.file.begin(), made.file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto read = car::read_all(cut);
    const bool whole = std::find(whole_after.begin(), whole_after.end(), size) != whole_after.end();
    EXPECT_EQ(read.has_value(), whole) << size;
    if (!read) EXPECT_EQ(read.error().code, ErrorCode::truncated) << size << read.error().to_string();
  }
  const Bytes v2 = as_v2(made.file, 5);
  for (std::size_t size = 0; size < 56 + made.file.size(); ++size) {
    const auto read = car::read_all(ByteView(v2).first(size));
    EXPECT_FALSE(read.has_value()) << size;
  }
  EXPECT_TRUE(car::read_all(ByteView(v2).first(56 + made.file.size())).has_value());  // The index is not needed.
}

TEST(Car, a_flipped_bit_in_a_block_is_noticed) {
  Sample made = sample(3);
  made.file.back() ^= 1;
  EXPECT_EQ(car::read_all(made.file).error().code, ErrorCode::hash_mismatch);
  EXPECT_TRUE(car::read_all(made.file, car::Verify::nothing).has_value());
}

TEST(Car, each_refusal_has_its_code) {
  const std::string good = "11a265726f6f7473806776657273696f6e01";  // No roots.
  const std::pair<std::string, ErrorCode> cases[] = {
      {"", ErrorCode::truncated},
      {"00", ErrorCode::car_section_empty},
      {good + "00", ErrorCode::car_section_empty},
      {"8000", ErrorCode::bad_varint},
      {"ffffffffffffffffff01", ErrorCode::bad_varint},
      {"ffffff7f", ErrorCode::too_large},
      {good + "ffffff7f", ErrorCode::too_large},
      {"0ba16776657273696f6e182a", ErrorCode::car_version},
      {"11a265726f6f7473806776657273696f6e02", ErrorCode::car_version},
      {"0aa16776657273696f6e01", ErrorCode::car_bad_header},       // No roots field.
      {"12a265726f6f7473f66776657273696f", ErrorCode::truncated},  // Null roots, cut.
      {"11a265726f6f7473f66776657273696f6e01", ErrorCode::car_bad_header},
      {"01a0", ErrorCode::car_version},
      {"0141", ErrorCode::car_bad_header},
      {"13a361610065726f6f7473806776657273696f6e01", ErrorCode::car_bad_header},
      {good + "0101", ErrorCode::truncated},
      {good + "05"
              "0255000161",
       ErrorCode::bad_cid},
      {"0aa16776657273696f6e02", ErrorCode::truncated},
      {"0aa16776657273696f6e02" + std::string(32, '0') +
           "0a00000000000000"
           "0100000000000000"
           "0000000000000000",
       ErrorCode::car_bad_bounds},
      {"0aa16776657273696f6e02" + std::string(32, '0') +
           "3300000000000000"
           "ffffffffffffffff"
           "0000000000000000",
       ErrorCode::car_bad_bounds},
      {"0aa16776657273696f6e02" + std::string(32, '0') +
           "3300000000000000"
           "1000000000000000"
           "3400000000000000",
       ErrorCode::car_bad_bounds},
      // The CARv1 inside reaches behind its bounds.
      {"0aa16776657273696f6e02" + std::string(32, '0') +
           "3300000000000000"
           "1000000000000000"
           "0000000000000000" +
           good,
       ErrorCode::car_bad_bounds},
  };
  for (const auto& [text, code] : cases) {
    const auto read = car::read_all(hex(text));
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(name_of(read.error().code), name_of(code)) << text << " " << read.error().to_string();
  }
  car::Reader reader;
  reader.feed(hex("00"));
  ASSERT_FALSE(reader.next().has_value());
  EXPECT_EQ(reader.next().error().code, ErrorCode::car_section_empty);  // Final.
}

TEST(Car, a_hash_that_is_not_computed_here) {
  Bytes file;
  car::BytesSink sink(file);
  car::Writer writer(sink);
  ASSERT_TRUE(writer.begin({}).has_value());
  ASSERT_TRUE(writer.put(Cid::v1(Codec::raw, {HashCode::sha1, Bytes(20)}), Bytes(3)).has_value());
  EXPECT_EQ(car::read_all(file).error().code, ErrorCode::unsupported);
  EXPECT_TRUE(car::read_all(file, car::Verify::known).has_value());
}

TEST(Car, limits_hold_before_memory_is_used) {
  car::Reader reader(car::Verify::nothing, {.header_bytes_max = 100, .section_bytes_max = 50});
  reader.feed(hex("11a265726f6f7473806776657273696f6e01"));
  EXPECT_EQ(reader.next().value(), Step::header);
  reader.feed(hex("33"));
  EXPECT_EQ(reader.next().error().code, ErrorCode::too_large);
  Bytes file;
  car::BytesSink sink(file);
  car::Writer writer(sink);
  ASSERT_TRUE(writer.begin({}).has_value());
  EXPECT_EQ(writer.put(test_cid(1), Bytes(car::Limits{}.section_bytes_max)).error().code, ErrorCode::too_large);
}

std::uint64_t uint_at(const Value& map, std::string_view key) { return map.find(key)->get_uint().value(); }

TEST(Car, reads_the_shared_spec_fixtures_as_their_descriptions_say) {
  const auto folder = std::filesystem::path(shared_data()) / "car" / "spec-fixtures";
  RZ_NEED_SHARED(folder);
  for (const std::string name : {"carv1-basic", "carv2-basic"}) {
    const Bytes bytes = read_file(folder / name / (name + ".car"));
    const auto description = dag_json::decode(read_file(folder / name / (name + ".json")), dag_json::Form::tolerant);
    ASSERT_TRUE(description.has_value()) << description.error().to_string();
    const auto file = car::read_all(bytes);
    ASSERT_TRUE(file.has_value()) << file.error().to_string();
    const Value& header = *description->find("header");
    EXPECT_EQ(static_cast<std::uint64_t>(file->header.version), uint_at(header, "version"));
    ASSERT_EQ(file->header.roots.size(), header.find("roots")->as_list().size());
    for (std::size_t i = 0; i < file->header.roots.size(); ++i) {
      EXPECT_EQ(file->header.roots[i], header.find("roots")->at(i)->as_link());
    }
    if (file->header.version == 2) {
      EXPECT_EQ(file->header.data_offset, uint_at(header, "dataOffset"));
      EXPECT_EQ(file->header.data_bytes, uint_at(header, "dataSize"));
      EXPECT_EQ(file->header.index_offset, uint_at(header, "indexOffset"));
    }
    const auto blocks = description->find("blocks")->as_list();
    ASSERT_EQ(file->blocks.size(), blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto& [cid, data] = file->blocks[i];
      EXPECT_EQ(cid, blocks[i].find("cid")->as_link());
      EXPECT_EQ(data.size(), uint_at(blocks[i], "blockLength"));
      const auto content = decode_block(cid.codec(), data);
      ASSERT_TRUE(content.has_value()) << content.error().to_string();
      EXPECT_EQ(*content, *blocks[i].find("content"));
    }
    if (file->header.version == 1) {
      Bytes again;
      car::BytesSink sink(again);
      car::Writer writer(sink);
      ASSERT_TRUE(writer.begin(file->header.roots).has_value());
      for (const auto& [cid, data] : file->blocks) ASSERT_TRUE(writer.put(cid, data).has_value());
      EXPECT_EQ(again, bytes);
    }
  }
}

TEST(Car, reads_and_refuses_the_other_shared_files) {
  const auto folder = std::filesystem::path(shared_data()) / "car";
  RZ_NEED_SHARED(folder);
  const auto read = [&](const std::string& name, car::Verify verify = car::Verify::hashes) {
    return car::read_all(read_file(folder / name), verify);
  };
  const std::string samples = "go-car-v2-testdata/";
  for (const std::string& name :
       {samples + "sample-v1.car", samples + "sample-v1-noidentity.car", samples + "sample-wrapped-v2.car",
        samples + "sample-v2-indexless.car", samples + "sample-unixfs-v2.car", samples + "sample-rw-bs-v2.car",
        std::string("ipld-hamt-alice-words.car")}) {
    const auto file = read(name);
    ASSERT_TRUE(file.has_value()) << name << " " << file.error().to_string();
    EXPECT_GT(file->blocks.size(), 2u) << name;
    EXPECT_TRUE(read_in_pieces(read_file(folder / name), 1000).has_value()) << name;
  }
  EXPECT_EQ(read(samples + "sample-v1.car")->blocks.size(), read(samples + "sample-wrapped-v2.car")->blocks.size());
  const std::pair<std::string, ErrorCode> bad[] = {
      {"sample-corrupt-pragma.car", ErrorCode::truncated},
      {"sample-rootless-v42.car", ErrorCode::car_version},
      {"sample-v1-with-zero-len-section.car", ErrorCode::car_section_empty},
      {"sample-v1-with-zero-len-section2.car", ErrorCode::car_section_empty},
  };
  for (const auto& [name, code] : bad) {
    const auto file = read(samples + name);
    ASSERT_FALSE(file.has_value()) << name;
    EXPECT_EQ(name_of(file.error().code), name_of(code)) << name << " " << file.error().to_string();
  }
  for (const std::string name : {"sample-v1-tailing-corrupt-section.car", "sample-v2-corrupt-data-and-index.car",
                                 "sample-index.carindex", "sample-multihash-index-sorted.carindex"}) {
    EXPECT_FALSE(read(samples + name).has_value()) << name;
  }
}

}  // namespace
}  // namespace rz::ipld
