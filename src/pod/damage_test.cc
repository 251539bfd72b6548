// Damage to the store: noticed, never served, and mended from another device. And a log that was compacted away.
#include <gtest/gtest.h>

#include <algorithm>

#include "pod/layout.h"
#include "sim/network.h"

namespace rz::pod {
namespace {

using sim::Network;

std::vector<Bytes> keys_of(const store::MemoryStore& store, char kind) {
  std::vector<Bytes> keys;
  for (const auto& [key, record] : store.records()) {
    if (key[0] == static_cast<std::uint8_t>(kind)) keys.push_back(key);
  }
  return keys;
}

// Writes in turns, so that every device's events stand in the past of the others'.
log::StreamId write_in_turns(Network& net, int rounds) {
  const auto document = *net.pod(0).create_document(net.now(), "Notes", "");
  net.pump(0);
  RZ_ASSERT(net.converge());
  for (int i = 0; i < rounds; ++i) {
    const std::size_t at = static_cast<std::size_t>(i) % net.size();
    const std::uint64_t end = *net.pod(at).text_length(document);
    RZ_ASSERT(net.pod(at).edit_text(net.now(), document, {{end, 0, std::to_string(i) + " "}}).has_value());
    net.pod(at).flush(net.now());
    net.pump(at);
    RZ_ASSERT(net.converge());
  }
  return document;
}

// Two devices that wrote in turns, and what they wrote.
struct InTurns {
  explicit InTurns(std::uint64_t seed) : net(seed) {
    net.found();
    net.add(0, "phone");
    document = write_in_turns(net, 6);
    text = *net.pod(0).text(document);
  }
  Network net;
  log::StreamId document;
  std::string text;
};

// Every record of events in turn: flipped, reported, fetched again; a second start finds nothing wrong.
TEST(Damage, AnyDamagedRecordIsReportedAndFetchedAgain) {
  InTurns pair(21);
  auto& [net, document, text] = pair;
  const std::vector<Bytes> keys = keys_of(net.device(1).store, 'e');
  ASSERT_GT(keys.size(), 6u);
  for (const Bytes& key : keys) {
    SCOPED_TRACE(to_hex(key));
    net.crash(1, 99);
    auto record = net.device(1).store.records().find(key);
    if (record == net.device(1).store.records().end()) continue;  // An earlier repair wrote it anew elsewhere.
    record->second[record->second.size() / 2] ^= 0x10;
    ASSERT_TRUE(net.restart(1).has_value());
    const auto alarms = net.pod(1).alarms();
    EXPECT_TRUE(std::any_of(alarms.begin(), alarms.end(),
                            [](const Alarm& alarm) { return alarm.text.find("damaged") != std::string::npos; }));
    ASSERT_TRUE(net.converge()) << "it did not heal";
    EXPECT_EQ(*net.pod(1).text(document), text);
    net.crash(1, 99);
    ASSERT_TRUE(net.restart(1).has_value());
    EXPECT_EQ(net.pod(1).frontier(), net.pod(0).frontier());
    EXPECT_EQ(*net.pod(1).text(document), text);
    EXPECT_TRUE(net.pod(1).alarms().empty()) << net.pod(1).alarms()[0].text;
  }
}

// A bit flips while the device runs: the note is refused, not shown with a hole, and comes again by itself.
TEST(Damage, WhatIsFoundDamagedWhileRunningIsNeverShown) {
  InTurns pair(23);
  auto& [net, document, text] = pair;
  std::size_t refused = 0;
  for (const Bytes& key : keys_of(net.device(1).store, 'e')) {
    SCOPED_TRACE(to_hex(key));
    net.crash(1, 99);
    ASSERT_TRUE(net.restart(1).has_value());  // The note is folded when somebody reads it.
    const std::uint64_t life = net.device(1).life;
    auto record = net.device(1).store.records().find(key);
    if (record == net.device(1).store.records().end()) continue;
    record->second[record->second.size() / 2] ^= 0x10;
    const auto read = net.pod(1).text(document);
    if (read) {
      EXPECT_EQ(*read, text) << "what is shown is whole";
      record->second[record->second.size() / 2] ^= 0x10;
      continue;
    }
    ++refused;
    EXPECT_EQ(read.error().code, ErrorCode::damaged_record);
    net.pump(1);
    ASSERT_TRUE(net.run_until([&] { return net.device(1).life > life; })) << "it is not opened anew";
    ASSERT_TRUE(net.converge());
    EXPECT_EQ(*net.pod(1).text(document), text);
  }
  EXPECT_GT(refused, 3u);
}

// An event that only this device holds survives the damage of one that it depends on.
TEST(Damage, WhatOnlyThisDeviceHoldsIsNotLostWithWhatItDependsOn) {
  Network net(22);
  net.found();
  net.add(0, "phone");
  const log::StreamId document = write_in_turns(net, 4);
  const std::vector<Bytes> shared = keys_of(net.device(1).store, 'e');
  net.cut(0, 1);
  ASSERT_TRUE(net.pod(1).edit_text(net.now(), document, {{0, 0, "mine alone "}}).has_value());
  net.pod(1).flush(net.now());
  net.pump(1);
  net.run(milliseconds(50));
  ASSERT_GE(net.pod(1).state_of(document), WriteState::local);
  const std::string text = *net.pod(1).text(document);
  net.crash(1);
  // The newest record that both have is of the document.
  net.device(1).store.records().find(shared.back())->second[9] ^= 1;
  ASSERT_TRUE(net.restart(1).has_value());
  EXPECT_EQ(net.pod(1).text(document)->find("mine"), std::string::npos);  // Not shown: its past is not here.
  net.heal(0, 1);
  ASSERT_TRUE(net.converge());
  EXPECT_EQ(*net.pod(0).text(document), text);
  EXPECT_EQ(*net.pod(1).text(document), text);
}

// A device that was away while the others compacted their logs gets the ordered state instead of the entries.
TEST(Damage, ALearnerFarBehindACompactedLogInstallsTheState) {
  sim::NetworkOptions options;
  options.compact_every = 32;
  options.compact_keep = 4;
  Network net(23, options);
  net.found();
  net.add(0, "phone");
  net.add(0, "tablet");
  const log::StreamId document = write_in_turns(net, 3);
  net.crash(2);
  // Two of three go on; the third is a voter or a learner, both come back by the state.
  for (int i = 0; i < 120; ++i) {
    const std::size_t at = static_cast<std::size_t>(i) % 2;
    ASSERT_TRUE(net.pod(at).edit_text(net.now(), document, {{0, 0, "x"}}).has_value());
    net.pod(at).flush(net.now());
    net.pump(at);
    net.run(milliseconds(60));
  }
  bool state_sent = false;
  net.on_frame = [&](std::size_t, std::size_t to, Channel channel, ByteView frame) {
    // state [8, bytes]
    if (channel == Channel::sync && to == 2 && frame.size() > 2 && frame[0] == 0x82 && frame[1] == 8) state_sent = true;
  };
  ASSERT_TRUE(net.restart(2).has_value());
  ASSERT_TRUE(net.converge());
  EXPECT_TRUE(state_sent);
  EXPECT_EQ(*net.pod(2).text(document), *net.pod(0).text(document));
  // And it takes part again, also after a restart from the installed state.
  net.crash(2, 99);
  ASSERT_TRUE(net.restart(2).has_value());
  ASSERT_TRUE(net.pod(2).edit_text(net.now(), document, {{0, 0, "back "}}).has_value());
  net.pump(2);
  ASSERT_TRUE(net.converge());
  EXPECT_EQ(net.pod(0).text(document)->substr(0, 5), "back ");
}

// Frames of rubbish end a connection, with an error; nothing stored changes, and the next connection works.
TEST(Damage, RubbishOnAnyChannelEndsTheConnectionAndNothingElse) {
  Network net(24);
  net.found();
  net.add(0, "phone");
  const log::StreamId document = write_in_turns(net, 2);
  const log::HeadList frontier = net.pod(0).frontier();
  for (const Channel channel : {Channel::raft, Channel::sync, Channel::live}) {
    for (int i = 0; i < 50; ++i) {
      Bytes rubbish(1 + net.random().below(40));
      for (std::uint8_t& byte : rubbish) byte = static_cast<std::uint8_t>(net.random().next());
      ASSERT_TRUE(net.run_until([&] { return net.connected(0, 1); }));
      net.pod(0).received(net.now(), net.key(1), channel, rubbish);
      net.pump(0);
      ASSERT_TRUE(net.run_until([&] { return !net.connected(0, 1); }, milliseconds(40))) << to_hex(rubbish);
    }
  }
  EXPECT_EQ(net.pod(0).frontier(), frontier);
  ASSERT_TRUE(net.pod(1).edit_text(net.now(), document, {{0, 0, "still "}}).has_value());
  net.pump(1);
  ASSERT_TRUE(net.converge());
}

// True frames with one bit flipped, at random: the devices end up equal all the same.
TEST(Damage, FlippedBitsOnTheWireDoNoHarm) {
  for (std::uint64_t seed = 30; seed < 34; ++seed) {
    SCOPED_TRACE(seed);
    Network net(seed);
    net.found();
    net.add(0, "phone");
    // Not Raft's: TLS keeps bits from flipping, and who lies there on purpose can stop order, never events.
    net.filter = [&net](std::size_t, std::size_t, Channel channel, Bytes& frame) {
      if (channel != Channel::raft && !frame.empty() && net.random().chance(1, 12)) {
        frame[net.random().below(frame.size())] ^= static_cast<std::uint8_t>(1u << net.random().below(8));
      }
      return true;
    };
    const auto document = *net.pod(0).create_document(net.now(), "Notes", "");
    net.pump(0);
    for (int i = 0; i < 30; ++i) {
      const std::size_t at = net.random().below(2);
      if (net.pod(at).text(document)) {
        ASSERT_TRUE(net.pod(at).edit_text(net.now(), document, {{0, 0, "y"}}).has_value());
      }
      net.pump(at);
      net.run(milliseconds(200));
    }
    net.filter = nullptr;
    // A connection on which a frame was altered but still meant something may wait for ever: begin anew.
    net.cut(0, 1);
    net.heal(0, 1);
    ASSERT_TRUE(net.converge()) << net.describe();
    EXPECT_EQ(*net.pod(0).text(document), *net.pod(1).text(document));
  }
}

}  // namespace
}  // namespace rz::pod
