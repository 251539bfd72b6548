// ping (libp2p/specs, ping: /ipfs/ping/1.0.0): blocks of 32 bytes come back as they were sent.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/tick.h"

namespace rz::net {

inline constexpr std::string_view ping_protocol = "/ipfs/ping/1.0.0";
inline constexpr std::size_t ping_bytes = 32;

// The answering side: hands back every whole block. A part of one waits for the rest.
class PingResponder {
 public:
  // Takes all of `input`; returns the blocks to send.
  Bytes receive(ByteView input);

 private:
  Bytes partial_;
};

// The asking side: one block at a time.
class PingInitiator {
 public:
  explicit PingInitiator(std::uint64_t seed) : random_(seed) {}

  // A new block to send. Requires that none is under way.
  Bytes start(Tick now);
  // Takes all of `input`. The round trip once the block is back. Errors: net_stream_reset where it is another one, or
  // more than was sent.
  Result<std::optional<Duration>> receive(Tick now, ByteView input);

 private:
  Random random_;
  Bytes expected_;
  std::size_t matched_ = 0;
  Tick started_;
};

}  // namespace rz::net
