// One daemon a folder: an advisory lock on DIR/lock, held while the object lives and given up by the system when the
// process dies, however it dies. The file holds the holder's process id, for the message to the second one.
#pragma once

#include <string>

#include "base/result.h"

namespace rz::host {

class FolderLock {
 public:
  // Makes the folder (mode 0700) and the file (0600) if need be. Errors: store_locked, naming the folder and the
  // process that holds it; store_io.
  static Result<FolderLock> take(const std::string& folder);

  FolderLock(FolderLock&& other) noexcept : file_(other.file_) { other.file_ = -1; }
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_ = -1;
};

}  // namespace rz::host
