// For tests: replicas that exchange events by hand, with the log's part (names, depth, own) done the simple way.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "document/document.h"
#include "document/patch_apply.h"

namespace rz::document::testing {

inline AuthorId author_of(std::uint64_t number) {
  AuthorId author;
  author.bytes[0] = static_cast<std::uint8_t>(number * 151 + 7);
  author.bytes[31] = static_cast<std::uint8_t>(number);
  return author;
}

inline EventId random_id(Random& random) {
  EventId id;
  for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(random.next());
  return id;
}

struct TestEvent {
  EventInfo info;
  std::vector<EventId> parents;
  Bytes payload;
  // Of each author in its past: the greatest depth and own.
  std::map<AuthorId, std::pair<std::uint64_t, std::uint64_t>> past;

  EventInfo with_parents() const {
    EventInfo full = info;
    full.parents = parents;
    return full;
  }
};

// All events that anybody closed, in order of closing.
class World {
 public:
  explicit World(std::uint64_t seed) : random(seed) {}

  // Makes the event that closes a replica's open operations. `payload` is put in as it is.
  const TestEvent& make(const AuthorId& author, std::uint64_t feed, std::vector<EventId> parents, Bytes payload) {
    auto event = std::make_shared<TestEvent>();
    event->info.id = random_id(random);
    event->info.author = author;
    event->info.feed = feed;
    event->info.seq = next_seq_[{author, feed}]++;
    event->parents = std::move(parents);
    event->payload = std::move(payload);
    for (const EventId& parent : event->parents) {
      const TestEvent& before = at(parent);
      for (const auto& [who, most] : before.past) merge(*event, who, most);
      merge(*event, before.info.author, {before.info.depth, before.info.own});
    }
    std::uint64_t depth = 0;
    for (const auto& [who, most] : event->past) {
      if (who != author) depth = std::max(depth, most.first);
    }
    event->info.depth = depth + 1;
    event->info.own = event->past.contains(author) ? event->past[author].second + 1 : 1;
    by_id_[event->info.id] = event;
    events.push_back(event);
    return *event;
  }

  const TestEvent& at(const EventId& id) const { return *by_id_.at(id); }

  // Some order in which every event comes after its parents.
  std::vector<const TestEvent*> shuffled(Random& order) const {
    std::vector<const TestEvent*> out;
    std::set<EventId> done;
    std::vector<const TestEvent*> left;
    for (const auto& event : events) left.push_back(event.get());
    while (!left.empty()) {
      std::vector<std::size_t> ready;
      for (std::size_t i = 0; i < left.size(); ++i) {
        bool is_ready = true;
        for (const EventId& parent : left[i]->parents) is_ready = is_ready && done.contains(parent);
        if (is_ready) ready.push_back(i);
      }
      const std::size_t pick = ready[order.below(ready.size())];
      out.push_back(left[pick]);
      done.insert(left[pick]->info.id);
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    return out;
  }

  Random random;
  std::vector<std::shared_ptr<TestEvent>> events;

 private:
  static void merge(TestEvent& event, const AuthorId& who, std::pair<std::uint64_t, std::uint64_t> most) {
    auto& entry = event.past[who];
    entry.first = std::max(entry.first, most.first);
    entry.second = std::max(entry.second, most.second);
  }

  std::map<EventId, std::shared_ptr<TestEvent>> by_id_;
  std::map<std::pair<AuthorId, std::uint64_t>, std::uint64_t> next_seq_;
};

// One device's document with a plain copy that is kept up to date by patches alone.
class Replica {
 public:
  Replica(World& in, std::uint64_t number)
      : world(in), author(author_of(number)), document(author, 0), shadow(document.value()) {}

  // A closed event from the world. Parents first.
  void take(const TestEvent& event) {
    if (document.contains(event.info.id)) return;
    close();
    follow(document.apply(event.with_parents(), event.payload));
  }
  void take_with_past(const TestEvent& event) {
    if (document.contains(event.info.id)) return;
    for (const EventId& parent : event.parents) take_with_past(world.at(parent));
    take(event);
  }
  void take_all_of(const Replica& other) {
    for (const EventId& head : other.document.version()) take_with_past(world.at(head));
  }
  // Closes the open event, if there is one.
  const TestEvent* close() {
    if (document.open_operations() == 0) return nullptr;
    const TestEvent& event = world.make(author, 0, document.open_parents(), document.open_payload());
    follow(document.close_open_event(event.with_parents()));
    return &event;
  }
  void follow(Result<Patches> patches) {
    ASSERT_TRUE(patches.has_value()) << patches.error().to_string();
    const Status applied = apply_patches(shadow, *patches);
    ASSERT_TRUE(applied.has_value()) << applied.error().to_string();
    ASSERT_EQ(to_json(shadow), to_json(document.value()));
  }
  std::string json() const { return to_json(document.value()); }

  World& world;
  AuthorId author;
  Document document;
  Value shadow;
};

// One random edit somewhere in the document; what can't be edited is passed over.
void edit_at_random(Replica& replica, Random& random);

}  // namespace rz::document::testing
