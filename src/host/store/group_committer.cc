#include "host/store/group_committer.h"

#include <chrono>
#include <memory>
#include <utility>

namespace rz::host {

GroupCommitter::GroupCommitter(SqliteStore& store, store::PromiseFile& promise, Post post, Condition on_condition)
    : GroupCommitter(store, promise, std::move(post), std::move(on_condition), Options{}) {}

GroupCommitter::GroupCommitter(SqliteStore& store, store::PromiseFile& promise, Post post, Condition on_condition,
                               const Options& options)
    : store_(store),
      promise_(promise),
      post_(std::move(post)),
      on_condition_(std::move(on_condition)),
      options_(options),
      worker_([this] { work(); }) {}

GroupCommitter::~GroupCommitter() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  worker_.join();
}

Status GroupCommitter::submit(store::Batch batch, std::optional<store::Promise> promise, Done done) {
  RZ_CHECK(store::check_limits(batch));  // Here, so that one bad batch can't fail those that it would be merged with.
  {
    const std::lock_guard guard(mutex_);
    // A batch of its own may be larger than the limit: then it waits alone.
    if (queue_bytes_ > 0 && queue_bytes_ + batch.size_bytes() > options_.queue_bytes_max) {
      return fail(ErrorCode::limit_exceeded, words(queue_bytes_, " bytes wait for the disk already"));
    }
    queue_bytes_ += batch.size_bytes();
    queue_.push_back({std::move(batch), std::move(promise), std::move(done)});
  }
  wake_.notify_one();
  return {};
}

void GroupCommitter::drain() {
  std::unique_lock guard(mutex_);
  idle_.wait(guard, [this] { return queue_.empty() && !working_; });
}

std::size_t GroupCommitter::queued_bytes() const {
  const std::lock_guard guard(mutex_);
  return queue_bytes_;
}

GroupCommitter::Stats GroupCommitter::stats() const {
  const std::lock_guard guard(mutex_);
  return stats_;
}

void GroupCommitter::work() {
  for (;;) {
    auto group = take_group();
    if (group.empty()) return;
    const auto begun = std::chrono::steady_clock::now();
    auto status = final_error_ ? Status(std::unexpected(*final_error_)) : commit_group(group);
    if (!status && !final_error_) final_error_ = status.error();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begun;
    finish_group(std::move(group), status, static_cast<std::uint64_t>(took.count()));
    // After the reports: nobody waits for it. What goes wrong here is met again by the next commit.
    if (status && store_.checkpoint_due()) (void)store_.checkpoint();
  }
}

std::vector<GroupCommitter::Waiting> GroupCommitter::take_group() {
  std::unique_lock guard(mutex_);
  working_ = false;
  if (queue_.empty()) idle_.notify_all();
  wake_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
  std::vector<Waiting> group;
  for (std::size_t bytes = 0; !queue_.empty(); queue_.pop_front()) {
    const std::size_t more = queue_.front().batch.size_bytes();
    if (!group.empty() && bytes + more > options_.group_bytes_max) break;
    bytes += more;
    group.push_back(std::move(queue_.front()));
    group.back().size_bytes = more;
  }
  working_ = !group.empty();
  return group;
}

Status GroupCommitter::commit_group(std::vector<Waiting>& group) {
  store::Batch merged;
  store::Promise promise = promise_.newest().value_or(store::Promise{});
  for (auto& waiting : group) {
    merged.append(std::move(waiting.batch));
    if (waiting.promise) promise = *waiting.promise;
  }
  promise.repairing = promise_.newest() && promise_.newest()->repairing;  // Only DeviceStore::repaired ends that.
  RZ_CHECK(with_patience([&] { return store_.commit(merged); }));
  promise.store_id = store_.id();
  promise.transaction = store_.transaction();
  return with_patience([&] { return promise_.write(promise); });
}

// Tries again while the disk is full: nothing of it was written, and whoever waits would only do the same. Both calls
// that it makes may be repeated.
Status GroupCommitter::with_patience(const std::function<Status()>& attempt) {
  for (bool told = false;;) {
    auto status = attempt();
    if (status || status.error().code != ErrorCode::disk_full) {
      if (told) tell(std::nullopt);
      return status;
    }
    if (!told) tell(status.error());
    told = true;
    std::unique_lock guard(mutex_);
    if (wake_.wait_for(guard, std::chrono::milliseconds(options_.retry_ms), [this] { return stopping_; })) {
      return status;
    }
  }
}

void GroupCommitter::tell(std::optional<Error> condition) {
  if (on_condition_) post_([tell = on_condition_, condition = std::move(condition)] { tell(condition); });
}

void GroupCommitter::finish_group(std::vector<Waiting> group, const Status& status, std::uint64_t took_us) {
  std::size_t bytes = 0;
  for (const auto& waiting : group) bytes += waiting.size_bytes;
  {
    const std::lock_guard guard(mutex_);
    queue_bytes_ -= bytes;
    ++stats_.groups;
    stats_.batches += group.size();
    stats_.last_group_us = took_us;
  }
  auto shared = std::make_shared<std::vector<Waiting>>(std::move(group));
  post_([shared, status] {
    for (auto& waiting : *shared) {
      if (waiting.done) waiting.done(status);
    }
  });
}

}  // namespace rz::host
