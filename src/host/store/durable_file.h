// What it takes for bytes to be on the disk: the system calls, with the system's errors as ours.
#pragma once

#include <string>

#include "base/result.h"

namespace rz::host {

// Why the last system call failed, in words: "write of DIR/promise: No space left on device".
std::string system_error(const char* doing, const std::string& path, int error_number);

// disk_full for the system's ways of saying so, otherwise store_io.
Error write_error(const char* doing, const std::string& path, int error_number);

// The file's bytes and its length are on the disk on return (fdatasync; F_FULLFSYNC on macOS, where fsync only reaches
// the drive's cache). Errors: fsync_failed: what the disk holds is now unknown, and a retry would succeed falsely.
Status sync_file(int file, const std::string& path);

// The folder's names are on the disk: a new file does not survive a crash without it. Errors: fsync_failed, store_io.
Status sync_folder(const std::string& folder);

// Makes the folder, mode 0700, and those above it if need be. Errors: store_io, disk_full.
Status make_folder(const std::string& folder);

}  // namespace rz::host
