#include "host/store/sqlite_store.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <csignal>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "host/store/disk_test.h"
#include "store/store_contract_test.h"

namespace rz::host {
namespace {

using store::Batch;
using testing::FaultyDisk;
using testing::TemporaryFolder;

std::unique_ptr<SqliteStore> open_store(const std::string& folder, const std::string& vfs = "") {
  crypto::SeededEntropy entropy(1);
  auto store = SqliteStore::open({.folder = folder, .vfs = vfs}, entropy);
  EXPECT_TRUE(store) << store.error().to_string();
  return store ? *std::move(store) : nullptr;
}

Batch put(std::string_view key, std::string_view value) {
  Batch batch;
  batch.put(as_bytes(key), as_bytes(value));
  return batch;
}

TEST(SqliteStore, KeepsTheContract) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const TemporaryFolder folder;
    const auto store = open_store(folder.path());
    store::testing::check_random_history(*store, seed, 40);
    EXPECT_TRUE(store->check({}));
  }
}

TEST(SqliteStore, KeepsLimits) {
  const TemporaryFolder folder;
  store::testing::check_limits_are_kept(*open_store(folder.path()));
}

TEST(SqliteStore, IsTheSameWhenReopened) {
  const TemporaryFolder folder;
  Random random(3);
  store::testing::Model model;
  store::StoreId id;
  for (std::uint64_t round = 0; round < 5; ++round) {
    crypto::SeededEntropy entropy(round);  // Only the first draws the id.
    auto store = *SqliteStore::open({.folder = folder.path()}, entropy);
    if (round == 0) id = store->id();
    EXPECT_EQ(store->id(), id);
    EXPECT_EQ(store->transaction(), round * 10);
    EXPECT_EQ(store::testing::all_of(*store), model);
    for (int i = 0; i < 10; ++i) {
      const Batch batch = store::testing::random_batch(random);
      ASSERT_TRUE(store->commit(batch));
      store::testing::apply(model, batch);
    }
  }
}

// Left alone by the process (no clean close): the write-ahead log is there, and holds everything.
TEST(SqliteStore, SurvivesWithoutACleanClose) {
  const TemporaryFolder folder;
  const TemporaryFolder copy;
  const auto store = open_store(folder.path());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(store->commit(put(std::to_string(i), std::string(3000, 'x'))));
  testing::copy_store(folder.path(), copy.path());
  const auto again = open_store(copy.path());
  EXPECT_EQ(again->transaction(), 50u);
  EXPECT_EQ(store::testing::all_of(*again), store::testing::all_of(*store));
}

TEST(SqliteStore, OnlyTheOwnerMayRead) {
  const TemporaryFolder folder;
  const std::string inside = folder.path() + "/a/b";
  const auto store = open_store(inside);
  ASSERT_TRUE(store->commit(put("k", "v")));
  for (const char* name : {"/store.db", "/store.db-wal", "/store.db-shm", "/lock"}) {
    struct stat found;
    ASSERT_EQ(stat((inside + name).c_str(), &found), 0) << name;
    EXPECT_EQ(found.st_mode & 0777, 0600u) << name;
  }
  struct stat found;
  ASSERT_EQ(stat(inside.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0700u);
}

TEST(SqliteStore, OnlyOneMayHaveItOpen) {
  const TemporaryFolder folder;
  crypto::SeededEntropy entropy(1);
  {
    const auto first = open_store(folder.path());
    const auto second = SqliteStore::open({.folder = folder.path()}, entropy);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::store_locked);
    EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos) << second.error().message;
    EXPECT_NE(second.error().message.find(folder.path()), std::string::npos);
  }
  EXPECT_TRUE(SqliteStore::open({.folder = folder.path()}, entropy));
}

TEST(SqliteStore, RefusesWhatIsNoStore) {
  crypto::SeededEntropy entropy(1);
  {
    const TemporaryFolder folder;
    testing::write_file(folder.path() + "/store.db", Bytes(8192, 'x'));
    EXPECT_EQ(SqliteStore::open({.folder = folder.path()}, entropy).error().code, ErrorCode::store_damaged);
  }
  const TemporaryFolder folder;
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() + "/store.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE t(a); INSERT INTO t VALUES(1)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  const auto store = SqliteStore::open({.folder = folder.path()}, entropy);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::store_damaged);
}

TEST(SqliteStore, NewerVersionIsNotTouched) {
  const TemporaryFolder folder;
  (void)open_store(folder.path());
  {
    // As a later version would leave it: by the same pages with their checksums.
    sqlite3* later = nullptr;
    ASSERT_EQ(sqlite3_open_v2((folder.path() + "/store.db").c_str(), &later, SQLITE_OPEN_READWRITE, "rz-checksum"),
              SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(later, "PRAGMA user_version=2", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(later);
  }
  crypto::SeededEntropy entropy(1);
  EXPECT_EQ(SqliteStore::open({.folder = folder.path()}, entropy).error().code, ErrorCode::store_too_new);
}

TEST(SqliteStore, LogIsBounded) {
  const TemporaryFolder folder;
  crypto::SeededEntropy entropy(1);
  const auto store = *SqliteStore::open({.folder = folder.path(), .wal_pages_checkpoint = 50}, entropy);
  Random random(1);
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(store->commit(put(std::to_string(random.below(100)), std::string(2000, 'x'))));
    if (i >= 300 && store->checkpoint_due()) ASSERT_TRUE(store->checkpoint());
  }
  EXPECT_FALSE(store->checkpoint_due() && !store->checkpoint());
  EXPECT_LT(testing::file_bytes(folder.path() + "/store.db-wal"), 300u * 4200);
  EXPECT_EQ(store->transaction(), 600u);
}

TEST(SqliteStore, FullDiskKeepsReadsAndRecovers) {
  auto& disk = FaultyDisk::get();
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    disk.mend();
    const TemporaryFolder folder;
    const auto store = open_store(folder.path(), FaultyDisk::name);
    Random random(seed);
    store::testing::Model model;
    for (int i = 0; i < 10; ++i) {
      const Batch batch = store::testing::random_batch(random);
      ASSERT_TRUE(store->commit(batch));
      store::testing::apply(model, batch);
    }
    for (int times = 0; times < 3; ++times) {
      disk.bytes_left = static_cast<long long>(random.below(20000));
      for (int i = 0; i < 30; ++i) {
        const auto before = store->transaction();
        Batch batch = store::testing::random_batch(random);
        batch.put(as_bytes("large"), Bytes(random.below(5000)));
        const auto status = store->commit(batch);
        if (status) {
          store::testing::apply(model, batch);
        } else {
          ASSERT_EQ(status.error().code, ErrorCode::disk_full) << status.error().to_string();
          ASSERT_EQ(store->transaction(), before);
        }
        ASSERT_EQ(store::testing::all_of(*store), model) << "seed " << seed;
      }
      const auto full = store->commit(put("large", std::string(30000, 'x')));
      ASSERT_FALSE(full);
      EXPECT_EQ(full.error().code, ErrorCode::disk_full);
      disk.bytes_left = 1ll << 60;
      ASSERT_TRUE(store->commit(put("after", "space returned")));
      store::testing::apply(model, put("after", "space returned"));
      ASSERT_EQ(store::testing::all_of(*store), model);
    }
    // And what is on the disk says the same.
    const TemporaryFolder copy;
    testing::copy_store(folder.path(), copy.path());
    EXPECT_EQ(store::testing::all_of(*open_store(copy.path())), model) << "seed " << seed;
  }
  disk.mend();
}

// The same with the real system's refusal: a limit on the length of files, in a process of its own.
TEST(SqliteStore, FileSizeLimitIsAFullDisk) {
  const TemporaryFolder folder;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const auto store = open_store(folder.path());
    rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit small{300'000, limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    int done = 0;
    Status status;
    for (; done < 200; ++done) {
      status = store->commit(put(std::to_string(done), std::string(3000, 'x')));
      if (!status) break;
    }
    if (status || done == 0) _exit(1);
    if (status.error().code != ErrorCode::disk_full) {
      std::fprintf(stderr, "%s\n", status.error().to_string().c_str());
      _exit(2);
    }
    if (store->get(as_bytes("0")).value() != to_bytes(std::string(3000, 'x'))) _exit(3);
    if (store->get(as_bytes(std::to_string(done))).value()) _exit(4);
    setrlimit(RLIMIT_FSIZE, &limit);
    if (!store->commit(put("more", "value"))) _exit(5);
    if (store->transaction() != static_cast<std::uint64_t>(done) + 1) _exit(6);
    _exit(0);
  }
  int result = 0;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  EXPECT_TRUE(WIFEXITED(result));
  EXPECT_EQ(WEXITSTATUS(result), 0);
}

TEST(SqliteStore, FailedSyncClosesIt) {
  auto& disk = FaultyDisk::get();
  disk.mend();
  const TemporaryFolder folder;
  const auto store = open_store(folder.path(), FaultyDisk::name);
  ASSERT_TRUE(store->commit(put("k", "1")));
  disk.sync_fails = true;
  EXPECT_EQ(store->commit(put("k", "2")).error().code, ErrorCode::fsync_failed);
  disk.sync_fails = false;  // A retry would succeed: the system has forgotten that the pages are dirty.
  EXPECT_EQ(store->commit(put("k", "3")).error().code, ErrorCode::store_closed);
  EXPECT_EQ(store->checkpoint().error().code, ErrorCode::store_closed);
  EXPECT_EQ(store->get(as_bytes("k")).value(), to_bytes("1"));
  disk.mend();
}

TEST(SqliteStore, FailedSyncOfACheckpointClosesIt) {
  auto& disk = FaultyDisk::get();
  disk.mend();
  const TemporaryFolder folder;
  const auto store = open_store(folder.path(), FaultyDisk::name);
  ASSERT_TRUE(store->commit(put("k", "1")));
  disk.sync_fails = true;
  EXPECT_EQ(store->checkpoint().error().code, ErrorCode::fsync_failed);
  disk.sync_fails = false;
  EXPECT_EQ(store->commit(put("k", "3")).error().code, ErrorCode::store_closed);
  disk.mend();
}

}  // namespace
}  // namespace rz::host
