// CAR files: fed whole or in pieces, the same comes out; a CARv1 that is read whole is written again byte by byte.
#include <algorithm>

#include "base/assert.h"
#include "ipld/car.h"

namespace {

using rz::ipld::car::Reader;

// How many blocks come, and whether the end does.
std::pair<std::uint64_t, bool> read_in_pieces(rz::ByteView input, std::size_t piece_bytes) {
  Reader reader(rz::ipld::car::Verify::known);
  for (;;) {
    const auto step = reader.next();
    if (!step) return {reader.block_count(), false};
    if (*step == Reader::Step::end) return {reader.block_count(), true};
    if (*step != Reader::Step::need_more) continue;
    const auto piece = input.first(std::min(piece_bytes, input.size()));
    input = input.subspan(piece.size());
    if (piece.empty()) {
      reader.close();
    } else {
      reader.feed(piece);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::ipld;
  const ByteView input(data, size);
  const auto whole = read_in_pieces(input, size + 1);
  RZ_ASSERT(read_in_pieces(input, 7) == whole);
  const auto file = car::read_all(input, car::Verify::nothing);
  RZ_ASSERT(!whole.second || file.has_value());
  if (!file || file->header.version != 1) return 0;
  Bytes again;
  car::BytesSink sink(again);
  car::Writer writer(sink);
  RZ_ASSERT(writer.begin(file->header.roots).has_value());
  for (const auto& [cid, block] : file->blocks) RZ_ASSERT(writer.put(cid, block).has_value());
  RZ_ASSERT(equal(again, input));
  return 0;
}
