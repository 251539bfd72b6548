// A CAR file that is written before its root is known: the root's place in the header is filled in at the end.
//
// Contract: a named file appears under its name only when it is whole (`finish`), with the mode it was asked for,
// synced; an unnamed one never has a name, and is gone with this object. Blocking; one thread at a time.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "view/block.h"

namespace rz::host {

class CarFile {
 public:
  // Errors: store_io, disk_full, bad_argument (the path is a folder).
  static Result<CarFile> create(const std::string& path, unsigned mode);
  // In the folder's file system, without a name, readable by this user alone.
  static Result<CarFile> unnamed(const std::string& folder);

  CarFile(CarFile&& other) noexcept;
  CarFile& operator=(CarFile&& other) = delete;
  CarFile(const CarFile&) = delete;
  ~CarFile();

  // Errors: disk_full, store_io.
  Status put(const view::Block& block);
  // For what is a CAR already: the bytes as they come, without `put`.
  Status append(std::string_view bytes);
  // `root`: none where the bytes came with their header. Errors: disk_full, store_io, fsync_failed.
  Status finish(const ipld::Cid* root);

  std::uint64_t size_bytes() const { return size_bytes_; }
  // At most `bytes_max` from there; empty at the end. Errors: store_io.
  Result<std::string> read(std::uint64_t offset, std::size_t bytes_max) const;

 private:
  explicit CarFile(int descriptor) : descriptor_(descriptor) {}
  Status flush();

  int descriptor_ = -1;
  std::string path_;       // Empty: unnamed, or finished.
  std::string temporary_;  // Its name until then.
  std::string pending_;    // Not written yet.
  std::uint64_t size_bytes_ = 0;
};

}  // namespace rz::host
