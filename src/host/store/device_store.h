// Everything durable of one device, opened together: the folder's lock, the store, the promise, and how they stand.
#pragma once

#include "host/store/file_promise.h"
#include "host/store/sqlite_store.h"

namespace rz::host {

struct DeviceStore {
  std::unique_ptr<SqliteStore> store;
  std::unique_ptr<FilePromise> promise;
  store::Standing standing = store::Standing::fresh;

  // Where the store is behind its promise (or the promise is lost, or another's) it is marked as being repaired before
  // anything can be written to it, so that it stays known for that until `repaired`; the device may read and fetch, but
  // store::may_promise(standing) is false. Errors: as SqliteStore::open and FilePromise::open.
  static Result<DeviceStore> open(const SqliteStore::Options& options, crypto::Entropy& entropy);

  // What was missing is here again: promises from what the store holds now, with Raft's part as given. Call it only
  // when the other voters (or, alone, the owner by their own act) say so, and not while a GroupCommitter runs. Errors:
  // fsync_failed, disk_full, store_io.
  Status repaired(store::Promise promise);
};

}  // namespace rz::host
