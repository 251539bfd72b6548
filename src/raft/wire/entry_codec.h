// An entry as bytes (docs/formats/raft.md): its header, canonical DAG-CBOR
//
//   [version, kind, generation, index, term, prev: Bytes(32), time, root: Bytes(32)]
//
// whose SHA-256 is the entry's hash, and the payload beside it. Integers stay under 2^53.
#pragma once

#include <array>
#include <memory>

#include "raft/wire/reader.h"
#include "raft/wire/types.h"

namespace rz::raft {

// A header's encoding, in place: hashing an entry allocates nothing.
class HeaderBytes {
 public:
  static constexpr std::size_t bytes_max = 1 + 2 + 4 * 9 + 2 * 34;

  explicit HeaderBytes(const EntryHeader& header);
  ByteView view() const { return {bytes_.data(), size_}; }

 private:
  void put_head(std::uint8_t major, std::uint64_t argument);
  void put_hash(const std::array<std::uint8_t, 32>& hash);

  std::array<std::uint8_t, bytes_max> bytes_;
  std::size_t size_ = 0;
};

// Errors: those of Reader, raft_unknown_version, raft_unknown_kind, raft_bad_root.
Result<EntryHeader> read_header(Reader& reader);

// [header, payload]: the record of an entry in messages and in the store.
void put_entry(Bytes& out, const Entry& entry);
// Shares the payload with `owner`, in whose bytes the reader reads; copies it if there is none.
// Errors: those of read_header, raft_bad_payload (too large, of an empty entry, or not the configuration that the root
// names).
Result<Entry> read_entry(Reader& reader, const std::shared_ptr<const Bytes>& owner);

// [generation, term, index, hash].
void put_entry_id(Bytes& out, const EntryId& id);
Result<EntryId> read_entry_id(Reader& reader);

}  // namespace rz::raft
