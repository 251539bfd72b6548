// The prolly tree of a pod snapshot: a map from 32-byte keys to byte strings (docs/formats/snapshot.md).
//
//   leaf        [0, [[key: Bytes(32), value: Bytes | size: Int], ...]]    an Int: the value is cut into chunks, next
//   link inner       [1, level, [last key below: Bytes(32), ...]]              a link for each chunk       [2, Bytes]
//   chunk list  [3, level, [bytes below: Int, ...]]                       a link for each
//
// Equal maps under equal keys give equal roots, whatever came before; maps that differ in one entry share all nodes but
// those above it. A reader refuses what the builder would not have made.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "view/block.h"
#include "view/levels.h"

namespace rz::view {

using MapKey = Hash256;

// Cuts a long byte string into chunks.
struct ChunkItem {
  ipld::Cid cid;
  std::uint64_t bytes = 0;
};
// Appends the blocks to `out`. `bytes` is longer than inline_bytes_max. Errors: limit_exceeded.
Result<ipld::Cid> put_chunks(const SnapshotKey& key, ByteView bytes, std::deque<Block>& out);

class MapBuilder {
 public:
  // Blocks are appended to `out`, children before parents. Both outlive this.
  MapBuilder(const SnapshotKey& key, std::deque<Block>& out);
  MapBuilder(const MapBuilder&) = delete;
  MapBuilder& operator=(const MapBuilder&) = delete;

  // Ascending by key. Errors: view_bad_order, limit_exceeded.
  Status add(const MapKey& key, ByteView value);
  std::uint64_t size() const { return size_; }
  // None: the empty map, which has no block. Nothing may be added afterwards.
  Result<std::optional<ipld::Cid>> finish();

 private:
  struct Item {
    MapKey key;  // Of the entry, or the last one below.
    Bytes value;
    std::uint64_t bytes = 0;  // Of a value in chunks.
    ipld::Cid link;           // Empty: the value is in place.
  };

  Item close(unsigned level, std::vector<Item> items);

  const SnapshotKey& snapshot_key_;
  std::deque<Block>& out_;
  Levels<Item> levels_;
  std::optional<MapKey> last_;
  std::uint64_t size_ = 0;
};

// Reads what a MapBuilder made. Every block is checked against its CID, every node against its place.
// Errors of all: those of SnapshotKey::open and of the source, view_bad_block, view_bad_boundary, view_bad_order,
// view_bad_shape, limit_exceeded.
class MapReader {
 public:
  // `root`: none, the empty map. Key and source outlive this.
  MapReader(const SnapshotKey& key, const BlockSource& source, std::optional<ipld::Cid> root)
      : key_(key), source_(source), root_(std::move(root)) {}

  // None: there is no such entry. Checks the nodes on the way.
  Result<std::optional<Bytes>> find(const MapKey& key) const;
  // In order, all of them; checks the whole tree. `visit` returns whether to go on.
  using Visit = std::function<bool(const MapKey& key, ByteView value)>;
  Status for_each(const Visit& visit) const;

 private:
  struct Place {
    std::optional<unsigned> level;  // None: the root, of any level.
    bool is_last = true;            // The rightmost of its level: it may end anywhere.
    std::optional<MapKey> after;    // The first key is greater.
    std::optional<MapKey> last;     // The last key.
  };
  struct Node {
    unsigned level = 0;
    std::vector<MapKey> keys;
    std::vector<ByteView> values;      // Of a leaf; empty for those in chunks.
    std::vector<std::uint64_t> bytes;  // Of a leaf: of a value in chunks; 0: in place.
    SnapshotKey::Opened opened;
  };

  Result<Node> node(const ipld::Cid& cid, const Place& place) const;
  Status check(const Node& node, const Place& place) const;
  static Place place_of(const Node& node, const Place& above, std::size_t child);
  Result<bool> walk(const ipld::Cid& cid, const Place& place, const Visit& visit) const;
  Result<Bytes> value_of(const Node& node, std::size_t at) const;
  Status read_chunks(const ipld::Cid& cid, std::uint64_t bytes, std::optional<unsigned> level, bool is_last,
                     Bytes& into) const;

  const SnapshotKey& key_;
  const BlockSource& source_;
  std::optional<ipld::Cid> root_;
};

}  // namespace rz::view
