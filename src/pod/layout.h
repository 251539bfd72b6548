// Where things are in a pod's store (docs/formats/store.md, "Keys"). One letter a kind, then fixed-width numbers, so
// that ranges are in order. Streams have a local number: a key of 32 bytes an event would cost more than the event.
//
//   i <name>                    singletons: genesis, name, codes, paper, bootstrap, applied, copied (core_copies.cc)
//                               read_only, copied_cut, read_keys: of a copy from an export (core_read_only.cc)
//                               identity: promises, successor, chain, recovery_seen, cut/<root: 32> (a removal's
//                               heads), seen (who awaits confirmation), ask/<device: 32> and answer/<request:
//                               32><device: 32> (what devices ask of each other, and what was answered)
//                               recovering (while a copy is fetched with the paper key), recovered (when), unannounced,
//                               recoveries_seen
//                               rotating (this device asked for another key: which), rotating/<stream: 32> (what it
//                               wrote since), node (its member of the order, if that is not its key), untold (who
//                               may know it under its former key only)
//   s <number: 4>               a stream: [id, genesis block, keeping]
//   e <number: 4> <record: 4>   a feed run of that stream, in the order of admission (log/run.h)
//   l <number: 4> <head: 32>    a seal that came apart from its run
//   t <number: 4>               what a list shows of a document (document_records.h); a cache
//   c <number: 4> <part: 4>     a document's checkpoint: part 0 says what it is of, the others are it; a cache
//   p <device: 32>              where a device listens (sync/messages.h, Place)
//   r …                         Raft's own (raft/wire/log_store.h)
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "log/ids.h"
#include "store/store.h"

namespace rz::pod {

// The local number of a stream: given out in the order in which this device met them.
struct StreamNumber {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(StreamNumber, StreamNumber) = default;
};

inline void put_be32(Bytes& key, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(value >> shift));
}

inline std::uint32_t get_be32(ByteView at) {
  return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
         static_cast<std::uint32_t>(at[2]) << 8 | at[3];
}

inline Bytes singleton_key(std::string_view name) {
  Bytes key{'i'};
  append(key, as_bytes(name));
  return key;
}

// A singleton that is one number. Errors: those of the store and of the DAG-CBOR reader.
void put_number(store::Batch& batch, std::string_view name, std::uint64_t number);
Result<std::optional<std::uint64_t>> get_number(const store::Reader& store, std::string_view name);

inline Bytes stream_key(StreamNumber stream) {
  Bytes key{'s'};
  put_be32(key, stream.value);
  return key;
}

inline Bytes records_prefix(StreamNumber stream) {
  Bytes key{'e'};
  put_be32(key, stream.value);
  return key;
}

inline Bytes record_key(StreamNumber stream, std::uint32_t record) {
  Bytes key = records_prefix(stream);
  put_be32(key, record);
  return key;
}

inline Bytes seals_prefix(StreamNumber stream) {
  Bytes key{'l'};
  put_be32(key, stream.value);
  return key;
}

inline Bytes seal_key(StreamNumber stream, const log::EventId& head) {
  Bytes key = seals_prefix(stream);
  append(key, head.view());
  return key;
}

inline Bytes summary_key(StreamNumber stream) {
  Bytes key{'t'};
  put_be32(key, stream.value);
  return key;
}

inline Bytes checkpoint_prefix(StreamNumber stream) {
  Bytes key{'c'};
  put_be32(key, stream.value);
  return key;
}

inline Bytes checkpoint_key(StreamNumber stream, std::uint32_t part) {
  Bytes key = checkpoint_prefix(stream);
  put_be32(key, part);
  return key;
}

inline Bytes place_key(const log::AuthorKey& device) {
  Bytes key{'p'};
  append(key, device.view());
  return key;
}

}  // namespace rz::pod
