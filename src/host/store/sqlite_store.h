// The store on SQLite: DIR/store.db in WAL mode with synchronous=FULL, one table of keys and checked records.
//
// Threads: `get`, `scan` and `check` from one thread, `commit` and `checkpoint` from one other (or the same): readers
// have a connection of their own and go on while a commit waits for the disk. `transaction` from any.
//
// Invariants: 1. the transaction number changes in the transaction that it numbers; 2. every page carries a checksum
// (checksum_vfs.h) and every record one of its own, so a flipped bit is an error wherever it is; 3. after an error that
// leaves it open whether a batch took effect, the store takes no more writes (store_closed): the process must end, and
// look again at what the disk really holds.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "crypto/entropy.h"
#include "host/store/folder_lock.h"
#include "host/store/sqlite_handle.h"
#include "store/promise.h"
#include "store/store.h"

namespace rz::host {

class SqliteStore final : public store::Store {
 public:
  struct Options {
    std::string folder = {};                    // Made with mode 0700 if it does not exist.
    std::size_t cache_bytes = 4 * 1024 * 1024;  // Of pages, for each of the two connections.
    std::size_t wal_pages_checkpoint = 1000;    // checkpoint_due() at this length of the write-ahead log.
    std::string vfs = {};                       // Below the checksums; empty: the system's. Tests put faults there.
  };

  // Takes the folder's lock; makes the store if there is none (its id is drawn from `entropy`). Errors: store_locked,
  // store_damaged, store_too_new, disk_full, fsync_failed, store_io.
  static Result<std::unique_ptr<SqliteStore>> open(const Options& options, crypto::Entropy& entropy);

  Result<std::optional<Bytes>> get(ByteView key) const override;
  using Reader::scan;
  Status scan(const Range& range, const Visit& visit, const Damaged& damaged) const override;
  Status commit(const store::Batch& batch) override;
  std::uint64_t transaction() const override { return transaction_.load(std::memory_order_acquire); }

  const store::StoreId& id() const { return id_; }

  // Moves the write-ahead log into the database, as far as no reader is in the way. Not needed for durability: it
  // bounds the log's length. `commit` does it itself when the log is four times as long as when it falls due. Errors:
  // disk_full, fsync_failed, store_damaged, store_io.
  Status checkpoint();
  bool checkpoint_due() const { return wal_pages_ >= options_.wal_pages_checkpoint; }

  // Reads every page and every record. Damaged records go to `damaged`; a damaged page is the error store_damaged.
  Status check(const Damaged& damaged) const;

  // What the store takes on disk, with its write-ahead log.
  std::uint64_t size_bytes() const;

  // For salvage.h: the identity that a rebuilt store goes on under, and how it is read from a record.
  struct Identity {
    store::StoreId id;
    std::uint64_t transaction = 0;
  };
  Status adopt_identity(const store::StoreId& id, std::uint64_t transaction);
  // Errors: store_damaged, store_too_new.
  static Result<Identity> decode_identity(ByteView record);

 private:
  struct Statements {
    Statement begin, commit, rollback, put, erase, erase_range, erase_from;  // The writer's.
    Statement get, ascending, ascending_from, descending, descending_from;   // The reader's.
  };

  SqliteStore(const Options& options, FolderLock lock) : options_(options), lock_(std::move(lock)) {}

  Status open_connections();
  Result<SqliteConnection> connect(const std::string& vfs) const;
  Status make_or_read(crypto::Entropy& entropy);
  Status make(crypto::Entropy& entropy);
  Status read_identity();
  Status prepare_statements();
  Status apply(const store::Batch& batch);
  Status put_identity(const store::StoreId& id, std::uint64_t transaction);
  Status step_writer(const Statement& statement, ByteView first, ByteView second, const char* doing);
  const Statement& scan_statement(const Range& range) const;
  Status closed_error() const;

  Options options_;
  FolderLock lock_;  // Before the connections: given up after they are closed.
  SqliteConnection writer_;
  SqliteConnection reader_;
  Statements statements_;
  store::StoreId id_;
  std::atomic<std::uint64_t> transaction_ = 0;
  std::size_t wal_pages_ = 0;
  bool closed_ = false;            // After an error whose outcome is not known.
  mutable bool scanning_ = false;  // A scan's callbacks must not use the store.
};

}  // namespace rz::host
