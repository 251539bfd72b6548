// What is persisted is recovered; a torn tail is told from a lost entry; a store that went back is noticed.
#include <gtest/gtest.h>

#include "raft/testing/cluster.h"
#include "raft/wire/log_store.h"
#include "store/memory_store.h"

namespace rz::raft {
namespace {

using namespace testing;  // NOLINT

// A lone member on a store, as a host would drive it.
struct Lone {
  store::MemoryStore store;
  std::optional<Raft> raft;

  explicit Lone(std::uint64_t cuts) {
    raft.emplace(*Raft::open({.self = member(1)}, 1, {}, {}));
    step(FoundGeneration{generation(1), {5}});
    for (std::uint64_t i = 0; i < cuts; ++i) step(Propose{{i}, {10}, {cut(i)}});
  }

  void step(Input input) {
    const Output output = raft->step({}, std::move(input));
    store::Batch batch;
    persist(output, batch);
    if (!batch.empty()) ASSERT_TRUE(store.commit(batch).has_value());
    if (output.receipt) step(*output.receipt);
  }

  void erase(std::string_view prefix, std::uint64_t index) {
    Bytes key = to_bytes(prefix);
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(index >> shift));
    store::Batch batch;
    batch.erase(key);
    ASSERT_TRUE(store.commit(batch).has_value());
  }

  Recovery recovered(std::optional<Promised> promised) const {
    auto found = recover(store, promised);
    EXPECT_TRUE(found.has_value()) << found.error().to_string();
    return *std::move(found);
  }
};

TEST(RaftStore, AnEmptyStoreIsANewMember) {
  const store::MemoryStore store;
  const auto found = recover(store, std::nullopt);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->state.hard_state, HardState{});
  EXPECT_TRUE(found->state.entries.empty());
}

TEST(RaftStore, WhatWasPersistedComesBack) {
  const Lone lone(5);
  const Recovery found = lone.recovered(promise_of(*lone.raft));
  EXPECT_EQ(found.state.hard_state, lone.raft->hard_state());
  EXPECT_EQ(found.state.entries.size(), 6u);
  EXPECT_TRUE(found.state.lost.empty());
  EXPECT_FALSE(found.behind_promise);
  const auto again = Raft::open({.self = member(1)}, 1, found.state, {});
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->log().last(), lone.raft->log().last());
  EXPECT_EQ(again->configuration(), lone.raft->configuration());
}

TEST(RaftStore, CompactionLeavesTheStartAndTheSnapshot) {
  Lone lone(10);
  ContentId content;
  content.bytes.fill(3);
  lone.step(SnapshotTaken{{8}, content, {6}});
  const Recovery found = lone.recovered(std::nullopt);
  EXPECT_EQ(found.state.base.index, Index{6});
  ASSERT_TRUE(found.state.snapshot.has_value());
  EXPECT_EQ(found.state.snapshot->last.index, Index{8});
  EXPECT_EQ(found.state.snapshot->content, content);
  EXPECT_EQ(found.state.base_configuration.voters, testing::members({1}));
  EXPECT_EQ(found.state.entries.size(), 5u);
  PersistedState state = found.state;
  state.applied = {8};
  EXPECT_TRUE(Raft::open({.self = member(1)}, 1, state, {}).has_value());
}

TEST(RaftStore, ALostEntryIsKnownByItsIdentifier) {
  Lone lone(5);
  lone.erase("raft/log/", 4);
  const Recovery found = lone.recovered(promise_of(*lone.raft));
  EXPECT_EQ(found.state.entries.size(), 3u);
  ASSERT_EQ(found.state.lost.size(), 3u);
  EXPECT_EQ(found.state.lost.back(), lone.raft->log().last());
  EXPECT_FALSE(found.behind_promise);
}

TEST(RaftStore, ATornTailThatNobodyPromisedIsDropped) {
  Lone lone(5);
  Promised promised = promise_of(*lone.raft);
  promised.last_index = {5};
  promised.last_hash = lone.raft->log().find({5})->hash();
  lone.erase("raft/log/", 6);
  lone.erase("raft/id/", 6);
  const Recovery found = lone.recovered(promised);
  EXPECT_EQ(found.state.entries.size(), 5u);
  EXPECT_TRUE(found.state.lost.empty());
}

TEST(RaftStore, APromisedTailThatIsGoneIsDamage) {
  Lone lone(5);
  const Promised promised = promise_of(*lone.raft);
  lone.erase("raft/log/", 6);
  lone.erase("raft/id/", 6);
  const Recovery found = lone.recovered(promised);
  EXPECT_TRUE(found.behind_promise);
  ASSERT_EQ(found.state.lost.size(), 1u);
  EXPECT_EQ(found.state.lost.back().hash, promised.last_hash);
  const auto damaged = Raft::open({.self = member(1)}, 1, found.state, {});
  ASSERT_TRUE(damaged.has_value());
  EXPECT_TRUE(damaged->is_damaged());
}

// Measured with SQLite: a flipped bit in its write-ahead log brings an older vote back without an error.
TEST(RaftStore, AVoteThatWentBackIsRestoredFromThePromise) {
  Lone lone(2);
  Promised promised = promise_of(*lone.raft);
  promised.term = {47};
  promised.vote = node_id(9);
  const Recovery found = lone.recovered(promised);
  EXPECT_TRUE(found.behind_promise);
  EXPECT_EQ(found.state.hard_state.term, Term{47});
  EXPECT_EQ(found.state.hard_state.vote, node_id(9));
}

TEST(RaftStore, AVoteLostWithinItsTermIsRestored) {
  Lone lone(2);
  lone.step(Received{{member(2), member(1), generation(1), {9}, Heartbeat{}}});
  ASSERT_FALSE(lone.raft->hard_state().vote.has_value());
  Promised promised = promise_of(*lone.raft);
  EXPECT_EQ(promised.term, lone.raft->term());
  promised.vote = node_id(2);
  const Recovery found = lone.recovered(promised);
  EXPECT_EQ(found.state.hard_state.vote, node_id(2));
}

// Nothing here says what was promised in the newer generation: only a new incarnation may go on.
TEST(RaftStore, AnEarlierGenerationThanPromisedIsRefused) {
  const Lone lone(2);
  Promised promised = promise_of(*lone.raft);
  promised.generation = 2;
  EXPECT_EQ(recover(lone.store, promised).error().code, ErrorCode::raft_bad_state);
}

TEST(RaftStore, AStoreAheadOfItsPromiseIsNormal) {
  Lone lone(2);
  Promised promised = promise_of(*lone.raft);
  promised.last_index = {7};
  promised.store_is_ahead = true;
  EXPECT_FALSE(lone.recovered(promised).behind_promise);
  promised.store_is_ahead = false;
  EXPECT_TRUE(lone.recovered(promised).behind_promise);
}

TEST(RaftStore, AFlippedBitAnywhereIsNeverServed) {
  for (std::uint64_t at = 0; at < 200; ++at) {
    Lone lone(4);
    const Promised promised = promise_of(*lone.raft);
    const std::vector<EntryId> before = [&] {
      std::vector<EntryId> ids;
      for (std::uint64_t i = 1; i <= 5; ++i) ids.push_back(id_of(*lone.raft->log().find({i})));
      return ids;
    }();
    auto& records = lone.store.records();
    auto record = records.begin();
    std::advance(record, static_cast<std::ptrdiff_t>(at % records.size()));
    record->second[(at * 7919) % record->second.size()] ^= 0x10;
    const auto found = recover(lone.store, promised);
    if (!found) continue;  // The start of the log: refused as a whole.
    EXPECT_GT(found->damaged_records, 0u);
    for (std::size_t i = 0; i < found->state.entries.size(); ++i) EXPECT_EQ(id_of(found->state.entries[i]), before[i]);
    if (found->state.entries.size() < 5) EXPECT_FALSE(found->state.lost.empty());
  }
}

}  // namespace
}  // namespace rz::raft
