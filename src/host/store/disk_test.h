// For tests: folders that vanish, files that get damaged, and a disk below SQLite that fails when told to.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>

#include <gtest/gtest.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/random.h"
#include "host/store/vfs_shim.h"

namespace rz::host::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    // In memory where there is such a folder: what is tested here does not depend on a disk, and waiting for one does.
    std::string pattern = access("/dev/shm", W_OK) == 0 ? "/dev/shm/" : ::testing::TempDir();
    pattern += "rz_store_XXXXXX";
    RZ_ASSERT(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline Bytes read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::string& path, ByteView bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  RZ_ASSERT(out.good());
}

// In place, as a disk does it: the file stays the same file to those that have it open.
inline void flip_bit(const std::string& path, std::size_t bit) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(bit / 8));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(bit / 8));
  file.put(static_cast<char>(byte ^ 1 << bit % 8));
  RZ_ASSERT(file.good());
}

inline std::size_t file_bytes(const std::string& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? 0 : size;
}

// What a machine that loses power now would find, as far as the system has the files: for a copy to open elsewhere.
inline void copy_store(const std::string& from, const std::string& to) {
  for (const char* name : {"store.db", "store.db-wal", "promise"}) {
    std::error_code none;
    std::filesystem::copy_file(from + "/" + name, to + "/" + name, std::filesystem::copy_options::overwrite_existing,
                               none);
  }
}

// The disk below SQLite in the tests that ask for it (SqliteStore::Options::vfs = FaultyDisk::name). One for the
// process.
class FaultyDisk {
 public:
  static constexpr const char* name = "rz-faulty-disk";

  static FaultyDisk& get() {
    static FaultyDisk disk;
    return disk;
  }

  void mend() {
    bytes_left = 1ll << 60;
    sync_fails = false;
    const std::lock_guard guard(mutex_);
    synced_.clear();
    unsynced_.clear();
    cut_at_write_ = ~0ull;
    writes_ = 0;
    cut_.reset();
  }

  std::atomic<long long> bytes_left = 1ll << 60;  // Writes beyond it fail as on a full disk; some of their bytes land.
  std::atomic<bool> sync_fails = false;

  // Power fails at the `at`-th write from now: what was not synced by then may be lost, wholly or in part.
  void cut_power_at(std::uint64_t at) {
    const std::lock_guard guard(mutex_);
    cut_at_write_ = writes_ + at;
    cut_.reset();
  }
  bool power_was_cut() const {
    const std::lock_guard guard(mutex_);
    return cut_.has_value();
  }
  // Writes to `folder` what the disk holds after the cut; what was not synced survives as `random` says, by sectors.
  void after_the_cut(const std::string& folder, Random& random) const;

  // For the shim.
  int write(const std::string& path, sqlite3_file* below, const void* from, int size, sqlite3_int64 at);
  int truncate(const std::string& path, sqlite3_file* below, sqlite3_int64 size);
  int sync(const std::string& path, sqlite3_file* below, int flags);

 private:
  struct Write {
    std::string path;
    std::size_t at = 0;
    Bytes bytes;
    bool truncate = false;  // To `at` bytes.
  };
  struct State {
    std::map<std::string, Bytes> synced;
    std::vector<Write> unsynced;
  };

  FaultyDisk();
  void note(Write write);
  static void apply(Bytes& file, const Write& write);

  mutable std::mutex mutex_;
  std::map<std::string, Bytes> synced_;
  std::vector<Write> unsynced_;
  std::uint64_t writes_ = 0;
  std::uint64_t cut_at_write_ = ~0ull;
  std::optional<State> cut_;
};

class FaultyFile final : public FileShim {
 public:
  explicit FaultyFile(std::string path) : path_(std::move(path)) {}
  int write(sqlite3_file* below, const void* from, int size, sqlite3_int64 at) override {
    return FaultyDisk::get().write(path_, below, from, size, at);
  }
  int truncate(sqlite3_file* below, sqlite3_int64 size) override {
    return FaultyDisk::get().truncate(path_, below, size);
  }
  int sync(sqlite3_file* below, int flags) override { return FaultyDisk::get().sync(path_, below, flags); }

 private:
  std::string path_;
};

inline FaultyDisk::FaultyDisk() {
  const auto status =
      register_vfs(name, "", [](const std::string& path, int) { return std::make_unique<FaultyFile>(path); });
  RZ_ASSERT(status.has_value());
}

inline void FaultyDisk::apply(Bytes& file, const Write& write) {
  if (write.truncate) {
    file.resize(write.at);
    return;
  }
  if (file.size() < write.at + write.bytes.size()) file.resize(write.at + write.bytes.size());
  std::copy(write.bytes.begin(), write.bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(write.at));
}

inline void FaultyDisk::note(Write write) {
  const std::lock_guard guard(mutex_);
  unsynced_.push_back(std::move(write));
  if (++writes_ == cut_at_write_) cut_ = State{synced_, unsynced_};
}

inline int FaultyDisk::write(const std::string& path, sqlite3_file* below, const void* from, int size,
                             sqlite3_int64 at) {
  const auto left = bytes_left.fetch_sub(size);
  const auto* bytes = static_cast<const std::uint8_t*>(from);
  if (left < size) {
    if (left > 0) (void)below->pMethods->xWrite(below, from, static_cast<int>(left), at);
    return SQLITE_FULL;
  }
  note({path, static_cast<std::size_t>(at), Bytes(bytes, bytes + size)});
  return below->pMethods->xWrite(below, from, size, at);
}

inline int FaultyDisk::truncate(const std::string& path, sqlite3_file* below, sqlite3_int64 size) {
  note({path, static_cast<std::size_t>(size), {}, true});
  return below->pMethods->xTruncate(below, size);
}

inline int FaultyDisk::sync(const std::string& path, sqlite3_file*, int) {
  if (sync_fails) return SQLITE_IOERR_FSYNC;
  const std::lock_guard guard(mutex_);
  std::vector<Write> others;
  for (auto& write : unsynced_) {
    if (write.path == path) {
      apply(synced_[path], write);
    } else {
      others.push_back(std::move(write));
    }
  }
  unsynced_ = std::move(others);
  return SQLITE_OK;
}

inline void FaultyDisk::after_the_cut(const std::string& folder, Random& random) const {
  constexpr std::size_t sector_bytes = 512;
  const std::lock_guard guard(mutex_);
  RZ_ASSERT(cut_.has_value());
  auto files = cut_->synced;
  const auto kept = random.below(3);  // Much of what was not synced survives, half of it, or little.
  for (const auto& write : cut_->unsynced) {
    if (write.truncate) {
      if (random.below(2) == 0) apply(files[write.path], write);
      continue;
    }
    for (std::size_t at = 0; at < write.bytes.size(); at += sector_bytes) {
      const auto sector = ByteView(write.bytes).subspan(at, std::min(sector_bytes, write.bytes.size() - at));
      if (random.chance(kept * 4 + 1, 10)) apply(files[write.path], {write.path, write.at + at, to_bytes(sector)});
    }
  }
  for (const auto& [path, bytes] : files) {
    if (path.ends_with("-journal")) continue;  // Of the store's making, deleted before any cut.
    write_file(folder + "/" + std::filesystem::path(path).filename().string(), bytes);
  }
}

}  // namespace rz::host::testing
