// Page checksums under SQLite: a flipped bit in the database file, or in its write-ahead log while that is open, is an
// error when the page is read, wherever it is: also in a key, a page's pointers or the list of free pages, which the
// records' own checksums don't cover and which SQLite itself may misread without noticing.
//
// The last 16 bytes of each 4 KiB page of the database (SQLite leaves them to us) hold the BLAKE2b-128 of the rest. In
// the write-ahead log pages are as SQLite writes them, because its own checksums, which it checks when it opens the
// log, cover all of a page; while the log is open this layer remembers what was written or recovered, and compares.
#pragma once

#include <string>

#include "base/result.h"

namespace rz::host {

inline constexpr int page_bytes = 4096;
inline constexpr int page_checksum_bytes = 16;

// Makes the VFS over `below` (empty: the system's) if need be; returns its name for sqlite3_open_v2. Errors: store_io.
Result<std::string> checksum_vfs(const std::string& below);

}  // namespace rz::host
