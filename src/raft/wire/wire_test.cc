// The wire codec: every message there and back, one encoding each, and clear errors for all else.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "raft/testing/cluster.h"
#include "raft/wire/entry_codec.h"
#include "raft/wire/message_codec.h"

namespace rz::raft {
namespace {

using testing::cut;
using testing::generation;
using testing::member;

Entries chain(std::size_t count, std::uint64_t first_index = 1) {
  std::vector<Entry> entries;
  EntryHash prev;
  prev.bytes.fill(first_index == 1 ? 0 : 9);
  for (std::size_t i = 0; i < count; ++i) {
    EntryHeader header{.kind = EntryKind::cut, .generation = 1, .index = {first_index + i}, .term = {3}, .prev = prev};
    Draft draft = cut(i);
    header.root = draft.root;
    header.time = {1000 + i};
    entries.push_back(Entry::make(header, draft.payload));
    prev = entries.back().hash();
  }
  return count == 0 ? Entries{} : Entries::of(std::move(entries));
}

std::vector<Message> every_message() {
  const EntryId id = id_of(chain(1).back());
  SnapshotRecord record{id, {testing::members({1, 2}), testing::members({3}), testing::members({1})}, {77}, {}};
  record.content.bytes.fill(5);
  std::vector<Message> all;
  for (MessageBody body : std::vector<MessageBody>{
           VoteRequest{true, false, id}, VoteReply{false, true}, Append{id, {7}, chain(3, 2)}, Append{},
           AppendReply{true, {}, id, {9}}, Heartbeat{{3}, 4, true, false}, HeartbeatReply{4, {5}, {6}, true, false},
           InstallSnapshot{record}, ReadRequest{{8}}, ReadReply{{8}, {9}, false}, TimeoutNow{}, Wake{}, Leaving{},
           RepairRequest{{1}, {4}}, RepairReply{chain(2)}}) {
    all.push_back({member(1), member(2, 99), generation(2), {5}, std::move(body)});
  }
  return all;
}

Result<Message> decode(Bytes bytes) { return decode_message(std::make_shared<const Bytes>(std::move(bytes))); }

TEST(RaftWire, EveryMessageComesBackTheSame) {
  for (const Message& message : every_message()) {
    const Bytes bytes = encode(message);
    const auto decoded = decode(bytes);
    ASSERT_TRUE(decoded.has_value()) << message.body.index() << " " << decoded.error().to_string();
    EXPECT_EQ(decoded->body.index(), message.body.index());
    EXPECT_EQ(decoded->to, message.to);
    EXPECT_EQ(encode(*decoded), bytes);
  }
}

TEST(RaftWire, EveryTruncationIsAnError) {
  for (const Message& message : every_message()) {
    const Bytes bytes = encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = decode(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
      ASSERT_FALSE(decoded.has_value()) << message.body.index() << " cut at " << size;
      EXPECT_NE(decoded.error().offset, Error::offset_none);
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_EQ(decode(longer).error().code, ErrorCode::trailing_bytes);
  }
}

RC_GTEST_PROP(RaftWire, AFlippedBitIsAnErrorOrAnotherMessage, ()) {
  const std::vector<Message> all = every_message();
  Bytes bytes = encode(all[*rc::gen::inRange<std::size_t>(0, all.size())]);
  const std::size_t bit = *rc::gen::inRange<std::size_t>(0, bytes.size() * 8);
  bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
  const auto decoded = decode(bytes);
  if (decoded) RC_ASSERT(encode(*decoded) == bytes);
}

TEST(RaftWire, EachMistakeHasItsOwnError) {
  const Message append = every_message()[2];
  Bytes bytes = encode(append);
  Bytes changed = bytes;
  changed[1] = 2;
  EXPECT_EQ(decode(changed).error().code, ErrorCode::raft_unknown_version);
  changed = bytes;
  changed[2] = 14;
  EXPECT_EQ(decode(changed).error().code, ErrorCode::raft_unknown_kind);
  changed = bytes;
  changed[0] = 0x9f;
  EXPECT_EQ(decode(changed).error().code, ErrorCode::indefinite_length);
  changed = bytes;
  changed.insert(changed.begin() + 1, 0x18);  // The version in two bytes.
  EXPECT_EQ(decode(changed).error().code, ErrorCode::not_minimal);

  Message gap = append;
  std::vector<Entry> entries;
  entries.push_back(chain(2)[0]);
  gap.body = RepairReply{Entries::of(entries)};
  bytes = encode(gap);
  Bytes twice = bytes;  // The entry once more: it does not continue itself.
  const Bytes entry_bytes = [&] {
    Bytes out;
    put_entry(out, entries[0]);
    return out;
  }();
  twice[twice.size() - entry_bytes.size() - 1] = 0x82;
  rz::append(twice, entry_bytes);
  EXPECT_EQ(decode(twice).error().code, ErrorCode::raft_bad_chain);
}

TEST(RaftWire, ListsAreBoundedBeforeTheyAreAllocated) {
  Message repair = every_message()[13];
  repair.body = RepairReply{};
  Bytes bytes = encode(repair);
  bytes.pop_back();
  for (const int byte : {0x9a, 0xff, 0xff, 0xff, 0xff}) bytes.push_back(static_cast<std::uint8_t>(byte));
  EXPECT_EQ(decode(bytes).error().code, ErrorCode::too_large);
}

TEST(RaftWire, PayloadsAreSlicesOfTheFrame) {
  const auto frame = std::make_shared<const Bytes>(encode(every_message()[2]));
  const auto decoded = decode_message(frame);
  ASSERT_TRUE(decoded.has_value());
  const ByteView payload = std::get<Append>(decoded->body).entries.front().payload().view();
  EXPECT_GE(payload.data(), frame->data());
  EXPECT_LE(payload.data() + payload.size(), frame->data() + frame->size());
}

TEST(RaftWire, AConfigurationEntryHoldsWhatItsRootNames) {
  const Configuration configuration{testing::members({1, 2, 3}), {}, {}};
  const Bytes payload = encode(configuration);
  EntryHeader header{.kind = EntryKind::configuration, .generation = 1, .index = {1}, .term = {1}};
  header.root = root_of(payload);
  Bytes good;
  put_entry(good, Entry::make(header, Payload::own(payload)));
  Reader reader(good);
  EXPECT_TRUE(read_entry(reader, nullptr).has_value());
  header.root.bytes[0] ^= 1;
  Bytes bad;
  put_entry(bad, Entry::make(header, Payload::own(payload)));
  Reader bad_reader(bad);
  EXPECT_EQ(read_entry(bad_reader, nullptr).error().code, ErrorCode::raft_bad_payload);
}

TEST(RaftWire, ConfigurationsAreRefused) {
  const auto code = [](const Configuration& configuration) {
    const auto decoded = decode_configuration(encode(configuration));
    return decoded ? ErrorCode::internal : decoded.error().code;
  };
  EXPECT_EQ(code({{member(2), member(1)}, {}, {}}), ErrorCode::raft_bad_configuration);
  EXPECT_EQ(code({{member(1), member(1, 2)}, {}, {}}), ErrorCode::raft_bad_configuration);
  EXPECT_EQ(code({{member(1)}, {member(1)}, {}}), ErrorCode::raft_bad_configuration);
  EXPECT_EQ(code({{}, {member(1)}, {}}), ErrorCode::raft_bad_configuration);
  EXPECT_EQ(code({{member(1)}, {member(2)}, {member(2)}}), ErrorCode::internal) << "an outgoing voter may be a learner";
}

// The vector of docs/formats/raft.md.
TEST(RaftWire, TheHeaderOfTheFirstEntry) {
  EntryHeader header{.kind = EntryKind::cut, .generation = 1, .index = {1}, .term = {2}};
  header.time = {1'700'000'000'000};
  header.root.bytes.fill(0xab);
  EXPECT_EQ(to_hex(HeaderBytes(header).view()),
            "88010101010258200000000000000000000000000000000000000000000000000000000000000000"
            "1b0000018bcfe568005820abababababababababababababababababababababababababababababababab");
  EXPECT_EQ(Entry::make(header, {}).hash().hex(), "1bed73ab878ea391e1dc00eafb5f15bc53355c07da9fc3ead76567287c6725c9");
}

}  // namespace
}  // namespace rz::raft
