#include "host/store/salvage.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "host/store/durable_file.h"
#include "host/store/file_promise.h"
#include "store/checked.h"

namespace rz::host {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t batch_bytes = 4 * 1024 * 1024;

std::string done_mark(const std::string& folder) { return folder + "/salvage/done"; }

Status move_file(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
    return std::unexpected(write_error("rename", from, errno));
  }
  return {};
}

Status remove_all(const std::string& folder) {
  std::error_code failed;
  fs::remove_all(folder, failed);
  if (failed) return fail(ErrorCode::store_io, system_error("remove", folder, failed.value()));
  return {};
}

// The damaged database, read without the layer that refuses bad pages: here each record answers for itself.
Result<SqliteConnection> open_damaged(const SqliteStore::Options& options) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2((options.folder + "/store.db").c_str(), &raw, SQLITE_OPEN_READWRITE,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  SqliteConnection connection(raw);
  if (code != SQLITE_OK) return std::unexpected(error_of(raw, "open the damaged store"));
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);  // It is evidence: nothing changes it.
  return connection;
}

class Salvage {
 public:
  Salvage(sqlite3* from, SqliteStore& to) : from_(from), to_(to) {}

  Result<Salvaged> run() {
    RZ_TRY(const bool ended, walk("SELECT key,value FROM record WHERE key>x'' ORDER BY key", {}));
    if (!ended) {
      // From the other end, down to where the first walk stopped: what lies between two bad pages is lost.
      found_.whole_range = false;
      const Bytes stopped_at = last_key_;
      RZ_CHECK(walk("SELECT key,value FROM record WHERE key>x'' ORDER BY key DESC", stopped_at));
    }
    if (!found_.whole_range && found_.records == 0) {
      return fail(ErrorCode::store_damaged, "no record can be reached; the store is left as it is");
    }
    RZ_CHECK(flush());
    return found_;
  }

 private:
  // Takes every good record until `stop`; returns whether the walk came to its end. Errors: of the schema, of writing.
  Result<bool> walk(const char* sql, const Bytes& stop) {
    RZ_TRY(const Statement statement, prepare(from_, sql));
    StatementUse use(statement);
    int code = SQLITE_ROW;
    while ((code = use.step()) == SQLITE_ROW) {
      const ByteView key = use.blob(0);
      if (!stop.empty() && rz::compare(key, stop) <= 0) return true;
      const auto value = store::decode_record(key, use.blob(1));
      if (!value || !store::check_key(key) || value->size() > store::value_bytes_max) {
        ++found_.damaged_records;
        continue;
      }
      last_key_ = to_bytes(key);
      batch_.put(key, *value);
      ++found_.records;
      if (batch_.size_bytes() >= batch_bytes) RZ_CHECK(flush());
    }
    return code == SQLITE_DONE;
  }

  Status flush() {
    RZ_CHECK(to_.commit(batch_));
    batch_.clear();
    return {};
  }

  sqlite3* from_;
  SqliteStore& to_;
  store::Batch batch_;
  Bytes last_key_;
  Salvaged found_;
};

// What is known of the store's identity: its own record, or else what was promised from it.
Result<store::Promise> identity_of(sqlite3* damaged, const std::optional<store::Promise>& promise) {
  if (const auto statement = prepare(damaged, "SELECT value FROM record WHERE key=x''")) {
    StatementUse use(*statement);
    if (use.step() == SQLITE_ROW) {
      if (const auto identity = SqliteStore::decode_identity(use.blob(0))) {
        return store::Promise{.store_id = identity->id, .transaction = identity->transaction};
      }
    }
  }
  if (promise) return *promise;
  return fail(ErrorCode::store_damaged, "neither the store nor its promise says which store this was");
}

Status write_mark(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(write_error("open", path, errno));
  close(file);
  return {};
}

}  // namespace

Result<Salvaged> salvage(const SqliteStore::Options& options) {
  const std::string& folder = options.folder;
  RZ_TRY(const FolderLock lock, FolderLock::take(folder));
  RZ_CHECK(finish_salvage(folder));
  RZ_CHECK(remove_all(folder + "/salvage"));
  Salvaged found;
  {
    RZ_TRY(const SqliteConnection damaged, open_damaged(options));
    RZ_TRY(FilePromise promise, FilePromise::open(folder));
    RZ_TRY(const store::Promise identity, identity_of(damaged.get(), promise.newest()));
    store::Promise mark = promise.newest().value_or(identity);
    mark.repairing = true;
    RZ_CHECK(promise.write(mark));

    crypto::SeededEntropy no_secret(0);  // Its id is replaced by the old one's.
    SqliteStore::Options fresh = options;
    fresh.folder = folder + "/salvage";
    RZ_TRY(const auto store, SqliteStore::open(fresh, no_secret));
    RZ_TRY(found, Salvage(damaged.get(), *store).run());
    RZ_CHECK(store->adopt_identity(identity.store_id, identity.transaction));
    RZ_CHECK(store->checkpoint());
  }  // Closed: the new store is one file.
  RZ_CHECK(sync_folder(folder + "/salvage"));
  RZ_CHECK(write_mark(done_mark(folder)));
  RZ_CHECK(sync_folder(folder + "/salvage"));
  RZ_CHECK(finish_salvage(folder));
  return found;
}

// Each step may have been done before.
Status finish_salvage(const std::string& folder) {
  if (!fs::exists(done_mark(folder))) return {};
  if (fs::exists(folder + "/salvage/store.db")) {
    RZ_CHECK(make_folder(folder + "/damaged"));
    for (const char* name : {"/store.db", "/store.db-wal", "/store.db-shm"}) {
      RZ_CHECK(move_file(folder + name, folder + "/damaged" + name));
    }
    RZ_CHECK(sync_folder(folder));
    RZ_CHECK(move_file(folder + "/salvage/store.db", folder + "/store.db"));
    RZ_CHECK(sync_folder(folder));
  }
  return remove_all(folder + "/salvage");
}

}  // namespace rz::host
