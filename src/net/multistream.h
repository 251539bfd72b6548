// multistream-select 1.0 (multiformats/multistream-select; libp2p/specs, connections): two sides agree on the protocol
// of a fresh connection or stream. Each message is a varint length, a text and a newline, which the length counts.
//
// Both sides first send "/multistream/1.0.0". The dialer proposes; the listener repeats what it accepts, or answers
// "na". The dialer sends its first proposal along with its header, which saves a round trip. "ls" is answered "na".
//
// Limits: a message has at most 1,024 bytes; a listener answers at most 64 proposals.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "net/framing.h"

namespace rz::net {

inline constexpr std::string_view multistream_protocol = "/multistream/1.0.0";
inline constexpr std::size_t multistream_bytes_max = 1024;
inline constexpr std::uint32_t multistream_proposals_max = 64;

// One message as bytes.
void put_multistream(Bytes& out, std::string_view text);

class MultistreamDialer {
 public:
  // Best first. Requires at least one, none longer than a message.
  explicit MultistreamDialer(std::vector<std::string> protocols);

  // Takes from the front of `input` what belongs to the negotiation. The protocol once it is agreed: what is left of
  // `input` is that protocol's. Errors: net_bad_length, net_frame_too_long, net_bad_multistream; net_protocol_refused
  // when every proposal was.
  Result<std::optional<std::string>> receive(ByteView& input);
  // What to send; empty if nothing. Call it first, and after each receive.
  Bytes take_output();

 private:
  std::vector<std::string> protocols_;
  std::size_t proposed_ = 0;  // Index of the proposal that waits for an answer.
  bool greeted_ = false;      // Their header has come.
  FrameReader reader_{multistream_bytes_max};
  Bytes output_;
};

class MultistreamListener {
 public:
  MultistreamListener();

  // Takes from the front of `input` up to the next proposal, which the caller then accepts or refuses. Errors:
  // net_bad_length, net_frame_too_long, net_bad_multistream, net_too_many_proposals.
  Result<std::optional<std::string>> receive(ByteView& input);
  // Answers the last proposal. After accept what follows in the input is the protocol's.
  void accept();
  void refuse();
  Bytes take_output();

 private:
  bool greeted_ = false;
  std::uint32_t proposals_ = 0;
  std::string proposal_;
  FrameReader reader_{multistream_bytes_max};
  Bytes output_;
};

}  // namespace rz::net
