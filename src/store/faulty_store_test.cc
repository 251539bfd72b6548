#include "store/faulty_store.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/promise.h"
#include "store/store_contract_test.h"

namespace rz::store {
namespace {

Batch put(std::string_view key, std::string_view value) {
  Batch batch;
  batch.put(as_bytes(key), as_bytes(value));
  return batch;
}

RC_GTEST_PROP(FaultyStore, WithoutFaultsKeepsTheContract, (std::uint64_t seed)) {
  FaultyStore store(seed);
  testing::check_random_history(store, seed, 20);
}

// Whatever happens, what was acknowledged is there after reopening, and nothing is half there.
RC_GTEST_PROP(FaultyStore, CrashesLoseNothingAcknowledged, (std::uint64_t seed)) {
  FaultyStore store(seed, {.crash_before = 100, .crash_after = 100, .fsync_error = 100});
  Random random(seed);
  testing::Model acknowledged;
  for (int step = 0; step < 60; ++step) {
    const Batch batch = testing::random_batch(random);
    auto with = acknowledged;
    testing::apply(with, batch);
    if (const auto status = store.commit(batch); status) {
      acknowledged = std::move(with);
      continue;
    }
    RC_ASSERT(store.closed());
    RC_ASSERT(store.commit(batch).error().code == ErrorCode::store_closed);
    RC_ASSERT(store.get(as_bytes("k")).error().code == ErrorCode::store_closed);
    store.reopen();
    const auto found = testing::all_of(store);
    RC_ASSERT(found == acknowledged || found == with);
    acknowledged = found;
  }
}

RC_GTEST_PROP(FaultyStore, EqualSeedsEqualFaults, (std::uint64_t seed)) {
  const FaultyStore::Faults faults{.crash_before = 100, .crash_after = 100, .fsync_error = 100, .flipped_byte = 100};
  FaultyStore first(seed, faults);
  FaultyStore second(seed, faults);
  Random random(seed);
  for (int step = 0; step < 40; ++step) {
    const Batch batch = testing::random_batch(random);
    const auto one = first.commit(batch);
    const auto two = second.commit(batch);
    RC_ASSERT(one.has_value() == two.has_value());
    if (!one) {
      RC_ASSERT(one.error().code == two.error().code);
      first.reopen();
      second.reopen();
    }
  }
}

TEST(FaultyStore, FullDiskKeepsReadsAndRecovers) {
  FaultyStore store(1, {.capacity_bytes = 100});
  ASSERT_TRUE(store.commit(put("k", std::string(40, 'x'))));
  const auto full = store.commit(put("l", std::string(60, 'x')));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::disk_full);
  EXPECT_EQ(store.get(as_bytes("k")).value(), to_bytes(std::string(40, 'x')));
  EXPECT_EQ(store.get(as_bytes("l")).value(), std::nullopt);
  EXPECT_EQ(store.transaction(), 1u);
  store.faults().capacity_bytes = 1000;
  EXPECT_TRUE(store.commit(put("l", std::string(60, 'x'))));
}

TEST(FaultyStore, FlippedByteIsNoticed) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    FaultyStore store(seed);
    ASSERT_TRUE(store.commit(put("one", "value")));
    ASSERT_TRUE(store.commit(put("two", "value")));
    const auto key = store.flip();
    ASSERT_TRUE(key);
    EXPECT_EQ(store.get(*key).error().code, ErrorCode::damaged_record);
  }
  FaultyStore empty(1);
  EXPECT_FALSE(empty.flip());
}

TEST(FaultyStore, OlderStateIsNoticedByThePromise) {
  FaultyStore store(1);
  const StoreId id{{1}};
  MemoryPromise promise;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(store.commit(put("k", std::to_string(i))));
    ASSERT_TRUE(promise.write({.store_id = id, .transaction = store.transaction()}));
  }
  store.reopen_older(3);
  EXPECT_EQ(store.transaction(), 7u);
  EXPECT_EQ(store.get(as_bytes("k")).value(), to_bytes("6"));
  EXPECT_EQ(compare(id, store.transaction(), promise.newest()), Standing::behind);
}

TEST(FaultyStore, ReopenLosesAtMostWhatWasAllowed) {
  bool lost_some = false;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    FaultyStore store(seed, {.lost_on_reopen_max = 4});
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.commit(put("k", "v")));
    store.crash();
    store.reopen();
    EXPECT_GE(store.transaction(), 6u);
    lost_some = lost_some || store.transaction() < 10;
  }
  EXPECT_TRUE(lost_some);
}

}  // namespace
}  // namespace rz::store
