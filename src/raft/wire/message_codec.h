// Messages as bytes (docs/formats/raft.md): canonical DAG-CBOR
//
//   [version, kind, from: [id, incarnation], to: [id, incarnation], generation: [number, founding], term, body: [...]]
//
// The transport frames and authenticates them. Decoding is strict: every message has one encoding, and every error says
// what is wrong and where. It hashes each entry and checks that the entries of a message continue each other.
#pragma once

#include <memory>

#include "raft/wire/message.h"

namespace rz::raft {

constexpr std::uint64_t message_version = 1;
// Limits of the format. An append carries 256 KiB by default, and more only where one entry does.
constexpr std::size_t message_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t message_entries_max = 16384;

Bytes encode(const Message& message);

// Payloads are slices of `bytes`, which lives as long as they do. Errors: those of wire/reader.h and read_entry,
// too_large, raft_unknown_version, raft_unknown_kind, raft_bad_chain.
Result<Message> decode_message(std::shared_ptr<const Bytes> bytes);

// [last, configuration, time, content].
void put_snapshot_record(Bytes& out, const SnapshotRecord& record);
Result<SnapshotRecord> read_snapshot_record(Reader& reader);

void put_generation(Bytes& out, const Generation& generation);
Result<Generation> read_generation(Reader& reader);

}  // namespace rz::raft
