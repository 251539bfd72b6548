// The prolly tree: equal maps, equal roots; what did not change is shared; what the builder would not make is refused.
#include "view/prolly.h"

#include <gtest/gtest.h>

#include "ipld/dag_cbor.h"
#include "view/test_blocks.h"

namespace rz::view {
namespace {

using testing::Blocks;
using testing::build;
using testing::Built;
using testing::draw_bytes;
using testing::draw_map;
using testing::Map;
using testing::test_key;

Map read_all(const SnapshotKey& key, const Built& built) {
  const Blocks blocks(built.blocks);
  Map map;
  const Status read = MapReader(key, blocks, built.root).for_each([&](const MapKey& at, ByteView value) {
    map[at] = to_bytes(value);
    return true;
  });
  EXPECT_TRUE(read.has_value()) << read.error().to_string();
  return map;
}

TEST(Prolly, TheEmptyMapHasNoBlock) {
  const SnapshotKey key = test_key();
  const Built built = build(key, {});
  EXPECT_FALSE(built.root.has_value());
  EXPECT_TRUE(built.blocks.empty());
  EXPECT_TRUE(read_all(key, built).empty());
}

class Seeds : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Prolly, Seeds, ::testing::Range<std::uint64_t>(1, 13));

TEST_P(Seeds, ReadsBackWhatWasBuiltAndNothingElseIsMade) {
  const SnapshotKey key = test_key();
  Random random(GetParam());
  const std::size_t entries[] = {1, 2, 31, 100, 700};
  const std::size_t bytes[] = {8, 600, 9000};
  const Map map = draw_map(random, entries[random.below(5)], bytes[random.below(3)]);
  const Built built = build(key, map);
  ASSERT_TRUE(read_all(key, built) == map);
  const Blocks blocks(built.blocks);
  const MapReader reader(key, blocks, built.root);
  for (const auto& [at, value] : map) ASSERT_TRUE(*reader.find(at) == std::optional<Bytes>(value));
  MapKey other = map.begin()->first;
  other.bytes[31] ^= 1;
  ASSERT_TRUE(map.contains(other) || *reader.find(other) == std::nullopt);
  // The last block is the root, and all that was made is reached from it.
  ASSERT_TRUE(built.blocks.back().cid == *built.root);
  std::set<ipld::Cid> reached = {*built.root};
  for (auto block = built.blocks.rbegin(); block != built.blocks.rend(); ++block) {
    ASSERT_TRUE(reached.contains(block->cid));
    for (const ipld::Cid& link : key.open(block->cid, block->data)->links) reached.insert(link);
  }
}

// Whatever was there before: a map is built from its entries alone.
TEST_P(Seeds, EqualMapsHaveEqualRootsWhateverTheHistory) {
  const SnapshotKey key = test_key();
  Random random(GetParam() + 1000);
  const Map wanted = draw_map(random, 1 + random.below(300), 3000);
  Map detour = draw_map(random, random.below(200), 3000);
  for (const auto& [at, value] : wanted) detour[at] = draw_bytes(random, random.below(50));
  const Built before = build(key, detour);
  std::erase_if(detour, [&](const auto& entry) { return !wanted.contains(entry.first); });
  for (const auto& [at, value] : wanted) detour[at] = value;
  ASSERT_TRUE(*build(key, detour).root == *build(key, wanted).root);
  ASSERT_TRUE(before.root != build(key, wanted).root);
}

TEST(Prolly, OneChangeInAThousandEntriesMakesOnlyTheNodesAboveIt) {
  const SnapshotKey key = test_key();
  Random random(3);
  Map map = draw_map(random, 1000, 1500);
  const Built before = build(key, map);
  const Blocks old(before.blocks);
  std::size_t most = 0;
  for (int round = 0; round < 20; ++round) {
    Map changed = map;
    auto entry = changed.begin();
    std::advance(entry, static_cast<std::ptrdiff_t>(random.below(changed.size())));
    entry->second = draw_bytes(random, 700);
    std::size_t made = 0;
    for (const Block& block : build(key, changed).blocks) made += old.by_cid.contains(block.cid) ? 0 : 1;
    EXPECT_GE(made, 2u);
    most = std::max(most, made);
  }
  EXPECT_LE(most, 4u) << "of " << before.blocks.size();  // As many as the tree has levels.
  // An entry that comes or goes changes at most its node's neighbour besides.
  Map fewer = map;
  fewer.erase(std::next(fewer.begin(), 500));
  std::size_t made = 0;
  for (const Block& block : build(key, fewer).blocks) made += old.by_cid.contains(block.cid) ? 0 : 1;
  EXPECT_LE(made, 6u);
}

TEST(Prolly, ALongValueSharesTheChunksThatDidNotChange) {
  const SnapshotKey key = test_key();
  Random random(5);
  Bytes text = draw_bytes(random, 1 << 20);
  std::deque<Block> before;
  ASSERT_TRUE(put_chunks(key, text, before).has_value());
  EXPECT_GT(before.size(), 30u);
  EXPECT_LT(before.size(), 200u);
  const Blocks old(before);
  text.insert(text.begin() + 500'000, 42);  // Everything behind it moves by one.
  std::deque<Block> after;
  ASSERT_TRUE(put_chunks(key, text, after).has_value());
  std::size_t made = 0;
  for (const Block& block : after) made += old.by_cid.contains(block.cid) ? 0 : 1;
  EXPECT_LE(made, 6u) << "of " << after.size();
}

TEST(Prolly, WithoutCandidatesChunksAreAsLongAsTheyMayBe) {
  const SnapshotKey key = test_key();
  Map map;
  map[MapKey{}] = Bytes(1 << 20, 0);  // A text that somebody chose so that the cheap look finds nothing, or everything.
  const Built built = build(key, map);
  EXPECT_EQ(read_all(key, built), map);
}

TEST(Prolly, AnotherKeyEndsNodesElsewhere) {
  Random random(9);
  const Map map = draw_map(random, 1000, 20);
  std::vector<std::size_t> sizes[2];
  for (int which = 0; which < 2; ++which) {
    const SnapshotKey key = test_key(static_cast<std::uint8_t>(which + 1));
    for (const Block& block : build(key, map).blocks) sizes[which].push_back(block.data.size());
  }
  EXPECT_NE(sizes[0], sizes[1]);
}

TEST(Prolly, KeysThatAreNotAscendingAreRefused) {
  const SnapshotKey key = test_key();
  std::deque<Block> out;
  MapBuilder builder(key, out);
  ASSERT_TRUE(builder.add(MapKey{{{2}}}, {}).has_value());
  EXPECT_EQ(builder.add(MapKey{{{2}}}, {}).error().code, ErrorCode::view_bad_order);
  EXPECT_EQ(builder.add(MapKey{{{1}}}, {}).error().code, ErrorCode::view_bad_order);
}

// --- Hostile blocks: made with the right key, as a reader of the pod could
// ----------------------------------------------

class Hostile : public ::testing::Test {
 protected:
  ipld::Cid put(const std::vector<ipld::Cid>& links, ByteView body) {
    const Block block = key_.seal(links, body);
    blocks_.by_cid[block.cid] = block.data;
    return block.cid;
  }
  ipld::Cid leaf(const std::vector<MapKey>& keys) {
    Bytes body;
    ipld::dag_cbor::Writer writer(body);
    writer.array(2);
    writer.unsigned_integer(0);
    writer.array(keys.size());
    for (const MapKey& key : keys) {
      writer.array(2);
      writer.bytes(key.view());
      writer.bytes({});
    }
    return put({}, body);
  }
  ipld::Cid inner(std::uint64_t level, const std::vector<std::pair<MapKey, ipld::Cid>>& children) {
    Bytes body;
    ipld::dag_cbor::Writer writer(body);
    writer.array(3);
    writer.unsigned_integer(1);
    writer.unsigned_integer(level);
    writer.array(children.size());
    std::vector<ipld::Cid> links;
    for (const auto& [key, link] : children) {
      writer.bytes(key.view());
      links.push_back(link);
    }
    return put(links, body);
  }
  ErrorCode error_of(const ipld::Cid& root) {
    const Status read = MapReader(key_, blocks_, root).for_each([](const MapKey&, ByteView) { return true; });
    return read ? ErrorCode::internal : read.error().code;
  }
  // Keys that end a leaf, and keys that don't, ascending.
  std::vector<MapKey> keys(std::size_t count, bool ends) {
    std::vector<MapKey> found;
    for (std::uint32_t i = 0; found.size() < count; ++i) {
      MapKey key;
      key.bytes[0] = static_cast<std::uint8_t>(i >> 16);
      key.bytes[1] = static_cast<std::uint8_t>(i >> 8);
      key.bytes[2] = static_cast<std::uint8_t>(i);
      if (key_.ends_node(BodyKind::inner, 1, key.view())) continue;
      if (key_.ends_node(BodyKind::leaf, 0, key.view()) == ends) found.push_back(key);
    }
    return found;
  }

  SnapshotKey key_ = test_key();
  Blocks blocks_;
};

TEST_F(Hostile, ALeafThatEndsTooLateOrTooEarlyIsRefused) {
  const auto going_on = keys(4, false);
  const auto ending = keys(2, true);
  EXPECT_EQ(error_of(leaf(going_on)), ErrorCode::internal);  // The only leaf may end anywhere.
  EXPECT_EQ(error_of(leaf({ending[0], ending[1]})), ErrorCode::view_bad_boundary);
  const ipld::Cid root =
      inner(1, {{going_on[1], leaf({going_on[0], going_on[1]})}, {going_on[3], leaf({going_on[2], going_on[3]})}});
  EXPECT_EQ(error_of(root), ErrorCode::view_bad_boundary);
}

TEST_F(Hostile, KeysOutOfOrderOrElsewhereAreRefused) {
  const auto some = keys(4, false);
  EXPECT_EQ(error_of(leaf({some[1], some[0]})), ErrorCode::view_bad_order);
  EXPECT_EQ(error_of(leaf({some[1], some[1]})), ErrorCode::view_bad_order);
  const auto ends = keys(2, true);
  const ipld::Cid first = leaf({ends[0]});
  EXPECT_EQ(error_of(inner(1, {{ends[0], first}, {ends[1], first}})), ErrorCode::view_bad_order);
  EXPECT_EQ(error_of(inner(1, {{ends[1], first}, {MapKey{{{0xff}}}, first}})), ErrorCode::view_bad_shape);
}

TEST_F(Hostile, WrongLevelsAndShapesAreRefused) {
  const auto some = keys(2, false);
  const ipld::Cid good = leaf(some);
  EXPECT_EQ(error_of(inner(1, {{some[1], good}})), ErrorCode::view_bad_shape);  // A root with one child.
  EXPECT_EQ(error_of(inner(2, {{some[1], good}, {MapKey{{{0xff}}}, good}})), ErrorCode::view_bad_shape);
  EXPECT_EQ(error_of(inner(0, {{some[1], good}, {MapKey{{{0xff}}}, good}})), ErrorCode::view_bad_shape);
  EXPECT_EQ(error_of(inner(99, {{some[1], good}, {MapKey{{{0xff}}}, good}})), ErrorCode::view_bad_shape);
  EXPECT_EQ(error_of(leaf({})), ErrorCode::view_bad_shape);
  EXPECT_EQ(error_of(put({}, Bytes{0x81, 0x02})), ErrorCode::view_bad_shape);
  EXPECT_EQ(error_of(put({}, Bytes{0x00})), ErrorCode::unexpected_kind);
}

TEST_F(Hostile, AMissingOrAlteredBlockIsNamed) {
  Random random(4);
  const Built built = build(key_, draw_map(random, 300, 3000));
  for (std::size_t i = 0; i < built.blocks.size(); i += 7) {
    blocks_ = Blocks(built.blocks);
    Bytes& data = blocks_.by_cid[built.blocks[i].cid];
    data[random.below(data.size())] ^= 0x40;
    EXPECT_EQ(error_of(*built.root), ErrorCode::hash_mismatch);
    blocks_.by_cid.erase(built.blocks[i].cid);
    EXPECT_EQ(error_of(*built.root), ErrorCode::view_block_missing);
  }
}

TEST_F(Hostile, AnotherPodsKeyOpensNothing) {
  const Built built = build(key_, {{MapKey{}, Bytes{1}}});
  const SnapshotKey other(*crypto::Secret32::from(Bytes(32, 7)), log::Did{{{9}}});
  EXPECT_EQ(other.open(*built.root, built.blocks.back().data).error().code, ErrorCode::not_authentic);
}

TEST_F(Hostile, AValueCutElsewhereIsRefused) {
  const auto chunk = [this](std::size_t size, std::uint8_t fill) {
    Bytes body;
    ipld::dag_cbor::Writer writer(body);
    writer.array(2);
    writer.unsigned_integer(2);
    writer.bytes(Bytes(size, fill));
    return put({}, body);
  };
  const auto list = [this](const std::vector<std::pair<std::uint64_t, ipld::Cid>>& chunks) {
    Bytes body;
    ipld::dag_cbor::Writer writer(body);
    writer.array(3);
    writer.unsigned_integer(3);
    writer.unsigned_integer(1);
    writer.array(chunks.size());
    std::vector<ipld::Cid> links;
    for (const auto& [bytes, link] : chunks) {
      writer.unsigned_integer(bytes);
      links.push_back(link);
    }
    return put(links, body);
  };
  const auto with_value = [this](std::uint64_t bytes, const ipld::Cid& link) {
    Bytes body;
    ipld::dag_cbor::Writer writer(body);
    writer.array(2);
    writer.unsigned_integer(0);
    writer.array(1);
    writer.array(2);
    writer.bytes(MapKey{}.view());
    writer.unsigned_integer(bytes);
    return put({link}, body);
  };
  EXPECT_EQ(error_of(with_value(3000, chunk(3000, 1))), ErrorCode::internal);
  EXPECT_EQ(error_of(with_value(3001, chunk(3000, 1))), ErrorCode::view_bad_shape);
  EXPECT_EQ(error_of(with_value(100, chunk(100, 1))), ErrorCode::view_bad_shape);  // It belongs in place.
  EXPECT_EQ(error_of(with_value(std::uint64_t{1} << 60, chunk(3000, 1))), ErrorCode::view_bad_shape);
  const ErrorCode early = error_of(with_value(6000, list({{3000, chunk(3000, 1)}, {3000, chunk(3000, 1)}})));
  EXPECT_EQ(early, ErrorCode::view_bad_boundary);  // A chunk below the least, and not the last.
  EXPECT_EQ(error_of(with_value(6000, list({{3000, chunk(3000, 1)}}))), ErrorCode::view_bad_shape);
  EXPECT_EQ(error_of(with_value(6000, list({{7000, chunk(3000, 1)}, {2999, chunk(2999, 1)}}))),
            ErrorCode::view_bad_shape);
}

}  // namespace
}  // namespace rz::view
