// What an acknowledgement of `local` costs: one small record through the group committer (SQLite's log synced, then the
// promise), beside a bare append and fdatasync on the same disk, in turns in the same run.
//
// Usage: store_bench [--seconds N] [--dir DIR]
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "figure.h"
#include "host/entropy.h"
#include "host/store/device_store.h"
#include "host/store/group_committer.h"

namespace {

using namespace rz;
using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begun).count();
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "store_bench: %s\n", why.c_str());
  std::exit(1);
}

constexpr std::size_t record_bytes = 128;

// Appends and syncs, one after the other, for `us`; adds each one's time to `times`.
void bare_loop(int file, double us, std::vector<double>& times) {
  const Bytes record(record_bytes, 7);
  const auto begun = Clock::now();
  while (us_since(begun) < us) {
    const auto at = Clock::now();
    if (write(file, record.data(), record.size()) < 0 || fdatasync(file) != 0) give_up("the bare loop failed");
    times.push_back(us_since(at));
  }
}

// As many writers as `count`, each with one batch under way; the next when that is done.
class Writers {
 public:
  Writers(host::GroupCommitter& committer, std::size_t count) : committer_(committer), begun_(count) {}

  void run(double us, std::vector<double>& times) {
    times_ = &times;
    until_ = Clock::now() + std::chrono::microseconds(static_cast<std::int64_t>(us));
    for (std::size_t writer = 0; writer < begun_.size(); ++writer) submit(writer);
    // The queue is empty for an instant whenever all writers are in one group: count them out instead.
    std::unique_lock guard(mutex_);
    stopped_.wait(guard, [this] { return finished_ == begun_.size(); });
    finished_ = 0;
  }

 private:
  void submit(std::size_t writer) {
    begun_[writer] = Clock::now();
    store::Batch batch;
    const std::uint64_t number = next_++;
    Bytes key = to_bytes("event/");
    for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(number >> shift));
    batch.put(key, Bytes(record_bytes, 7));
    const auto status = committer_.submit(std::move(batch), [this, writer](const Status& done) {
      if (!done) give_up(done.error().to_string());
      times_->push_back(us_since(begun_[writer]));
      if (Clock::now() < until_) {
        submit(writer);
        return;
      }
      const std::lock_guard guard(mutex_);
      ++finished_;
      stopped_.notify_one();
    });
    if (!status) give_up(status.error().to_string());
  }

  host::GroupCommitter& committer_;
  std::vector<Clock::time_point> begun_;
  std::vector<double>* times_ = nullptr;  // Used by the committer's thread alone while it runs.
  Clock::time_point until_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::size_t finished_ = 0;
  static inline std::atomic<std::uint64_t> next_ = 0;
};

void measure(const std::string& folder, double seconds, const bench::Printer& out) {
  host::SystemEntropy entropy;
  auto device = host::DeviceStore::open({.folder = folder}, entropy);
  if (!device) give_up(device.error().to_string());
  const int file = open((folder + "/bare").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  if (file < 0) give_up("no file in " + folder);
  host::GroupCommitter committer(*device->store, *device->promise, [](const std::function<void()>& run) { run(); });
  constexpr int turns = 10;
  for (const std::size_t count : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
    Writers writers(committer, count);
    std::vector<double> ours;
    std::vector<double> bare;
    const double slice_us = seconds * 1e6 / turns / 2;
    for (int turn = 0; turn < turns; ++turn) {
      bare_loop(file, slice_us, bare);
      writers.run(slice_us, ours);
    }
    const double all_us = slice_us * turns;
    const std::string name = "commit, " + std::to_string(count) + (count == 1 ? " writer" : " writers");
    out.print({name + ", p50", bench::quantile(ours, 0.5), "us", "fdatasync", bench::quantile(bare, 0.5)});
    out.print({name + ", p99", bench::quantile(ours, 0.99), "us", "fdatasync", bench::quantile(bare, 0.99)});
    out.print({name + ", rate", static_cast<double>(ours.size()) * 1e6 / all_us, "1/s", "fdatasync",
               static_cast<double>(bare.size()) * 1e6 / all_us, bench::Better::more});
  }
  close(file);
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 3;
  std::string above = std::filesystem::temp_directory_path().string();
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--seconds") == 0) seconds = std::atof(argv[i + 1]);
    if (std::strcmp(argv[i], "--dir") == 0) above = argv[i + 1];
  }
  std::string folder = above + "/rz_bench_XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) give_up("no folder in " + above);
  measure(folder, seconds, bench::Printer(argc, argv));
  std::filesystem::remove_all(folder);
  return 0;
}
