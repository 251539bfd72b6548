// A layer between SQLite and its files: everything is passed on to the VFS below, but what a FileShim changes.
// Used for page checksums (checksum_vfs.h) and, in tests, for disks that fail.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <sqlite3.h>

#include "base/result.h"

namespace rz::host {

// One open file. Each function returns SQLite's codes and does by default what the file below does.
class FileShim {
 public:
  virtual ~FileShim() = default;
  virtual int read(sqlite3_file* below, void* out, int size_bytes, sqlite3_int64 at);
  virtual int write(sqlite3_file* below, const void* from, int size_bytes, sqlite3_int64 at);
  virtual int truncate(sqlite3_file* below, sqlite3_int64 size_bytes);
  virtual int sync(sqlite3_file* below, int flags);
};

// Makes the shim of a file that is being opened: its full path (empty for a temporary file) and SQLite's flags
// (SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_WAL, ...).
using MakeShim = std::function<std::unique_ptr<FileShim>(const std::string& path, int flags)>;

// Registers the VFS `name` over the VFS `below` (empty: the system's) for the rest of the process. Once registered, a
// name keeps its meaning. Any thread. Errors: store_io.
Status register_vfs(const std::string& name, const std::string& below, MakeShim make);

}  // namespace rz::host
