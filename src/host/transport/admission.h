// Who may connect: limits on inbound connections, in total, per address and per second. Pure bookkeeping.
#pragma once

#include <cstdint>
#include <map>

#include "base/bytes.h"
#include "base/tick.h"

namespace rz::host {

class Admission {
 public:
  struct Limits {
    std::uint32_t connections_max = 256;
    std::uint32_t per_address_max = 32;
    std::uint32_t per_second = 32;  // In the long run …
    std::uint32_t burst = 128;      // … and at once.
  };

  explicit Admission(const Limits& limits) : limits_(limits), tokens_us_(full()) {}

  // `address`: 4 bytes, or 16, of which the first 8 (the /64 that one person has) count. Each admitted one is later
  // released. Errors: limit_exceeded, saying which limit.
  Status admit(Tick now, ByteView address);
  void release(ByteView address);

  std::uint32_t connections() const { return connections_; }

 private:
  static Bytes key_of(ByteView address) { return to_bytes(address.first(address.size() > 8 ? 8 : address.size())); }
  std::uint64_t full() const { return std::uint64_t{limits_.burst} * 1'000'000; }

  Limits limits_;
  std::uint64_t tokens_us_;  // A token bucket: a connection costs 1,000,000, a microsecond earns `per_second`.
  Tick filled_at_;
  std::uint32_t connections_ = 0;
  std::map<Bytes, std::uint32_t> by_address_;
};

}  // namespace rz::host
