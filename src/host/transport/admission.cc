#include "host/transport/admission.h"

#include <algorithm>

#include "base/assert.h"

namespace rz::host {

Status Admission::admit(Tick now, ByteView address) {
  constexpr std::uint64_t second_us = 1'000'000;
  if (now > filled_at_) {
    // An hour fills any bucket; more would only overflow.
    const auto passed = std::min<std::uint64_t>(now.us - filled_at_.us, 3600 * second_us);
    tokens_us_ = std::min(full(), tokens_us_ + passed * limits_.per_second);
    filled_at_ = now;
  }
  if (connections_ >= limits_.connections_max) {
    return fail(ErrorCode::limit_exceeded, words(connections_, " inbound connections are open"));
  }
  const Bytes key = key_of(address);
  const auto found = by_address_.find(key);
  if (found != by_address_.end() && found->second >= limits_.per_address_max) {
    return fail(ErrorCode::limit_exceeded, words(found->second, " connections from this address are open"));
  }
  if (tokens_us_ < second_us) return fail(ErrorCode::limit_exceeded, "too many new connections a second");
  tokens_us_ -= second_us;
  ++connections_;
  ++by_address_[key];
  return {};
}

void Admission::release(ByteView address) {
  const auto found = by_address_.find(key_of(address));
  RZ_REQUIRE(found != by_address_.end());
  if (--found->second == 0) by_address_.erase(found);
  --connections_;
}

}  // namespace rz::host
