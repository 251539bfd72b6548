#include "host/store/salvage.h"

#include <gtest/gtest.h>

#include "host/store/checksum_vfs.h"
#include "host/store/device_store.h"
#include "host/store/disk_test.h"
#include "store/store_contract_test.h"

namespace rz::host {
namespace {

using store::testing::Model;
using testing::TemporaryFolder;

Result<DeviceStore> open_device(const std::string& folder) {
  crypto::SeededEntropy entropy(1);
  return DeviceStore::open({.folder = folder, .cache_bytes = 0}, entropy);
}

// A store of many pages, closed; returns what is in it.
Model make_store(const std::string& folder, std::uint64_t seed) {
  auto device = *open_device(folder);
  Random random(seed);
  store::Batch batch;
  for (int i = 0; i < 800; ++i) {
    batch.put(to_bytes(words("key ", random.below(100'000))), Bytes(random.below(100), static_cast<std::uint8_t>(i)));
  }
  batch.put(as_bytes("large"), Bytes(30'000, 7));
  EXPECT_TRUE(device.store->commit(batch));
  store::Promise promise = *device.promise->newest();
  promise.transaction = 1;
  EXPECT_TRUE(device.promise->write(promise));
  return store::testing::all_of(*device.store);
}

TEST(Salvage, GivesBackWhatIsGoodAndAStoreThatWorks) {
  Random random(1);
  std::size_t kept = 0;
  std::size_t all = 0;
  for (std::uint64_t seed = 0; seed < 25; ++seed) {
    const TemporaryFolder folder;
    const Model model = make_store(folder.path(), seed);
    const std::string database = folder.path() + "/store.db";
    // Not in the first two pages: without the schema there is nothing to read by.
    const std::size_t first = 2 * page_bytes * 8;
    for (std::uint64_t flips = 1 + seed % 2; flips > 0; --flips) {
      testing::flip_bit(database, first + random.below(testing::file_bytes(database) * 8 - first));
    }
    const auto found = salvage({.folder = folder.path()});
    ASSERT_TRUE(found) << "seed " << seed << ": " << found.error().to_string();
    auto device = *open_device(folder.path());
    EXPECT_TRUE(device.store->check({}));
    EXPECT_EQ(device.store->transaction(), 1u);
    EXPECT_EQ(device.standing, store::Standing::repairing);  // It lost something: it may not vote.
    const Model rest = store::testing::all_of(*device.store);
    EXPECT_EQ(rest.size(), found->records);
    for (const auto& [key, value] : rest) EXPECT_EQ(model.at(key), value);
    kept += rest.size();
    all += model.size();
    // What is missing is fetched again, by others; then it is whole.
    store::Batch batch;
    for (const auto& [key, value] : model) batch.put(key, value);
    ASSERT_TRUE(device.store->commit(batch));
    EXPECT_EQ(store::testing::all_of(*device.store), model);
    EXPECT_TRUE(device.repaired(*device.promise->newest()));
    EXPECT_GT(testing::file_bytes(folder.path() + "/damaged/store.db"), 0u);
  }
  EXPECT_GT(kept, all * 9 / 10);  // A bit costs a record or a page, not the store.
}

TEST(Salvage, OfAGoodStoreLosesNothing) {
  const TemporaryFolder folder;
  const Model model = make_store(folder.path(), 1);
  const auto id = open_device(folder.path())->store->id();
  const auto found = salvage({.folder = folder.path()});
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->whole_range);
  EXPECT_EQ(found->damaged_records, 0u);
  auto device = *open_device(folder.path());
  EXPECT_EQ(store::testing::all_of(*device.store), model);
  EXPECT_EQ(device.store->id(), id);
}

// Where nothing can be reached, an empty store must not take the place of one that others may yet read.
TEST(Salvage, NeverPutsNothingInItsPlace) {
  for (const std::size_t at :
       {std::size_t{100}, std::size_t{page_bytes}}) {  // The schema; the head of the tree's root.
    const TemporaryFolder folder;
    (void)make_store(folder.path(), 1);
    Bytes database = testing::read_file(folder.path() + "/store.db");
    std::fill_n(database.begin() + static_cast<std::ptrdiff_t>(at), 200, std::uint8_t{0x55});
    testing::write_file(folder.path() + "/store.db", database);
    const auto found = salvage({.folder = folder.path()});
    ASSERT_FALSE(found) << at;
    EXPECT_EQ(found.error().code, ErrorCode::store_damaged);
    EXPECT_EQ(testing::read_file(folder.path() + "/store.db"), database);
  }
}

TEST(Salvage, IsEndedAfterACrash) {
  for (const bool moved : {false, true}) {
    const TemporaryFolder folder;
    const TemporaryFolder other;
    (void)make_store(folder.path(), 1);
    const Model model = make_store(other.path(), 2);
    // As a crash leaves it: the new store complete, the old one still there, or moved away already.
    ASSERT_TRUE(std::filesystem::create_directory(folder.path() + "/salvage"));
    std::filesystem::copy_file(other.path() + "/store.db", folder.path() + "/salvage/store.db");
    testing::write_file(folder.path() + "/salvage/done", {});
    if (moved) std::filesystem::remove(folder.path() + "/store.db");
    auto device = *open_device(folder.path());
    EXPECT_EQ(store::testing::all_of(*device.store), model);
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/salvage"));
  }
}

TEST(Salvage, NotWhileItIsOpen) {
  const TemporaryFolder folder;
  const auto device = open_device(folder.path());
  EXPECT_EQ(salvage({.folder = folder.path()}).error().code, ErrorCode::store_locked);
}

}  // namespace
}  // namespace rz::host
