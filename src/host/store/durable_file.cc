#include "host/store/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace rz::host {

std::string system_error(const char* doing, const std::string& path, int error_number) {
  return words(doing, " ", path, ": ", std::generic_category().message(error_number));
}

Error write_error(const char* doing, const std::string& path, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  return {full ? ErrorCode::disk_full : ErrorCode::store_io, system_error(doing, path, error_number)};
}

Status sync_file(int file, const std::string& path) {
#ifdef __APPLE__
  const int failed = fcntl(file, F_FULLFSYNC);
#else
  const int failed = fdatasync(file);
#endif
  if (failed != 0) return fail(ErrorCode::fsync_failed, system_error("sync of", path, errno));
  return {};
}

Status sync_folder(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return fail(ErrorCode::store_io, system_error("open", folder, errno));
  const int failed = fsync(file);
  const int why = errno;
  close(file);
  if (failed != 0) return fail(ErrorCode::fsync_failed, system_error("sync of", folder, why));
  return {};
}

Status make_folder(const std::string& folder) {
  struct stat found;
  if (stat(folder.c_str(), &found) == 0) {
    if (S_ISDIR(found.st_mode)) return {};
    return fail(ErrorCode::store_io, words(folder, " is not a folder"));
  }
  const std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  const std::filesystem::path whole = path.has_filename() ? path : path.parent_path();  // Without a slash at the end.
  const std::string above = whole.parent_path().empty() ? "." : whole.parent_path().string();
  if (above != whole.string()) RZ_CHECK(make_folder(above));
  if (mkdir(whole.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(write_error("make folder", folder, errno));
  }
  return sync_folder(above);
}

}  // namespace rz::host
