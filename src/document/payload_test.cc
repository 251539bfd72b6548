// The encoding of operations: exact inverse, one canonical form, clear errors.
#include "document/payload.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <limits>

#include "base/random.h"
#include "document/utf8.h"

namespace rz::document {
namespace {

ContainerName body_name() {
  ContainerName name;
  name.kind = ContainerName::Kind::body;
  return name;
}

Payload random_payload(std::uint64_t seed) {
  Random random(seed);
  PayloadBuilder builder;
  const std::uint64_t count = random.below(30);
  for (std::uint64_t i = 0; i < count; ++i) {
    ContainerName name;
    name.kind = static_cast<ContainerName::Kind>(random.below(4));
    if (name.kind == ContainerName::Kind::other) name.event.bytes[3] = static_cast<std::uint8_t>(random.below(3));
    if (name.kind >= ContainerName::Kind::own) name.offset = static_cast<std::uint32_t>(random.below(4));
    const std::uint32_t container = builder.container(name);
    const std::uint64_t place = random.below(6);
    const std::string key(1 + random.below(3), 'k');
    switch (random.below(7)) {
      case 0:
        builder.text_insert(container, place, "aé水🌱", 4);
        break;
      case 1:
      case 2:
        builder.erase(container, place, 1 + static_cast<std::uint32_t>(random.below(3)));
        break;
      case 3:
        builder.list_insert(container, place, {Atom(std::int64_t{-5}), Atom(Type::text), Atom(std::string("x"))});
        break;
      case 4:
        builder.list_set(container, place, Atom(2.5));
        break;
      case 5:
        if (random.chance(1, 3)) {
          builder.map_delete(container, key);
        } else {
          builder.map_set(container, key, random.chance(1, 2) ? Atom(Bytes{1, 2}) : Atom(true));
        }
        break;
      default:
        builder.counter_add(container, static_cast<std::int64_t>(random.below(7)) - 3);
    }
  }
  const std::size_t size = encode_payload(builder.payload()).size();
  EXPECT_LE(size, builder.size_bound());
  return builder.payload();
}

RC_GTEST_PROP(Payload, DecodeIsTheInverseOfEncode, ()) {
  const Bytes bytes = encode_payload(random_payload(*rc::gen::arbitrary<std::uint64_t>()));
  const auto decoded = decode_payload(bytes);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(encode_payload(*decoded) == bytes);
}

// Whatever decodes is in its one form; nothing crashes.
RC_GTEST_PROP(Payload, WhatDecodesIsCanonical, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  Random random(seed);
  Bytes bytes = encode_payload(random_payload(seed ^ 1));
  for (int i = 0; i < 40; ++i) {
    Bytes bad = bytes;
    if (bad.empty()) return;
    for (std::uint64_t n = 0; n <= random.below(3); ++n) {
      bad[random.below(bad.size())] = static_cast<std::uint8_t>(random.next());
    }
    if (random.chance(1, 4)) bad.resize(random.below(bad.size()));
    const auto decoded = decode_payload(bad);
    if (decoded) RC_ASSERT(encode_payload(*decoded) == bad);
  }
}

TEST(Payload, AHundredTypedCharactersCostAHundredBytesAndAFew) {
  PayloadBuilder builder;
  const std::uint32_t container = builder.container(body_name());
  for (std::uint32_t i = 0; i < 100; ++i) builder.text_insert(container, 5000 + i, "x", 1);
  const Bytes bytes = encode_payload(builder.payload());
  EXPECT_LE(bytes.size(), 116u);
  EXPECT_EQ(builder.payload().ops.size(), 1u);
}

TEST(Payload, BackspacesAreOneRun) {
  PayloadBuilder builder;
  const std::uint32_t container = builder.container(body_name());
  for (std::uint32_t i = 0; i < 50; ++i) builder.erase(container, 99 - i, 1);
  ASSERT_EQ(builder.payload().ops.size(), 1u);
  EXPECT_EQ(builder.payload().ops[0].kind, OpKind::delete_back);
  EXPECT_EQ(builder.payload().ops[0].count, 50u);
  builder.erase(container, 49, 3);  // One more backwards, then two where that was.
  ASSERT_EQ(builder.payload().ops.size(), 2u);
  EXPECT_EQ(builder.payload().ops[0].count, 51u);
  EXPECT_EQ(builder.payload().ops[1].count, 2u);
  EXPECT_TRUE(decode_payload(encode_payload(builder.payload())).has_value());
}

// docs/formats/document.md shows this one.
TEST(Payload, Vector) {
  PayloadBuilder builder;
  builder.text_insert(builder.container(body_name()), 0, "Hé", 2);
  builder.map_set(builder.container({}), "n", Atom(std::int64_t{7}));
  EXPECT_EQ(to_hex(encode_payload(builder.payload())),
            "0100020100020400001500"
            "0100"
            "0102"
            "04016e0307"
            "48c3a9");
}

ErrorCode error_of(std::string_view hex) {
  const auto decoded = decode_payload(*from_hex(hex));
  EXPECT_FALSE(decoded.has_value()) << hex;
  return decoded ? ErrorCode::internal : decoded.error().code;
}

TEST(Payload, RefusesWhatIsNotCanonical) {
  EXPECT_TRUE(decode_payload({}).has_value());
  EXPECT_EQ(error_of("02"), ErrorCode::payload_unknown_version);
  EXPECT_EQ(error_of("01"), ErrorCode::payload_truncated);
  EXPECT_EQ(error_of("8100"), ErrorCode::payload_not_canonical);      // A number in too many bytes.
  EXPECT_EQ(error_of("01000000"), ErrorCode::payload_not_canonical);  // No operations.
  EXPECT_EQ(error_of("01ffffffff0f"), ErrorCode::payload_truncated);  // More events than bytes.
  const std::string body_only = "010001";
  EXPECT_EQ(error_of(body_only + "01"
                                 "01"
                                 "020000"
                                 "0100"
                                 "0101"
                                 "00"),
            ErrorCode::payload_truncated);  // No text.
  EXPECT_EQ(error_of(body_only + "01"
                                 "01"
                                 "020000"
                                 "0100"
                                 "0101"
                                 "00"
                                 "ff"),
            ErrorCode::payload_bad_value);
  EXPECT_EQ(error_of(body_only + "01"
                                 "01"
                                 "020000"
                                 "0100"
                                 "0101"
                                 "00"
                                 "6161"),
            ErrorCode::payload_not_canonical);
  EXPECT_EQ(error_of(body_only + "01"
                                 "01"
                                 "020000"
                                 "0101"
                                 "0101"
                                 "00"
                                 "61"),
            ErrorCode::payload_bad_value);
  EXPECT_EQ(error_of(body_only + "01"
                                 "01"
                                 "020000"
                                 "0100"
                                 "0100"
                                 "00"
                                 "61"),
            ErrorCode::payload_not_canonical);
  EXPECT_EQ(error_of(body_only + "01"
                                 "01"
                                 "021000"
                                 "0100"
                                 "0101"
                                 "00"
                                 "61"),
            ErrorCode::payload_bad_reference);
  // Two runs that are one: "a" at 0, then "b" at 1.
  EXPECT_EQ(error_of(body_only + "01"
                                 "02"
                                 "020001"
                                 "020000"
                                 "020101"
                                 "00"
                                 "6162"),
            ErrorCode::payload_not_canonical);
  // A container named twice, and one named without operations.
  EXPECT_EQ(error_of("01000201010102000001000101"
                     "0061"),
            ErrorCode::payload_not_canonical);
  EXPECT_EQ(error_of("01000201000102000001000101"
                     "0061"),
            ErrorCode::payload_not_canonical);
  EXPECT_EQ(error_of(to_hex(Bytes(512 * 1024 + 1, 1))), ErrorCode::payload_too_large);
}

TEST(Payload, RemainderAfterAPrefix) {
  for (std::uint64_t seed = 1; seed < 300; ++seed) {
    // The same edits, cut at some point: the rest is what comes after.
    Random random(seed);
    PayloadBuilder whole;
    Payload part;
    const std::uint64_t cut = random.below(12);
    for (std::uint64_t i = 0; i < 12; ++i) {
      if (i == cut) part = whole.payload();
      const std::uint32_t container = whole.container(body_name());
      if (random.chance(1, 2)) {
        whole.text_insert(container, random.below(3), "ab", 2);
      } else {
        whole.erase(container, 5 + random.below(3), 1 + static_cast<std::uint32_t>(random.below(2)));
      }
    }
    const Remainder rest = remainder_after(part, whole.payload());
    ASSERT_TRUE(rest.matches);
    std::uint64_t units = part.units();
    for (const Op& op : rest.ops) units += op.count;
    ASSERT_EQ(units, whole.payload().units());
  }
}

TEST(Payload, UnknownKindsKeepTheirShape) {
  Payload payload;
  payload.containers.push_back(body_name());
  Op op;
  op.kind = static_cast<OpKind>(11);
  op.count = 3;
  payload.ops.push_back(op);
  payload.opaque.push_back({9, 9, 9});
  const Bytes bytes = encode_payload(payload);
  const auto decoded = decode_payload(bytes);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().to_string();
  EXPECT_EQ(decoded->units(), 3u);
  EXPECT_EQ(encode_payload(*decoded), bytes);
}

}  // namespace
}  // namespace rz::document
