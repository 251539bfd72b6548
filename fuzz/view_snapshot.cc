// Blocks of a pod snapshot from a stranger: as a root, a stream's state, seals and operations, and, sealed with the
// right key as a reader of the pod could, as a node of the map.
#include "base/assert.h"
#include "crypto/initialise.h"
#include "ipld/dag_cbor.h"
#include "view/snapshot.h"

namespace {

using namespace rz;
using namespace rz::view;

struct One final : BlockSource {
  explicit One(Block block) : block_(std::move(block)) {}
  Result<Bytes> get(const ipld::Cid& cid) const override {
    if (cid != block_.cid) return fail(ErrorCode::view_block_missing, "not here");
    return block_.data;
  }
  Block block_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool is_ready = crypto::initialise().has_value();
  RZ_ASSERT(is_ready);
  static const SnapshotKey key(*crypto::Secret32::from(Bytes(32, 7)), log::Did{{{1, 2, 3}}});
  const ByteView input(data, size);
  if (const auto root = decode_root(input)) {
    const auto again = ipld::dag_cbor::encode(root->document);
    RZ_ASSERT(again.has_value() && equal(*again, input));
  }
  if (const auto state = decode_stream_state(input)) RZ_ASSERT(equal(encode_stream_state(*state), input));
  if (const auto seals = decode_seals(input)) RZ_ASSERT(equal(make_seals(seals->root, seals->seals).data, input));
  const One plain(make_block(to_bytes(input)));
  (void)read_operations(plain.block_.cid, plain);
  (void)key.open(plain.block_.cid, input);
  const One sealed(key.seal({}, input));
  (void)open_state(key, sealed.block_.cid, sealed.block_.data);
  std::deque<Block> out;
  MapBuilder again(key, out);
  const Status read = MapReader(key, sealed, sealed.block_.cid).for_each([&again](const MapKey& at, ByteView value) {
    RZ_ASSERT(again.add(at, value).has_value());
    return true;
  });
  // What reads as a map is what the builder makes of its entries.
  if (read) RZ_ASSERT(**again.finish() == sealed.block_.cid);
  return 0;
}
