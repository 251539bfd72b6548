// Devices that write while links are cut and processes die: afterwards all are equal, and nothing acknowledged is lost.
#include <gtest/gtest.h>

#include <chrono>

#include "sim/network.h"

namespace rz::pod {
namespace {

using sim::Network;

// A write that its device acknowledged as `local` or more: a marker that no other write contains or removes.
struct Marker {
  log::StreamId document;
  std::string text;
  std::size_t device = 0;
  bool acknowledged = false;
};

class Storm {
 public:
  Storm(std::uint64_t seed, log::DeviceKind third) : net_(seed) {
    net_.found("laptop");
    net_.add(0, "phone");
    RZ_ASSERT(net_.converge());
    net_.add(net_.random().below(2), "third", third);
    third_writes_ = third != log::DeviceKind::cloud;
  }

  Network& net() { return net_; }

  void step() {
    note_acknowledged();
    const std::size_t at = net_.random().below(net_.size());
    const std::size_t other = net_.random().below(net_.size());
    switch (net_.random().below(16)) {
      case 0:
        if (at != other) net_.cut(at, other);
        break;
      case 1:
        net_.heal_all();
        break;
      case 2:
        if (net_.alive(at)) crash(at);
        break;
      case 3:
        create(at);
        break;
      default:
        edit(at);
    }
    for (std::size_t i = 0; i < net_.size(); ++i) {
      if (!net_.alive(i) && net_.random().chance(1, 3)) {
        const Status opened = net_.restart(i);
        ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
      }
    }
    net_.run(milliseconds(static_cast<std::int64_t>(net_.random().below(120))));
  }

  void finish() {
    note_acknowledged();
    net_.heal_all();
    for (std::size_t i = 0; i < net_.size(); ++i) {
      if (!net_.alive(i)) ASSERT_TRUE(net_.restart(i).has_value());
      net_.pod(i).flush(net_.now());
      net_.pump(i);
    }
    ASSERT_TRUE(net_.converge(seconds(120))) << describe();
    check();
  }

  std::size_t acknowledged_count() const {
    return static_cast<std::size_t>(
        std::count_if(markers_.begin(), markers_.end(), [](const Marker& marker) { return marker.acknowledged; }));
  }

 private:
  bool writes(std::size_t device) const { return device < 2 || third_writes_; }

  void crash(std::size_t device) {
    note_acknowledged();
    // Some batches may have reached the disk without the process hearing of it.
    net_.crash(device, net_.random().below(3));
    // What was not acknowledged may be lost with it; what was, may not.
    std::erase_if(markers_, [device](const Marker& marker) { return marker.device == device && !marker.acknowledged; });
  }

  void create(std::size_t device) {
    if (!net_.alive(device) || !writes(device)) return;
    const auto made = net_.pod(device).create_document(net_.now(), "A document", "");
    if (made) documents_.insert(*made);
    net_.pump(device);
  }

  void edit(std::size_t device) {
    if (!net_.alive(device) || !writes(device)) return;
    Pod& pod = net_.pod(device);
    std::vector<log::StreamId> known;
    for (const DocumentSummary& document : pod.documents()) {
      if (document.readable) known.push_back(document.id);
    }
    if (known.empty()) return create(device);
    const log::StreamId document = known[net_.random().below(known.size())];
    const std::uint64_t length = *pod.text_length(document);
    // Markers are atomic in the text: inserted at the end or the start, and only dots are ever removed.
    const std::string text = *pod.text(document);
    const std::uint64_t dot = text.find('.');
    if (dot != std::string::npos && net_.random().chance(1, 4)) {
      ASSERT_TRUE(pod.edit_text(net_.now(), document, {{dot, 1, ""}}).has_value());
    }
    std::string marker = "<" + std::to_string(next_marker_++) + ">";
    const std::uint64_t at = net_.random().chance(1, 2) ? 0 : *pod.text_length(document);
    ASSERT_TRUE(pod.edit_text(net_.now(), document, {{at, 0, "." + marker}}).has_value()) << length;
    if (net_.random().chance(1, 2)) pod.flush(net_.now());
    net_.pump(device);
    markers_.push_back({document, std::move(marker), device, false});
  }

  // A stream's state is the least of its heads', so it speaks for every marker in its text.
  void note_acknowledged() {
    for (Marker& marker : markers_) {
      if (marker.acknowledged || !net_.alive(marker.device)) continue;
      marker.acknowledged = net_.pod(marker.device).state_of(marker.document) >= WriteState::local;
    }
  }

  void check() {
    for (const log::StreamHeads& heads : net_.pod(0).frontier()) {
      const auto first = net_.pod(0).text(heads.stream);
      for (std::size_t i = 1; i < net_.size(); ++i) {
        if (!writes(i)) continue;
        const auto its = net_.pod(i).text(heads.stream);
        ASSERT_EQ(first.has_value(), its.has_value());
        if (first) EXPECT_EQ(*first, *its) << "device " << i;
      }
    }
    // Folded anew from the store it is the same: no text depends on how its events came in.
    for (std::size_t i = 0; i < net_.size(); ++i) {
      std::map<log::StreamId, std::string> texts;
      for (const log::StreamHeads& heads : net_.pod(i).frontier()) {
        if (const auto text = net_.pod(i).text(heads.stream)) texts[heads.stream] = *text;
      }
      net_.crash(i, 999);
      ASSERT_TRUE(net_.restart(i).has_value());
      for (const auto& [stream, text] : texts) EXPECT_EQ(*net_.pod(i).text(stream), text) << "device " << i << " folds";
    }
    for (const Marker& marker : markers_) {
      if (!marker.acknowledged) continue;
      EXPECT_NE(net_.pod(0).text(marker.document)->find(marker.text), std::string::npos)
          << marker.text << " was acknowledged and is lost";
    }
    for (std::size_t i = 0; i < net_.size(); ++i) {
      for (const Alarm& alarm : net_.pod(i).alarms()) {
        EXPECT_EQ(alarm.level, Alarm::Level::info) << "device " << i << ": " << alarm.text;
      }
    }
  }

  std::string describe() { return net_.describe(); }

  Network net_;
  bool third_writes_ = true;
  std::set<log::StreamId> documents_;
  std::vector<Marker> markers_;
  std::uint64_t next_marker_ = 1;
};

// As many seeds as fit; RZ_SEED runs one, RZ_SEEDS that many.
TEST(Convergence, ThreeDevicesUnderEditsCutsAndCrashes) {
  const char* one = std::getenv("RZ_SEED");
  const char* many = std::getenv("RZ_SEEDS");
  const std::uint64_t first = one != nullptr ? std::stoull(one) : 1;
  const std::uint64_t count = one != nullptr ? 1 : many != nullptr ? std::stoull(many) : 40;
  std::size_t acknowledged = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE(words("RZ_SEED=", seed));
    Storm storm(seed, seed % 3 == 0 ? log::DeviceKind::cloud : log::DeviceKind::personal);
    for (int step = 0; step < 60; ++step) {
      storm.step();
      if (HasFatalFailure()) return;
    }
    storm.finish();
    if (HasFailure()) return;
    acknowledged += storm.acknowledged_count();
  }
  EXPECT_GT(acknowledged, count);  // Otherwise the test shows nothing.
}

}  // namespace
}  // namespace rz::pod
