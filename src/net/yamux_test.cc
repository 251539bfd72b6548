// yamux: two sides joined by a wire that cuts anywhere, under random calls, against a plain model; then what a hostile
// side may try.
#include "net/yamux.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"

namespace rz::net {
namespace {

using Role = Yamux::Role;

struct Side {
  explicit Side(Role role, const YamuxLimits& limits = {}) : session(role, limits) {}

  // Takes what the session tells; reads everything at once if `greedy`.
  void take_events(Tick now, bool greedy) {
    while (const auto event = session.next_event()) {
      if (const auto* opened = std::get_if<StreamOpened>(&*event)) seen.insert(opened->stream);
      if (const auto* closed = std::get_if<StreamRemoteClosed>(&*event)) remote_closed.insert(closed->stream);
      if (const auto* finished = std::get_if<StreamFinished>(&*event)) done.insert(finished->stream);
      if (const auto* reset = std::get_if<StreamReset>(&*event)) resets[reset->stream] = reset->why;
      if (const auto* away = std::get_if<GoneAway>(&*event)) gone_away = away->reason;
      if (const auto* pong = std::get_if<PongReceived>(&*event)) rtt = pong->rtt;
      if (std::get_if<StreamReadable>(&*event) != nullptr && greedy) {
        read(now, std::get<StreamReadable>(*event).stream, ~std::size_t{0});
      }
    }
  }

  void read(Tick now, StreamId stream, std::size_t at_most) {
    const ByteView view = session.readable(stream);
    const std::size_t count = std::min(at_most, view.size());
    append(received[stream], view.first(count));
    session.consume(now, stream, count);
  }

  Yamux session;
  std::map<StreamId, Bytes> received;
  std::set<StreamId> seen, remote_closed, done;
  std::map<StreamId, ErrorCode> resets;
  std::optional<GoAwayReason> gone_away;
  std::optional<Duration> rtt;
};

// Carries what `from` has to send to `to`, cut at random.
void carry(Side& from, Side& to, Random& random, Tick now, bool greedy) {
  Bytes wire;
  from.session.pull(wire, 1 + random.below(100'000));
  from.take_events(now, greedy);
  for (ByteView rest = wire; !rest.empty();) {
    const auto size = std::min<std::size_t>(rest.size(), 1 + random.below(random.chance(1, 2) ? 20 : 50'000));
    const auto status = to.session.receive(now, rest.first(size));
    ASSERT_TRUE(status) << status.error().to_string();
    rest = rest.subspan(size);
    to.session.check_state();
    to.take_events(now, greedy);
  }
  from.session.check_state();
}

void settle(Side& a, Side& b, Random& random, Tick& now) {
  for (int round = 0; round < 10'000; ++round) {
    now = now + microseconds(10);
    carry(a, b, random, now, true);
    carry(b, a, random, now, true);
    for (auto* side : {&a, &b}) {
      for (const StreamId stream : side->seen) side->read(now, stream, ~std::size_t{0});
      for (const auto& [stream, bytes] : std::map(side->received)) side->read(now, stream, ~std::size_t{0});
      side->take_events(now, true);
    }
    if (!a.session.wants_to_send() && !b.session.wants_to_send()) return;
  }
  FAIL() << "the session never settles";
}

// Any calls in any order: each stream's bytes arrive whole and in order, ends are seen, invariants hold at every step.
RC_GTEST_PROP(Yamux, StreamsArriveWholeAndInOrder, (std::uint64_t seed)) {
  Random random(seed);
  YamuxLimits limits;
  limits.payload_bytes_max = static_cast<std::uint32_t>(1 + random.below(40'000));
  Side a(Role::dialer, limits);
  Side b(Role::listener, limits);
  std::map<StreamId, Bytes> sent_by_a;
  std::map<StreamId, Bytes> sent_by_b;
  std::set<StreamId> closed_by_a;
  std::set<StreamId> closed_by_b;
  Tick now{1000};
  for (int step = 0; step < 60; ++step) {
    now = now + microseconds(static_cast<std::int64_t>(random.below(5000)));
    const bool first = random.chance(1, 2);
    Side& side = first ? a : b;
    auto& sent = first ? sent_by_a : sent_by_b;
    auto& closed = first ? closed_by_a : closed_by_b;
    const auto any = [&]() -> std::optional<StreamId> {
      std::vector<StreamId> known(side.seen.begin(), side.seen.end());
      for (const auto& [stream, bytes] : sent) known.push_back(stream);
      if (known.empty()) return std::nullopt;
      return known[random.below(known.size())];
    };
    switch (random.below(8)) {
      case 0: {
        const auto stream = side.session.open().value();
        sent[stream];
        side.seen.insert(stream);
        break;
      }
      case 1:
      case 2:
        if (const auto stream = any(); stream && !closed.contains(*stream)) {
          Bytes bytes(random.below(random.chance(1, 4) ? 400'000 : 3000));
          for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
          append(sent[*stream], bytes);
          RC_ASSERT(side.session.write(*stream, std::move(bytes)).has_value());
        }
        break;
      case 3:
        if (const auto stream = any(); stream && random.chance(1, 3)) {
          side.session.close_stream(*stream);
          closed.insert(*stream);
          sent[*stream];
        }
        break;
      case 4:
        if (const auto stream = any()) side.read(now, *stream, random.below(100'000));
        break;
      case 5:
        side.session.ping(now);
        break;
      default:
        carry(side, first ? b : a, random, now, random.chance(1, 2));
    }
    side.session.check_state();
    side.take_events(now, false);
  }
  for (const auto& [stream, bytes] : std::map(sent_by_a)) a.session.close_stream(stream);
  settle(a, b, random, now);
  for (const auto& [stream, bytes] : sent_by_a) RC_ASSERT((b.received[stream] == bytes));
  for (const auto& [stream, bytes] : sent_by_b) RC_ASSERT((a.received[stream] == bytes));
  for (const auto& [stream, bytes] : sent_by_a) {
    RC_ASSERT(b.remote_closed.contains(stream));
    if (closed_by_b.contains(stream)) RC_ASSERT(b.done.contains(stream) && a.done.contains(stream));
  }
  RC_ASSERT(a.session.buffered_bytes() == 0u && b.session.buffered_bytes() == 0u);
}

TEST(Yamux, AWindowBoundsWhatAPausedReaderHolds) {
  Random random(1);
  Side a(Role::dialer);
  Side b(Role::listener);
  const auto stream = a.session.open().value();
  ASSERT_TRUE(a.session.write(stream, Bytes(1u << 20, 5)));
  Tick now{0};
  for (int i = 0; i < 100; ++i) carry(a, b, random, now, false);
  EXPECT_EQ(b.session.readable(stream).size(), yamux_initial_window_bytes);
  EXPECT_EQ(a.session.queued_bytes(stream), (1u << 20) - yamux_initial_window_bytes);
  EXPECT_FALSE(a.session.wants_to_send());
}

// A reader that keeps up, over a long wire: the window doubles to the cap that it needs, and no further when slow.
TEST(Yamux, WindowsGrowToTheBandwidthDelayProduct) {
  // Each step is the time one way; what is pulled in one arrives in the next. The reader reads every so many steps.
  const auto run = [](int read_every) {
    YamuxLimits limits;
    limits.window_bytes_max = 3u << 20;
    Side a(Role::dialer, limits);
    Side b(Role::listener, limits);
    Tick now{0};
    b.session.ping(now);
    const auto stream = a.session.open().value();
    Bytes to_b;
    Bytes to_a;
    for (int step = 0; step < 100; ++step) {
      now = now + milliseconds(50);
      EXPECT_TRUE(b.session.receive(now, std::exchange(to_b, {})));
      EXPECT_TRUE(a.session.receive(now, std::exchange(to_a, {})));
      b.take_events(now, false);
      a.take_events(now, false);
      if (step % read_every == 0) b.read(now, stream, ~std::size_t{0});
      b.received.clear();
      if (a.session.queued_bytes(stream) < (8u << 20)) EXPECT_TRUE(a.session.write(stream, Bytes(8u << 20, 1)));
      a.session.pull(to_b, 256u << 20);
      b.session.pull(to_a, 256u << 20);
    }
    return b.session.window_bytes(stream);
  };
  EXPECT_EQ(run(1), 3u << 20) << "up to the cap";
  EXPECT_EQ(run(20), yamux_initial_window_bytes) << "the reader is the limit, not the window";
}

TEST(Yamux, StreamsTakeTurns) {
  Side a(Role::dialer);
  const auto big = a.session.open().value();
  ASSERT_TRUE(a.session.write(big, Bytes(200'000, 1)));
  const auto small = a.session.open().value();
  ASSERT_TRUE(a.session.write(small, to_bytes("quick")));
  Bytes wire;
  a.session.pull(wire, 48'000);
  EXPECT_EQ(a.session.queued_bytes(small), 0u) << "it does not wait for the big one";
}

// ---- A hostile side.

Bytes frame(FrameType type, std::uint16_t flags, std::uint32_t stream, std::uint32_t length, Bytes payload = {}) {
  Bytes out;
  put_yamux_header(out, {type, flags, {stream}, length});
  append(out, payload);
  return out;
}

ErrorCode error_after(std::vector<Bytes> frames, YamuxLimits limits = {}) {
  Side side(Role::listener, limits);
  for (const auto& bytes : frames) {
    const auto status = side.session.receive(Tick{0}, bytes);
    side.session.check_state();
    side.take_events(Tick{0}, false);
    if (status) continue;
    EXPECT_TRUE(side.session.is_dead());
    EXPECT_EQ(side.session.receive(Tick{0}, bytes).error().code, ErrorCode::net_session_closed);
    EXPECT_FALSE(side.session.open());
    Bytes out;
    side.session.pull(out, 1000);
    EXPECT_EQ(out, frame(FrameType::go_away, 0, 0, 1)) << "it says why";
    return status.error().code;
  }
  return ErrorCode::internal;
}

TEST(Yamux, RefusesFramesThatMakeNoSense) {
  const auto syn = frame(FrameType::window_update, flag::syn, 1, 0);
  Bytes version = syn;
  version[0] = 1;
  EXPECT_EQ(error_after({version}), ErrorCode::net_bad_yamux_version);
  EXPECT_EQ(error_after({frame(FrameType{4}, 0, 1, 0)}), ErrorCode::net_bad_yamux_type);
  EXPECT_EQ(error_after({frame(FrameType::data, 16, 1, 0)}), ErrorCode::net_bad_yamux_flags);
  EXPECT_EQ(error_after({frame(FrameType::data, flag::syn | flag::rst, 1, 0)}), ErrorCode::net_bad_yamux_flags);
  EXPECT_EQ(error_after({frame(FrameType::data, flag::syn | flag::ack, 1, 0)}), ErrorCode::net_bad_yamux_flags);
  EXPECT_EQ(error_after({frame(FrameType::ping, 0, 0, 0)}), ErrorCode::net_bad_yamux_flags);
  EXPECT_EQ(error_after({frame(FrameType::go_away, flag::syn, 0, 0)}), ErrorCode::net_bad_yamux_flags);
  EXPECT_EQ(error_after({frame(FrameType::ping, flag::syn, 1, 0)}), ErrorCode::net_bad_stream_id);
  EXPECT_EQ(error_after({frame(FrameType::data, 0, 0, 0)}), ErrorCode::net_bad_stream_id);
  EXPECT_EQ(error_after({frame(FrameType::data, flag::syn, 2, 0)}), ErrorCode::net_bad_stream_id) << "our id";
  EXPECT_EQ(error_after({frame(FrameType::data, 0, 2, 0)}), ErrorCode::net_bad_stream_id) << "never opened";
  EXPECT_EQ(error_after({syn, syn}), ErrorCode::net_bad_stream_id) << "opened twice";
  EXPECT_EQ(error_after({syn, frame(FrameType::data, 0, 1, yamux_initial_window_bytes + 1)}),
            ErrorCode::net_window_exceeded);
  EXPECT_EQ(error_after({syn, frame(FrameType::data, flag::fin, 1, 0), frame(FrameType::data, 0, 1, 1, Bytes(1))}),
            ErrorCode::net_bad_stream_id)
      << "bytes after the end";
  EXPECT_EQ(error_after({syn, frame(FrameType::window_update, 0, 1, 0xffffffff)}), ErrorCode::net_window_overflow);
}

TEST(Yamux, BoundsWhatItOwes) {
  YamuxLimits limits;
  limits.control_frames_max = 10;
  limits.inbound_streams_max = 3;
  EXPECT_EQ(error_after(std::vector<Bytes>(11, frame(FrameType::ping, flag::syn, 0, 7)), limits), ErrorCode::net_flood);
  std::vector<Bytes> opens;
  for (std::uint32_t i = 0; i < 14; ++i) opens.push_back(frame(FrameType::window_update, flag::syn, 2 * i + 1, 0));
  EXPECT_EQ(error_after(opens, limits), ErrorCode::net_flood);
  opens.resize(5);
  Side side(Role::listener, limits);
  for (const auto& bytes : opens) ASSERT_TRUE(side.session.receive(Tick{0}, bytes));
  EXPECT_EQ(side.session.streams(), 3u);
  Bytes out;
  side.session.pull(out, 10'000);
  EXPECT_EQ(out.size(), 5 * yamux_header_bytes) << "two refusals, three acknowledgements";
  EXPECT_EQ(ByteView(out).first(12).back(), 0);
  EXPECT_EQ(out[3], flag::rst);
}

TEST(Yamux, BoundsWhatAllStreamsBuffer) {
  YamuxLimits limits;
  limits.receive_bytes_max = 600'000;
  Side side(Role::listener, limits);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto payload = Bytes(yamux_initial_window_bytes, 1);
    ASSERT_TRUE(side.session.receive(
        Tick{0}, frame(FrameType::data, flag::syn, 2 * i + 1, yamux_initial_window_bytes, payload)));
    side.session.check_state();
  }
  side.take_events(Tick{0}, false);
  EXPECT_EQ(side.resets.size(), 1u);
  EXPECT_EQ(side.resets[StreamId{5}], ErrorCode::limit_exceeded);
  EXPECT_LE(side.session.buffered_bytes(), limits.receive_bytes_max);
}

TEST(Yamux, IgnoresWhatComesForStreamsThatAreGone) {
  Side side(Role::listener);
  const auto feed = [&](Bytes bytes) { return side.session.receive(Tick{0}, bytes).has_value(); };
  ASSERT_TRUE(feed(frame(FrameType::window_update, flag::syn, 1, 0)));
  side.session.reset_stream({1});
  EXPECT_TRUE(feed(frame(FrameType::data, 0, 1, 5, Bytes(5))));
  EXPECT_TRUE(feed(frame(FrameType::window_update, 0, 1, 5)));
  EXPECT_TRUE(feed(frame(FrameType::data, flag::rst, 1, 5, Bytes(5))));
  EXPECT_TRUE(feed(frame(FrameType::ping, flag::ack, 0, 99))) << "a pong nobody asked for";
  EXPECT_EQ(side.session.streams(), 0u);
  EXPECT_FALSE(side.session.write({1}, to_bytes("x")));
  side.session.close_stream({1});
  side.session.consume(Tick{0}, {1}, 0);
  EXPECT_EQ(side.session.open().value().value, 2u);
}

TEST(Yamux, LimitsStreamsThatNobodyTakes) {
  YamuxLimits limits;
  limits.outbound_unacknowledged_max = 2;
  Side side(Role::dialer, limits);
  ASSERT_TRUE(side.session.open());
  ASSERT_TRUE(side.session.open());
  EXPECT_EQ(side.session.open().error().code, ErrorCode::net_stream_limit);
  Bytes out;
  side.session.pull(out, 1000);
  ASSERT_TRUE(side.session.receive(Tick{0}, frame(FrameType::window_update, flag::ack, 1, 0)));
  EXPECT_TRUE(side.session.open());
  ASSERT_TRUE(side.session.receive(Tick{0}, frame(FrameType::go_away, 0, 0, 0)));
  EXPECT_EQ(side.session.open().error().code, ErrorCode::net_session_closed);
}

TEST(Yamux, AResetBeforeTheFirstFrameIsSilent) {
  Side side(Role::dialer);
  const auto stream = side.session.open().value();
  ASSERT_TRUE(side.session.write(stream, to_bytes("x")));
  side.session.reset_stream(stream);
  EXPECT_FALSE(side.session.wants_to_send());
  side.session.check_state();
}

// Random bytes and honest traffic with flipped bits: an error or none, never a broken invariant.
RC_GTEST_PROP(Yamux, SurvivesAnyBytes, (std::uint64_t seed)) {
  Random random(seed);
  Side a(Role::dialer);
  Side b(Role::listener);
  Tick now{0};
  for (int step = 0; step < 30; ++step) {
    if (random.chance(1, 2)) (void)a.session.open();
    for (std::uint32_t id = 1; id < 9; id += 2) (void)a.session.write({id}, Bytes(random.below(2000)));
    if (random.chance(1, 5)) a.session.close_stream({1});
    Bytes wire;
    a.session.pull(wire, 5000);
    a.take_events(now, true);
    if (!wire.empty() && random.chance(1, 3))
      wire[random.below(wire.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
    (void)b.session.receive(now, wire);
    b.session.check_state();
    b.take_events(now, random.chance(1, 2));
    b.session.check_state();
  }
}

}  // namespace
}  // namespace rz::net
