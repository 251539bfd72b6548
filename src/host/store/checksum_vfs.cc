#include "host/store/checksum_vfs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>

#include "base/bytes.h"
#include "host/store/vfs_shim.h"
#include "store/checksum.h"

namespace rz::host {
namespace {

using Sum = std::array<std::uint8_t, page_checksum_bytes>;
constexpr std::size_t content_bytes = page_bytes - page_checksum_bytes;

ByteView view_of(const void* bytes, int size) {
  return {static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(size)};
}

Sum sum_of(ByteView bytes) {
  Sum sum;
  store::checksum(sum, {bytes});
  return sum;
}

// SQLite knows one way for a disk to be full, ENOSPC. A quota and a limit on the length of files are two more, and by
// the time that it reports them as failed writes the system's error is gone.
int write_below(sqlite3_file* below, const void* from, int size, sqlite3_int64 at) {
  errno = 0;
  const int code = below->pMethods->xWrite(below, from, size, at);
  return code == SQLITE_IOERR_WRITE && (errno == EDQUOT || errno == EFBIG) ? SQLITE_FULL : code;
}

class DatabaseShim final : public FileShim {
 public:
  int read(sqlite3_file* below, void* out, int size, sqlite3_int64 at) override {
    const int code = FileShim::read(below, out, size, at);
    if (code != SQLITE_OK || !is_page(size, at)) return code;
    const ByteView page = view_of(out, size);
    if (equal(page.subspan(content_bytes), sum_of(page.first(content_bytes)))) return code;
    // A page that SQLite never wrote is a hole: zeros. It is on the list of free pages; elsewhere SQLite refuses it.
    const bool hole = std::all_of(page.begin(), page.end(), [](std::uint8_t byte) { return byte == 0; });
    return hole ? code : SQLITE_IOERR_DATA;
  }

  int write(sqlite3_file* below, const void* from, int size, sqlite3_int64 at) override {
    if (!is_page(size, at)) return write_below(below, from, size, at);
    std::array<std::uint8_t, page_bytes> page;  // SQLite's own copy is not ours to change.
    std::memcpy(page.data(), from, content_bytes);
    const Sum sum = sum_of(ByteView(page).first(content_bytes));
    std::copy(sum.begin(), sum.end(), page.begin() + content_bytes);
    return write_below(below, page.data(), size, at);
  }

 private:
  static bool is_page(int size, sqlite3_int64 at) { return size == page_bytes && at % page_bytes == 0; }
};

// What an open write-ahead log holds. Shared by the connections to it, since one reads what another wrote; they may do
// so from different threads.
class WalSums {
 public:
  static std::shared_ptr<WalSums> of(const std::string& path) {
    static std::mutex mutex;
    static std::map<std::string, std::weak_ptr<WalSums>> open;
    const std::lock_guard guard(mutex);
    std::erase_if(open, [](const auto& entry) { return entry.second.expired(); });
    auto& entry = open[path];
    auto sums = entry.lock();
    if (!sums) entry = sums = std::make_shared<WalSums>();
    return sums;
  }

  void remember(sqlite3_int64 at, ByteView page) {
    const Sum sum = sum_of(page);
    const std::lock_guard guard(mutex_);
    sums_[at] = sum;
  }

  // Whatever overlaps [begin, end).
  void forget(sqlite3_int64 begin, sqlite3_int64 end) {
    const std::lock_guard guard(mutex_);
    sums_.erase(sums_.lower_bound(begin - page_bytes + 1), sums_.lower_bound(end));
  }

  // True also of a page that is not known.
  bool matches(sqlite3_int64 at, ByteView page) const {
    const Sum sum = sum_of(page);
    const std::lock_guard guard(mutex_);
    const auto found = sums_.find(at);
    return found == sums_.end() || found->second == sum;
  }

 private:
  mutable std::mutex mutex_;
  std::map<sqlite3_int64, Sum> sums_;  // By the page's place in the file.
};

class WalShim final : public FileShim {
 public:
  explicit WalShim(std::shared_ptr<WalSums> sums) : sums_(std::move(sums)) {}

  int read(sqlite3_file* below, void* out, int size, sqlite3_int64 at) override {
    const int code = FileShim::read(below, out, size, at);
    if (code != SQLITE_OK) return code;
    const ByteView bytes = view_of(out, size);
    if (size == frame_bytes && is_frame(at)) {
      // Recovery reads whole frames and checks them itself; what it does not accept is never read as a page.
      sums_->remember(at + frame_head_bytes, bytes.subspan(frame_head_bytes));
    } else if (size == page_bytes && is_frame(at - frame_head_bytes) && !sums_->matches(at, bytes)) {
      return SQLITE_IOERR_DATA;
    }
    return code;
  }

  int write(sqlite3_file* below, const void* from, int size, sqlite3_int64 at) override {
    const int code = write_below(below, from, size, at);
    if (code == SQLITE_OK && size == page_bytes && is_frame(at - frame_head_bytes)) {
      sums_->remember(at, view_of(from, size));
    } else {
      sums_->forget(at, at + size);
    }
    return code;
  }

  int truncate(sqlite3_file* below, sqlite3_int64 size) override {
    sums_->forget(size, std::numeric_limits<sqlite3_int64>::max());
    return FileShim::truncate(below, size);
  }

 private:
  static constexpr int wal_head_bytes = 32;
  static constexpr int frame_head_bytes = 24;
  static constexpr int frame_bytes = frame_head_bytes + page_bytes;

  static bool is_frame(sqlite3_int64 at) { return at >= wal_head_bytes && (at - wal_head_bytes) % frame_bytes == 0; }

  std::shared_ptr<WalSums> sums_;
};

}  // namespace

Result<std::string> checksum_vfs(const std::string& below) {
  const std::string name = "rz-checksum" + (below.empty() ? "" : "-" + below);
  RZ_CHECK(register_vfs(name, below, [](const std::string& path, int flags) -> std::unique_ptr<FileShim> {
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0) return std::make_unique<DatabaseShim>();
    if ((flags & SQLITE_OPEN_WAL) != 0) return std::make_unique<WalShim>(WalSums::of(path));
    return std::make_unique<FileShim>();
  }));
  return name;
}

}  // namespace rz::host
