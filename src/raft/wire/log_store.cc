#include "raft/wire/log_store.h"

#include <algorithm>
#include <map>

#include "raft/wire/entry_codec.h"
#include "raft/wire/message_codec.h"

namespace rz::raft {
namespace {

constexpr std::string_view hard_key = "raft/hard";
constexpr std::string_view start_key = "raft/start";
constexpr std::string_view snapshot_key = "raft/snapshot";
constexpr std::string_view log_prefix = "raft/log/";
constexpr std::string_view id_prefix = "raft/id/";

Bytes key_at(std::string_view prefix, Index index) {
  Bytes key = to_bytes(prefix);
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(index.n >> shift));
  return key;
}

std::optional<Index> index_of(ByteView key, std::string_view prefix) {
  if (key.size() != prefix.size() + 8) return std::nullopt;
  Index index;
  for (const std::uint8_t byte : key.subspan(prefix.size())) index.n = index.n << 8 | byte;
  return index;
}

// All records from `begin` on, of one prefix.
void erase_from(store::Batch& batch, std::string_view prefix, Index begin) {
  batch.erase_range(key_at(prefix, begin), store::prefix_end(as_bytes(prefix)));
}

Bytes encode_hard_state(const HardState& hard_state) {
  Bytes out;
  cbor::put_array(out, 3);
  put_generation(out, hard_state.generation);
  cbor::put_uint(out, hard_state.term.n);
  cbor::put_bytes(out, hard_state.vote ? hard_state.vote->view() : ByteView{});
  return out;
}

Result<HardState> decode_hard_state(ByteView bytes) {
  Reader reader(bytes);
  HardState hard_state;
  RZ_CHECK(reader.array_of(3));
  RZ_TRY(hard_state.generation, read_generation(reader));
  RZ_TRY(hard_state.term.n, reader.unsigned_int());
  const std::size_t at = reader.offset();
  RZ_TRY(const ByteView vote, reader.bytes(NodeId::size_bytes));
  if (!vote.empty()) {
    if (vote.size() != NodeId::size_bytes) return fail_at(ErrorCode::unexpected_count, at, "a vote of another length");
    hard_state.vote = *NodeId::from(vote);
  }
  RZ_CHECK(reader.finish());
  return hard_state;
}

struct Start {
  EntryId base;
  Configuration configuration;
};

Result<Start> decode_start(ByteView bytes) {
  Reader reader(bytes);
  Start start;
  RZ_CHECK(reader.array_of(2));
  RZ_TRY(start.base, read_entry_id(reader));
  RZ_TRY(start.configuration, read_configuration(reader));
  RZ_CHECK(reader.finish());
  return start;
}

Result<SnapshotRecord> decode_snapshot(ByteView bytes) {
  Reader reader(bytes);
  RZ_TRY(SnapshotRecord record, read_snapshot_record(reader));
  RZ_CHECK(reader.finish());
  return record;
}

Result<Entry> decode_stored_entry(ByteView bytes) {
  Reader reader(bytes);
  RZ_TRY(Entry entry, read_entry(reader, nullptr));
  RZ_CHECK(reader.finish());
  return entry;
}

Result<EntryId> decode_stored_id(ByteView bytes) {
  Reader reader(bytes);
  RZ_TRY(const EntryId id, read_entry_id(reader));
  RZ_CHECK(reader.finish());
  return id;
}

// A record by its key; nothing if there is none or it is damaged, which is counted.
template <class Decode>
auto get(const store::Reader& reader, std::string_view key, std::uint64_t& damaged, Decode decode)
    -> Result<std::optional<typename decltype(decode(ByteView{}))::value_type>> {
  const Result<std::optional<Bytes>> bytes = reader.get(as_bytes(key));
  if (!bytes && bytes.error().code != ErrorCode::damaged_record) return std::unexpected(bytes.error());
  if (bytes && !bytes->has_value()) return std::nullopt;
  if (bytes) {
    if (auto decoded = decode(**bytes)) return *std::move(decoded);
  }
  ++damaged;
  return std::nullopt;
}

template <class Record, class Decode>
Result<std::map<Index, Record>> get_all(const store::Reader& reader, std::string_view prefix, std::uint64_t& damaged,
                                        Decode decode) {
  std::map<Index, Record> records;
  const auto visit = [&](ByteView key, ByteView value) {
    const std::optional<Index> index = index_of(key, prefix);
    auto decoded = decode(value);
    if (index && decoded) {
      records.emplace(*index, *std::move(decoded));
    } else {
      ++damaged;
    }
    return true;
  };
  const Bytes begin = to_bytes(prefix);
  const Bytes end = store::prefix_end(begin);
  RZ_CHECK(reader.scan({begin, end}, visit, [&](ByteView) { ++damaged; }));
  return records;
}

// What was promised binds, whatever the store has become.
void bind_to_promise(const Promised& promised, Recovery& found) {
  PersistedState& state = found.state;
  HardState& own = state.hard_state;
  const Index last{state.base.index.n + state.entries.size()};
  const bool lost_vote = promised.term == own.term && promised.vote && !own.vote;
  if (promised.generation == own.generation.number && (promised.term > own.term || lost_vote)) {
    found.behind_promise = true;
    own.term = promised.term;
    own.vote = promised.vote;
  }
  const bool below = promised.last_index <= state.base.index;
  const bool holds =
      below || (promised.last_index <= last &&
                state.entries[static_cast<std::size_t>(promised.last_index.n - state.base.index.n - 1)].hash() ==
                    promised.last_hash);
  const bool known = !state.lost.empty() && state.lost.back().index >= promised.last_index;
  if (holds || known || promised.store_is_ahead) return;
  // The store went back in time. What it holds in place of what was promised does not count.
  found.behind_promise = true;
  const Index missing =
      std::max({promised.last_index, last.next(), state.lost.empty() ? Index{} : state.lost.back().index.next()});
  state.lost.push_back({promised.generation, promised.term, missing, promised.last_hash});
}

}  // namespace

void persist(const Output& output, store::Batch& batch) {
  if (output.hard_state) batch.put(as_bytes(hard_key), encode_hard_state(*output.hard_state));
  if (output.start) {
    Bytes start;
    cbor::put_array(start, 2);
    put_entry_id(start, output.start->base);
    append(start, encode(output.start->configuration));
    batch.put(as_bytes(start_key), start);
    for (const std::string_view prefix : {log_prefix, id_prefix}) {
      const Index end = output.start->base.index.next();
      if (output.start->keeps_later) {
        batch.erase_range(key_at(prefix, {}), key_at(prefix, end));
      } else {
        erase_from(batch, prefix, {});
      }
    }
  }
  for (const Entries& run : output.append) {
    erase_from(batch, log_prefix, run.first_index());
    erase_from(batch, id_prefix, run.first_index());
    for (const Entry& entry : run) {
      Bytes record;
      put_entry(record, entry);
      batch.put(key_at(log_prefix, entry.index()), record);
      record.clear();
      put_entry_id(record, id_of(entry));
      batch.put(key_at(id_prefix, entry.index()), record);
    }
  }
  if (output.snapshot) {
    Bytes record;
    put_snapshot_record(record, *output.snapshot);
    batch.put(as_bytes(snapshot_key), record);
  }
}

Promised promise_of(const Raft& raft) {
  const EntryId last = raft.log().last();
  const HardState& hard = raft.hard_state();
  return {hard.generation.number, hard.term, hard.vote, last.index, last.hash};
}

Result<Recovery> recover(const store::Reader& reader, const std::optional<Promised>& promised) {
  Recovery found;
  PersistedState& state = found.state;
  std::uint64_t hard_damaged = 0;
  std::uint64_t start_damaged = 0;
  RZ_TRY(const auto hard, get(reader, hard_key, hard_damaged, decode_hard_state));
  RZ_TRY(const auto start, get(reader, start_key, start_damaged, decode_start));
  if (hard_damaged > 0) return fail(ErrorCode::raft_bad_state, "the record of generation, term and vote is damaged");
  if (start_damaged > 0) return fail(ErrorCode::raft_bad_state, "the record of where the log begins is damaged");
  RZ_TRY(state.snapshot, get(reader, snapshot_key, found.damaged_records, decode_snapshot));
  RZ_TRY(auto entries, get_all<Entry>(reader, log_prefix, found.damaged_records, decode_stored_entry));
  RZ_TRY(const auto ids, get_all<EntryId>(reader, id_prefix, found.damaged_records, decode_stored_id));

  if (!hard && (start || !entries.empty() || !ids.empty())) {
    return fail(ErrorCode::raft_bad_state, "a log without the record of generation, term and vote");
  }
  if (hard) state.hard_state = *hard;
  if (start) {
    state.base = start->base;
    state.base_configuration = start->configuration;
  }
  EntryId last = state.base;
  for (auto at = entries.find(last.index.next()); at != entries.end(); at = entries.find(last.index.next())) {
    const EntryId id = id_of(at->second);
    const auto kept = ids.find(id.index);
    const bool fits = at->second.header().prev == last.hash && id.index == at->first;
    if (!fits || (kept != ids.end() && kept->second.hash != id.hash)) break;
    if (!state.entries.empty() && !continues(state.entries.back(), at->second)) break;
    state.entries.push_back(std::move(at->second));
    last = id;
  }
  for (auto at = ids.upper_bound(last.index); at != ids.end(); ++at) state.lost.push_back(at->second);
  for (auto at = entries.upper_bound(last.index); at != entries.end(); ++at) {
    const auto kept = ids.find(at->first);
    if (kept == ids.end()) {
      ++found.torn_entries;
    } else if (kept->second == id_of(at->second)) {
      state.stranded.push_back(std::move(at->second));
    }
  }
  if (!promised) return found;

  if (promised->generation > state.hard_state.generation.number) {
    return fail(ErrorCode::raft_bad_state, "the store is of an earlier generation than was promised");
  }
  bind_to_promise(*promised, found);
  return found;
}

}  // namespace rz::raft
