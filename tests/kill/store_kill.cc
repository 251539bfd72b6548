// kill -9 at random moments: a child opens the store, commits through the group committer from several writers, and
// acknowledges each batch over a pipe; the parent kills it, reads what was acknowledged, opens the store itself and
// looks:
//
//   1. every acknowledged batch is there, wholly, unless a later one of the same writer replaced it;
//   2. no batch is there in part;
//   3. the promise covers what was acknowledged, and the store is not behind it;
//   4. every page and record is good.
//
// Usage: store_kill_test [--rounds N] [--seed S] [--dir DIR]. Prints the round and seed of a failure; exit 1.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/random.h"
#include "host/entropy.h"
#include "host/store/device_store.h"
#include "host/store/group_committer.h"

namespace rz::host {
namespace {

constexpr int writers = 4;
constexpr std::uint64_t slots = 16;  // A writer's batch n goes to slot n % slots: values are replaced, pages reused.

// What a child says once a batch is durable. Shorter than PIPE_BUF: written wholly or not at all.
struct Acknowledged {
  std::uint64_t writer;
  std::uint64_t number;
  std::uint64_t transaction;
};

Bytes key_of(std::uint64_t writer, std::uint64_t slot, char half) {
  return to_bytes(words("w", writer, "/", slot, "/", std::string_view(&half, 1)));
}

// Anyone who knows the number can make the value: what is found is checked to the byte.
Bytes value_of(std::uint64_t writer, std::uint64_t number, char half) {
  Random random(writer * 1'000'003 + number * 7 + static_cast<std::uint64_t>(half));
  Bytes value(8 + (random.chance(1, 20) ? random.below(60'000) : random.below(400)));
  for (auto& byte : value) byte = static_cast<std::uint8_t>(random.next());
  for (std::size_t i = 0; i < 8; ++i) value[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return value;
}

std::uint64_t number_in(const Bytes& value) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8 && i < value.size(); ++i) number |= std::uint64_t{value[i]} << (8 * i);
  return number;
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "store_kill_test: %s\n", why.c_str());
  std::exit(1);
}

Result<DeviceStore> open_device(const std::string& folder) {
  SystemEntropy entropy;
  // A short log, so that checkpoints are among what is killed.
  return DeviceStore::open({.folder = folder, .wal_pages_checkpoint = 60}, entropy);
}

class Child {
 public:
  Child(DeviceStore& device, int pipe, const std::vector<std::uint64_t>& next)
      : device_(device),
        pipe_(pipe),
        next_(next),
        committer_(*device.store, *device.promise, [](const std::function<void()>& run) { run(); }) {}

  [[noreturn]] void run() {
    for (std::uint64_t writer = 0; writer < writers; ++writer) submit(writer);
    for (;;) pause();
  }

 private:
  // One batch of a writer: both halves of a slot, and the writer's next when that is done.
  void submit(std::uint64_t writer) {
    const std::uint64_t number = next_[writer]++;
    store::Batch batch;
    for (const char half : {'a', 'b'}) {
      const Bytes key = key_of(writer, number % slots, half);
      if (half == 'a') batch.erase_range(key, key_of(writer, number % slots, 'c'));
      batch.put(key, value_of(writer, number, half));
    }
    const auto status = committer_.submit(std::move(batch), [this, writer, number](const Status& done) {
      if (!done) give_up(done.error().to_string());
      const Acknowledged said{writer, number, device_.store->transaction()};
      if (write(pipe_, &said, sizeof said) != sizeof said) std::exit(1);
      submit(writer);
    });
    if (!status) give_up(status.error().to_string());
  }

  DeviceStore& device_;
  int pipe_;
  std::vector<std::uint64_t> next_;  // By writer; used by the committer's thread once it runs.
  GroupCommitter committer_;
};

class Parent {
 public:
  Parent(std::string folder, std::uint64_t seed)
      : folder_(std::move(folder)), random_(seed), next_(writers, 0), acknowledged_(writers * slots) {}

  // How often a kill fell between a commit and its promise: where a wrong order of the two would show.
  std::uint64_t ahead() const { return ahead_; }

  // Returns how many batches this round acknowledged.
  std::size_t round() {
    int ends[2];
    if (pipe(ends) != 0) give_up("pipe");
    const pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) {
      close(ends[0]);
      auto device = open_device(folder_);
      if (!device) give_up(device.error().to_string());
      Child(*device, ends[1], next_).run();
    }
    close(ends[1]);
    // Some children die while they open the store, most in the middle of commits.
    usleep(static_cast<useconds_t>(random_.chance(1, 4) ? random_.below(15'000) : random_.below(120'000)));
    kill(child, SIGKILL);
    int result = 0;
    waitpid(child, &result, 0);
    if (!WIFSIGNALED(result)) give_up("the child ended by itself");
    const std::size_t count = read_acknowledgements(ends[0]);
    close(ends[0]);
    check();
    return count;
  }

 private:
  std::size_t read_acknowledgements(int pipe) {
    std::size_t count = 0;
    for (Acknowledged said; read(pipe, &said, sizeof said) == sizeof said; ++count) {
      acknowledged_[said.writer * slots + said.number % slots] = said.number + 1;
      transaction_ = std::max(transaction_, said.transaction);
    }
    return count;
  }

  void check() {
    auto device = open_device(folder_);
    if (!device) give_up(device.error().to_string());
    if (!store::may_promise(device->standing)) give_up("the store is behind its promise");
    if (device->standing == store::Standing::ahead) ++ahead_;
    if (device->promise->newest()->transaction < transaction_) give_up("the promise lacks what was acknowledged");
    if (const auto status = device->store->check([](ByteView key) { give_up("damaged: " + to_hex(key)); }); !status) {
      give_up(status.error().to_string());
    }
    for (std::uint64_t writer = 0; writer < writers; ++writer) {
      for (std::uint64_t slot = 0; slot < slots; ++slot) check_slot(*device->store, writer, slot);
    }
  }

  void check_slot(const SqliteStore& store, std::uint64_t writer, std::uint64_t slot) {
    const auto a = store.get(key_of(writer, slot, 'a')).value();
    const auto b = store.get(key_of(writer, slot, 'b')).value();
    std::uint64_t& at_least = acknowledged_[writer * slots + slot];
    const auto where = words("writer ", writer, " slot ", slot, ": ");
    if (a.has_value() != b.has_value()) give_up(where + "half a batch");
    if (!a) {
      if (at_least > 0) give_up(where + words("batch ", at_least - 1, " was acknowledged and is gone"));
      return;
    }
    const std::uint64_t number = number_in(*a);
    if (number_in(*b) != number) give_up(where + "halves of two batches");
    if (number % slots != slot || number + 1 < at_least) give_up(where + words("batch ", number, " is too old"));
    if (*a != value_of(writer, number, 'a') || *b != value_of(writer, number, 'b')) give_up(where + "a wrong value");
    at_least = number + 1;  // Seen once, it must stay.
    next_[writer] = std::max(next_[writer], number + 1);
  }

  std::string folder_;
  Random random_;
  std::vector<std::uint64_t> next_;          // By writer: the next batch's number.
  std::vector<std::uint64_t> acknowledged_;  // By writer and slot: the last number + 1, 0 for none.
  std::uint64_t transaction_ = 0;
  std::uint64_t ahead_ = 0;
};

}  // namespace
}  // namespace rz::host

int main(int argc, char** argv) {
  std::uint64_t rounds = 8;
  std::uint64_t seed = 1;
  std::string above = std::filesystem::temp_directory_path().string();
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--seed") == 0) seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--dir") == 0) above = argv[i + 1];
  }
  std::string folder = above + "/rz_kill_XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) rz::host::give_up("no folder in " + above);
  std::size_t acknowledged = 0;
  std::uint64_t ahead = 0;
  {
    rz::host::Parent parent(folder, seed);
    for (std::uint64_t round = 0; round < rounds; ++round) {
      std::fprintf(stderr, "\rround %llu of %llu, seed %llu", static_cast<unsigned long long>(round + 1),
                   static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(seed));
      acknowledged += parent.round();
    }
    ahead = parent.ahead();
  }
  std::filesystem::remove_all(folder);
  std::printf("\n%llu rounds killed, %zu batches acknowledged, none lost; %llu between a commit and its promise\n",
              static_cast<unsigned long long>(rounds), acknowledged, static_cast<unsigned long long>(ahead));
  if (acknowledged == 0) rz::host::give_up("nothing was ever acknowledged: this tested nothing");
  return 0;
}
