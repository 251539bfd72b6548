// A saved document opens as it was, goes on as it would have, and no damage to the file does harm.
#include <gtest/gtest.h>

#include "document/checkpoint_io.h"
#include "document/test_replicas.h"

namespace rz::document {
namespace {

using testing::author_of;
using testing::edit_at_random;
using testing::Replica;
using testing::TestEvent;
using testing::World;

void mix(std::vector<std::unique_ptr<Replica>>& replicas, Random& random, int steps) {
  for (int step = 0; step < steps; ++step) {
    Replica& replica = *replicas[random.below(replicas.size())];
    const std::uint64_t what = random.below(10);
    if (what < 6) {
      edit_at_random(replica, random);
    } else if (what < 8) {
      replica.close();
    } else {
      replica.take_all_of(*replicas[random.below(replicas.size())]);
    }
  }
  for (auto& replica : replicas) replica->close();
}

TEST(Checkpoint, OpensAsItWasAndGoesOn) {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    World world(seed);
    std::vector<std::unique_ptr<Replica>> replicas;
    for (std::uint64_t i = 0; i < 3; ++i) replicas.push_back(std::make_unique<Replica>(world, i));
    mix(replicas, random, 40);
    Replica& saved = *replicas[0];
    for (const auto& event : world.events) {
      if (random.chance(1, 6)) saved.follow(saved.document.set_effect(event->info.id, false));
    }
    const Bytes checkpoint = saved.document.save();
    auto loaded = Document::load(checkpoint);
    ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
    ASSERT_EQ(to_json(loaded->value()), saved.json());
    ASSERT_EQ(loaded->version(), saved.document.version());
    ASSERT_EQ(loaded->save(), checkpoint);
    for (const auto& event : world.events) saved.follow(saved.document.set_effect(event->info.id, true));
    Replica reopened(world, 0);
    reopened.document = *std::move(loaded);
    reopened.shadow = reopened.document.value();
    for (const auto& event : world.events) reopened.follow(reopened.document.set_effect(event->info.id, true));
    replicas.push_back(std::make_unique<Replica>(world, 3));
    mix(replicas, random, 30);
    for (const TestEvent* event : world.shuffled(random)) {
      saved.take_with_past(*event);
      reopened.take_with_past(*event);
    }
    ASSERT_EQ(reopened.json(), saved.json());
  }
}

TEST(Checkpoint, LeavesOutWhatIsOpenOrProvisional) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    World world(seed);
    std::vector<std::unique_ptr<Replica>> replicas;
    for (std::uint64_t i = 0; i < 3; ++i) replicas.push_back(std::make_unique<Replica>(world, i));
    mix(replicas, random, 25);
    for (const auto& event : world.events) {
      for (auto& replica : replicas) replica->take_with_past(*event);
    }
    const std::string closed = replicas[0]->json();
    for (int i = 0; i < 4; ++i) {
      edit_at_random(*replicas[0], random);
      edit_at_random(*replicas[1], random);
      const auto parents = replicas[1]->document.open_parents();
      EventInfo info;
      info.author = replicas[1]->author;
      info.seq = 1000;
      info.parents = parents;
      const Bytes payload = replicas[1]->document.open_payload();
      replicas[0]->follow(replicas[0]->document.apply_provisional(info, payload));
    }
    const auto loaded = Document::load(replicas[0]->document.save());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
    ASSERT_EQ(to_json(loaded->value()), closed);
  }
}

TEST(Checkpoint, DamageIsNoticedAndDoesNoHarm) {
  Random random(5);
  World world(5);
  std::vector<std::unique_ptr<Replica>> replicas;
  for (std::uint64_t i = 0; i < 3; ++i) replicas.push_back(std::make_unique<Replica>(world, i));
  mix(replicas, random, 60);
  const Bytes good = replicas[0]->document.save();
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= static_cast<std::uint8_t>(1 + random.below(255));
    ASSERT_FALSE(Document::load(bad).has_value()) << at;
    ASSERT_FALSE(Document::load(ByteView(good).first(at)).has_value()) << at;
  }
  // With the checksum made right: refused, or opened to something that can be used.
  for (int round = 0; round < 1500; ++round) {
    Bytes bad(good.begin(), good.end() - 8);
    for (std::uint64_t n = 0; n <= random.below(3); ++n) {
      const std::size_t at = random.below(bad.size());
      bad[at] = random.chance(1, 2) ? static_cast<std::uint8_t>(random.next())
                                    : static_cast<std::uint8_t>(bad[at] + random.below(3) - 1);
    }
    CheckpointWriter writer{bad};
    writer.seal();
    auto loaded = Document::load(writer.bytes);
    if (!loaded) {
      ASSERT_EQ(loaded.error().code, ErrorCode::bad_checkpoint);
      continue;
    }
    loaded->set_author(author_of(77), 0);
    (void)to_json(loaded->value());
    ASSERT_TRUE(loaded->text_insert(body(), 0, "x").has_value());
    for (const auto& event : world.events) {
      const auto effect = loaded->set_effect(event->info.id, false);
      ASSERT_TRUE(effect.has_value());
    }
    (void)to_json(loaded->value());
  }
}

}  // namespace
}  // namespace rz::document
