#include "raft/wire/persisted.h"

namespace rz::raft {

Status check_persisted(const PersistedState& state) {
  const auto bad = [](std::string_view why) { return fail(ErrorCode::raft_bad_state, why); };
  EntryId last = state.base;
  for (std::size_t i = 0; i < state.entries.size(); ++i) {
    const Entry& entry = state.entries[i];
    if (entry.index() != last.index.next() || entry.header().prev != last.hash) return bad("a gap in the log");
    if (i > 0 && !continues(state.entries[i - 1], entry)) return bad("entries that do not continue each other");
    if (entry.kind() == EntryKind::configuration) RZ_CHECK(decode_configuration(entry.payload().view()));
    last = id_of(entry);
  }
  for (const EntryId& lost : state.lost) {
    if (lost.index <= last.index) return bad("a lost entry that is in the log");
  }
  if (state.base.index.n > 0 && !state.snapshot && state.lost.empty()) return bad("a compacted log without a snapshot");
  if (state.applied > last.index && state.lost.empty()) return bad("applied beyond the end of the log");
  return check_configuration(state.base_configuration);
}

}  // namespace rz::raft
