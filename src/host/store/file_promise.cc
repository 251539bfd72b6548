#include "host/store/file_promise.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "host/store/durable_file.h"

namespace rz::host {
namespace {

Status write_at(int file, ByteView bytes, std::size_t at, const std::string& path) {
  while (!bytes.empty()) {
    const auto wrote = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return std::unexpected(write_error("write", path, wrote < 0 ? errno : EIO));
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    at += static_cast<std::size_t>(wrote);
  }
  return {};
}

Result<Bytes> read_all(int file, const std::string& path) {
  Bytes bytes(store::promise_file_bytes);
  std::size_t have = 0;
  while (have < bytes.size()) {
    const auto got = pread(file, bytes.data() + have, bytes.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::store_io, system_error("read", path, errno));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

Result<FilePromise> FilePromise::open(const std::string& folder) {
  const std::string path = folder + "/promise";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(write_error("open", path, errno));
  FilePromise promise(file, path);  // Closes the file on every way out.
  RZ_TRY(const Bytes bytes, read_all(file, path));
  if (bytes.empty()) {
    // Written out rather than left as a hole, so that a disk that fills up later has these blocks already.
    RZ_CHECK(write_at(file, Bytes(store::promise_file_bytes), 0, path));
    RZ_CHECK(sync_file(file, path));
    RZ_CHECK(sync_folder(folder));
  }
  auto decoded = store::decode_promise(bytes);
  if (!decoded && decoded.error().code != ErrorCode::promise_damaged) {
    return std::unexpected(std::move(decoded).error());
  }
  if (!decoded) {
    promise.damaged_ = true;
    return promise;
  }
  promise.newest_ = decoded->promise;
  promise.counter_ = decoded->counter;
  promise.next_slot_ = decoded->next_slot;
  promise.one_slot_damaged_ = decoded->one_slot_damaged;
  return promise;
}

FilePromise::FilePromise(FilePromise&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      path_(std::move(other.path_)),
      newest_(other.newest_),
      counter_(other.counter_),
      next_slot_(other.next_slot_),
      damaged_(other.damaged_),
      one_slot_damaged_(other.one_slot_damaged_),
      failed_(other.failed_) {}

FilePromise::~FilePromise() {
  if (file_ >= 0) close(file_);
}

Status FilePromise::write(const store::Promise& promise) {
  // Whether a store is being repaired must not depend on one slot: the other would let it vote again.
  const bool both = newest_.has_value() != true || newest_->repairing != promise.repairing;
  RZ_CHECK(write_slot(promise));
  if (both) RZ_CHECK(write_slot(promise));
  return {};
}

Status FilePromise::write_slot(const store::Promise& promise) {
  if (failed_) return fail(ErrorCode::fsync_failed, words("an earlier sync of ", path_, " failed"));
  const auto slot = store::encode_slot(promise, counter_ + 1);
  const std::size_t at = static_cast<std::size_t>(next_slot_) * store::promise_slot_stride;
  RZ_CHECK(write_at(file_, slot, at, path_));  // A torn slot is the older one; the same write mends it.
  if (auto status = sync_file(file_, path_); !status) {
    failed_ = true;
    return status;
  }
  ++counter_;
  next_slot_ = 1 - next_slot_;
  newest_ = promise;
  return {};
}

}  // namespace rz::host
