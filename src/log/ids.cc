#include "log/ids.h"

#include "base/assert.h"

namespace rz::log {

CidBytes cid_bytes(ByteView digest32) {
  RZ_REQUIRE(digest32.size() == 32);
  CidBytes cid{0x01, 0x71, 0x12, 0x20};
  std::copy(digest32.begin(), digest32.end(), cid.begin() + 4);
  return cid;
}

}  // namespace rz::log
