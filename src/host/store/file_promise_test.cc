#include "host/store/file_promise.h"

#include <gtest/gtest.h>

#include "host/store/disk_test.h"

namespace rz::host {
namespace {

using store::Promise;
using testing::TemporaryFolder;

Promise numbered(std::uint64_t transaction) {
  return {.store_id = {{1, 2, 3}}, .transaction = transaction, .term = transaction / 2, .last_index = transaction * 3};
}

TEST(FilePromise, RemembersTheNewest) {
  const TemporaryFolder folder;
  EXPECT_FALSE(FilePromise::open(folder.path())->newest());
  for (std::uint64_t i = 1; i < 20; ++i) {
    {
      auto file = *FilePromise::open(folder.path());
      ASSERT_TRUE(file.write(numbered(10 * i)));
      if (i % 3 == 0) ASSERT_TRUE(file.write(numbered(10 * i + 1)));
    }
    const auto again = *FilePromise::open(folder.path());
    EXPECT_EQ(again.newest(), numbered(i % 3 == 0 ? 10 * i + 1 : 10 * i));
    EXPECT_FALSE(again.damaged());
    EXPECT_FALSE(again.one_slot_damaged());
  }
}

TEST(FilePromise, IsPrivateAndOfOneLength) {
  const TemporaryFolder folder;
  auto file = *FilePromise::open(folder.path());
  for (std::uint64_t i = 0; i < 5; ++i) {
    struct stat found;
    ASSERT_EQ(stat((folder.path() + "/promise").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600u);
    EXPECT_EQ(static_cast<std::size_t>(found.st_size), store::promise_file_bytes);
    ASSERT_TRUE(file.write(numbered(i)));
  }
}

TEST(FilePromise, AtornWriteLeavesTheOneBefore) {
  const TemporaryFolder folder;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    Bytes before;
    {
      auto file = *FilePromise::open(folder.path());
      ASSERT_TRUE(file.write(numbered(i)));
      before = testing::read_file(folder.path() + "/promise");
      ASSERT_TRUE(file.write(numbered(i + 1)));
    }
    // The half of the newest write reached the disk: the other half is as it was.
    Bytes torn = testing::read_file(folder.path() + "/promise");
    std::size_t differing = 0;
    while (torn[differing] == before[differing]) ++differing;
    const std::size_t half = differing / store::promise_slot_stride * store::promise_slot_stride + 80;
    std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(half), 100,
                torn.begin() + static_cast<std::ptrdiff_t>(half));
    testing::write_file(folder.path() + "/promise", torn);
    auto file = *FilePromise::open(folder.path());
    EXPECT_EQ(file.newest(), numbered(i));
    EXPECT_TRUE(file.one_slot_damaged());
    ASSERT_TRUE(file.write(numbered(i + 1)));  // And goes on, into the torn slot.
    EXPECT_EQ(FilePromise::open(folder.path())->newest(), numbered(i + 1));
    EXPECT_FALSE(FilePromise::open(folder.path())->one_slot_damaged());
  }
}

TEST(FilePromise, NoSingleSlotTakesRepairingBack) {
  const TemporaryFolder folder;
  {
    auto file = *FilePromise::open(folder.path());
    ASSERT_TRUE(file.write(numbered(1)));
    ASSERT_TRUE(file.write(numbered(2)));
    auto repairing = numbered(3);
    repairing.repairing = true;
    ASSERT_TRUE(file.write(repairing));
  }
  for (const std::size_t slot : {std::size_t{0}, 8 * store::promise_slot_stride}) {
    const TemporaryFolder copy;
    testing::copy_store(folder.path(), copy.path());
    testing::flip_bit(copy.path() + "/promise", slot + 333);
    EXPECT_TRUE(FilePromise::open(copy.path())->newest()->repairing);
  }
}

TEST(FilePromise, TwoDamagedSlotsAreKnown) {
  const TemporaryFolder folder;
  ASSERT_TRUE(FilePromise::open(folder.path())->write(numbered(1)));
  testing::flip_bit(folder.path() + "/promise", 333);
  testing::flip_bit(folder.path() + "/promise", 8 * store::promise_slot_stride + 333);
  auto file = *FilePromise::open(folder.path());
  EXPECT_TRUE(file.damaged());
  EXPECT_FALSE(file.newest());
  ASSERT_TRUE(file.write(numbered(2)));
  EXPECT_EQ(FilePromise::open(folder.path())->newest(), numbered(2));
}

TEST(FilePromise, GarbageOfAnyLengthIsNoCrash) {
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    const TemporaryFolder folder;
    Bytes garbage(random.below(10000));
    for (auto& byte : garbage) byte = static_cast<std::uint8_t>(random.next());
    testing::write_file(folder.path() + "/promise", garbage);
    auto file = *FilePromise::open(folder.path());
    EXPECT_EQ(file.damaged(), !garbage.empty());
    ASSERT_TRUE(file.write(numbered(2)));
    EXPECT_EQ(FilePromise::open(folder.path())->newest(), numbered(2));
  }
}

TEST(FilePromise, NoFolderIsAnError) {
  EXPECT_EQ(FilePromise::open("/nonexistent/folder").error().code, ErrorCode::store_io);
}

}  // namespace
}  // namespace rz::host
