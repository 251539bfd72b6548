// For tests only: blocks in memory, and keys and values drawn from a seed.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "base/random.h"
#include "view/prolly.h"

namespace rz::view::testing {

struct Blocks final : BlockSource {
  Blocks() = default;
  explicit Blocks(const std::deque<Block>& all) { add(all); }
  void add(const std::deque<Block>& all) {
    for (const Block& block : all) by_cid[block.cid] = block.data;
  }
  Result<Bytes> get(const ipld::Cid& cid) const override {
    const auto found = by_cid.find(cid);
    if (found == by_cid.end()) return fail(ErrorCode::view_block_missing, cid.brief());
    return found->second;
  }
  std::map<ipld::Cid, Bytes> by_cid;
};

inline SnapshotKey test_key(std::uint8_t fill = 7) {
  return SnapshotKey(*crypto::Secret32::from(Bytes(32, fill)), log::Did{{{1, 2, 3}}});
}

using Map = std::map<MapKey, Bytes>;

inline Bytes draw_bytes(Random& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return bytes;
}

inline Map draw_map(Random& random, std::size_t entries, std::size_t value_bytes_max) {
  Map map;
  while (map.size() < entries) {
    MapKey key;
    for (auto& byte : key.bytes) byte = static_cast<std::uint8_t>(random.below(256));
    map[key] = draw_bytes(random, random.below(value_bytes_max + 1));
  }
  return map;
}

struct Built {
  std::optional<ipld::Cid> root;
  std::deque<Block> blocks;
};
inline Built build(const SnapshotKey& key, const Map& map) {
  Built built;
  MapBuilder builder(key, built.blocks);
  for (const auto& [at, value] : map) RZ_ASSERT(builder.add(at, value).has_value());
  built.root = *builder.finish();
  return built;
}

}  // namespace rz::view::testing
