// Group commit: many batches, one wait for the disk.
//
// A worker thread takes all batches that are queued, merges them in their order into one transaction, commits it, syncs
// the promise, and only then reports each as done. While it waits for the disk the next group gathers; so a single
// writer pays two syncs, and a hundred writers pay the same two between them.
//
// What may be assumed:
//  1. Batches take effect in the order of `submit`, and are reported in that order.
//  2. `done` with success: the batch is durable and covered by the promise. Before that nothing may be acknowledged.
//  3. Every `done` is called exactly once, through `post`, never from within `submit`.
//  4. A full disk fails nothing: the queue waits and is tried again until space returns (`on_condition` says so both
//     times); a host should refuse new work meanwhile. Only at the end (destruction) does what still waits get
//     disk_full.
//  5. fsync_failed, store_damaged and the like are final: they go to every batch from then on, and the process must
//  end.
//
// A read from the store does not see a batch before it is done.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "host/store/sqlite_store.h"

namespace rz::host {

class GroupCommitter {
 public:
  using Done = std::function<void(Status)>;
  // Runs a function on the host's own thread (asio::post, say). Called from the worker; must not block.
  using Post = std::function<void(std::function<void()>)>;
  // Called through Post: an error when writing is held up (disk_full), nothing when it goes on again.
  using Condition = std::function<void(std::optional<Error>)>;

  struct Options {
    std::size_t group_bytes_max = 4 * 1024 * 1024;   // A group takes batches until it has this many bytes.
    std::size_t queue_bytes_max = 64 * 1024 * 1024;  // `submit` refuses above this.
    int retry_ms = 500;                              // After disk_full.
  };

  // Both outlive it. From here on nobody else commits to either, or reads the promise.
  GroupCommitter(SqliteStore& store, store::PromiseFile& promise, Post post, Condition on_condition = {});
  GroupCommitter(SqliteStore& store, store::PromiseFile& promise, Post post, Condition on_condition,
                 const Options& options);
  // Commits what is queued, reports it, and ends the worker.
  ~GroupCommitter();

  // Any thread. `promise`, where Raft's state changed, is what is promised from this batch on; its store_id and
  // transaction are filled in here. Errors (then `done` is never called): bad_argument (a key or value over its limit),
  // limit_exceeded (the queue is full).
  Status submit(store::Batch batch, std::optional<store::Promise> promise, Done done);
  Status submit(store::Batch batch, Done done) { return submit(std::move(batch), std::nullopt, std::move(done)); }

  // Waits until all that was submitted before is done or has failed. Not from within a `done`.
  void drain();

  // Of batches that are not done yet.
  std::size_t queued_bytes() const;

  struct Stats {
    std::uint64_t groups = 0;         // Transactions, done or failed.
    std::uint64_t batches = 0;        // That were in them.
    std::uint64_t last_group_us = 0;  // How long the last one took, from commit to promise.
  };
  Stats stats() const;

 private:
  struct Waiting {
    store::Batch batch;
    std::optional<store::Promise> promise;
    Done done;
    std::size_t size_bytes = 0;  // Of the batch, which is merged away.
  };

  void work();
  std::vector<Waiting> take_group();
  Status commit_group(std::vector<Waiting>& group);
  Status with_patience(const std::function<Status()>& attempt);
  void tell(std::optional<Error> condition);
  void finish_group(std::vector<Waiting> group, const Status& status, std::uint64_t took_us);

  SqliteStore& store_;
  store::PromiseFile& promise_;
  Post post_;
  Condition on_condition_;
  Options options_;
  std::optional<Error> final_error_;  // The worker's own.

  mutable std::mutex mutex_;
  std::condition_variable wake_;  // Work has come, or the end.
  std::condition_variable idle_;  // The queue is empty and no group is under way.
  std::deque<Waiting> queue_;     // Guarded by mutex_, as are the four below.
  std::size_t queue_bytes_ = 0;
  bool working_ = false;
  bool stopping_ = false;
  Stats stats_;
  std::thread worker_;  // Last: it uses all of the above.
};

}  // namespace rz::host
