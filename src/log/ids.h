// Names of things in the event log: one type a meaning, so that none can be passed where another is meant.
//
// Everything that is hashed here is a DAG-CBOR block, so each 32-byte name is the SHA-256 digest of a CIDv1 (dag-cbor,
// sha2-256) and a link is those 36 bytes (docs/formats/event.md).
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "base/fixed_bytes.h"
#include "crypto/sign.h"

namespace rz::log {

// Integers of the formats stay below 2^53, so that every language can read them exactly.
inline constexpr std::uint64_t integer_end = std::uint64_t{1} << 53;

struct EventIdTag;
// The digest of a header block. In `prev` it may also be that of a genesis: see `as_event_id`.
using EventId = FixedBytes<EventIdTag, 32>;

struct StreamIdTag;
// The digest of the stream's genesis block. Stream zero's is the pod's DID.
using StreamId = FixedBytes<StreamIdTag, 32>;
using Did = StreamId;

struct EpochIdTag;
// The EventId of the control event that opened the key; zero in a public stream and in control events' headers.
using EpochId = FixedBytes<EpochIdTag, 32>;

struct BodyHashTag;
// SHA-256 of a body as it is stored and sent: ciphertext, or plaintext of control events and public streams.
using BodyHash = FixedBytes<BodyHashTag, 32>;

using AuthorKey = crypto::PublicKey;

// Drawn at random whenever an author opens its store anew. Below `integer_end`.
struct FeedId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(FeedId, FeedId) = default;
};

// Position in a feed's chain, from 0.
struct Seq {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Seq, Seq) = default;
};

// Names one chain (after a malicious fork: a tree).
struct FeedName {
  AuthorKey author;
  FeedId feed;
  friend bool operator==(const FeedName&, const FeedName&) = default;
  friend std::strong_ordering operator<=>(const FeedName& a, const FeedName& b) {
    if (const auto by_author = a.author <=> b.author; by_author != 0) return by_author;
    return a.feed.value <=> b.feed.value;
  }
};

// A genesis or an epoch where the format has a link to a block of any kind, and back.
inline EventId as_event_id(const StreamId& genesis) { return EventId{genesis.bytes}; }
inline EventId as_event_id(const EpochId& epoch) { return EventId{epoch.bytes}; }
inline StreamId as_stream_id(const EventId& genesis) { return StreamId{genesis.bytes}; }
inline EpochId as_epoch_id(const EventId& event) { return EpochId{event.bytes}; }

// The binary CIDv1 of a dag-cbor block by its digest: 01 71 12 20 and the digest.
using CidBytes = std::array<std::uint8_t, 36>;
CidBytes cid_bytes(ByteView digest32);
template <class Tag>
CidBytes to_cid(const FixedBytes<Tag, 32>& digest) {
  return cid_bytes(digest.view());
}

}  // namespace rz::log
