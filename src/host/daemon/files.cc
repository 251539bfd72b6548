#include "host/daemon/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace rz::host {

namespace {

constexpr std::size_t small_file_bytes_max = 64 * 1024;
constexpr std::string_view next_name = "device.key.next";
constexpr std::string_view former_name = "device.key.old";

std::unexpected<Error> io_error(std::string_view doing, const std::string& path) {
  const ErrorCode code = errno == ENOENT   ? ErrorCode::not_found
                         : errno == ENOSPC ? ErrorCode::disk_full
                                           : ErrorCode::store_io;
  return fail(code, words(doing, " ", path, ": ", std::strerror(errno)));
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// What was renamed in it is durable. Errors: fsync_failed, store_io.
Status sync_folder(const std::string& path) {
  const std::string folder = path.substr(0, path.find_last_of('/'));
  const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return io_error("can't open", folder);
  if (::fsync(directory.get()) != 0) return fail(ErrorCode::fsync_failed, words(folder, ": ", std::strerror(errno)));
  return {};
}

// Overwritten first: on most disks that is the best a program can do.
void drop_file(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return;
  {
    const File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string zeros(static_cast<std::size_t>(size), '0');
    if (file.get() >= 0 && ::write(file.get(), zeros.data(), zeros.size()) > 0) (void)::fsync(file.get());
  }
  ::unlink(path.c_str());
}

Result<crypto::Secret32> parse_secret(std::string_view text, const std::string& path) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  auto bytes = from_hex(text);
  if (!bytes || bytes->size() != 32) return fail(ErrorCode::store_damaged, words(path, " does not hold a key"));
  auto secret = crypto::Secret32::from(*bytes);
  crypto::wipe(*bytes);
  return secret;
}

}  // namespace

std::string default_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/')
    return std::string(data) + "/rhizome";
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "." : home) + "/.local/share/rhizome";
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return io_error("can't read", path);
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("can't read", path);
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
    if (content.size() > bytes_max)
      return fail(ErrorCode::limit_exceeded, words(path, " is larger than ", bytes_max, " bytes"));
  }
}

Status write_file(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = path + ".new";
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, static_cast<mode_t>(mode)));
    if (file.get() < 0) return io_error("can't write", temporary);
    while (!content.empty()) {
      const ssize_t put = ::write(file.get(), content.data(), content.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        const auto error = io_error("can't write", temporary);
        ::unlink(temporary.c_str());  // Nothing half-written stays.
        return error;
      }
      content.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(file.get()) != 0) return fail(ErrorCode::fsync_failed, words(temporary, ": ", std::strerror(errno)));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error("can't rename", temporary);
  const std::string folder = path.substr(0, path.find_last_of('/'));
  const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) (void)::fsync(directory.get());
  return {};
}

Status DeviceFiles::prepare() const {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::store_io, words("can't make ", folder, ": ", error.message()));
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  return {};
}

Result<identity::DeviceKeys> DeviceFiles::read_keys(std::string_view name) const {
  RZ_TRY(std::string text, read_file(path(name), small_file_bytes_max));
  RZ_TRY(crypto::Secret32 secret, parse_secret(text, path(name)));
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return identity::DeviceKeys(std::move(secret));
}

Status DeviceFiles::write_keys(const identity::DeviceKeys& keys, std::string_view name) const {
  return write_file(path(name), to_hex(keys.secret().expose()) + "\n", 0600);
}

Result<std::optional<identity::PaperKey>> DeviceFiles::read_paper() const {
  auto text = read_file(path("paper.key"), small_file_bytes_max);
  if (!text && text.error().code == ErrorCode::not_found) return std::nullopt;
  if (!text) return std::unexpected(text.error());
  RZ_TRY(crypto::Secret32 seed, parse_secret(*text, path("paper.key")));
  return identity::PaperKey(std::move(seed));
}

Status DeviceFiles::write_paper(const identity::PaperKey& paper) const {
  return write_file(path("paper.key"), to_hex(paper.seed().expose()) + "\n", 0600);
}

Result<identity::DeviceKeys> DeviceFiles::next_keys(crypto::Entropy& entropy) const {
  auto present = read_keys(next_name);
  if (present || present.error().code != ErrorCode::not_found) return present;
  identity::DeviceKeys drawn = identity::DeviceKeys::random(entropy);
  RZ_CHECK(write_keys(drawn, next_name));
  return drawn;
}

Result<bool> DeviceFiles::has_next_key(const crypto::PublicKey& wanted) const {
  const auto next = read_keys(next_name);
  if (next) return next->public_key() == wanted;
  if (next.error().code == ErrorCode::not_found) return false;
  return std::unexpected(next.error());
}

Status DeviceFiles::take_next_keys() const {
  RZ_CHECK(read_keys(next_name));
  RZ_TRY(const identity::DeviceKeys present, read_keys());
  RZ_TRY(const std::vector<identity::DeviceKeys> former, former_keys());
  if (former.empty() || former.front().public_key() != present.public_key()) {
    std::string lines = to_hex(present.secret().expose()) + "\n";
    for (const identity::DeviceKeys& each : former) lines += to_hex(each.secret().expose()) + "\n";
    RZ_CHECK(write_file(path(former_name), lines, 0600));
  }
  if (::rename(path(next_name).c_str(), path("device.key").c_str()) != 0) {
    return io_error("can't rename", path(next_name));
  }
  return sync_folder(path("device.key"));
}

Result<std::vector<identity::DeviceKeys>> DeviceFiles::former_keys() const {
  std::vector<identity::DeviceKeys> keys;
  const auto text = read_file(path(former_name), small_file_bytes_max);
  if (!text && text.error().code == ErrorCode::not_found) return keys;
  if (!text) return std::unexpected(text.error());
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\n', begin), text->size());
    RZ_TRY(crypto::Secret32 secret, parse_secret(text->substr(begin, end - begin), path(former_name)));
    keys.emplace_back(std::move(secret));
    begin = end + 1;
  }
  return keys;
}

void DeviceFiles::drop_former_keys() const { drop_file(path(former_name)); }

void DeviceFiles::drop_keys() const {
  for (const std::string_view name : {std::string_view("device.key"), next_name, former_name}) drop_file(path(name));
}

void DeviceFiles::drop_paper() const { ::unlink(path("paper.key").c_str()); }

Status DeviceFiles::tell_where(std::uint16_t http_port) const {
  const std::string about = words(R"({"pid":)", static_cast<std::int64_t>(::getpid()), R"(,"http":"http://127.0.0.1:)",
                                  http_port, R"(","token_file":"api.token"})", "\n");
  return write_file(path("daemon.json"), about, 0600);
}

void DeviceFiles::forget_where() const { ::unlink(path("daemon.json").c_str()); }

std::string page_url(std::uint16_t http_port, std::string_view token) {
  return words("http://127.0.0.1:", http_port, "/?token=", token);
}

Result<std::string> DeviceFiles::api_token(crypto::Entropy& entropy) const {
  if (auto text = read_file(path("api.token"), small_file_bytes_max)) {
    while (!text->empty() && text->back() == '\n') text->pop_back();
    if (text->size() == 64) return *text;
  }
  std::array<std::uint8_t, 32> drawn{};
  entropy.fill(drawn);
  const std::string token = to_hex(drawn);
  RZ_CHECK(write_file(path("api.token"), token + "\n", 0600));
  return token;
}

}  // namespace rz::host
