// The order of concurrent insertions against a naive FugueMax: the tree of the paper (arXiv 2305.00583, algorithm 2 and
// section 4), each operation interpreted in a version that is built from nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "document/payload.h"
#include "document/test_replicas.h"

namespace rz::document {
namespace {

using testing::Replica;
using testing::TestEvent;
using testing::World;

class NaiveFugueMax {
 public:
  explicit NaiveFugueMax(const World& world) {
    nodes_.push_back({});  // The root.
    for (const auto& event : world.events) {
      std::set<EventId>& past = past_[event->info.id];
      for (const EventId& parent : event->parents) {
        past.insert(parent);
        past.insert(past_[parent].begin(), past_[parent].end());
      }
      past.insert(event->info.id);
      const auto payload = decode_payload(event->payload);
      if (!payload) continue;
      for (const Op& op : payload->ops) apply(*event, *payload, op);
    }
  }

  std::string text() const {
    std::string out;
    for (const std::size_t node : order()) {
      if (node != 0 && nodes_[node].deleted_by.empty()) out += nodes_[node].value;
    }
    return out;
  }

 private:
  struct Node {
    const TestEvent* event = nullptr;
    std::size_t number = 0;  // In order of creation: the offset, within one event.
    std::string value;
    std::size_t parent = 0;
    bool is_right = false;
    std::size_t right_origin = 0;  // 0: the end.
    std::vector<EventId> deleted_by;
  };

  // (author, feed, seq, event, offset), as docs/formats/document.md has it.
  bool is_before(std::size_t a, std::size_t b) const {
    const auto key = [&](const Node& node) {
      return std::tuple(node.event->info.author, node.event->info.feed, node.event->info.seq, node.event->info.id,
                        node.number);
    };
    return key(nodes_[a]) < key(nodes_[b]);
  }

  void visit(std::size_t node, std::vector<std::size_t>& out) const {
    std::vector<std::size_t> left;
    std::vector<std::size_t> right;
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      if (nodes_[i].parent == node) (nodes_[i].is_right ? right : left).push_back(i);
    }
    std::sort(left.begin(), left.end(), [&](std::size_t a, std::size_t b) { return is_before(a, b); });
    for (const std::size_t child : left) visit(child, out);
    out.push_back(node);
    // Right siblings: the greater right origin first. Where each origin stands does not depend on these siblings.
    std::sort(right.begin(), right.end(), [&](std::size_t a, std::size_t b) {
      const std::size_t x = nodes_[a].right_origin;
      const std::size_t y = nodes_[b].right_origin;
      if (x == y) return is_before(a, b);
      if (x == 0 || y == 0) return x == 0;
      return stands_before(y, x);
    });
    for (const std::size_t child : right) visit(child, out);
  }

  // Which of two nodes comes first in the traversal: by the paths from their common ancestor.
  bool stands_before(std::size_t a, std::size_t b) const {
    const auto path = [&](std::size_t node) {
      std::vector<std::size_t> up{node};
      while (node != 0) up.push_back(node = nodes_[node].parent);
      std::reverse(up.begin(), up.end());
      return up;
    };
    const auto x = path(a);
    const auto y = path(b);
    std::size_t i = 0;
    while (i < x.size() && i < y.size() && x[i] == y[i]) ++i;
    if (i == x.size()) return nodes_[y[i]].is_right;   // a is b's ancestor.
    if (i == y.size()) return !nodes_[x[i]].is_right;  // b is a's.
    const Node& p = nodes_[x[i]];
    const Node& q = nodes_[y[i]];
    if (p.is_right != q.is_right) return !p.is_right;
    if (!p.is_right || p.right_origin == q.right_origin) return is_before(x[i], y[i]);
    if (p.right_origin == 0 || q.right_origin == 0) return p.right_origin == 0;
    return stands_before(q.right_origin, p.right_origin);
  }

  std::vector<std::size_t> order() const {
    std::vector<std::size_t> out;
    visit(0, out);
    return out;
  }

  void apply(const TestEvent& event, const Payload& payload, const Op& op) {
    std::string_view rest = payload.text_of(op);
    for (std::uint32_t i = 0; i < op.count; ++i) {
      if (op.kind == OpKind::text_insert) {
        std::size_t bytes = 1;
        while (bytes < rest.size() && (static_cast<unsigned char>(rest[bytes]) & 0xc0) == 0x80) ++bytes;
        insert(event, op.position + i, std::string(rest.substr(0, bytes)));
        rest.remove_prefix(bytes);
      } else {
        erase(event, op.kind == OpKind::delete_back ? op.position - i : op.position);
      }
    }
  }

  bool exists(std::size_t node, const std::set<EventId>& past) const {
    return node == 0 || past.contains(nodes_[node].event->info.id);
  }
  bool is_visible(std::size_t node, const std::set<EventId>& past) const {
    if (node == 0 || !exists(node, past)) return false;
    return std::none_of(nodes_[node].deleted_by.begin(), nodes_[node].deleted_by.end(),
                        [&](const EventId& by) { return past.contains(by); });
  }

  void insert(const TestEvent& event, std::uint64_t position, std::string value) {
    const auto& past = past_[event.info.id];
    const auto all = order();
    // The left origin: the visible node before the place, or the root, which the traversal puts after its left
    // children; it has none, as nothing has it for a right origin.
    std::size_t left_at = 0;
    while (all[left_at] != 0) ++left_at;
    for (std::size_t i = 0, seen = 0; i < all.size() && seen < position; ++i) {
      if (!is_visible(all[i], past)) continue;
      ++seen;
      left_at = i;
    }
    Node added;
    for (std::size_t i = left_at + 1; i < all.size(); ++i) {
      if (!exists(all[i], past)) continue;
      added.right_origin = all[i];
      break;
    }
    const std::size_t left = all[left_at];
    bool has_right_child = false;
    for (std::size_t i = 1; i < nodes_.size(); ++i) {
      has_right_child = has_right_child || (nodes_[i].parent == left && nodes_[i].is_right && exists(i, past));
    }
    added.event = &event;
    added.number = nodes_.size();
    added.value = std::move(value);
    added.is_right = !has_right_child;
    added.parent = has_right_child ? added.right_origin : left;
    nodes_.push_back(std::move(added));
  }

  void erase(const TestEvent& event, std::uint64_t position) {
    const auto& past = past_[event.info.id];
    std::uint64_t seen = 0;
    for (const std::size_t node : order()) {
      if (!is_visible(node, past) || seen++ != position) continue;
      nodes_[node].deleted_by.push_back(event.info.id);
      return;
    }
  }

  std::vector<Node> nodes_;
  std::map<EventId, std::set<EventId>> past_;
};

// Few places, much concurrency: everybody writes near the same spots.
TEST(FugueMax, AgreesWithTheNaiveTree) {
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    World world(seed * 11);
    std::vector<std::unique_ptr<Replica>> replicas;
    for (std::uint64_t i = 0; i < 2 + seed % 4; ++i) replicas.push_back(std::make_unique<Replica>(world, i));
    char next = 'a';
    for (int step = 0; step < 40; ++step) {
      Replica& replica = *replicas[random.below(replicas.size())];
      const std::uint64_t length = replica.document.length(body()).value();
      const std::uint64_t what = random.below(12);
      if (what < 5) {
        std::string text;
        for (std::uint64_t i = 0; i <= random.below(3); ++i) {
          text += next;
          next = next == 'z' ? 'a' : static_cast<char>(next + 1);
        }
        replica.follow(
            replica.document.text_insert(body(), random.below(std::min<std::uint64_t>(length, 5) + 1), text));
      } else if (what < 7 && length > 0) {
        replica.follow(replica.document.text_delete(body(), random.below(length), 1));
      } else if (what < 10) {
        replica.close();
      } else {
        replica.take_all_of(*replicas[random.below(replicas.size())]);
      }
    }
    for (auto& replica : replicas) replica->close();
    const std::string expected = NaiveFugueMax(world).text();
    for (int round = 0; round < 2; ++round) {
      Replica fresh(world, 100);
      for (const TestEvent* event : world.shuffled(random)) fresh.take(*event);
      ASSERT_EQ(fresh.document.text(body()).value(), expected);
    }
  }
}

// The figure of the paper that tells FugueMax from Fugue: right siblings with different right origins.
TEST(FugueMax, GreaterRightOriginStandsFirst) {
  for (std::uint64_t first_author = 1; first_author <= 2; ++first_author) {
    World world(5);
    Replica a(world, first_author);
    Replica b(world, 3 - first_author);
    Replica c(world, 3);
    // A types "ad"; B, concurrently with C, puts "b" between; C deletes nothing and appends at the end after "a".
    a.follow(a.document.text_insert(body(), 0, "a"));
    const TestEvent* start = a.close();
    b.take(*start);
    c.take(*start);
    c.follow(c.document.text_insert(body(), 1, "d"));
    const TestEvent* with_d = c.close();
    b.take(*with_d);
    b.follow(b.document.text_delete(body(), 1, 1));  // "d" stays as a tombstone and bounds what comes.
    b.follow(b.document.text_insert(body(), 1, "b"));
    b.close();
    a.follow(a.document.text_insert(body(), 1, "x"));
    a.close();
    a.take_all_of(b);
    b.take_all_of(a);
    ASSERT_EQ(a.document.text(body()).value(), b.document.text(body()).value());
    ASSERT_EQ(a.document.text(body()).value(), NaiveFugueMax(world).text());
  }
}

enum class Typing { forwards, backwards };

void type_run(Replica& replica, const std::string& text, std::uint64_t at, Typing how, Random& random) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool forwards = how == Typing::forwards;
    const char letter = forwards ? text[i] : text[text.size() - 1 - i];
    replica.follow(replica.document.text_insert(body(), at + (forwards ? i : 0), std::string(1, letter)));
    if (random.chance(1, 3)) replica.close();
  }
  replica.close();
}

TEST(FugueMax, ConcurrentRunsDoNotInterleave) {
  Random random(77);
  for (int round = 0; round < 60; ++round) {
    World world(static_cast<std::uint64_t>(round) + 1);
    Replica a(world, 1);
    Replica b(world, 2);
    Replica c(world, 3);
    a.follow(a.document.text_insert(body(), 0, "<>"));
    const TestEvent* start = a.close();
    b.take(*start);
    c.take(*start);
    type_run(a, "aaaaaa", 1, random.chance(1, 2) ? Typing::forwards : Typing::backwards, random);
    type_run(b, "bbbbbb", 1, random.chance(1, 2) ? Typing::forwards : Typing::backwards, random);
    type_run(c, "cccccc", 1, random.chance(1, 2) ? Typing::forwards : Typing::backwards, random);
    Replica fresh(world, 9);
    for (const TestEvent* event : world.shuffled(random)) fresh.take(*event);
    const std::string text = fresh.document.text(body()).value();
    ASSERT_EQ(text.size(), 20u);
    for (const std::string run : {"aaaaaa", "bbbbbb", "cccccc"}) ASSERT_NE(text.find(run), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace rz::document
