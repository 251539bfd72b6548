#include "store/memory_store.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "store/store_contract_test.h"

namespace rz::store {
namespace {

RC_GTEST_PROP(MemoryStore, KeepsTheContract, (std::uint64_t seed)) {
  MemoryStore store;
  testing::check_random_history(store, seed, 30);
}

TEST(MemoryStore, KeepsLimits) {
  MemoryStore store;
  testing::check_limits_are_kept(store);
}

TEST(MemoryStore, DamageIsNeverServed) {
  MemoryStore store;
  Batch batch;
  for (const char* key : {"a", "b", "c"}) batch.put(as_bytes(key), as_bytes("value"));
  ASSERT_TRUE(store.commit(batch));
  store.records().find(as_bytes("b"))->second.back() ^= 1;

  EXPECT_EQ(store.get(as_bytes("b")).error().code, ErrorCode::damaged_record);
  EXPECT_TRUE(store.get(as_bytes("a")).value());

  std::string seen;
  const auto visit = [&](ByteView key, ByteView) {
    seen += as_text(key);
    return true;
  };
  const auto status = store.Reader::scan(ByteView{}, ByteView{}, visit);
  EXPECT_EQ(status.error().code, ErrorCode::damaged_record);
  EXPECT_EQ(seen, "a");

  seen.clear();
  std::string damaged;
  EXPECT_TRUE(store.scan({}, visit, [&](ByteView key) { damaged += as_text(key); }));
  EXPECT_EQ(seen, "ac");
  EXPECT_EQ(damaged, "b");

  batch.clear();
  batch.put(as_bytes("b"), as_bytes("fetched again"));
  ASSERT_TRUE(store.commit(batch));
  EXPECT_EQ(store.get(as_bytes("b")).value(), to_bytes("fetched again"));
}

TEST(Batch, AppendKeepsOrderAndSize) {
  Batch first;
  first.put(as_bytes("k"), as_bytes("1"));
  Batch second;
  second.put(as_bytes("k"), as_bytes("22"));
  second.erase_range(as_bytes("x"), as_bytes("y"));
  first.append(second);
  EXPECT_EQ(first.operations().size(), 3u);
  EXPECT_EQ(first.size_bytes(), 7u);
  Batch empty;
  empty.append(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is the promise.
  EXPECT_EQ(first.size_bytes(), 0u);
  EXPECT_EQ(empty.size_bytes(), 7u);
  MemoryStore store;
  ASSERT_TRUE(store.commit(empty));
  EXPECT_EQ(store.get(as_bytes("k")).value(), to_bytes("22"));
}

RC_GTEST_PROP(PrefixEnd, BoundsExactlyThePrefix, (const Bytes& prefix, const Bytes& key)) {
  const Bytes end = prefix_end(prefix);
  const bool within = rz::compare(key, prefix) >= 0 && (end.empty() || rz::compare(key, end) < 0);
  const bool has_prefix = key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
  RC_ASSERT(within == has_prefix);
  Bytes longer = prefix;
  append(longer, key);
  RC_ASSERT(rz::compare(longer, prefix) >= 0 && (end.empty() || rz::compare(longer, end) < 0));
}

TEST(PrefixEnd, Carries) {
  EXPECT_EQ(prefix_end(Bytes{1, 0xff, 0xff}), Bytes{2});
  EXPECT_EQ(prefix_end(Bytes{0xff}), Bytes{});
  EXPECT_EQ(prefix_end(Bytes{}), Bytes{});
}

}  // namespace
}  // namespace rz::store
