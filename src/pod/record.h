// A record of events as it lies in the store: one feed run (log/run.h), or a block of several.
//
// A block holds neighbouring records merged into one: [0: 1 byte] [count] (size, run)*, numbers as varints. A run
// begins with its version, which is never 0. The runs of a block may name each other's events, in either direction;
// what they name outside it lies in earlier records.
#pragma once

#include <vector>

#include "log/run.h"

namespace rz::pod {

inline constexpr std::uint64_t block_runs_max = 4096;

// One run stays as it is. At least one.
Bytes encode_record(const std::vector<Bytes>& runs);
// The runs of a record, as views into it. Strict. Errors: run_value, truncated, trailing_bytes, limit_exceeded.
Result<std::vector<ByteView>> split_record(ByteView value);
// Errors: those of split_record and decode_run.
Result<std::vector<log::DecodedRun>> decode_record(ByteView value, const log::StreamId& stream);

}  // namespace rz::pod
