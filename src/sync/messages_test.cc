// Messages between devices: what is written is read alike, and everything else is refused, each with its own code.
#include "sync/messages.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/cbor_head.h"
#include "log/test_world.h"

namespace rz::sync {
namespace {

template <class Id>
Id id_of(std::uint8_t first, std::uint8_t last = 0) {
  Id id;
  id.bytes[0] = first;
  id.bytes[31] = last;
  return id;
}

Place a_place(std::uint8_t device) {
  return {id_of<log::AuthorKey>(device), 7, {*ipld::Multiaddr::parse("/ip4/127.0.0.1/tcp/4868")}, {}};
}

std::vector<Message> samples() {
  const auto stream = id_of<log::StreamId>(1);
  const log::FeedHead row{{id_of<log::AuthorKey>(2), {3}}, {4}, id_of<log::EventId>(5)};
  const log::FeedHead later{{id_of<log::AuthorKey>(2), {3}}, {5}, id_of<log::EventId>(5)};
  return {
      Hello{id_of<log::Did>(9), 1, 2, 3, id_of<Hash256>(4)},
      Have{},
      Have{{{stream, {row, later}}, {id_of<log::StreamId>(2), {}}}, false},
      Events{1, stream, Bytes{1, 2, 3}, std::nullopt},
      Events{2, stream, Bytes{}, log::Seal{id_of<log::EventId>(6), {}}},
      Ack{12},
      Want{stream, {id_of<log::EventId>(1), id_of<log::EventId>(2)}},
      Bye{ErrorCode::sync_overrun, "too much"},
      Places{{a_place(1), a_place(2)}},
      StateWanted{id_of<Hash256>(8)},
      State{Bytes(1000, 7)},
      CutWanted{id_of<Hash256>(3)},
      CutTree{{{stream, {id_of<log::EventId>(1)}}}},
      Requests{id_of<log::AuthorKey>(2), 5, {}, {}},
      Requests{id_of<log::AuthorKey>(2), 6, {{UnixMs{1'700'000'000'000}, Bytes{1, 2}}, {{}, {}}}, {}},
      Answer{id_of<log::AuthorKey>(2), id_of<Hash256>(3), id_of<log::AuthorKey>(4), true, {}},
      Answer{id_of<log::AuthorKey>(2), id_of<Hash256>(3), id_of<log::AuthorKey>(4), false, {}},
      Introduction{Bytes{1, 2, 3}, std::nullopt},
      Introduction{Bytes{}, log::Seal{id_of<log::EventId>(6), {}}},
  };
}

ErrorCode refusal(ByteView frame) {
  const auto decoded = decode(frame);
  return decoded ? ErrorCode{} : decoded.error().code;
}

TEST(SyncMessages, WhatIsWrittenIsReadAlike) {
  for (const Message& message : samples()) {
    const Bytes frame = encode(message);
    const auto decoded = decode(frame);
    ASSERT_TRUE(decoded.has_value()) << message.index() << ": " << decoded.error().to_string();
    EXPECT_EQ(decoded->index(), message.index());
    EXPECT_EQ(encode(*decoded), frame);
  }
}

// docs/formats/sync.md
TEST(SyncMessages, RequestsAndAnswersAreAsTheirVectors) {
  const Requests requests{id_of<log::AuthorKey>(2), 5, {{UnixMs{1'700'000'000'000}, Bytes{1, 2}}}, {}};
  EXPECT_EQ(to_hex(encode(requests)),
            "8510582002000000000000000000000000000000000000000000000000000000000000000581821b0000018bcfe56800"
            "420102584000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000000000000000000000000000000");
  const Answer answer{id_of<log::AuthorKey>(2), id_of<Hash256>(3), id_of<log::AuthorKey>(4), true, {}};
  EXPECT_EQ(to_hex(encode(answer)),
            "861158200200000000000000000000000000000000000000000000000000000000000000582003000000000000000000"
            "000000000000000000000000000000000000000000005820040000000000000000000000000000000000000000000000"
            "0000000000000000f5584000000000000000000000000000000000000000000000000000000000000000000000000000"
            "000000000000000000000000000000000000000000000000000000");
}

// docs/formats/sync.md
TEST(SyncMessages, AnIntroductionIsAsItsVector) {
  EXPECT_EQ(to_hex(encode(Introduction{Bytes{1, 2, 3}, std::nullopt})), "831243010203f6");
}

TEST(SyncMessages, EveryTruncationAndEveryTrailingByteIsRefused) {
  for (const Message& message : samples()) {
    const Bytes frame = encode(message);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      EXPECT_FALSE(decode(ByteView(frame).first(size)).has_value()) << message.index() << " cut at " << size;
    }
    Bytes longer = frame;
    longer.push_back(0);
    EXPECT_EQ(refusal(longer), ErrorCode::trailing_bytes);
  }
}

TEST(SyncMessages, AForeignVersionIsSaidToBeOne) {
  Bytes frame = encode(Hello{});
  ASSERT_EQ(frame[2], protocol_version);
  frame[2] = 2;
  EXPECT_EQ(refusal(frame), ErrorCode::sync_version);
}

TEST(SyncMessages, UnknownTypesAndCountsAreRefused) {
  for (std::uint8_t type = 11; type < 16; ++type) {
    EXPECT_EQ(refusal(Bytes{0x82, type, 0}), ErrorCode::sync_malformed) << int(type);
    EXPECT_EQ(refusal(Bytes{0x80, type}), ErrorCode::sync_malformed) << int(type);
  }
  EXPECT_EQ(refusal(Bytes{0x82, 19, 0}), ErrorCode::sync_malformed);
  EXPECT_EQ(refusal(Bytes{0x83, 3, 0, 0}), ErrorCode::sync_malformed);  // An ack of three.
  EXPECT_EQ(refusal(Bytes{0x81, 3}), ErrorCode::sync_malformed);
  EXPECT_EQ(refusal(Bytes{0xa0}), ErrorCode::unexpected_kind);
  Bytes large{0x82, 3};
  cbor::put_uint(large, log::integer_end);
  EXPECT_EQ(refusal(large), ErrorCode::sync_malformed);
}

TEST(SyncMessages, ListsMustAscend) {
  const auto stream = id_of<log::StreamId>(1);
  const auto before = id_of<log::EventId>(1);
  const auto after = id_of<log::EventId>(2);
  EXPECT_EQ(refusal(encode(Want{stream, {after, before}})), ErrorCode::sync_malformed);
  EXPECT_EQ(refusal(encode(Want{stream, {after, after}})), ErrorCode::sync_malformed);
  EXPECT_EQ(refusal(encode(Places{{a_place(2), a_place(1)}})), ErrorCode::sync_malformed);
  const log::FeedHead row{{id_of<log::AuthorKey>(2), {3}}, {4}, before};
  EXPECT_EQ(refusal(encode(Have{{{stream, {row, row}}}, true})), ErrorCode::sync_malformed);
  EXPECT_EQ(refusal(encode(Have{{{stream, {}}, {stream, {}}}, true})), ErrorCode::sync_malformed);
  EXPECT_EQ(refusal(encode(CutTree{{{stream, {after, before}}}})), ErrorCode::list_order);
}

// A count is checked before anything is allocated for it: a frame of a few bytes can't ask for gigabytes.
TEST(SyncMessages, CountsAreHeldToTheirLimits) {
  const auto list_of = [](std::uint8_t fields, std::uint8_t type, std::uint64_t count, bool with_stream) {
    Bytes frame{static_cast<std::uint8_t>(0x80 | fields), type};
    if (with_stream) cbor::put_bytes(frame, Bytes(32, 1));
    cbor::put_array(frame, count);
    frame.resize(frame.size() + count * 40);  // As many bytes as a list of that many could have.
    return frame;
  };
  EXPECT_EQ(refusal(list_of(3, 1, streams_per_have_max + 1, false)), ErrorCode::limit_exceeded);
  EXPECT_EQ(refusal(list_of(3, 4, wanted_max + 1, true)), ErrorCode::limit_exceeded);
  EXPECT_EQ(refusal(list_of(2, 6, places_max + 1, false)), ErrorCode::limit_exceeded);
  const Request small{UnixMs{1}, Bytes{7}};
  const auto asking = [](std::vector<Request> open) {
    return refusal(encode(Requests{id_of<log::AuthorKey>(1), 1, std::move(open), {}}));
  };
  EXPECT_EQ(asking(std::vector<Request>(requests_max, small)), ErrorCode{});
  EXPECT_EQ(asking(std::vector<Request>(requests_max + 1, small)), ErrorCode::limit_exceeded);
  EXPECT_EQ(asking({{UnixMs{1}, Bytes(request_bytes_max, 7)}}), ErrorCode{});
  EXPECT_EQ(asking({{UnixMs{1}, Bytes(request_bytes_max + 1, 7)}}), ErrorCode::limit_exceeded);
  Bytes rows{0x83, 1, 0x81, 0x82};
  cbor::put_bytes(rows, Bytes(32, 1));
  cbor::put_array(rows, rows_per_have_max + 1);
  rows.resize(rows.size() + 4 * rows_per_have_max);
  EXPECT_EQ(refusal(rows), ErrorCode::limit_exceeded);
  EXPECT_EQ(refusal(encode(Bye{ErrorCode::internal, std::string(bye_text_bytes_max + 1, 'x')})),
            ErrorCode::limit_exceeded);
  EXPECT_EQ(refusal(Bytes(frame_bytes_max + 1, 0)), ErrorCode::limit_exceeded);
  Place crowded = a_place(1);
  crowded.addresses.assign(place_addresses_max + 1, crowded.addresses.front());
  EXPECT_EQ(refusal(encode(Places{{crowded}})), ErrorCode::limit_exceeded);
}

TEST(SyncMessages, APlaceIsSignedOverWhatItSays) {
  const crypto::SigningKey key = log::test::key_of(1);
  Place place = a_place(1);
  place.device = key.public_key();
  place.signature = key.sign(place_domain, place_message(place));
  EXPECT_TRUE(crypto::verify(place.device, place_domain, place_message(place), place.signature));
  ++place.counter;
  EXPECT_FALSE(crypto::verify(place.device, place_domain, place_message(place), place.signature));
}

TEST(LiveMessages, WhatIsWrittenIsReadAlikeAndTheRestRefused) {
  const auto stream = id_of<log::StreamId>(1);
  const Tail tail{stream, {1}, {2}, {id_of<log::EventId>(1), id_of<log::EventId>(2)}, 3, 4, Bytes{5}};
  Tail gone = tail;
  gone.payload.reset();
  for (const LiveMessage& message : {LiveMessage(tail), LiveMessage(gone), LiveMessage(Cursor{stream, {{3, 9}}}),
                                     LiveMessage(Cursor{stream, std::nullopt}), LiveMessage(Room{7, 8})}) {
    const Bytes frame = encode_live(message);
    const auto decoded = decode_live(frame);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().to_string();
    EXPECT_EQ(encode_live(*decoded), frame);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      EXPECT_FALSE(decode_live(ByteView(frame).first(size)).has_value());
    }
  }
  Tail large = tail;
  large.payload = Bytes(tail_bytes_max + 1, 0);
  EXPECT_EQ(decode_live(encode_live(large)).error().code, ErrorCode::limit_exceeded);
  Tail crowded = tail;
  for (int i = 0; i < 300; ++i) crowded.parents.push_back(id_of<log::EventId>(3, static_cast<std::uint8_t>(i)));
  EXPECT_EQ(decode_live(encode_live(crowded)).error().code, ErrorCode::limit_exceeded);
  EXPECT_EQ(decode_live(Bytes{0x82, 2, 0}).error().code, ErrorCode::sync_malformed);
  EXPECT_EQ(decode_live(Bytes{0x83, 3, 0, 0}).error().code, ErrorCode::sync_malformed);
  EXPECT_EQ(decode_live(Bytes(tail_bytes_max + 17 * 1024, 0)).error().code, ErrorCode::limit_exceeded);
}

// Whatever is taken has one form only, also when a true frame was altered.
RC_GTEST_PROP(SyncMessages, WhatIsTakenIsCanonical, ()) {
  const std::vector<Message> all = samples();
  Bytes frame = encode(all[*rc::gen::inRange<std::size_t>(0, all.size())]);
  const auto flips = *rc::gen::inRange<std::size_t>(0, 3);
  for (std::size_t i = 0; i < flips; ++i) {
    frame[*rc::gen::inRange<std::size_t>(0, frame.size())] ^= static_cast<std::uint8_t>(*rc::gen::inRange(1, 256));
  }
  const auto decoded = decode(frame);
  RC_PRE(decoded.has_value());
  RC_ASSERT(encode(*decoded) == frame);
}

RC_GTEST_PROP(SyncMessages, DecodeInvertsEncode, ()) {
  const auto number = [] { return *rc::gen::inRange<std::uint64_t>(0, log::integer_end); };
  Have have;
  have.last = *rc::gen::arbitrary<bool>();
  const auto streams = *rc::gen::inRange(0, 4);
  for (int i = 0; i < streams; ++i) {
    StreamRows rows{id_of<log::StreamId>(static_cast<std::uint8_t>(i + 1)), {}};
    const auto count = *rc::gen::inRange(0, 6);
    for (int j = 0; j < count; ++j) {
      rows.rows.push_back({{id_of<log::AuthorKey>(*rc::gen::arbitrary<std::uint8_t>()), {number()}},
                           {number()},
                           id_of<log::EventId>(*rc::gen::arbitrary<std::uint8_t>())});
    }
    std::sort(rows.rows.begin(), rows.rows.end());
    rows.rows.erase(std::unique(rows.rows.begin(), rows.rows.end()), rows.rows.end());
    have.streams.push_back(std::move(rows));
  }
  const auto decoded = decode(encode(have));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(std::get<Have>(*decoded) == have);
  const Hello hello{id_of<log::Did>(1), number(), number(), number(), id_of<Hash256>(2)};
  RC_ASSERT(std::get<Hello>(*decode(encode(hello))) == hello);
}

}  // namespace
}  // namespace rz::sync
