#include "host/store/vfs_shim.h"

#include <mutex>
#include <new>

namespace rz::host {

int FileShim::read(sqlite3_file* below, void* out, int size_bytes, sqlite3_int64 at) {
  return below->pMethods->xRead(below, out, size_bytes, at);
}
int FileShim::write(sqlite3_file* below, const void* from, int size_bytes, sqlite3_int64 at) {
  return below->pMethods->xWrite(below, from, size_bytes, at);
}
int FileShim::truncate(sqlite3_file* below, sqlite3_int64 size_bytes) {
  return below->pMethods->xTruncate(below, size_bytes);
}
int FileShim::sync(sqlite3_file* below, int flags) { return below->pMethods->xSync(below, flags); }

namespace {

// What SQLite allocates for a file of ours: this, then the file below.
struct ShimFile {
  sqlite3_file base;
  FileShim* shim;
};
static_assert(sizeof(ShimFile) % 8 == 0);

FileShim& shim_of(sqlite3_file* file) { return *reinterpret_cast<ShimFile*>(file)->shim; }
sqlite3_file* below(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<ShimFile*>(file) + 1);
}

int close_file(sqlite3_file* file) {
  delete reinterpret_cast<ShimFile*>(file)->shim;
  return below(file)->pMethods->xClose(below(file));
}
int read_file(sqlite3_file* file, void* out, int size, sqlite3_int64 at) {
  return shim_of(file).read(below(file), out, size, at);
}
int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  return shim_of(file).write(below(file), from, size, at);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) { return shim_of(file).truncate(below(file), size); }
int sync_file(sqlite3_file* file, int flags) { return shim_of(file).sync(below(file), flags); }
int file_size(sqlite3_file* file, sqlite3_int64* size) { return below(file)->pMethods->xFileSize(below(file), size); }
int lock_file(sqlite3_file* file, int level) { return below(file)->pMethods->xLock(below(file), level); }
int unlock_file(sqlite3_file* file, int level) { return below(file)->pMethods->xUnlock(below(file), level); }
int check_reserved(sqlite3_file* file, int* out) { return below(file)->pMethods->xCheckReservedLock(below(file), out); }
int file_control(sqlite3_file* file, int operation, void* argument) {
  return below(file)->pMethods->xFileControl(below(file), operation, argument);
}
int sector_size(sqlite3_file* file) { return below(file)->pMethods->xSectorSize(below(file)); }
int characteristics(sqlite3_file* file) { return below(file)->pMethods->xDeviceCharacteristics(below(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return below(file)->pMethods->xShmMap(below(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return below(file)->pMethods->xShmLock(below(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) { below(file)->pMethods->xShmBarrier(below(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return below(file)->pMethods->xShmUnmap(below(file), remove); }

// Version 2: shared memory for the WAL index, but no memory-mapped pages, which would go past the shim.
const sqlite3_io_methods methods = {
    2,         close_file,  read_file,      write_file,   truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_reserved, file_control, sector_size,   characteristics, shm_map,
    shm_lock,  shm_barrier, shm_unmap,      nullptr,      nullptr,
};

struct Vfs {
  sqlite3_vfs base{};
  std::string name;
  sqlite3_vfs* below = nullptr;
  MakeShim make;
};

Vfs& ours(sqlite3_vfs* vfs) { return *static_cast<Vfs*>(vfs->pAppData); }
sqlite3_vfs* below(sqlite3_vfs* vfs) { return ours(vfs).below; }

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;  // Until it is open SQLite must not close it.
  const int code = below(vfs)->xOpen(below(vfs), name, below(file), flags, flags_out);
  if (code != SQLITE_OK) return code;
  reinterpret_cast<ShimFile*>(file)->shim = ours(vfs).make(name == nullptr ? "" : name, flags).release();
  file->pMethods = &methods;
  return SQLITE_OK;
}
int delete_file(sqlite3_vfs* vfs, const char* name, int sync) { return below(vfs)->xDelete(below(vfs), name, sync); }
int access_file(sqlite3_vfs* vfs, const char* name, int flags, int* out) {
  return below(vfs)->xAccess(below(vfs), name, flags, out);
}
int full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) {
  return below(vfs)->xFullPathname(below(vfs), name, size, out);
}
int randomness(sqlite3_vfs* vfs, int size, char* out) { return below(vfs)->xRandomness(below(vfs), size, out); }
int sleep_us(sqlite3_vfs* vfs, int us) { return below(vfs)->xSleep(below(vfs), us); }
int current_time(sqlite3_vfs* vfs, double* out) { return below(vfs)->xCurrentTime(below(vfs), out); }
int last_error(sqlite3_vfs* vfs, int size, char* out) { return below(vfs)->xGetLastError(below(vfs), size, out); }
int current_time_ms(sqlite3_vfs* vfs, sqlite3_int64* out) { return below(vfs)->xCurrentTimeInt64(below(vfs), out); }

}  // namespace

Status register_vfs(const std::string& name, const std::string& below_name, MakeShim make) {
  static std::mutex mutex;
  const std::lock_guard guard(mutex);
  if (sqlite3_vfs_find(name.c_str()) != nullptr) return {};
  sqlite3_vfs* under = sqlite3_vfs_find(below_name.empty() ? nullptr : below_name.c_str());
  if (under == nullptr) return fail(ErrorCode::store_io, words("SQLite has no file system ", below_name));
  if (under->iVersion < 2) return fail(ErrorCode::store_io, words(below_name, " is too old a file system"));
  auto* vfs = new Vfs;  // SQLite keeps it for the rest of the process.
  vfs->name = name;
  vfs->below = under;
  vfs->make = std::move(make);
  sqlite3_vfs& base = vfs->base;
  base.iVersion = 2;
  base.szOsFile = static_cast<int>(sizeof(ShimFile)) + under->szOsFile;
  base.mxPathname = under->mxPathname;
  base.zName = vfs->name.c_str();
  base.pAppData = vfs;
  base.xOpen = open_file;
  base.xDelete = delete_file;
  base.xAccess = access_file;
  base.xFullPathname = full_path;
  base.xRandomness = randomness;
  base.xSleep = sleep_us;
  base.xCurrentTime = current_time;
  base.xGetLastError = last_error;
  base.xCurrentTimeInt64 = current_time_ms;
  if (sqlite3_vfs_register(&base, 0) != SQLITE_OK) {
    return fail(ErrorCode::store_io, words("SQLite refused the file system ", name));
  }
  return {};
}

}  // namespace rz::host
