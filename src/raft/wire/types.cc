#include "raft/wire/types.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/sha256.h"
#include "raft/wire/entry_codec.h"

namespace rz::raft {

Payload Payload::copy_of(ByteView bytes) {
  Payload payload;
  if (bytes.empty()) return payload;
  std::shared_ptr<std::uint8_t[]> copied = std::make_shared_for_overwrite<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copied.get());
  payload.data_ = std::shared_ptr<const std::uint8_t>(copied, copied.get());
  payload.size_ = bytes.size();
  return payload;
}

Payload Payload::own(Bytes bytes) {
  auto owner = std::make_shared<const Bytes>(std::move(bytes));
  const ByteView all = *owner;
  return slice(std::move(owner), all);
}

Payload Payload::slice(std::shared_ptr<const Bytes> owner, ByteView bytes) {
  Payload payload;
  payload.data_ = std::shared_ptr<const std::uint8_t>(std::move(owner), bytes.data());
  payload.size_ = bytes.size();
  return payload;
}

Entry Entry::make(const EntryHeader& header, Payload payload) {
  Entry entry;
  entry.header_ = header;
  entry.hash_.bytes = crypto::sha256(HeaderBytes(header).view()).bytes;
  entry.payload_ = std::move(payload);
  return entry;
}

Entries Entries::of(std::vector<Entry> entries) {
  for (std::size_t i = 1; i < entries.size(); ++i) RZ_REQUIRE(continues(entries[i - 1], entries[i]));
  auto owner = std::make_shared<const std::vector<Entry>>(std::move(entries));
  return {std::shared_ptr<const Entry>(owner, owner->data()), owner->size()};
}

Entries Entries::between(Index begin, Index end) const {
  if (empty()) return {};
  const std::uint64_t from = std::max(begin, first_index()).n - first_index().n;
  const std::uint64_t to = std::max(std::min(end, last_index().next()), first_index()).n - first_index().n;
  if (from >= to) return {};
  return {std::shared_ptr<const Entry>(first_, first_.get() + from), static_cast<std::size_t>(to - from)};
}

std::size_t Entries::cost_bytes() const {
  std::size_t bytes = 0;
  for (const Entry& entry : *this) bytes += entry.cost_bytes();
  return bytes;
}

bool continues(const Entry& before, const Entry& after) {
  const EntryHeader& a = before.header();
  const EntryHeader& b = after.header();
  return b.index == a.index.next() && b.prev == before.hash() && b.time >= a.time &&
         std::pair(b.generation, b.term) >= std::pair(a.generation, a.term);
}

std::string_view name_of(EntryKind kind) {
  switch (kind) {
    case EntryKind::empty:
      return "empty";
    case EntryKind::cut:
      return "cut";
    case EntryKind::configuration:
      return "configuration";
    case EntryKind::pod_snapshot:
      return "pod_snapshot";
  }
  return "unknown";
}

}  // namespace rz::raft
