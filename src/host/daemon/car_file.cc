#include "host/daemon/car_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/varint.h"
#include "ipld/car.h"

namespace rz::host {

namespace {

constexpr std::size_t pending_bytes_max = 1 << 20;

std::unexpected<Error> io_error(std::string_view doing) {
  return fail(errno == ENOSPC || errno == EDQUOT ? ErrorCode::disk_full : ErrorCode::store_io,
              words(doing, ": ", std::strerror(errno)));
}

// Every root is a CID of 36 bytes, so every header has the same length.
std::string header(const ipld::Cid& root) {
  Bytes bytes;
  ipld::car::BytesSink sink(bytes);
  (void)ipld::car::Writer(sink).begin({root});
  return std::string(as_text(bytes));
}

Status write_at(int descriptor, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return io_error("the file can't be written");
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

}  // namespace

Result<CarFile> CarFile::create(const std::string& path, unsigned mode) {
  struct stat found{};
  if (::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
    return fail(ErrorCode::bad_argument, words(path, " is a folder: name a file"));
  }
  const std::string temporary = path + ".part";
  ::unlink(temporary.c_str());  // Left by a crash, with another mode perhaps.
  const int descriptor =
      ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, static_cast<mode_t>(mode));
  if (descriptor < 0) return io_error(words("can't write ", temporary));
  CarFile file(descriptor);
  file.path_ = path;
  file.temporary_ = temporary;
  return file;
}

Result<CarFile> CarFile::unnamed(const std::string& folder) {
  int descriptor = ::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    // A file system without such files: a name for a moment.
    std::string name = folder + "/download.XXXXXX";
    descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) return io_error(words("can't write in ", folder));
    ::unlink(name.c_str());
  }
  return CarFile(descriptor);
}

CarFile::CarFile(CarFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      pending_(std::move(other.pending_)),
      size_bytes_(other.size_bytes_) {}

CarFile::~CarFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status CarFile::put(const view::Block& block) {
  if (size_bytes_ == 0) RZ_CHECK(append(header(ipld::Cid::of(ipld::Codec::dag_cbor, {}))));
  Bytes section;
  put_varint(section, block.cid.bytes().size() + block.data.size());
  rz::append(section, block.cid.bytes());
  rz::append(section, block.data);
  return append(as_text(section));
}

Status CarFile::append(std::string_view bytes) {
  pending_ += bytes;
  size_bytes_ += bytes.size();
  return pending_.size() < pending_bytes_max ? Status{} : flush();
}

Status CarFile::flush() {
  RZ_CHECK(write_at(descriptor_, pending_, size_bytes_ - pending_.size()));
  pending_.clear();
  return {};
}

Status CarFile::finish(const ipld::Cid* root) {
  RZ_CHECK(flush());
  if (root != nullptr) RZ_CHECK(write_at(descriptor_, header(*root), 0));
  if (path_.empty()) return {};
  if (::fsync(descriptor_) != 0) return fail(ErrorCode::fsync_failed, words(path_, ": ", std::strerror(errno)));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return io_error(words("can't rename to ", path_));
  temporary_.clear();
  path_.clear();
  return {};
}

Result<std::string> CarFile::read(std::uint64_t offset, std::size_t bytes_max) const {
  std::string bytes(bytes_max, '\0');
  for (;;) {
    const ssize_t got = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("the file can't be read");
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }
}

}  // namespace rz::host
