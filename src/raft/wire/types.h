// The nouns of consensus: ids, positions in the log, entries and their payloads.
//
// Invariants
//   1. An Entry's hash is the SHA-256 of its header's encoding (docs/formats/raft.md). Only Entry::make sets it, so an
//      entry that exists is an entry whose hash holds: what comes off the wire or the disk is hashed once, where it is
//      decoded, and never again.
//   2. An entry and its payload never change once made; they are shared between the log, messages and outputs.
//   3. The entries of a run continue each other; whoever makes one sees to it (a decoder refuses others).
//   4. `prev` chains the log: equal hashes at an index mean equal logs up to it (Log Matching, dissertation 3.5).
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/fixed_bytes.h"
#include "base/tick.h"

namespace rz::raft {

// A device: its author key.
struct NodeIdTag;
using NodeId = FixedBytes<NodeIdTag, 32>;

// SHA-256 of an entry's header; zero stands for "before the first entry".
struct EntryHashTag;
using EntryHash = FixedBytes<EntryHashTag, 32>;

// What an entry orders, by hash: the root of a cut's head tree, or the SHA-256 of an encoded configuration.
struct RootTag;
using Root = FixedBytes<RootTag, 32>;

// The name of a snapshot's content: SHA-256 of its manifest (see wire/snapshot_transfer.h).
struct ContentIdTag;
using ContentId = FixedBytes<ContentIdTag, 32>;

// The hash of the event that founded a generation.
struct FoundingHashTag;
using FoundingHash = FixedBytes<FoundingHashTag, 32>;

// An election period: at most one leader each, within a generation. 0 before the first election.
struct Term {
  std::uint64_t n = 0;
  friend constexpr auto operator<=>(Term, Term) = default;
};

// A position in the log. The first entry has index 1; 0 means "none".
struct Index {
  std::uint64_t n = 0;
  friend constexpr auto operator<=>(Index, Index) = default;
  constexpr Index next() const { return {n + 1}; }
  constexpr Index prev() const { return {n - 1}; }
};

// Which life of a device: drawn anew by the host whenever its raft state was lost. A voter is a device *and* an
// incarnation, so a wiped device can't vote with less than its earlier life promised.
struct Incarnation {
  std::uint64_t n = 0;
  friend constexpr auto operator<=>(Incarnation, Incarnation) = default;
};

// A cluster's life. A new one is founded by the owner's act when the majority is lost. Of two, the higher number wins,
// then the smaller founding hash; members of the other one rejoin as learners. Number 0: not part of any yet.
struct Generation {
  std::uint64_t number = 0;
  FoundingHash founding;

  friend bool operator==(const Generation&, const Generation&) = default;
  bool wins_over(const Generation& other) const {
    return number != other.number ? number > other.number : founding < other.founding;
  }
};

// One voter or learner.
struct Member {
  NodeId id;
  Incarnation incarnation;
  friend auto operator<=>(const Member&, const Member&) = default;
};

// Chosen by the host, echoed in the outcome; the core gives it no meaning.
struct RequestId {
  std::uint64_t n = 0;
  friend constexpr auto operator<=>(RequestId, RequestId) = default;
};

enum class EntryKind : std::uint8_t {
  empty = 0,          // The first entry of a leader's term (dissertation 6.4); nothing to apply.
  cut = 1,            // Orders a cut; acknowledged only once its past is durable (Input CoverageDurable).
  configuration = 2,  // Who votes; the one payload that the core reads.
  pod_snapshot = 3,   // Names a pod snapshot.
};

// Immutable shared bytes, possibly a slice of a larger buffer (a received frame), which then lives as long.
class Payload {
 public:
  Payload() = default;
  static Payload copy_of(ByteView bytes);
  static Payload own(Bytes bytes);
  // `bytes` must lie within what `owner` keeps alive.
  static Payload slice(std::shared_ptr<const Bytes> owner, ByteView bytes);

  ByteView view() const { return {data_.get(), size_}; }
  std::size_t size() const { return size_; }

 private:
  std::shared_ptr<const std::uint8_t> data_;
  std::size_t size_ = 0;
};

constexpr std::size_t payload_bytes_max = 1024 * 1024;  // A limit of the format.

struct EntryHeader {
  static constexpr std::uint8_t version_newest = 1;

  std::uint8_t version = version_newest;
  EntryKind kind = EntryKind::empty;
  std::uint64_t generation = 0;  // Its number.
  Index index = {};
  Term term = {};
  EntryHash prev = {};  // Hash of the entry at index - 1; zero for index 1.
  UnixMs time = {};     // The proposer's claim; never decreases along the log.
  Root root = {};
};

class Entry {
 public:
  Entry() = default;
  // Hashes the header: one SHA-256 over at most two blocks.
  static Entry make(const EntryHeader& header, Payload payload);

  const EntryHeader& header() const { return header_; }
  const EntryHash& hash() const { return hash_; }
  const Payload& payload() const { return payload_; }
  Index index() const { return header_.index; }
  Term term() const { return header_.term; }
  EntryKind kind() const { return header_.kind; }
  // What it counts against limits of bytes: its payload and about its header.
  std::size_t cost_bytes() const { return payload_.size() + 128; }

 private:
  EntryHeader header_;
  EntryHash hash_;
  Payload payload_;
};

// What identifies an entry, kept apart from it (dissertation 3.5; PAR/CTRL, FAST'18).
struct EntryId {
  std::uint64_t generation = 0;
  Term term;
  Index index;
  EntryHash hash;
  friend bool operator==(const EntryId&, const EntryId&) = default;
};

// The rule of 5.4.1, with the generation in front: whether a log that ends with `a` says as much as one that ends with
// `b`.
inline bool says_as_much_as(const EntryId& a, const EntryId& b) {
  return std::tie(a.generation, a.term, a.index) >= std::tie(b.generation, b.term, b.index);
}

inline EntryId id_of(const Entry& entry) {
  return {entry.header().generation, entry.term(), entry.index(), entry.hash()};
}

// Whether `after` may directly follow `before`: index, hash, time, and no term or generation before it.
bool continues(const Entry& before, const Entry& after);

// A run of entries, each continuing the one before: shared, immutable, cheap to copy and to slice.
class Entries {
 public:
  Entries() = default;
  static Entries of(std::vector<Entry> entries);
  // Shares an array of `size` entries that continue each other.
  Entries(std::shared_ptr<const Entry> first, std::size_t size) : first_(std::move(first)), size_(size) {}

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  const Entry* begin() const { return first_.get(); }
  const Entry* end() const { return first_.get() + size_; }
  const Entry& front() const { return *first_; }
  const Entry& back() const { return first_.get()[size_ - 1]; }
  const Entry& operator[](std::size_t at) const { return first_.get()[at]; }
  Index first_index() const { return front().index(); }
  Index last_index() const { return back().index(); }
  std::size_t cost_bytes() const;

  // The entries with index in [begin, end), which may lie partly outside.
  Entries between(Index begin, Index end) const;

 private:
  std::shared_ptr<const Entry> first_;
  std::size_t size_ = 0;
};

std::string_view name_of(EntryKind kind);

}  // namespace rz::raft
