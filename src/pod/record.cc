#include "pod/record.h"

#include "base/varint.h"

namespace rz::pod {
namespace {

constexpr std::uint8_t block_mark = 0;

Result<std::uint64_t> take_number(ByteView value, std::size_t& at) {
  Varint read;
  switch (get_varint(value.subspan(at), read)) {
    case VarintState::complete:
      at += read.size_bytes;
      return read.value;
    case VarintState::truncated:
      return fail_at(ErrorCode::truncated, at, "a number breaks off");
    default:
      return fail_at(ErrorCode::run_value, at, "a number that is not in its shortest form");
  }
}

}  // namespace

Bytes encode_record(const std::vector<Bytes>& runs) {
  if (runs.size() == 1) return runs.front();
  Bytes value{block_mark};
  put_varint(value, runs.size());
  for (const Bytes& run : runs) {
    put_varint(value, run.size());
    append(value, run);
  }
  return value;
}

Result<std::vector<ByteView>> split_record(ByteView value) {
  if (value.empty() || value.front() != block_mark) return std::vector<ByteView>{value};
  std::size_t at = 1;
  RZ_TRY(const std::uint64_t count, take_number(value, at));
  if (count < 2) return fail_at(ErrorCode::run_value, 1, words("a block of ", count, " runs"));
  if (count > block_runs_max) return fail_at(ErrorCode::limit_exceeded, 1, words("a block of ", count, " runs"));
  std::vector<ByteView> runs;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t size_at = at;
    RZ_TRY(const std::uint64_t size, take_number(value, at));
    if (size == 0) return fail_at(ErrorCode::run_value, size_at, "an empty run");
    if (size > value.size() - at) return fail_at(ErrorCode::truncated, size_at, "a run breaks off");
    if (value[at] == block_mark) return fail_at(ErrorCode::run_value, at, "a block in a block");
    runs.push_back(value.subspan(at, static_cast<std::size_t>(size)));
    at += static_cast<std::size_t>(size);
  }
  if (at != value.size()) return fail_at(ErrorCode::trailing_bytes, at, "bytes after the last run");
  return runs;
}

Result<std::vector<log::DecodedRun>> decode_record(ByteView value, const log::StreamId& stream) {
  RZ_TRY(const std::vector<ByteView> parts, split_record(value));
  std::vector<log::DecodedRun> runs;
  for (const ByteView part : parts) {
    // Plain bodies are never stored, so no key is needed.
    auto run = log::decode_run(part, stream, [](const log::EpochId&) { return nullptr; });
    if (!run) {
      Error error = std::move(run).error();
      if (error.offset != Error::offset_none) error.offset += static_cast<std::size_t>(part.data() - value.data());
      return std::unexpected(std::move(error));
    }
    runs.push_back(*std::move(run));
  }
  return runs;
}

}  // namespace rz::pod
