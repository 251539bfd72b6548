// Frames and multistream-select: what honest sides agree on, in any pieces, and what is refused.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "net/framing.h"
#include "net/multistream.h"

namespace rz::net {
namespace {

// Feeds `wire` in pieces of the given sizes, over and over.
template <class Take>
void in_pieces(ByteView wire, const std::vector<std::uint8_t>& sizes, Take take) {
  std::size_t turn = 0;
  while (!wire.empty()) {
    const std::size_t size = sizes.empty() ? 1 : 1u + sizes[turn++ % sizes.size()];
    const ByteView piece = wire.first(std::min(size, wire.size()));
    wire = wire.subspan(piece.size());
    if (!take(piece)) return;
  }
}

RC_GTEST_PROP(Framing, GivesBackWhatWasPut, (std::vector<Bytes> frames, std::vector<std::uint8_t> sizes)) {
  Bytes wire;
  for (const auto& frame : frames) put_frame(wire, frame);
  FrameReader reader(1000);
  std::vector<Bytes> got;
  in_pieces(wire, sizes, [&](ByteView piece) {
    while (!piece.empty()) {
      const auto frame = reader.next(piece);
      RC_ASSERT(frame.has_value());
      if (*frame) got.push_back(to_bytes(**frame));
    }
    return true;
  });
  RC_ASSERT(got == frames);
  RC_ASSERT(reader.at_border());
}

TEST(Framing, RefusesLongFramesBeforeTheyCome) {
  FrameReader reader(10);
  const Bytes wire = {0x01, 0xff, 0x0b};
  ByteView input = wire;
  ASSERT_TRUE(reader.next(input).value());
  const auto refused = reader.next(input);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::net_frame_too_long);
  EXPECT_EQ(refused.error().offset, 2u);
  EXPECT_FALSE(reader.next(input)) << "it stays failed";
}

TEST(Framing, RefusesLengthsThatAreNotMinimalOrTooLong) {
  for (const Bytes& wire : {Bytes{0x81, 0x00}, Bytes(10, 0xff)}) {
    FrameReader reader(1000);
    ByteView input = wire;
    EXPECT_EQ(reader.next(input).error().code, ErrorCode::net_bad_length);
  }
}

TEST(Framing, ALengthAloneAllocatesNothing) {
  FrameReader reader(std::size_t{1} << 40);
  Bytes wire;
  put_varint(wire, std::uint64_t{1} << 40);
  wire.push_back(1);
  ByteView input = wire;
  EXPECT_FALSE(reader.next(input).value());
  EXPECT_EQ(reader.buffered_bytes(), 1u);
  EXPECT_FALSE(reader.at_border());
}

// Runs both sides until neither has anything to say.
Result<std::optional<std::string>> negotiate(std::vector<std::string> proposals, const std::vector<std::string>& spoken,
                                             const std::vector<std::uint8_t>& sizes) {
  MultistreamDialer dialer(std::move(proposals));
  MultistreamListener listener;
  std::optional<Error> failed;
  std::optional<std::string> agreed;
  for (int round = 0; round < 200 && !agreed && !failed; ++round) {
    in_pieces(dialer.take_output(), sizes, [&](ByteView piece) {
      for (;;) {
        const auto proposal = listener.receive(piece);
        if (!proposal) failed = proposal.error();
        if (!proposal || !*proposal) return !failed;
        const bool known = std::ranges::find(spoken, **proposal) != spoken.end();
        known ? listener.accept() : listener.refuse();
        if (known) return false;
      }
    });
    in_pieces(listener.take_output(), sizes, [&](ByteView piece) {
      auto answer = dialer.receive(piece);
      if (!answer) failed = answer.error();
      if (answer && *answer) agreed = **answer;
      return !failed && !agreed;
    });
  }
  if (failed) return std::unexpected(*failed);
  return agreed;
}

RC_GTEST_PROP(Multistream, AgreesOnTheFirstProposalThatIsSpoken, (std::vector<std::uint8_t> sizes)) {
  const std::vector<std::string> all = {"/a/1", "/b/1", "/c/1", "/d/1"};
  const auto proposals = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(all)));
  RC_PRE(proposals.size() <= multistream_proposals_max);
  const auto spoken = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(all));
  const auto expected = std::ranges::find_if(
      proposals, [&](const auto& name) { return std::ranges::find(spoken, name) != spoken.end(); });
  const auto result = negotiate(proposals, spoken, sizes);
  if (expected == proposals.end()) {
    RC_ASSERT(!result.has_value());
    RC_ASSERT(result.error().code == ErrorCode::net_protocol_refused);
  } else {
    RC_ASSERT(result.has_value());
    RC_ASSERT(**result == *expected);
  }
}

TEST(Multistream, SpeaksTheKnownBytes) {
  MultistreamDialer dialer({"/yamux/1.0.0"});
  const std::string expected = "\x13/multistream/1.0.0\n\x0d/yamux/1.0.0\n";
  EXPECT_EQ(dialer.take_output(), to_bytes(expected));
  MultistreamListener listener;
  ByteView input = as_bytes(expected);
  EXPECT_EQ(listener.receive(input).value(), "/yamux/1.0.0");
  listener.accept();
  EXPECT_EQ(listener.take_output(), to_bytes(expected));
}

TEST(Multistream, LeavesTheProtocolsOwnBytes) {
  Bytes wire;
  put_multistream(wire, multistream_protocol);
  put_multistream(wire, "/a/1");
  append(wire, as_bytes("payload"));
  MultistreamListener listener;
  ByteView input = wire;
  ASSERT_TRUE(listener.receive(input).value());
  EXPECT_EQ(as_text(input), "payload");
}

Error listener_error(ByteView wire) {
  MultistreamListener listener;
  for (;;) {
    const auto proposal = listener.receive(wire);
    if (!proposal) return proposal.error();
    if (!*proposal) return {ErrorCode::internal, "waits for more"};
    listener.refuse();
  }
}

TEST(Multistream, RefusesWhatIsNotIt) {
  const auto text = [](std::string_view bytes) { return as_bytes(bytes); };
  EXPECT_EQ(
      listener_error(text("GET / HTTP/1.1\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")).code,
      ErrorCode::net_bad_multistream);
  EXPECT_EQ(listener_error(text("\x13/multistream/2.0.0\n")).code, ErrorCode::net_bad_multistream);
  EXPECT_EQ(listener_error(text(std::string_view("\0", 1))).code, ErrorCode::net_bad_multistream);
  EXPECT_EQ(listener_error(text("\xff\xff\x03")).code, ErrorCode::net_frame_too_long);
  Bytes flood;
  put_multistream(flood, multistream_protocol);
  for (std::uint32_t i = 0; i <= multistream_proposals_max; ++i) put_multistream(flood, "/x");
  EXPECT_EQ(listener_error(flood).code, ErrorCode::net_too_many_proposals);
  Bytes ls;
  put_multistream(ls, multistream_protocol);
  put_multistream(ls, "ls");
  MultistreamListener listener;
  ByteView input = ls;
  EXPECT_FALSE(listener.receive(input).value());
  EXPECT_TRUE(as_text(listener.take_output()).ends_with("\x03na\n"));
}

TEST(Multistream, ADialerRefusesAnAnswerItDidNotAskFor) {
  Bytes wire;
  put_multistream(wire, multistream_protocol);
  put_multistream(wire, "/other/1");
  MultistreamDialer dialer({"/a/1"});
  ByteView input = wire;
  EXPECT_EQ(dialer.receive(input).error().code, ErrorCode::net_bad_multistream);
}

}  // namespace
}  // namespace rz::net
