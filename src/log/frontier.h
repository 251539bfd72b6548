// What a replica has, said briefly: to compare two replicas without listing events.
//
//   Frontier    the events of a graph that no other event of it names: its maximal elements
//   FeedHeads   the last event of every chain: one row a feed, more after a fork
//
// Graphs are causally closed, so either says all. FeedHeads is what peers exchange: a row whose id is unknown still
// says how far the feed goes.
#pragma once

#include <cstdint>
#include <vector>

#include "log/ids.h"

namespace rz::log {

// Place of an event in one EventGraph: dense, from 0, every event after all it names. Replicas number differently.
struct EventIndex {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(EventIndex, EventIndex) = default;
};

using Frontier = std::vector<EventId>;  // Ascending, unique.

struct FeedHead {
  FeedName feed;
  Seq seq;
  EventId id;
  friend bool operator==(const FeedHead&, const FeedHead&) = default;
  friend std::strong_ordering operator<=>(const FeedHead& a, const FeedHead& b) {
    if (const auto order = a.feed <=> b.feed; order != 0) return order;
    if (const auto order = a.seq.value <=> b.seq.value; order != 0) return order;
    return a.id <=> b.id;
  }
};
using FeedHeads = std::vector<FeedHead>;  // Ascending.

// Consecutive events of one chain.
struct IndexRun {
  FeedName feed;
  Seq begin;
  std::vector<EventIndex> events;
  friend bool operator==(const IndexRun&, const IndexRun&) = default;
};

// [[author, feed, seq, Link], ...]
Bytes encode_feed_heads(const FeedHeads& heads);
Result<FeedHeads> decode_feed_heads(
    ByteView block);  // Strict. Errors: those of the DAG-CBOR reader, feed_heads_order, limit_exceeded.

}  // namespace rz::log
