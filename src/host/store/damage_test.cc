// Bits that flip, logs that come back older, power that fails: whatever happens to the files, the store serves what was
// once committed as a whole, or an error; and if it is not the newest, the promise says so.
#include <gtest/gtest.h>

#include "host/store/checksum_vfs.h"
#include "host/store/device_store.h"
#include "host/store/disk_test.h"
#include "store/store_contract_test.h"

namespace rz::host {
namespace {

using store::Batch;
using store::Standing;
using store::testing::Model;
using testing::FaultyDisk;
using testing::TemporaryFolder;

Result<DeviceStore> open_device(const std::string& folder, const std::string& vfs = "",
                                std::size_t wal_pages_checkpoint = 1000) {
  crypto::SeededEntropy entropy(1);
  return DeviceStore::open(
      {.folder = folder, .cache_bytes = 0, .wal_pages_checkpoint = wal_pages_checkpoint, .vfs = vfs}, entropy);
}

// A history of batches with every state that it went through, the index being the transaction number.
struct History {
  std::vector<Model> states = {{}};
  Random random;

  explicit History(std::uint64_t seed) : random(seed) {}

  Status advance(DeviceStore& device) {
    Batch batch;
    for (auto count = 1 + random.below(4); count > 0; --count) {
      const std::string key = "key " + std::to_string(random.below(60));
      if (random.chance(1, 6)) {
        batch.erase(as_bytes(key));
      } else {
        Bytes value(random.chance(1, 8) ? random.below(12000) : random.below(300));
        for (auto& byte : value) byte = static_cast<std::uint8_t>(random.next());
        batch.put(as_bytes(key), value);
      }
    }
    RZ_CHECK(device.store->commit(batch));
    Model next = states.back();
    store::testing::apply(next, batch);
    states.push_back(std::move(next));
    store::Promise promise = *device.promise->newest();
    promise.transaction = device.store->transaction();
    return device.promise->write(promise);
  }
};

bool is_damage(ErrorCode code) {
  return code == ErrorCode::store_damaged || code == ErrorCode::damaged_record || code == ErrorCode::store_io ||
         code == ErrorCode::store_too_new;
}

// Everything that can be read is of one state, that of the store's transaction; the rest is an error. Returns whether
// any damage was met.
bool check_serves_only(const SqliteStore& store, const History& history, const std::string& what) {
  EXPECT_LT(store.transaction(), history.states.size()) << what;
  if (store.transaction() >= history.states.size()) return true;
  const Model& state = history.states[store.transaction()];
  bool damaged = false;
  for (int i = 0; i < 60; ++i) {
    const Bytes key = to_bytes("key " + std::to_string(i));
    const auto got = store.get(key);
    if (!got) {
      EXPECT_TRUE(is_damage(got.error().code)) << what << ": " << got.error().to_string();
      damaged = true;
      continue;
    }
    const auto expected = state.find(key);
    EXPECT_EQ(*got, expected == state.end() ? std::nullopt : std::optional(expected->second)) << what;
  }
  for (const auto order : {store::Reader::Order::ascending, store::Reader::Order::descending}) {
    Model seen;
    std::size_t bad = 0;
    const auto status = store.scan(
        {{}, {}, order},
        [&](ByteView key, ByteView value) {
          seen.emplace(to_bytes(key), to_bytes(value));
          return true;
        },
        [&](ByteView) { ++bad; });
    for (const auto& [key, value] : seen) {
      const auto expected = state.find(key);
      EXPECT_TRUE(expected != state.end() && expected->second == value) << what;
    }
    if (status) {
      EXPECT_EQ(seen.size() + bad, state.size()) << what;  // Nothing is silently left out.
    } else {
      EXPECT_TRUE(is_damage(status.error().code)) << what << ": " << status.error().to_string();
    }
    damaged = damaged || !status || bad > 0;
  }
  return damaged;
}

TEST(Damage, FlippedBitsInTheDatabase) {
  const TemporaryFolder original;
  History history(1);
  {
    auto device = *open_device(original.path());
    for (int i = 0; i < 150; ++i) ASSERT_TRUE(history.advance(device));
  }  // Closed cleanly: all is in the database.
  ASSERT_EQ(testing::file_bytes(original.path() + "/store.db-wal"), 0u);
  const std::size_t bits = testing::file_bytes(original.path() + "/store.db") * 8;
  ASSERT_GT(bits, 8u * 10 * page_bytes);

  Random random(2);
  int refused = 0;
  int met = 0;
  const int flips = 600;
  for (int i = 0; i < flips; ++i) {
    const TemporaryFolder copy;
    testing::copy_store(original.path(), copy.path());
    // A third of them in the first pages, where the database's own structure lies.
    const std::size_t bit = random.below(i % 3 == 0 ? std::size_t{8} * 2 * page_bytes : bits);
    testing::flip_bit(copy.path() + "/store.db", bit);
    const std::string what = words("bit ", bit);
    auto device = open_device(copy.path());
    if (!device) {
      EXPECT_TRUE(is_damage(device.error().code)) << what << ": " << device.error().to_string();
      ++refused;
      continue;
    }
    EXPECT_EQ(device->store->transaction(), history.states.size() - 1) << what;
    const bool damaged = check_serves_only(*device->store, history, what);
    const auto checked = device->store->check({});
    met += damaged ? 1 : 0;
    if (damaged) EXPECT_FALSE(checked) << what;  // A page's checksum: the check finds whatever a read can meet.
  }
  // Those not met lie in free pages. Most must be: otherwise this test tests nothing.
  EXPECT_GT(refused + met, flips / 2);
}

TEST(Damage, FlippedBitsInTheLogOfAClosedStore) {
  const TemporaryFolder original;
  History history(3);
  auto device = *open_device(original.path());
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(history.advance(device));
  const std::size_t bits = testing::file_bytes(original.path() + "/store.db-wal") * 8;
  ASSERT_GT(bits, 0u);

  Random random(4);
  int behind = 0;
  for (int i = 0; i < 300; ++i) {
    const TemporaryFolder copy;
    testing::copy_store(original.path(), copy.path());
    const std::size_t bit = random.below(bits);
    testing::flip_bit(copy.path() + "/store.db-wal", bit);
    const std::string what = words("bit ", bit);
    auto opened = open_device(copy.path());
    if (!opened) {
      EXPECT_TRUE(is_damage(opened.error().code)) << what << ": " << opened.error().to_string();
      continue;
    }
    check_serves_only(*opened->store, history, what);
    if (opened->store->transaction() + 1 < history.states.size()) {
      EXPECT_FALSE(store::may_promise(opened->standing)) << what;
      ++behind;
    } else {
      EXPECT_TRUE(store::may_promise(opened->standing)) << what;
    }
  }
  // SQLite says nothing about most of them: that is why there is a promise.
  EXPECT_GT(behind, 150);
}

// The same where part of the log has been moved into the database already.
TEST(Damage, FlippedBitsInAPartlyMovedLog) {
  Random random(5);
  for (int i = 0; i < 60; ++i) {
    const TemporaryFolder original;
    const TemporaryFolder copy;
    History history(100 + static_cast<std::uint64_t>(i));
    auto device = *open_device(original.path(), "", 1'000'000);
    const auto before = random.below(30);
    for (std::uint64_t n = 0; n < before; ++n) ASSERT_TRUE(history.advance(device));
    ASSERT_TRUE(device.store->checkpoint());
    const auto after = random.below(30);
    for (std::uint64_t n = 0; n < after; ++n) ASSERT_TRUE(history.advance(device));
    testing::copy_store(original.path(), copy.path());
    const auto bytes = testing::file_bytes(copy.path() + "/store.db-wal");
    if (bytes == 0) continue;
    testing::flip_bit(copy.path() + "/store.db-wal", random.below(bytes * 8));
    auto opened = open_device(copy.path());
    if (!opened) continue;
    check_serves_only(*opened->store, history, words("round ", i));
    EXPECT_EQ(store::may_promise(opened->standing), opened->store->transaction() + 1 == history.states.size());
  }
}

TEST(Damage, FlippedBitsInTheLogOfAnOpenStore) {
  Random random(6);
  int met = 0;
  for (int i = 0; i < 60; ++i) {
    const TemporaryFolder folder;
    History history(200 + static_cast<std::uint64_t>(i));
    auto device = *open_device(folder.path());
    for (int n = 0; n < 20; ++n) ASSERT_TRUE(history.advance(device));
    const std::string wal = folder.path() + "/store.db-wal";
    for (int flips = 0; flips < 5; ++flips) testing::flip_bit(wal, random.below(testing::file_bytes(wal) * 8));
    if (check_serves_only(*device.store, history, words("round ", i))) ++met;
    // Nor does a checkpoint carry it into the database, where it would get a good checksum.
    (void)device.store->checkpoint();
    check_serves_only(*device.store, history, words("round ", i));
  }
  EXPECT_GT(met, 10);
}

// A key whose bit flips in the log of an open store must not turn into "no such key": every page of the log is a
// current one here, full of keys, and each flip is read by a connection that has none of it in memory.
TEST(Damage, FlippedKeysInTheLogOfAnOpenStore) {
  const TemporaryFolder folder;
  History history(300);
  auto device = *open_device(folder.path(), "", 1'000'000);
  Batch batch;
  for (int i = 0; i < 60; ++i) {
    batch.put(to_bytes("key " + std::to_string(i)), {});
    for (int more = 0; more < 10; ++more) batch.put(to_bytes(words("key ", i, "/", more)), {});
  }
  ASSERT_TRUE(device.store->commit(batch));
  history.states.push_back({});
  store::testing::apply(history.states.back(), batch);
  const std::string wal = folder.path() + "/store.db-wal";
  const std::size_t bits = testing::file_bytes(wal) * 8;
  Random random(9);
  int met = 0;
  for (int i = 0; i < 120; ++i) {
    const std::size_t bit = random.below(bits);
    testing::flip_bit(wal, bit);
    Batch tick;  // At the end of all keys: what was read before is no longer kept.
    tick.put(as_bytes("z"), as_bytes(std::to_string(i)));
    const auto status = device.store->commit(tick);
    if (status) {
      history.states.push_back(history.states.back());
      store::testing::apply(history.states.back(), tick);
    } else {
      EXPECT_EQ(status.error().code, ErrorCode::store_damaged);
    }
    if (check_serves_only(*device.store, history, words("bit ", bit))) ++met;
    testing::flip_bit(wal, bit);
  }
  EXPECT_GT(met, 30);
}

TEST(Damage, AnOlderLogIsNoticed) {
  const TemporaryFolder original;
  const TemporaryFolder copy;
  History history(7);
  auto device = *open_device(original.path());
  for (int n = 0; n < 20; ++n) ASSERT_TRUE(history.advance(device));
  const Bytes older = testing::read_file(original.path() + "/store.db-wal");
  for (int n = 0; n < 20; ++n) ASSERT_TRUE(history.advance(device));
  testing::copy_store(original.path(), copy.path());
  testing::write_file(copy.path() + "/store.db-wal", older);
  auto opened = *open_device(copy.path());
  EXPECT_EQ(opened.store->transaction(), 20u);
  EXPECT_FALSE(check_serves_only(*opened.store, history, "older"));  // Nothing in it is damaged: it is only old.
  EXPECT_EQ(opened.standing, Standing::behind);
}

// Its numbers catching up with the promise must not make a store that lost something look whole.
TEST(Damage, BehindStaysKnownUntilRepaired) {
  const TemporaryFolder original;
  const TemporaryFolder copy;
  History history(8);
  {
    auto device = *open_device(original.path());
    for (int n = 0; n < 5; ++n) ASSERT_TRUE(history.advance(device));
    testing::copy_store(original.path(), copy.path());
    for (int n = 0; n < 5; ++n) ASSERT_TRUE(history.advance(device));
    std::filesystem::copy_file(original.path() + "/promise", copy.path() + "/promise",
                               std::filesystem::copy_options::overwrite_existing);
  }
  Batch batch;
  batch.put(as_bytes("k"), as_bytes("v"));
  {
    auto device = *open_device(copy.path());
    EXPECT_EQ(device.standing, Standing::behind);
    for (int n = 0; n < 20; ++n) ASSERT_TRUE(device.store->commit(batch));
  }
  {
    auto device = *open_device(copy.path());
    EXPECT_EQ(device.store->transaction(), 25u);
    EXPECT_EQ(device.standing, Standing::repairing);
    ASSERT_TRUE(device.repaired(*device.promise->newest()));
    EXPECT_EQ(device.standing, Standing::equal);
  }
  EXPECT_EQ(open_device(copy.path())->standing, Standing::equal);
}

TEST(Damage, ALostOrForeignPromiseIsNoticed) {
  const TemporaryFolder first;
  const TemporaryFolder second;
  History history(9);
  {
    auto device = *open_device(first.path());
    EXPECT_EQ(device.standing, Standing::fresh);
    ASSERT_TRUE(history.advance(device));
    crypto::SeededEntropy other(2);
    auto stranger = *DeviceStore::open({.folder = second.path()}, other);
  }
  EXPECT_EQ(open_device(first.path())->standing, Standing::equal);
  const Bytes promise = testing::read_file(first.path() + "/promise");
  std::filesystem::copy_file(second.path() + "/promise", first.path() + "/promise",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(open_device(first.path())->standing, Standing::foreign);
  EXPECT_EQ(open_device(first.path())->standing, Standing::repairing);  // Marked, and stays so.
  std::filesystem::remove(first.path() + "/promise");
  EXPECT_EQ(open_device(first.path())->standing, Standing::missing);
  testing::write_file(first.path() + "/promise", promise);
  EXPECT_EQ(open_device(first.path())->standing, Standing::equal);
}

TEST(Damage, FlippedBitsInThePromise) {
  const TemporaryFolder original;
  History history(10);
  {
    auto device = *open_device(original.path());
    for (int n = 0; n < 7; ++n) ASSERT_TRUE(history.advance(device));
  }
  for (std::size_t bit = 0; bit < 8 * store::promise_slot_bytes; bit += 5) {
    for (const std::size_t slot : {std::size_t{0}, 8 * store::promise_slot_stride}) {
      const TemporaryFolder copy;
      testing::copy_store(original.path(), copy.path());
      testing::flip_bit(copy.path() + "/promise", slot + bit);
      auto device = open_device(copy.path());
      ASSERT_TRUE(device);
      EXPECT_TRUE(store::may_promise(device->standing)) << bit;  // The other slot speaks for it.
      EXPECT_TRUE(device->promise->one_slot_damaged());
    }
  }
  testing::flip_bit(original.path() + "/promise", 400);
  testing::flip_bit(original.path() + "/promise", 8 * store::promise_slot_stride + 400);
  auto device = *open_device(original.path());
  EXPECT_EQ(device.standing, Standing::missing);
}

// Power fails at every kind of moment; unsynced sectors survive or not. What was acknowledged is there.
TEST(Damage, PowerCutsLoseNothingAcknowledged) {
  auto& disk = FaultyDisk::get();
  int cuts = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    disk.mend();
    Random random(seed);
    const TemporaryFolder folder;
    History history(1000 + seed);
    std::optional<std::size_t> acknowledged;
    Bytes promise_then;
    {
      auto device = *open_device(folder.path(), FaultyDisk::name, 20 + random.below(100));
      disk.cut_power_at(1 + random.below(400));
      for (int n = 0; n < 40; ++n) {
        const auto before = device.store->transaction();
        const Bytes promise_before = testing::read_file(folder.path() + "/promise");
        ASSERT_TRUE(history.advance(device));
        if (device.store->checkpoint_due()) ASSERT_TRUE(device.store->checkpoint());
        if (disk.power_was_cut() && !acknowledged) {
          acknowledged = before;  // The cut came within this commit or the checkpoint after it.
          promise_then = promise_before;
        }
      }
    }
    if (!acknowledged) continue;
    ++cuts;
    const TemporaryFolder after;
    disk.after_the_cut(after.path(), random);
    testing::write_file(after.path() + "/promise", promise_then);
    auto device = open_device(after.path());
    ASSERT_TRUE(device) << "seed " << seed << ": " << device.error().to_string();
    EXPECT_GE(device->store->transaction(), *acknowledged) << "seed " << seed;
    EXPECT_TRUE(store::may_promise(device->standing)) << "seed " << seed;
    EXPECT_FALSE(check_serves_only(*device->store, history, words("seed ", seed)));
    EXPECT_TRUE(device->store->check({})) << "seed " << seed;
  }
  EXPECT_GT(cuts, 75);
  disk.mend();
}

}  // namespace
}  // namespace rz::host
