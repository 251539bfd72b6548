// SQLite's C handles, owned, and its codes as our errors.
#pragma once

#include <memory>
#include <string>

#include <sqlite3.h>

#include "base/bytes.h"

namespace rz::host {

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
using SqliteConnection = std::unique_ptr<sqlite3, CloseConnection>;

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// The connection's last error: disk_full, fsync_failed, store_damaged (a page's checksum or structure), otherwise
// store_io. `doing` begins the message.
Error error_of(sqlite3* connection, const char* doing);

Result<Statement> prepare(sqlite3* connection, const char* sql);
Status run(sqlite3* connection, const char* sql);
// The first column of the first row of a query that has one.
Result<std::int64_t> query_integer(sqlite3* connection, const char* sql);

// Resets a statement when the scope ends: an open read would hold back checkpoints, and bound memory may go away.
class StatementUse {
 public:
  explicit StatementUse(const Statement& statement) : statement_(statement.get()) {}
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;
  ~StatementUse() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  // Bound without copying: `bytes` outlives the use. An empty view is the empty blob, never NULL.
  void bind(int index, ByteView bytes) {
    if (bytes.empty()) {
      sqlite3_bind_zeroblob(statement_, index, 0);
    } else {
      sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC);
    }
  }
  // SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return sqlite3_step(statement_); }
  // Lives until the next step.
  ByteView blob(int column) {
    const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

}  // namespace rz::host
