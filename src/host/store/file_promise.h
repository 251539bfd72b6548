// The promise (store/promise.h) in a file: DIR/promise, mode 0600, two slots a disk page apart.
//
// Invariants: 1. a write goes to the slot that does not hold the newest promise, and is synced before `write` returns;
// 2. the folder is synced when the file is made, so that a promise can't vanish with its name; 3. after a failed sync
// nothing more is written: what the disk holds is unknown, and a retry would succeed without meaning it; 4. the first
// promise, and a change of `repairing`, go to both slots: no single damaged slot takes them back.
#pragma once

#include <string>
#include <utility>

#include "store/promise.h"

namespace rz::host {

class FilePromise final : public store::PromiseFile {
 public:
  // Makes an empty file if there is none. A damaged slot is no error while the other can be read; `damaged` where
  // neither can: newest() is nothing then, and the next write begins anew.
  static Result<FilePromise> open(const std::string& folder);

  FilePromise(FilePromise&& other) noexcept;
  FilePromise& operator=(FilePromise&&) = delete;
  ~FilePromise() override;

  const std::optional<store::Promise>& newest() const override { return newest_; }
  Status write(const store::Promise& promise) override;

  // Neither slot could be read when the file was opened: what was promised is unknown.
  bool damaged() const { return damaged_; }
  // One slot could not be read when the file was opened: a torn write, or a bit flipped since.
  bool one_slot_damaged() const { return one_slot_damaged_; }

 private:
  FilePromise(int file, std::string path) : file_(file), path_(std::move(path)) {}
  Status write_slot(const store::Promise& promise);

  int file_ = -1;
  std::string path_;
  std::optional<store::Promise> newest_;
  std::uint64_t counter_ = 0;
  int next_slot_ = 0;
  bool damaged_ = false;
  bool one_slot_damaged_ = false;
  bool failed_ = false;
};

}  // namespace rz::host
