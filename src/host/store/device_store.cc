#include "host/store/device_store.h"

namespace rz::host {

using store::Standing;

Result<DeviceStore> DeviceStore::open(const SqliteStore::Options& options, crypto::Entropy& entropy) {
  DeviceStore device;
  RZ_TRY(device.store, SqliteStore::open(options, entropy));
  RZ_TRY(FilePromise promise, FilePromise::open(options.folder));
  device.promise = std::make_unique<FilePromise>(std::move(promise));
  const auto& newest = device.promise->newest();
  device.standing = store::compare(device.store->id(), device.store->transaction(), newest);
  store::Promise mark = newest.value_or(store::Promise{});
  switch (device.standing) {
    case Standing::fresh:
      // Before the first transaction there is a promise, so that a store with data and none has lost it.
      mark.store_id = device.store->id();
      RZ_CHECK(device.promise->write(mark));
      break;
    case Standing::behind:
      mark.repairing = true;  // Its numbers stay: they say how much is missing.
      if (!newest->repairing) RZ_CHECK(device.promise->write(mark));
      break;
    case Standing::missing:
    case Standing::foreign:
      mark = {.store_id = device.store->id(), .transaction = device.store->transaction(), .repairing = true};
      RZ_CHECK(device.promise->write(mark));
      break;
    case Standing::equal:
    case Standing::ahead:
    case Standing::repairing:
      break;
  }
  return device;
}

Status DeviceStore::repaired(store::Promise mended) {
  mended.store_id = store->id();
  mended.transaction = store->transaction();
  mended.repairing = false;
  RZ_CHECK(promise->write(mended));
  standing = Standing::equal;
  return {};
}

}  // namespace rz::host
