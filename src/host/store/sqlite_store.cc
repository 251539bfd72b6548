#include "host/store/sqlite_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/assert.h"
#include "host/store/checksum_vfs.h"
#include "host/store/durable_file.h"
#include "host/store/salvage.h"
#include "store/checked.h"

namespace rz::host {
namespace {

constexpr std::int64_t application_id = 0x727a7374;  // "rzst": what `file` sees.
constexpr std::int64_t format_version = 1;

// The identity record, under the empty key, which no caller can use: version, store id, transaction number.
constexpr std::size_t identity_bytes = 1 + store::StoreId::size_bytes + 8;

Bytes encode_identity(const store::StoreId& id, std::uint64_t transaction) {
  Bytes value;
  value.reserve(identity_bytes);
  value.push_back(static_cast<std::uint8_t>(format_version));
  append(value, id.view());
  for (int shift = 0; shift < 64; shift += 8) value.push_back(static_cast<std::uint8_t>(transaction >> shift));
  return value;
}

std::string database_path(const std::string& folder) { return folder + "/store.db"; }

// SQLite would make the file readable by others; its log and index take their mode from it.
Status make_private_file(const std::string& folder) {
  const std::string path = database_path(folder);
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(write_error("open", path, errno));
  close(file);
  return sync_folder(folder);
}

std::uint64_t file_bytes(const std::string& path) {
  struct stat found;
  return stat(path.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

int count_wal_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<std::size_t*>(pages) = static_cast<std::size_t>(count);
  return SQLITE_OK;
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const Options& options, crypto::Entropy& entropy) {
  RZ_TRY(FolderLock lock, FolderLock::take(options.folder));
  RZ_CHECK(finish_salvage(options.folder));
  RZ_CHECK(make_private_file(options.folder));
  std::unique_ptr<SqliteStore> store(new SqliteStore(options, std::move(lock)));
  RZ_CHECK(store->open_connections());
  RZ_CHECK(store->make_or_read(entropy));
  RZ_CHECK(store->prepare_statements());
  return store;
}

Result<SqliteConnection> SqliteStore::connect(const std::string& vfs) const {
  sqlite3* raw = nullptr;
  // Each connection is used by one thread at a time, so SQLite needs no mutexes of its own.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(database_path(options_.folder).c_str(), &raw, flags, vfs.c_str());
  SqliteConnection connection(raw);
  if (code != SQLITE_OK) return std::unexpected(error_of(raw, "open the store"));
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  int reserved = page_checksum_bytes;  // Only a new database takes it; the others have it in their header.
  sqlite3_file_control(raw, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  const std::string cache = words("PRAGMA cache_size=-", options_.cache_bytes / 1024);
  RZ_CHECK(run(raw, cache.c_str()));
  RZ_CHECK(run(raw,
               "PRAGMA page_size=4096; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cell_size_check=1;"
               "PRAGMA fullfsync=1; PRAGMA checkpoint_fullfsync=1;"));
  return connection;
}

Status SqliteStore::open_connections() {
  RZ_TRY(const std::string vfs, checksum_vfs(options_.vfs));
  RZ_TRY(writer_, connect(vfs));
  RZ_CHECK(run(writer_.get(),
               "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
               "PRAGMA journal_size_limit=16777216;"));
  {
    // Where the disk offers no shared memory, SQLite keeps its old journal without an error.
    RZ_TRY(const Statement mode, prepare(writer_.get(), "PRAGMA journal_mode"));
    StatementUse use(mode);
    if (use.step() != SQLITE_ROW) return std::unexpected(error_of(writer_.get(), "PRAGMA journal_mode"));
    if (as_text(use.blob(0)) != "wal") return fail(ErrorCode::store_io, "SQLite can't use a write-ahead log here");
  }
  sqlite3_wal_hook(writer_.get(), count_wal_pages, &wal_pages_);
  RZ_TRY(reader_, connect(vfs));
  return sync_folder(options_.folder);
}

Status SqliteStore::make_or_read(crypto::Entropy& entropy) {
  RZ_TRY(const auto version, query_integer(writer_.get(), "PRAGMA user_version"));
  RZ_TRY(const auto tables, query_integer(writer_.get(), "SELECT count(*) FROM sqlite_schema"));
  if (version == 0 && tables == 0) return make(entropy);
  if (version > format_version) {
    return fail(ErrorCode::store_too_new, words("the store has version ", version, ", known is ", format_version));
  }
  int reserved = -1;
  sqlite3_file_control(writer_.get(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  RZ_TRY(const auto page_size, query_integer(writer_.get(), "PRAGMA page_size"));
  RZ_TRY(const auto application, query_integer(writer_.get(), "PRAGMA application_id"));
  if (application != application_id || page_size != page_bytes || reserved != page_checksum_bytes) {
    return fail(ErrorCode::store_damaged, words(database_path(options_.folder), " is not a store of this program"));
  }
  return read_identity();
}

Status SqliteStore::make(crypto::Entropy& entropy) {
  store::StoreId id;
  entropy.fill(id.mutable_view());
  RZ_CHECK(run(writer_.get(),
               "BEGIN IMMEDIATE; PRAGMA application_id=1920627572; PRAGMA user_version=1;"
               "CREATE TABLE record(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"));
  RZ_TRY(statements_.put, prepare(writer_.get(), "REPLACE INTO record VALUES(?1,?2)"));
  RZ_CHECK(put_identity(id, 0));
  RZ_CHECK(run(writer_.get(), "COMMIT"));
  id_ = id;
  return {};
}

Status SqliteStore::read_identity() {
  RZ_TRY(const Statement statement, prepare(writer_.get(), "SELECT value FROM record WHERE key=x''"));
  StatementUse use(statement);
  const int code = use.step();
  if (code == SQLITE_DONE) return fail(ErrorCode::store_damaged, "the store has no identity");
  if (code != SQLITE_ROW) return std::unexpected(error_of(writer_.get(), "read the store's identity"));
  RZ_TRY(const Identity identity, decode_identity(use.blob(0)));
  id_ = identity.id;
  transaction_ = identity.transaction;
  return {};
}

Result<SqliteStore::Identity> SqliteStore::decode_identity(ByteView record) {
  const auto value = store::decode_record({}, record);
  if (!value) return fail(ErrorCode::store_damaged, "the store's identity does not match its checksum");
  if (value->size() != identity_bytes || (*value)[0] != format_version) {
    return fail(ErrorCode::store_too_new, "the store's identity is of an unknown version");
  }
  Identity identity;
  RZ_TRY(identity.id, store::StoreId::from(value->subspan(1, store::StoreId::size_bytes)));
  for (std::size_t i = 0; i < 8; ++i) {
    identity.transaction |= std::uint64_t{(*value)[identity_bytes - 8 + i]} << (8 * i);
  }
  return identity;
}

Status SqliteStore::adopt_identity(const store::StoreId& id, std::uint64_t transaction) {
  RZ_CHECK(put_identity(id, transaction));  // A transaction of its own.
  id_ = id;
  transaction_ = transaction;
  return {};
}

Status SqliteStore::prepare_statements() {
  const auto make = [](Statement& statement, const SqliteConnection& connection, const char* sql) -> Status {
    RZ_TRY(statement, prepare(connection.get(), sql));
    return {};
  };
  Statements& s = statements_;
  RZ_CHECK(make(s.begin, writer_, "BEGIN IMMEDIATE"));
  RZ_CHECK(make(s.commit, writer_, "COMMIT"));
  RZ_CHECK(make(s.rollback, writer_, "ROLLBACK"));
  RZ_CHECK(make(s.put, writer_, "REPLACE INTO record VALUES(?1,?2)"));
  RZ_CHECK(make(s.erase, writer_, "DELETE FROM record WHERE key=?1"));
  // The empty key is the identity's: x'' is less than every other, so a range never reaches it.
  RZ_CHECK(make(s.erase_range, writer_, "DELETE FROM record WHERE key>=?1 AND key<?2 AND key>x''"));
  RZ_CHECK(make(s.erase_from, writer_, "DELETE FROM record WHERE key>=?1 AND key>x''"));
  RZ_CHECK(make(s.get, reader_, "SELECT value FROM record WHERE key=?1"));
  RZ_CHECK(
      make(s.ascending, reader_, "SELECT key,value FROM record WHERE key>=?1 AND key<?2 AND key>x'' ORDER BY key"));
  RZ_CHECK(make(s.ascending_from, reader_, "SELECT key,value FROM record WHERE key>=?1 AND key>x'' ORDER BY key"));
  RZ_CHECK(make(s.descending, reader_,
                "SELECT key,value FROM record WHERE key>=?1 AND key<?2 AND key>x'' ORDER BY key DESC"));
  RZ_CHECK(
      make(s.descending_from, reader_, "SELECT key,value FROM record WHERE key>=?1 AND key>x'' ORDER BY key DESC"));
  return {};
}

Result<std::optional<Bytes>> SqliteStore::get(ByteView key) const {
  RZ_REQUIRE(!scanning_);
  RZ_CHECK(store::check_key(key));
  StatementUse use(statements_.get);
  use.bind(1, key);
  const int code = use.step();
  if (code == SQLITE_DONE) return std::nullopt;
  if (code != SQLITE_ROW) return std::unexpected(error_of(reader_.get(), "read"));
  RZ_TRY(const ByteView value, store::decode_record(key, use.blob(0)));
  return to_bytes(value);
}

const Statement& SqliteStore::scan_statement(const Range& range) const {
  if (range.order == Order::ascending) return range.end.empty() ? statements_.ascending_from : statements_.ascending;
  return range.end.empty() ? statements_.descending_from : statements_.descending;
}

Status SqliteStore::scan(const Range& range, const Visit& visit, const Damaged& damaged) const {
  RZ_REQUIRE(!scanning_);
  scanning_ = true;
  const auto done = std::unique_ptr<bool, void (*)(bool*)>(&scanning_, [](bool* flag) { *flag = false; });
  StatementUse use(scan_statement(range));
  use.bind(1, range.begin);
  if (!range.end.empty()) use.bind(2, range.end);
  for (;;) {
    const int code = use.step();
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return std::unexpected(error_of(reader_.get(), "scan"));
    const ByteView key = use.blob(0);
    auto value = store::decode_record(key, use.blob(1));
    if (value) {
      if (!visit(key, *value)) return {};
    } else if (damaged) {
      damaged(key);
    } else {
      return std::unexpected(std::move(value).error());
    }
  }
}

Status SqliteStore::step_writer(const Statement& statement, ByteView first, ByteView second, const char* doing) {
  StatementUse use(statement);
  const int parameters = sqlite3_bind_parameter_count(statement.get());
  if (parameters >= 1) use.bind(1, first);
  if (parameters >= 2) use.bind(2, second);
  if (use.step() != SQLITE_DONE) return std::unexpected(error_of(writer_.get(), doing));
  return {};
}

Status SqliteStore::put_identity(const store::StoreId& id, std::uint64_t transaction) {
  const Bytes record = store::encode_record({}, encode_identity(id, transaction));
  return step_writer(statements_.put, {}, record, "write the store's identity");
}

Status SqliteStore::apply(const store::Batch& batch) {
  RZ_CHECK(step_writer(statements_.begin, {}, {}, "begin"));
  for (const auto& operation : batch.operations()) {
    switch (operation.kind) {
      case store::Batch::Kind::put:
        RZ_CHECK(
            step_writer(statements_.put, operation.key, store::encode_record(operation.key, operation.value), "put"));
        break;
      case store::Batch::Kind::erase:
        RZ_CHECK(step_writer(statements_.erase, operation.key, {}, "erase"));
        break;
      case store::Batch::Kind::erase_range:
        RZ_CHECK(step_writer(operation.value.empty() ? statements_.erase_from : statements_.erase_range, operation.key,
                             operation.value, "erase a range"));
        break;
    }
  }
  return put_identity(id_, transaction() + 1);
}

Status SqliteStore::commit(const store::Batch& batch) {
  if (closed_) return closed_error();
  RZ_CHECK(store::check_limits(batch));
  auto status = apply(batch);
  bool in_doubt = false;
  if (status) {
    status = step_writer(statements_.commit, {}, {}, "commit");
    // From here on the log may hold the whole transaction, except where the disk had no room for its end.
    in_doubt = !status && sqlite3_extended_errcode(writer_.get()) != SQLITE_FULL;
  }
  if (status) {
    transaction_.fetch_add(1, std::memory_order_release);
    if (wal_pages_ >= 4 * options_.wal_pages_checkpoint) {
      // The batch is durable whatever becomes of this; only a failed sync matters, and that closes the store.
      (void)checkpoint();
    }
    return {};
  }
  if (sqlite3_get_autocommit(writer_.get()) == 0) {
    // Spilled pages may make even this fail; then the connection's state is not known.
    if (!step_writer(statements_.rollback, {}, {}, "roll back")) in_doubt = true;
  }
  if (status.error().code == ErrorCode::fsync_failed) in_doubt = true;
  if (in_doubt) {
    closed_ = true;
    if (status.error().code == ErrorCode::store_io) status.error().code = ErrorCode::unknown_outcome;
  }
  return status;
}

Status SqliteStore::checkpoint() {
  if (closed_) return closed_error();
  int left = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(writer_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &left, &moved);
  if (code == SQLITE_OK) {
    if (left >= 0 && left == moved) wal_pages_ = 0;  // The next commit begins the log anew.
    return {};
  }
  auto error = error_of(writer_.get(), "checkpoint");
  if (error.code == ErrorCode::fsync_failed) closed_ = true;
  return std::unexpected(std::move(error));
}

Status SqliteStore::closed_error() const {
  return fail(ErrorCode::store_closed, "an earlier write failed with its outcome unknown; the process must end");
}

Status SqliteStore::check(const Damaged& damaged) const {
  RZ_REQUIRE(!scanning_);
  {
    RZ_TRY(const Statement statement, prepare(reader_.get(), "PRAGMA integrity_check(1)"));
    StatementUse use(statement);
    if (use.step() != SQLITE_ROW) return std::unexpected(error_of(reader_.get(), "check"));
    const auto said = as_text(use.blob(0));
    if (said != "ok") return fail(ErrorCode::store_damaged, words("the store's structure: ", said));
  }
  return scan({}, [](ByteView, ByteView) { return true; }, damaged ? damaged : [](ByteView) {});
}

std::uint64_t SqliteStore::size_bytes() const {
  const std::string path = database_path(options_.folder);
  return file_bytes(path) + file_bytes(path + "-wal");
}

}  // namespace rz::host
