#include "host/store/sqlite_handle.h"

#include <cerrno>

namespace rz::host {
namespace {

ErrorCode code_of(int extended, int system_error) {
  switch (extended) {
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
      return ErrorCode::fsync_failed;
    case SQLITE_IOERR_DATA:
    case SQLITE_IOERR_CORRUPTFS:
    case SQLITE_IOERR_SHORT_READ:
      return ErrorCode::store_damaged;
    default:
      break;
  }
  switch (extended & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::disk_full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::store_damaged;
    case SQLITE_IOERR: {
      // No room for the log's index in shared memory: SQLite has no code of its own for that.
      const bool full = system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
      return full ? ErrorCode::disk_full : ErrorCode::store_io;
    }
    default:
      return ErrorCode::store_io;
  }
}

}  // namespace

Error error_of(sqlite3* connection, const char* doing) {
  const int extended = sqlite3_extended_errcode(connection);
  return {code_of(extended, sqlite3_system_errno(connection)),
          words(doing, ": ", sqlite3_errmsg(connection), " (SQLite ", extended, ")")};
}

Result<Statement> prepare(sqlite3* connection, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return std::unexpected(error_of(connection, sql));
  }
  return Statement(statement);
}

Status run(sqlite3* connection, const char* sql) {
  if (sqlite3_exec(connection, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return std::unexpected(error_of(connection, sql));
  }
  return {};
}

Result<std::int64_t> query_integer(sqlite3* connection, const char* sql) {
  RZ_TRY(const Statement statement, prepare(connection, sql));
  if (sqlite3_step(statement.get()) != SQLITE_ROW) return std::unexpected(error_of(connection, sql));
  return sqlite3_column_int64(statement.get(), 0);
}

}  // namespace rz::host
