// The consensus room makes the bytes of an entry's header from a struct of its own: both must agree.
#include "log/entry.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/random.h"
#include "raft/wire/types.h"

namespace rz::log {
namespace {

RC_GTEST_PROP(Entry, HashesAsTheConsensusRoomDoes, ()) {
  Random random(*rc::gen::arbitrary<std::uint64_t>());
  EntryHeader entry{static_cast<EntryKind>(random.below(4)),
                    random.below(5),
                    random.below(integer_end),
                    random.below(300),
                    {},
                    UnixMs{random.below(integer_end)},
                    {}};
  entry.previous.bytes.fill(static_cast<std::uint8_t>(random.next()));
  entry.root.bytes.fill(static_cast<std::uint8_t>(random.next()));
  raft::EntryHeader header;
  header.kind = static_cast<raft::EntryKind>(entry.kind);
  header.generation = entry.generation;
  header.index = raft::Index{entry.index};
  header.term = raft::Term{entry.term};
  header.prev = raft::EntryHash{entry.previous.bytes};
  header.time = entry.time;
  header.root = raft::Root{entry.root.bytes};
  RC_ASSERT(raft::Entry::make(header, {}).hash().bytes == entry_hash(entry).bytes);
}

}  // namespace
}  // namespace rz::log
