// The header of a Raft entry as readers outside the cluster see it: what a certificate signs
// (docs/formats/certificate.md). The consensus room makes the same bytes from its own struct; a test in tests/ holds
// them to each other.
//
//   [version, kind, generation, index, term, previous: Bytes(32), time, root: Bytes(32)]
#pragma once

#include "base/tick.h"
#include "log/ids.h"

namespace rz::log {

inline constexpr std::uint64_t entry_version = 1;

enum class EntryKind : std::uint8_t {
  empty = 0,          // The first of a leader's term: orders nothing; root zero.
  cut = 1,            // root: of the cut's head tree.
  configuration = 2,  // root: SHA-256 of the encoded configuration.
  pod_snapshot = 3,   // root: names a pod snapshot.
};

struct EntryHeader {
  EntryKind kind = EntryKind::empty;
  std::uint64_t generation = 0;
  std::uint64_t index = 0;
  std::uint64_t term = 0;
  Hash256 previous;  // Hash of the entry before; zero for the first.
  UnixMs time;
  Hash256 root;
  friend bool operator==(const EntryHeader&, const EntryHeader&) = default;
};

Bytes encode_entry(const EntryHeader& entry);
Result<EntryHeader> decode_entry(
    ByteView block);  // Strict. Errors: entry_version, entry_kind, those of the DAG-CBOR reader.
Hash256 entry_hash(const EntryHeader& entry);

}  // namespace rz::log
