#include "host/store/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "host/store/durable_file.h"

namespace rz::host {

Result<FolderLock> FolderLock::take(const std::string& folder) {
  RZ_CHECK(make_folder(folder));
  const std::string path = folder + "/lock";
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(write_error("open", path, errno));
  FolderLock lock(file);  // Closes the file on every way out.
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(ErrorCode::store_io, system_error("lock", path, errno));
    char holder[21] = {};
    const auto read = pread(file, holder, sizeof holder - 1, 0);
    std::string_view process(holder, read > 0 ? static_cast<std::size_t>(read) : 0);
    process = process.substr(0, process.find('\n'));
    return fail(ErrorCode::store_locked, words("process ", process.empty() ? "?" : process, " has ", folder, " open"));
  }
  // The number is for people; the lock holds without it, so a full disk is no reason to stop.
  const std::string process = std::to_string(getpid()) + "\n";
  if (ftruncate(file, 0) == 0) (void)!pwrite(file, process.data(), process.size(), 0);
  return lock;
}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

FolderLock::~FolderLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace rz::host
