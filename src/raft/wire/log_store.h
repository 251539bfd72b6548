// Consensus state in a store (docs/formats/raft.md), and what is found there at start.
//
//   raft/hard         [generation, term, vote | empty bytes]
//   raft/start        [base: entry id, configuration as of it]
//   raft/snapshot     snapshot record
//   raft/log/<index>  [header, payload]        index: 8 bytes, big-endian, so that keys sort as indices do
//   raft/id/<index>   [generation, term, index, hash]
//
// Identifiers are records of their own (PAR/CTRL): where an entry can't be read, its identifier still says what was
// promised. So a crash is told from a corruption: an entry was torn off by a crash if neither its identifier nor the
// promise file knows of it; otherwise it is lost, and the member is damaged until it has it again.
#pragma once

#include <optional>

#include "raft/raft.h"
#include "store/batch.h"
#include "store/store.h"

namespace rz::raft {

// Adds to `batch` what the output wants persisted. Commit it before stepping the receipt back and before sending
// send_after_persist.
void persist(const Output& output, store::Batch& batch);

// What the promise file says was persisted here (store/promise.h): the newest of each.
struct Promised {
  std::uint64_t generation = 0;
  Term term;
  std::optional<NodeId> vote;
  Index last_index;
  EntryHash last_hash;
  // The store has committed more transactions than the promise knows of, as after a crash between the two: then the end
  // of its log may rightly differ.
  bool store_is_ahead = false;
};

struct Recovery {
  PersistedState state;               // `applied` and `covered` are the caller's to fill in.
  bool behind_promise = false;        // The store is older than the promise: it lost writes that it had confirmed.
  std::uint64_t torn_entries = 0;     // Dropped: never promised.
  std::uint64_t damaged_records = 0;  // Noticed, not served.
};

// Errors: those of the store, and raft_bad_state where what can't be had from others is damaged: generation, term and
// vote, or the start of the log. The host then erases `raft/` and opens the member anew, in a new incarnation: it has
// lost what it promised. A damaged snapshot record is only dropped.
Result<Recovery> recover(const store::Reader& reader, const std::optional<Promised>& promised);

// The record that a promise file wants after `batch` of `output` is durable: what now holds of `raft`'s log and vote.
Promised promise_of(const Raft& raft);

}  // namespace rz::raft
