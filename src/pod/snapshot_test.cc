// The pod snapshot: devices of one pod at one cut write the same root, of the cut's past and nothing else.
#include "pod/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "identity/epochs.h"
#include "ipld/dag_cbor.h"
#include "sim/network.h"
#include "view/snapshot.h"

namespace rz::pod {
namespace {

using sim::Network;

struct Blocks final : view::BlockSource {
  Result<Bytes> get(const ipld::Cid& cid) const override {
    const auto found = by_cid.find(cid);
    if (found == by_cid.end()) return fail(ErrorCode::view_block_missing, cid.brief());
    return found->second;
  }
  std::map<ipld::Cid, Bytes> by_cid;
  SnapshotSummary summary;
};

Result<Blocks> snapshot(const Pod& pod) {
  RZ_TRY(const auto maker, pod.snapshot());
  Blocks blocks;
  for (;;) {
    RZ_TRY(auto block, maker->next());
    if (!block) break;
    RZ_CHECK(ipld::verify_block(block->cid, block->data));
    blocks.by_cid[block->cid] = std::move(block->data);
  }
  blocks.summary = maker->summary();
  return blocks;
}

// Every block that the root leads to, found by links alone: what a blind member does.
std::set<ipld::Cid> reachable(const Blocks& blocks) {
  std::set<ipld::Cid> seen;
  std::vector<ipld::Cid> todo = {blocks.summary.root};
  while (!todo.empty()) {
    const ipld::Cid cid = todo.back();
    todo.pop_back();
    if (!seen.insert(cid).second) continue;
    const auto block = blocks.get(cid);
    if (!block) {
      ADD_FAILURE() << "a link to a block that was not made";
      continue;
    }
    const auto links = *ipld::dag_cbor::links(*block);
    // Parts of the operations name events by links too, inside byte strings and as heads of removals; those are not
    // blocks of the snapshot.
    for (const ipld::Cid& link : links) {
      if (blocks.by_cid.contains(link)) todo.push_back(link);
    }
  }
  return seen;
}

class Snapshot : public ::testing::Test {
 protected:
  void begin(std::uint64_t seed) {
    net_.emplace(seed);
    net_->found();
  }
  Network& net() { return *net_; }
  log::StreamId create(std::size_t device, std::string_view title, std::string_view text) {
    const auto made = *net().pod(device).create_document(net().now(), title, text);
    net().pump(device);
    return made;
  }
  void edit(std::size_t device, const log::StreamId& document, std::uint64_t at, std::string text) {
    ASSERT_TRUE(net().pod(device).edit_text(net().now(), document, {{at, 0, std::move(text)}}).has_value());
    net().pump(device);
  }
  // The title and text of each document, as the snapshot has them; opened with the founder's keys.
  std::map<std::string, std::string> read(const Blocks& blocks, std::size_t device = 0);

  std::optional<Network> net_;
};

std::map<std::string, std::string> Snapshot::read(const Blocks& blocks, std::size_t device) {
  std::map<std::string, std::string> texts;
  const auto root = view::decode_root(blocks.by_cid.at(blocks.summary.root));
  EXPECT_TRUE(root.has_value()) << root.error().to_string();
  const Status verified = view::verify_root(*root, blocks);
  EXPECT_TRUE(verified.has_value()) << verified.error().to_string();
  // As another reader would: the operations say who reads and wrap the keys.
  const auto operations = view::read_operations(root->operations, blocks);
  const auto identity = view::fold_operations(*operations);
  const auto counts = log::what_counts(
      operations->zero, identity::facts_for(identity, operations->zero.stream(), view::ProvenCuts(*operations)));
  identity::EpochKeys keys(root->did);
  keys.unlock(identity::epoch_table(operations->zero, counts), net().device(device).keys.box_key());
  const auto maximal = log::maximal_epochs(operations->zero, counts);
  EXPECT_EQ(maximal.size(), 1u);
  const view::SnapshotKey key(*keys.snapshot_key(maximal.front()), root->did);
  const auto state = *view::open_state(key, root->state, blocks.by_cid.at(root->state));
  EXPECT_EQ(state.cut, blocks.summary.cut);
  std::uint64_t streams = 0;
  const Status walked = view::MapReader(key, blocks, state.map).for_each([&](const view::MapKey&, ByteView value) {
    ++streams;
    const auto stream = view::decode_stream_state(value);
    EXPECT_TRUE(stream.has_value()) << stream.error().to_string();
    EXPECT_EQ(view::encode_stream_state(*stream), to_bytes(value));
    if (stream->kind != "rhizome/document") return true;
    const auto content = *ipld::dag_cbor::decode(stream->value, {.bytes_max = stream->value.size() + 1});
    const ipld::Value* body = content.find("");
    texts[stream->title.value_or("?")] = body == nullptr ? "" : std::string(body->as_text());
    return true;
  });
  EXPECT_TRUE(walked.has_value()) << walked.error().to_string();
  EXPECT_EQ(streams, state.streams);
  return texts;
}

TEST_F(Snapshot, DevicesAtOneCutWriteTheSameRoot) {
  begin(101);
  net().add(0, "phone");
  ASSERT_TRUE(net().converge());
  const auto notes = create(0, "Notes", "hello");
  create(1, "Shopping", std::string(200'000, 'x') + "end");  // In chunks.
  // Concurrently, so that the two devices get the events in different orders.
  net().cut(0, 1);
  ASSERT_TRUE(net().run_until([&] { return net().pod(1).text(notes).has_value(); }) || true);
  net().heal_all();
  ASSERT_TRUE(net().converge());
  net().cut(0, 1);
  edit(0, notes, 5, " laptop");
  edit(1, notes, 5, " phone");
  net().run(milliseconds(500));
  net().heal_all();
  ASSERT_TRUE(net().converge());
  const auto first = snapshot(net().pod(0));
  const auto second = snapshot(net().pod(1));
  ASSERT_TRUE(first.has_value()) << first.error().to_string();
  ASSERT_TRUE(second.has_value()) << second.error().to_string();
  EXPECT_EQ(first->summary.root, second->summary.root);
  const auto all = reachable(*first);
  EXPECT_EQ(all.size() + 1, first->by_cid.size());  // All but the seals, which lie beside.
  const auto texts = read(*first, 1);
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts.at("Notes"), *net().pod(0).text(notes));
  EXPECT_EQ(texts.at("Shopping").size(), 200'003u);
  // Nothing of it in the clear but the identity.
  for (const auto& [cid, data] : first->by_cid) {
    EXPECT_EQ(as_text(data).find("Shopping"), std::string_view::npos);
    EXPECT_EQ(as_text(data).find(" laptop"), std::string_view::npos);
  }
  // Nor does it depend on what happened to be in memory.
  net().crash(1, 999);
  ASSERT_TRUE(net().restart(1).has_value());
  // (What is in order it hears from the others.)
  ASSERT_TRUE(net().run_until([&] { return snapshot(net().pod(1)).has_value(); }));
  EXPECT_EQ(snapshot(net().pod(1))->summary.root, first->summary.root);
}

TEST_F(Snapshot, HoldsThePastOfTheCutOnly) {
  begin(102);
  net().add(0, "phone");
  net().add(0, "tablet");
  const auto notes = create(0, "Notes", "ordered");
  ASSERT_TRUE(net().converge());
  ASSERT_TRUE(net().run_until([&] { return net().pod(0).status(net().now()).voters == 3; }, seconds(300)));
  ASSERT_TRUE(net().converge());
  const auto before = snapshot(net().pod(0));
  ASSERT_TRUE(before.has_value()) << before.error().to_string();
  net().cut(0, 1);
  net().cut(0, 2);  // No quorum: what is written now is in no cut.
  edit(0, notes, 0, "not ");
  create(0, "Another", "later");
  ASSERT_TRUE(net().pod(0).rename_device(net().now(), net().key(0), "renamed").has_value());
  net().pump(0);
  net().run(seconds(2));
  const auto after = snapshot(net().pod(0));
  ASSERT_TRUE(after.has_value()) << after.error().to_string();
  EXPECT_EQ(after->summary.root, before->summary.root);
  EXPECT_EQ(read(*after).at("Notes"), "ordered");
  net().heal_all();
  ASSERT_TRUE(net().converge());
  const auto later = snapshot(net().pod(0));
  ASSERT_TRUE(later.has_value()) << later.error().to_string();
  EXPECT_NE(later->summary.root, before->summary.root);
  EXPECT_EQ(read(*later).at("Notes"), "not ordered");
  EXPECT_EQ(snapshot(net().pod(2))->summary.root, later->summary.root);
}

TEST_F(Snapshot, LeavesOutWhatWasRemovedInTheCutsPast) {
  begin(103);
  net().add(0, "phone");
  create(0, "Kept", "a");
  const auto gone = create(0, "Gone", "b");
  ASSERT_TRUE(net().converge());
  ASSERT_TRUE(net().pod(1).remove_document(net().now(), gone).has_value());
  net().pump(1);
  ASSERT_TRUE(net().converge());
  const auto without = snapshot(net().pod(0));
  ASSERT_TRUE(without.has_value()) << without.error().to_string();
  EXPECT_EQ(snapshot(net().pod(1))->summary.root, without->summary.root);
  EXPECT_FALSE(read(*without).contains("Gone"));
  EXPECT_TRUE(read(*without).contains("Kept"));
  ASSERT_TRUE(net().pod(0).restore_document(net().now(), gone).has_value());
  net().pump(0);
  ASSERT_TRUE(net().converge());
  EXPECT_TRUE(read(*snapshot(net().pod(0))).contains("Gone"));
}

TEST_F(Snapshot, ABlindPeerCantMakeOneAndSaysSo) {
  begin(103);
  net().add(0, "cloud", log::DeviceKind::cloud);
  create(0, "Notes", "secret");
  ASSERT_TRUE(net().converge());
  const auto made = snapshot(net().pod(1));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, ErrorCode::snapshot_blind);
  // It can follow and keep every block of another's.
  const auto other = snapshot(net().pod(0));
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(reachable(*other).size() + 1, other->by_cid.size());
}

TEST_F(Snapshot, AfterARemovalTheOthersAgreeUnderANewKey) {
  begin(104);
  net().add(0, "phone");
  net().add(0, "tablet");
  const auto notes = create(0, "Notes", "before");
  ASSERT_TRUE(net().converge());
  const auto before = snapshot(net().pod(0));
  ASSERT_TRUE(before.has_value());
  net().cut(2, 0);
  net().cut(2, 1);
  edit(2, notes, 6, " by the removed one");  // Unseen when it is removed: outside what counts.
  ASSERT_TRUE(net().pod(0).remove_device(net().now(), net().key(2), &net().paper()).has_value());
  net().pump(0);
  net().run(seconds(2));
  edit(1, notes, 0, "well ");
  net().run(seconds(3));
  const auto settled = [&] {
    const auto a = snapshot(net().pod(0));
    const auto b = snapshot(net().pod(1));
    return a && b && a->summary.root == b->summary.root && read(*a).at("Notes") == "well before";
  };
  EXPECT_TRUE(net().run_until(settled, seconds(20)));
  // No sealed block of before comes again: the key is another one.
  const auto after = snapshot(net().pod(1));
  ASSERT_TRUE(after.has_value()) << after.error().to_string();
  const auto root = *view::decode_root(before->by_cid.at(before->summary.root));
  EXPECT_FALSE(after->by_cid.contains(root.state));
}

TEST_F(Snapshot, OneChangeInAThousandDocumentsMakesFewNewBlocks) {
  begin(105);
  log::StreamId last;
  for (int i = 0; i < 1000; ++i) {
    last = *net().pod(0).create_document(net().now(), words("Note ", i), words("This is note ", i, "\n"));
    if (i % 50 == 0) net().pump(0), net().run(milliseconds(20));
  }
  net().pump(0);
  ASSERT_TRUE(net().converge());
  const auto before = snapshot(net().pod(0));
  ASSERT_TRUE(before.has_value()) << before.error().to_string();
  EXPECT_EQ(before->summary.documents, 1000u);
  edit(0, last, 0, "Changed: ");
  net().pod(0).flush(net().now());
  net().pump(0);
  ASSERT_TRUE(net().converge());
  const auto after = snapshot(net().pod(0));
  std::size_t made = 0;
  for (const auto& [cid, data] : after->by_cid) made += before->by_cid.contains(cid) ? 0 : 1;
  // Root, seals, state, and as many nodes as the tree has levels.
  EXPECT_LE(made, 7u) << "of " << after->by_cid.size();
  EXPECT_GE(made, 5u);
  EXPECT_GT(after->by_cid.size(), 30u);
}

// Devices that write at once, part and restart: wherever two stand at one cut, their roots are equal.
TEST_F(Snapshot, AgreesUnderStormsOfEveryKind) {
  const char* many = std::getenv("RZ_SEEDS");
  const std::uint64_t seeds = many != nullptr ? std::stoull(many) : 12;
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(words("seed ", seed));
    begin(seed * 1000 + 7);
    net().add(0, "phone");
    ASSERT_TRUE(net().converge());
    net().add(1, "tablet", seed % 4 == 0 ? log::DeviceKind::cloud : log::DeviceKind::personal);
    ASSERT_TRUE(net().converge());
    const std::size_t writers = seed % 4 == 0 ? 2 : 3;
    std::vector<log::StreamId> documents = {create(0, "One", "."), create(1, "Two", ".")};
    std::map<Hash256, ipld::Cid> root_of;
    for (int step = 0; step < 25; ++step) {
      const std::size_t at = net().random().below(writers);
      const std::size_t other = net().random().below(net().size());
      const auto document = documents[net().random().below(documents.size())];
      switch (net().random().below(8)) {
        case 0:
          if (at != other) net().cut(at, other);
          break;
        case 1:
          net().heal_all();
          break;
        case 2:
          net().crash(at, net().random().below(3));
          ASSERT_TRUE(net().restart(at).has_value());
          break;
        default:
          if (net().pod(at).text(document)) edit(at, document, 0, words("<", step, ">"));
      }
      net().run(milliseconds(static_cast<std::int64_t>(net().random().below(300))));
      for (std::size_t i = 0; i < writers; ++i) {
        const auto made = snapshot(net().pod(i));
        if (!made) {
          ASSERT_EQ(made.error().code, ErrorCode::snapshot_not_ready) << made.error().to_string();
          continue;
        }
        const auto [known, is_new] = root_of.emplace(made->summary.cut, made->summary.root);
        ASSERT_EQ(known->second, made->summary.root) << "device " << i << " at a cut that another had";
        compared += is_new ? 0 : 1;
      }
    }
    net().heal_all();
    ASSERT_TRUE(net().converge(seconds(120))) << net().describe();
    const auto last = snapshot(net().pod(0));
    ASSERT_TRUE(last.has_value()) << last.error().to_string();
    for (std::size_t i = 1; i < writers; ++i) EXPECT_EQ(snapshot(net().pod(i))->summary.root, last->summary.root);
    EXPECT_EQ(read(*last).at("One"), *net().pod(0).text(documents[0]));
  }
  EXPECT_GT(compared, 10 * seeds);  // Otherwise the test shows nothing.
}

}  // namespace
}  // namespace rz::pod
