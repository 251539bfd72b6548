// Records of events and of documents: strict, one encoding each, and no damage to them does harm.
#include "pod/record.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "log/test_world.h"
#include "pod/document_records.h"

namespace rz::pod {
namespace {

using log::test::must;
using log::test::World;

Bytes run_of(World& world, log::EventGraph& graph, std::size_t device, int events) {
  log::IndexRun run;
  for (int i = 0; i < events; ++i) {
    const log::EventIndex event = world.write(graph, device, "event " + std::to_string(i));
    if (run.events.empty()) run = {graph.feed(event), graph.seq(event), {}};
    run.events.push_back(event);
  }
  return must(log::encode_run(log::make_run(graph, run, [&](log::EventIndex event) {
    return log::HeldBody{log::BodyForm::stored, world.all.at(graph.id(event)).body};
  })));
}

TEST(Record, OneRunStaysAsItIsAndSeveralBecomeABlock) {
  World world;
  log::EventGraph graph = world.replica();
  const std::vector<Bytes> runs{run_of(world, graph, 0, 3), run_of(world, graph, 1, 2), run_of(world, graph, 0, 1)};
  EXPECT_EQ(encode_record({runs[0]}), runs[0]);
  const Bytes block = encode_record(runs);
  const auto split = must(split_record(block));
  ASSERT_EQ(split.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(to_bytes(split[i]), runs[i]);
  const auto decoded = must(decode_record(block, world.stream));
  EXPECT_EQ(decoded[0].events.size(), 3u);
  EXPECT_EQ(decoded[2].events[0].header.seq.value, 3u);
}

TEST(Record, ABlockHasOneEncoding) {
  const Bytes run{1, 2, 3};
  const auto refused = [](const Bytes& value) {
    const auto split = split_record(value);
    return split ? ErrorCode{} : split.error().code;
  };
  EXPECT_EQ(refused({0}), ErrorCode::truncated);
  EXPECT_EQ(refused({0, 1, 3, 1, 2, 3}), ErrorCode::run_value);                    // One run is no block.
  EXPECT_EQ(refused({0, 0x82, 0, 3, 1, 2, 3, 3, 1, 2, 3}), ErrorCode::run_value);  // A count not in its shortest form.
  EXPECT_EQ(refused({0, 2, 3, 1, 2, 3, 0}), ErrorCode::run_value);                 // An empty run.
  EXPECT_EQ(refused({0, 2, 3, 1, 2, 3, 3, 0, 2, 1}), ErrorCode::run_value);        // A block in a block.
  EXPECT_EQ(refused({0, 2, 3, 1, 2, 3, 4, 1, 2, 3}), ErrorCode::truncated);        // A run breaks off.
  EXPECT_EQ(refused({0, 2, 3, 1, 2, 3, 3, 1, 2, 3, 9}), ErrorCode::trailing_bytes);
  EXPECT_EQ(refused({0, 0x81, 0x20}), ErrorCode::limit_exceeded);
  EXPECT_EQ(must(split_record(Bytes{0, 2, 3, 1, 2, 3, 3, 1, 2, 3})).size(), 2u);  // docs/formats/store.md
}

TEST(Record, DocumentsOnesComeBackAsTheyWere) {
  CheckpointHead head;
  head.heads = {log::EventId{log::body_hash(as_bytes("a")).bytes}, log::EventId{log::body_hash(as_bytes("b")).bytes}};
  std::sort(head.heads.begin(), head.heads.end());
  head.events = 100;
  head.parts = 2;
  const Bytes value = encode_checkpoint_head(head);
  EXPECT_EQ(must(decode_checkpoint_head(value)), head);
  for (std::size_t i = 0; i < value.size(); ++i) EXPECT_FALSE(decode_checkpoint_head(ByteView(value).first(i)));
  std::swap(head.heads[0], head.heads[1]);
  EXPECT_EQ(decode_checkpoint_head(encode_checkpoint_head(head)).error().code, ErrorCode::list_order);
  const SummaryRecord summary{"Title", 42, UnixMs{1'700'000'000'000}, {}};
  EXPECT_EQ(must(decode_summary(encode_summary(summary))), summary);
  // docs/formats/store.md
  EXPECT_EQ(to_hex(encode_summary(summary)),
            "86010165"
            "5469746c65"
            "182a"
            "1b0000018bcfe56800"
            "5820" +
                std::string(64, '0'));
}

// A state folded by other rules is no state of ours.
TEST(Record, OtherRulesAreRefused) {
  Bytes value = encode_summary({"Title", 42, UnixMs{7}, {}});
  ASSERT_EQ(value[2], fold_rules);
  value[2] = fold_rules + 1;
  EXPECT_EQ(decode_summary(value).error().code, ErrorCode::bad_checkpoint);
}

}  // namespace
}  // namespace rz::pod
