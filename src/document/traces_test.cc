// Real keystrokes: traces replay to exactly their end, alone and dealt over three replicas.
#include <gtest/gtest.h>

#include <algorithm>

#include "document/test_replicas.h"
#include "document/test_traces.h"

namespace rz::document {
namespace {

using testing::author_of;
using testing::events_of;
using testing::read_trace;
using testing::Trace;
using testing::TracePatch;
using testing::TraceTxn;
using testing::World;

std::optional<Trace> shared_trace(const std::string& name) {
  return read_trace(std::string(RZ_SOURCE_DIR "/../shared/data/traces/") + name + ".json.gz");
}

#define RZ_TRACE(name)                   \
  const auto trace = shared_trace(name); \
  if (!trace) GTEST_SKIP() << "skipped: no ../shared"

void type(Document& document, const TraceTxn& txn) {
  for (const TracePatch& patch : txn.patches) {
    ASSERT_TRUE(document.text_delete(body(), patch.position, patch.deleted).has_value());
    ASSERT_TRUE(document.text_insert(body(), patch.position, patch.inserted).has_value());
  }
}

class SequentialTrace : public ::testing::TestWithParam<const char*> {};

TEST_P(SequentialTrace, AloneTypedIn) {
  RZ_TRACE(GetParam());
  World world(1);
  Document document(author_of(1));
  ASSERT_TRUE(document.text_insert(body(), 0, trace->start).has_value());
  std::size_t count = 0;
  const auto close = [&] {
    const auto& event = world.make(author_of(1), 0, document.open_parents(), document.open_payload());
    ASSERT_TRUE(document.close_open_event(event.with_parents()).has_value());
  };
  for (const TraceTxn& txn : trace->txns) {
    type(document, txn);
    if (++count % 500 == 0) close();
  }
  ASSERT_TRUE(document.text(body()).value() == trace->end);
  if (document.open_operations() > 0) close();
  Document replayed;
  for (const auto& event : world.events) {
    ASSERT_TRUE(replayed.apply(event->with_parents(), event->payload).has_value());
  }
  ASSERT_TRUE(replayed.text(body()).value() == trace->end);
}

TEST_P(SequentialTrace, EveryTransactionAnEvent) {
  RZ_TRACE(GetParam());
  const auto events = events_of(*trace);
  Document document;
  for (const AppliedEvent& event : events.events) {
    ASSERT_TRUE(document.apply(event.info, event.payload).has_value());
  }
  ASSERT_TRUE(document.text(body()).value() == trace->end);
}

// Each replica in turn takes what the others wrote, then writes the next piece.
TEST_P(SequentialTrace, DealtOverThreeReplicas) {
  RZ_TRACE(GetParam());
  World world(1);
  std::vector<Document> replicas;
  for (std::uint64_t i = 0; i < 3; ++i) replicas.emplace_back(author_of(i));
  std::vector<std::size_t> seen(3, 0);
  const auto catch_up = [&](std::size_t which) {
    for (; seen[which] < world.events.size(); ++seen[which]) {
      const auto& event = *world.events[seen[which]];
      ASSERT_TRUE(replicas[which].apply(event.with_parents(), event.payload).has_value());
    }
  };
  ASSERT_TRUE(replicas[0].text_insert(body(), 0, trace->start).has_value());
  std::size_t turn = 0;
  for (std::size_t i = 0; i < trace->txns.size(); ++turn) {
    const std::size_t which = turn % 3;
    catch_up(which);
    const std::size_t end = std::min(trace->txns.size(), i + 1 + turn % 40);
    for (; i < end; ++i) type(replicas[which], trace->txns[i]);
    if (replicas[which].open_operations() == 0) continue;
    const auto& event = world.make(author_of(which), 0, replicas[which].open_parents(), replicas[which].open_payload());
    ASSERT_TRUE(replicas[which].close_open_event(event.with_parents()).has_value());
  }
  for (std::size_t which = 0; which < 3; ++which) {
    catch_up(which);
    ASSERT_TRUE(replicas[which].text(body()).value() == trace->end);
  }
}

INSTANTIATE_TEST_SUITE_P(Traces, SequentialTrace, ::testing::Values("automerge-paper", "rustcode", "json-crdt-patch"),
                         [](const auto& name) {
                           std::string text = name.param;
                           std::replace(text.begin(), text.end(), '-', '_');
                           return text;
                         });

TEST(ConcurrentTrace, FriendsforeverAloneAndInOtherOrders) {
  RZ_TRACE("friendsforever");
  const auto events = events_of(*trace);
  Document document;
  for (const AppliedEvent& event : events.events) {
    ASSERT_TRUE(document.apply(event.info, event.payload).has_value());
  }
  ASSERT_TRUE(document.text(body()).value() == trace->end);
  Document batched;
  ASSERT_TRUE(batched.apply_all(events.events).has_value());
  ASSERT_TRUE(batched.text(body()).value() == trace->end);
  ASSERT_EQ(batched.version(), document.version());
}

// Each agent types into a replica of its own, at the version that the trace says it had seen.
TEST(ConcurrentTrace, FriendsforeverTypedInByItsAuthors) {
  RZ_TRACE("friendsforever");
  World world(7);
  std::vector<Document> replicas;
  for (std::uint64_t i = 0; i < 3; ++i) replicas.emplace_back(author_of(i));
  std::vector<EventId> ids(trace->txns.size());
  const auto take = [&](Document& document, const EventId& id) {
    std::vector<EventId> stack{id};
    while (!stack.empty()) {
      const EventId next = stack.back();
      if (document.contains(next)) {
        stack.pop_back();
        continue;
      }
      const auto& event = world.at(next);
      const std::size_t before = stack.size();
      for (const EventId& parent : event.parents) {
        if (!document.contains(parent)) stack.push_back(parent);
      }
      if (stack.size() > before) continue;
      ASSERT_TRUE(document.apply(event.with_parents(), event.payload).has_value());
      stack.pop_back();
    }
  };
  for (std::size_t i = 0; i < trace->txns.size(); ++i) {
    const TraceTxn& txn = trace->txns[i];
    Document& document = replicas[txn.agent % 3];
    for (const std::uint32_t parent : txn.parents) take(document, ids[parent]);
    type(document, txn);
    ASSERT_GT(document.open_operations(), 0u);
    ASSERT_EQ(document.open_parents().size(), txn.parents.size());
    const auto& event = world.make(author_of(txn.agent), 0, document.open_parents(), document.open_payload());
    ASSERT_TRUE(document.close_open_event(event.with_parents()).has_value());
    ids[i] = event.info.id;
  }
  for (Document& document : replicas) {
    for (const auto& event : world.events) take(document, event->info.id);
    ASSERT_TRUE(document.text(body()).value() == trace->end);
  }
}

TEST(ConcurrentTrace, GitMakefileAgreesInEveryOrder) {
  RZ_TRACE("git-makefile");
  const auto events = events_of(*trace);
  Document first;
  for (const AppliedEvent& event : events.events) ASSERT_TRUE(first.apply(event.info, event.payload).has_value());
  Document batched;
  ASSERT_TRUE(batched.apply_all(events.events).has_value());
  ASSERT_TRUE(batched.text(body()).value() == first.text(body()).value());
  std::vector<AppliedEvent> mixed = events.events;
  Random random(3);
  for (std::size_t i = mixed.size(); i > 1; --i) std::swap(mixed[i - 1], mixed[random.below(i)]);
  Document shuffled;
  ASSERT_TRUE(shuffled.apply_all(mixed).has_value());
  ASSERT_TRUE(shuffled.text(body()).value() == first.text(body()).value());
  ASSERT_EQ(shuffled.version(), first.version());
}

}  // namespace
}  // namespace rz::document
