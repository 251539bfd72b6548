#include "host/store/group_committer.h"

#include <gtest/gtest.h>

#include "host/store/device_store.h"
#include "host/store/disk_test.h"
#include "store/store_contract_test.h"

namespace rz::host {
namespace {

using store::Batch;
using testing::FaultyDisk;
using testing::TemporaryFolder;

// The host's own thread, as a test has it: functions wait until they are run here.
class Loop {
 public:
  GroupCommitter::Post post() {
    return [this](std::function<void()> function) {
      const std::lock_guard guard(mutex_);
      functions_.push_back(std::move(function));
    };
  }

  void run() {
    for (;;) {
      std::function<void()> function;
      {
        const std::lock_guard guard(mutex_);
        if (functions_.empty()) return;
        function = std::move(functions_.front());
        functions_.pop_front();
      }
      function();
    }
  }

  // Runs until `condition`, or ten seconds have passed.
  template <class Predicate>
  bool run_until(Predicate condition) {
    for (int i = 0; i < 10000; ++i) {
      run();
      if (condition()) return true;
      usleep(1000);
    }
    return false;
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> functions_;
};

struct Opened {
  TemporaryFolder folder;
  DeviceStore device;

  explicit Opened(const std::string& vfs = "") {
    crypto::SeededEntropy entropy(1);
    device = *DeviceStore::open({.folder = folder.path(), .vfs = vfs}, entropy);
  }
};

Batch put(std::string_view key, std::string_view value) {
  Batch batch;
  batch.put(as_bytes(key), as_bytes(value));
  return batch;
}

TEST(GroupCommitter, ReportsInOrderOnceAndAfterThePromise) {
  Opened opened;
  Loop loop;
  std::vector<int> done;
  {
    GroupCommitter committer(*opened.device.store, *opened.device.promise, loop.post());
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(committer.submit(put("k", std::to_string(i)), [&, i](Status status) {
        ASSERT_TRUE(status);
        done.push_back(i);
        // At least this one is in the store, and the file on the disk covers the store's state.
        const auto value = opened.device.store->get(as_bytes("k")).value();
        EXPECT_GE(std::stoi(std::string(as_text(*value))), i);
      }));
      if (i % 50 == 7) loop.run_until([&] { return !done.empty() && done.back() == i; });
    }
    committer.drain();
    EXPECT_EQ(committer.queued_bytes(), 0u);
    EXPECT_EQ(committer.stats().batches, 200u);
    EXPECT_LE(committer.stats().groups, 200u);
    EXPECT_EQ(committer.stats().groups, opened.device.store->transaction());
    loop.run();
  }
  ASSERT_EQ(done.size(), 200u);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(FilePromise::open(opened.folder.path())->newest()->transaction, opened.device.store->transaction());
}

TEST(GroupCommitter, PromiseCarriesRaftsPart) {
  Opened opened;
  Loop loop;
  store::Promise raft{.generation = 1, .term = 7, .vote = store::Vote{{5}}, .last_index = 9, .last_hash = {{6}}};
  {
    GroupCommitter committer(*opened.device.store, *opened.device.promise, loop.post());
    ASSERT_TRUE(committer.submit(put("k", "1"), raft, {}));
    committer.drain();
    ASSERT_TRUE(committer.submit(put("k", "2"), {}));  // Nothing new from Raft: its part stays.
  }
  raft.store_id = opened.device.store->id();
  raft.transaction = opened.device.store->transaction();
  EXPECT_EQ(FilePromise::open(opened.folder.path())->newest(), raft);
}

TEST(GroupCommitter, ManyThreadsSubmit) {
  Opened opened;
  std::atomic<int> done = 0;
  {
    GroupCommitter committer(*opened.device.store, *opened.device.promise,
                             [](const std::function<void()>& function) { function(); });
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i) {
          const auto key = std::to_string(t) + "/" + std::to_string(i);
          EXPECT_TRUE(committer.submit(put(key, key), [&](const Status& status) { done += status ? 1 : 1000; }));
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(done, 400);
  EXPECT_EQ(store::testing::all_of(*opened.device.store).size(), 400u);
}

TEST(GroupCommitter, ReadsGoOnWhileItCommits) {
  Opened opened;
  Loop loop;
  GroupCommitter committer(*opened.device.store, *opened.device.promise, loop.post());
  std::uint64_t last = 0;
  for (int i = 0; i < 300; ++i) {
    // Two keys in one batch: a read sees both of one batch, or neither.
    Batch batch = put("a", std::to_string(i));
    batch.put(as_bytes("b"), as_bytes(std::to_string(i)));
    ASSERT_TRUE(committer.submit(std::move(batch), {}));
    const auto all = store::testing::all_of(*opened.device.store);
    if (all.empty()) continue;
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all.at(to_bytes("a")), all.at(to_bytes("b")));
    const auto now = std::stoull(std::string(as_text(all.at(to_bytes("a")))));
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST(GroupCommitter, OneBadBatchFailsAlone) {
  Opened opened;
  Loop loop;
  GroupCommitter committer(*opened.device.store, *opened.device.promise, loop.post());
  int done = 0;
  const auto count = [&](const Status& status) { done += status ? 1 : 1000; };
  ASSERT_TRUE(committer.submit(put("k", "v"), count));
  EXPECT_EQ(committer.submit(put("", "v"), count).error().code, ErrorCode::bad_argument);
  ASSERT_TRUE(committer.submit(put("l", "v"), count));
  EXPECT_TRUE(loop.run_until([&] { return done == 2; }));
}

TEST(GroupCommitter, QueueIsBounded) {
  auto& disk = FaultyDisk::get();
  disk.mend();
  Opened opened(FaultyDisk::name);
  Loop loop;
  {
    disk.bytes_left = 0;
    GroupCommitter committer(*opened.device.store, *opened.device.promise, loop.post(), {},
                             {.queue_bytes_max = 10'000, .retry_ms = 20});
    ASSERT_TRUE(committer.submit(put("large", std::string(50'000, 'x')), {}));  // Alone, even above the limit.
    const auto refused = committer.submit(put("k", "v"), {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::limit_exceeded);
    disk.bytes_left = 1ll << 60;
    committer.drain();
    EXPECT_TRUE(committer.submit(put("k", "v"), {}));
  }
  disk.mend();
}

TEST(GroupCommitter, FullDiskWaitsAndGoesOn) {
  auto& disk = FaultyDisk::get();
  disk.mend();
  Opened opened(FaultyDisk::name);
  Loop loop;
  std::vector<std::optional<ErrorCode>> conditions;
  int done = 0;
  {
    GroupCommitter committer(*opened.device.store, *opened.device.promise, loop.post(),
                             [&](const std::optional<Error>& error) {
                               conditions.push_back(error ? std::optional(error->code) : std::nullopt);
                             },
                             {.retry_ms = 20});
    disk.bytes_left = 0;
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(
          committer.submit(put("k", std::to_string(i)), [&](const Status& status) { done += status ? 1 : 1000; }));
    }
    ASSERT_TRUE(loop.run_until([&] { return !conditions.empty(); }));
    usleep(100'000);  // Several attempts: one notice.
    loop.run();
    EXPECT_EQ(conditions.size(), 1u);
    EXPECT_EQ(conditions[0], ErrorCode::disk_full);
    EXPECT_EQ(done, 0);
    EXPECT_EQ(opened.device.store->get(as_bytes("k")).value(), std::nullopt);  // Reads go on.
    disk.bytes_left = 1ll << 60;
    ASSERT_TRUE(loop.run_until([&] { return done == 5; }));
    EXPECT_EQ(conditions.size(), 2u);
    EXPECT_EQ(conditions[1], std::nullopt);
  }
  EXPECT_EQ(opened.device.store->get(as_bytes("k")).value(), to_bytes("4"));
  disk.mend();
}

TEST(GroupCommitter, EndsOnAFullDisk) {
  auto& disk = FaultyDisk::get();
  disk.mend();
  Opened opened(FaultyDisk::name);
  Loop loop;
  std::vector<ErrorCode> errors;
  {
    GroupCommitter committer(*opened.device.store, *opened.device.promise, loop.post());
    disk.bytes_left = 0;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(
          committer.submit(put("k", "v"), [&](const Status& status) { errors.push_back(status.error().code); }));
    }
  }
  loop.run();
  EXPECT_EQ(errors, std::vector<ErrorCode>(3, ErrorCode::disk_full));
  disk.mend();
}

TEST(GroupCommitter, FailedSyncIsFinal) {
  auto& disk = FaultyDisk::get();
  disk.mend();
  Opened opened(FaultyDisk::name);
  Loop loop;
  std::vector<ErrorCode> errors;
  const auto note = [&](const Status& status) { errors.push_back(status ? ErrorCode::internal : status.error().code); };
  {
    GroupCommitter committer(*opened.device.store, *opened.device.promise, loop.post());
    disk.sync_fails = true;
    ASSERT_TRUE(committer.submit(put("k", "1"), note));
    committer.drain();
    disk.sync_fails = false;
    ASSERT_TRUE(committer.submit(put("k", "2"), note));
  }
  loop.run();
  EXPECT_EQ(errors, std::vector<ErrorCode>(2, ErrorCode::fsync_failed));
  disk.mend();
}

// The promise's own sync fails: the batch is in the store, but nobody may be told so.
TEST(GroupCommitter, FailedPromiseIsNoSuccess) {
  struct BrokenPromise final : store::PromiseFile {
    std::optional<store::Promise> none;
    const std::optional<store::Promise>& newest() const override { return none; }
    Status write(const store::Promise&) override { return fail(ErrorCode::fsync_failed, "broken"); }
  };
  Opened opened;
  BrokenPromise promise;
  Loop loop;
  std::optional<ErrorCode> error;
  {
    GroupCommitter committer(*opened.device.store, promise, loop.post());
    ASSERT_TRUE(committer.submit(put("k", "1"), [&](const Status& status) { error = status.error().code; }));
  }
  loop.run();
  EXPECT_EQ(error, ErrorCode::fsync_failed);
}

}  // namespace
}  // namespace rz::host
