// What to do about a damaged page. A damaged record can be erased and fetched again; but SQLite neither reads nor
// writes a tree with a bad page, so the store is made anew from every record that still matches its own checksum.
//
// The new store has the old one's id and transaction number, and its promise is marked as being repaired before
// anything else: it has lost something, so it neither votes nor leads until the other devices have given it back. The
// damaged files are kept in DIR/damaged until somebody removes them. A crash at any moment leaves the old store or the
// new one.
#pragma once

#include "host/store/sqlite_store.h"

namespace rz::host {

struct Salvaged {
  std::uint64_t records = 0;          // In the new store.
  std::uint64_t damaged_records = 0;  // Seen, and left behind.
  bool whole_range = true;            // No page stopped the walk: what is missing are the damaged records alone.
};

// Rebuilds the store in options.folder, which nobody has open. Errors: store_locked; store_damaged, and the store stays
// as it is, if no record can be reached (the schema or the tree's root is bad) or its identity is left neither in it
// nor in the promise; disk_full, fsync_failed, store_io.
Result<Salvaged> salvage(const SqliteStore::Options& options);

// Ends a salvage that a crash cut short after the new store was complete. SqliteStore::open calls it under the lock.
Status finish_salvage(const std::string& folder);

}  // namespace rz::host
