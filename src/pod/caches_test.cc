// What is kept beside events makes openings fast and changes nothing: documents from checkpoints, lists from summaries,
// events in merged records.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>

#include "sim/network.h"

namespace rz::pod {
namespace {

using sim::Network;
using sim::NetworkOptions;

std::size_t count_records(const store::MemoryStore& store, char kind) {
  return static_cast<std::size_t>(
      std::count_if(store.records().begin(), store.records().end(),
                    [kind](const auto& each) { return each.first[0] == static_cast<std::uint8_t>(kind); }));
}

void drop_records(store::MemoryStore& store, char kind) {
  std::erase_if(store.records(), [kind](const auto& each) { return each.first[0] == static_cast<std::uint8_t>(kind); });
}

void restart(Network& net, std::size_t device) {
  net.crash(device, 99);
  const Status opened = net.restart(device);
  ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
}

void type_at_end(Network& net, std::size_t device, const log::StreamId& document, const std::string& text) {
  const std::uint64_t end = *net.pod(device).text_length(document);
  ASSERT_TRUE(net.pod(device).edit_text(net.now(), document, {{end, 0, text}}).has_value());
  net.pod(device).flush(net.now());
  net.pump(device);
}

TEST(Caches, ADocumentOpensFromItsCheckpoint) {
  Network net(31);
  net.found();
  const auto document = *net.pod(0).create_document(net.now(), "Long", "");
  std::string text;
  for (int i = 0; i < 900; ++i) {
    type_at_end(net, 0, document, std::to_string(i) + " ");
    text += std::to_string(i) + " ";
    net.run(milliseconds(10));
  }
  EXPECT_GT(count_records(net.device(0).store, 'c'), 0u);
  restart(net, 0);
  EXPECT_EQ(*net.pod(0).text(document), text);
  const std::uint64_t folded = net.pod(0).events_folded();
  EXPECT_LT(folded, 500u);
  // The end of a process that is asked to end leaves less to do.
  drop_records(net.device(0).store, 'c');
  restart(net, 0);
  EXPECT_EQ(*net.pod(0).text(document), text);
  EXPECT_GT(net.pod(0).events_folded(), 900u);
}

TEST(Caches, AListNeedsNoFolding) {
  Network net(32);
  net.found();
  net.add(0, "phone");
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(net.pod(0).create_document(net.now(), "Note " + std::to_string(i),
                                           std::string(static_cast<std::size_t>(i), 'x')));
    net.pump(0);
  }
  ASSERT_TRUE(net.converge());
  const auto summaries = [&net](std::size_t device) {
    std::vector<std::pair<std::string, std::uint64_t>> found;
    for (const DocumentSummary& each : net.pod(device).documents()) found.emplace_back(each.title, each.bytes);
    std::sort(found.begin(), found.end());
    return found;
  };
  const auto list = summaries(0);
  ASSERT_EQ(list.size(), 100u);
  EXPECT_EQ(list.back().first, "Note 99");
  EXPECT_EQ(summaries(1), list);
  net.run(seconds(5));
  for (const std::size_t device : {0u, 1u}) {
    restart(net, device);
    EXPECT_EQ(summaries(device), list);
    EXPECT_EQ(net.pod(device).events_folded(), 0u);
  }
  // A change by another device, to a document that is not open here, makes that one summary a thing of the past.
  const log::StreamId changed = net.pod(0).documents()[7].id;
  ASSERT_TRUE(net.converge());
  type_at_end(net, 0, changed, "more");
  ASSERT_TRUE(net.pod(0).rename_document(net.now(), changed, "Renamed"));
  net.pod(0).flush(net.now());
  net.pump(0);
  ASSERT_TRUE(net.converge());
  EXPECT_EQ(summaries(1), summaries(0));
  EXPECT_GT(net.pod(1).events_folded(), 0u);
  EXPECT_LT(net.pod(1).events_folded(), 10u);
}

TEST(Caches, ADamagedOrForeignCheckpointIsNotTrusted) {
  NetworkOptions options;
  options.checkpoint_after_events = 5;
  Network net(33, options);
  net.found();
  std::vector<log::StreamId> documents;
  for (const char* title : {"One", "Two"}) {
    documents.push_back(*net.pod(0).create_document(net.now(), title, ""));
    for (int i = 0; i < 20; ++i) type_at_end(net, 0, documents.back(), std::string(title) + std::to_string(i));
    net.run(seconds(1));
  }
  const std::string one = *net.pod(0).text(documents[0]);
  const std::string two = *net.pod(0).text(documents[1]);
  net.crash(0, 99);
  auto& records = net.device(0).store.records();
  // Each record of the first, damaged; then the second's values under the first's keys, with checksums that fit.
  std::vector<Bytes> keys;
  for (const auto& [key, record] : records) {
    if (key[0] == 'c') keys.push_back(key);
  }
  ASSERT_EQ(keys.size(), 4u);  // Two documents, a head and a part each.
  const auto kept = records;
  for (std::size_t i = 0; i < 2; ++i) {
    records = kept;
    records.find(keys[i])->second.back() ^= 1;
    ASSERT_TRUE(net.restart(0).has_value());
    EXPECT_EQ(*net.pod(0).text(documents[0]), one);
    EXPECT_GT(net.pod(0).events_folded(), 20u);
    EXPECT_EQ(*net.pod(0).text(documents[1]), two);
    net.crash(0);
  }
  for (const auto& [from, to] : {std::pair{2, 0}, std::pair{3, 1}}) {
    records = kept;
    store::Batch swap;
    swap.put(keys[static_cast<std::size_t>(to)], **net.device(0).store.get(keys[static_cast<std::size_t>(from)]));
    ASSERT_TRUE(net.device(0).store.commit(swap).has_value());
    ASSERT_TRUE(net.restart(0).has_value());
    EXPECT_EQ(*net.pod(0).text(documents[0]), one);
    EXPECT_GT(net.pod(0).events_folded(), 20u);
    net.crash(0);
  }
}

// Random lives of three devices, one of which is removed half way: whatever a document was opened from, it is the same.
TEST(Caches, FromACheckpointIsAsFromScratch) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    NetworkOptions options;
    options.checkpoint_after_events = 1 + static_cast<std::uint32_t>(seed % 4) * 6;
    Network net(seed * 977, options);
    net.found();
    net.add(0, "phone");
    net.add(0, "tablet");
    ASSERT_TRUE(net.converge());
    const auto document = *net.pod(0).create_document(net.now(), "Shared", "begin ");
    net.pump(0);
    ASSERT_TRUE(net.converge());
    const bool remove = seed % 2 == 0;
    for (int step = 0; step < 60; ++step) {
      if (step == 30 && remove) {
        // It writes on without knowing of its removal; that is quarantined where it arrives.
        net.cut(0, 2);
        net.cut(1, 2);
        type_at_end(net, 2, document, "before ");
        ASSERT_TRUE(net.pod(0).remove_device(net.now(), net.key(2), &net.paper()).has_value());
        net.pump(0);
      }
      const std::size_t device = net.random().below(net.size());
      if (net.device(device).stopped || !net.alive(device)) continue;
      const std::uint64_t length = *net.pod(device).text_length(document);
      const std::uint64_t at = net.random().below(length + 1);
      const std::uint64_t removed =
          net.random().chance(1, 3) ? net.random().below(std::min<std::uint64_t>(length - at, 3) + 1) : 0;
      ASSERT_TRUE(net.pod(device).edit_text(net.now(), document, {{at, removed, std::to_string(step)}}).has_value());
      if (net.random().chance(1, 2)) net.pod(device).flush(net.now());
      net.pump(device);
      if (net.random().chance(1, 6)) restart(net, device);
      if (net.random().chance(1, 8) && !remove) net.cut(net.random().below(2), 2);
      if (net.random().chance(1, 4) && !remove) net.heal_all();
      net.run(milliseconds(static_cast<std::int64_t>(net.random().below(200))));
    }
    net.heal_all();
    for (const std::size_t device : {0u, 1u}) net.pod(device).flush(net.now());
    for (const std::size_t device : {0u, 1u}) net.pump(device);
    net.run(seconds(10));
    const std::string text = *net.pod(0).text(document);
    EXPECT_EQ(*net.pod(1).text(document), text);
    for (const std::size_t device : {0u, 1u}) {
      EXPECT_GT(count_records(net.device(device).store, 'c'), 0u);
      restart(net, device);
      EXPECT_EQ(*net.pod(device).text(document), text);
      const std::uint64_t folded = net.pod(device).events_folded();
      drop_records(net.device(device).store, 'c');
      restart(net, device);
      EXPECT_EQ(*net.pod(device).text(document), text);
      EXPECT_GT(net.pod(device).events_folded(), folded);
    }
  }
}

// Small records of two devices that type in turns are merged; nothing is lost by that, whenever the process dies.
TEST(Caches, SmallRecordsAreMerged) {
  Network net(35);
  net.found();
  net.add(0, "phone");
  ASSERT_TRUE(net.converge());
  const auto document = *net.pod(0).create_document(net.now(), "Typed", "");
  net.pump(0);
  ASSERT_TRUE(net.converge());
  for (int i = 0; i < 700; ++i) {
    const std::size_t device = net.random().below(2);
    type_at_end(net, device, document, std::to_string(i) + " ");
    net.run(milliseconds(30));
    if (net.random().chance(1, 25)) {
      net.crash(device, net.random().below(3));
      ASSERT_TRUE(net.restart(device).has_value());
    }
  }
  ASSERT_TRUE(net.converge());
  net.run(seconds(2));
  const std::string text = *net.pod(0).text(document);
  EXPECT_EQ(*net.pod(1).text(document), text);
  for (const std::size_t device : {0u, 1u}) {
    EXPECT_LT(count_records(net.device(device).store, 'e'), 150u);
    drop_records(net.device(device).store, 'c');
    restart(net, device);
    EXPECT_TRUE(net.pod(device).alarms().empty());
    EXPECT_EQ(*net.pod(device).text(document), text);
  }
  // Who joins now gets every event from merged records.
  net.add(0, "tablet");
  ASSERT_TRUE(net.converge(seconds(120))) << net.describe();
  EXPECT_EQ(*net.pod(2).text(document), text);
}

// Whatever a connection holds ends with it.
TEST(Caches, AThousandReconnectsLeaveNothingBehind) {
  Network net(36);
  net.found();
  net.add(0, "phone");
  for (int i = 0; i < 20; ++i) (void)net.pod(0).create_document(net.now(), "Note", "text");
  net.pump(0);
  ASSERT_TRUE(net.converge());
  const auto reconnect = [&net](int count) {
    for (int i = 0; i < count; ++i) {
      net.cut(0, 1);
      net.run(milliseconds(40));
      net.heal_all();
      net.run(milliseconds(100));
      ASSERT_TRUE(net.connected(0, 1));
      for (const std::size_t device : {0u, 1u}) net.device(device).notices.clear();
    }
    ASSERT_TRUE(net.converge());
    net.run(seconds(5));
  };
  reconnect(50);
  const std::size_t before = mallinfo2().uordblks;
  reconnect(1000);
  const std::size_t after = mallinfo2().uordblks;
  EXPECT_LT(after, before + 256 * 1024);
}

}  // namespace
}  // namespace rz::pod
