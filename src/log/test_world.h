// For tests: a small world of authors who write events, and replicas that get them in any order.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "crypto/initialise.h"
#include "log/counts.h"
#include "log/graph.h"
#include "log/run.h"

namespace rz::log::test {

inline crypto::Secret32 secret_of(std::uint64_t seed) {
  crypto::SeededEntropy entropy(seed);
  return crypto::Secret32::random(entropy);
}

inline crypto::SigningKey key_of(std::uint64_t seed) {
  (void)crypto::initialise();
  return crypto::SigningKey::from_seed(secret_of(seed));
}

// An event with what belongs to it, as a peer would send it.
struct Made {
  EventId id;
  Header header;
  Bytes body;
};

template <class T>
T must(Result<T> result) {
  if (!result) assertion_failed("test", result.error().to_string().c_str(), __FILE__, __LINE__);
  return *std::move(result);
}
inline void must(Status status) {
  if (!status) assertion_failed("test", status.error().to_string().c_str(), __FILE__, __LINE__);
}

// One owner with some devices, one stream of theirs, and guests. The world holds every event that was ever written, in
// an order in which all of them are admissible.
class World {
 public:
  explicit World(std::size_t devices = 2, std::size_t guests = 2, bool is_public = true) {
    for (std::size_t i = 0; i < devices + guests; ++i) keys.push_back(key_of(1000 + i));
    device_count = devices;
    owner = Did{crypto_hash("owner")};
    Genesis made;
    made.owner = owner;
    made.visibility = is_public ? Visibility::open : Visibility::sealed;
    genesis = encode_genesis(made);
    stream = stream_id_of_block(genesis);
    for (std::size_t i = 0; i < devices; ++i) {
      facts.devices.push_back({owner, keys[i].public_key(), admission_of_device(i), RightSet::all(), std::nullopt});
    }
    std::sort(facts.devices.begin(), facts.devices.end(), [](const DeviceFact& a, const DeviceFact& b) {
      return std::pair(a.did, a.device) < std::pair(b.did, b.device);
    });
  }

  static std::array<std::uint8_t, 32> crypto_hash(std::string_view text) { return body_hash(as_bytes(text)).bytes; }

  EventId admission_of_device(std::size_t i) const { return EventId{crypto_hash(words("added ", i))}; }
  const AuthorKey& author(std::size_t i) const { return keys[i].public_key(); }

  EventGraph replica() const {
    EventGraph graph = must(EventGraph::from_genesis(genesis));
    for (std::size_t i = 0; i < device_count; ++i) graph.admit_author(author(i), admission_of_device(i));
    return graph;
  }

  DeviceFact& fact(std::size_t device) {
    for (DeviceFact& each : facts.devices) {
      if (each.device == author(device)) return each;
    }
    return facts.devices.front();
  }

  // Fills in the body and names the event; not in any replica yet.
  Made finish(Header header, Bytes body, EventKind kind = EventKind::operations) {
    header.kind = kind;
    header.time = UnixMs{1'700'000'000'000 + ++clock_};
    must(set_plain_body(header, body));
    return {event_id(header), header, std::move(body)};
  }
  Made operations(const Header& header, std::string_view text) { return finish(header, to_bytes(text)); }
  Made control_event(const Header& header, Operation operation) {
    return finish(header, must(encode_control(control(std::move(operation)))), EventKind::control);
  }
  // What author `i` writes next in a replica, put into it.
  EventIndex write(EventGraph& graph, std::size_t i, std::uint64_t feed, const EventId& admission,
                   std::string_view text) {
    return put(graph, operations(graph.next_header({author(i), FeedId{feed}}, admission), text));
  }
  EventIndex write(EventGraph& graph, std::size_t device, std::string_view text) {
    return write(graph, device, 7, admission_of_device(device), text);
  }
  EventIndex act(EventGraph& graph, std::size_t i, std::uint64_t feed, const EventId& admission, Operation operation) {
    return put(graph, control_event(graph.next_header({author(i), FeedId{feed}}, admission), std::move(operation)));
  }
  EventIndex act(EventGraph& graph, std::size_t device, Operation operation) {
    return act(graph, device, 7, admission_of_device(device), std::move(operation));
  }
  EventIndex put(EventGraph& graph, const Made& made) {
    all.emplace(made.id, made);
    return must(graph.append(made.header, ByteView(made.body)));
  }

  Seal seal(const EventId& head) const {
    const AuthorKey& by = all.at(head).header.author;
    for (const auto& key : keys) {
      if (key.public_key() == by) return make_seal(key, head);
    }
    return {head, {}};
  }

  // Everything that `from` has and `to` lacks, through runs over the wire.
  void sync(const EventGraph& from, EventGraph& to) const {
    for (const IndexRun& run : from.missing_for(to.feed_heads())) {
      FeedRun made = make_run(
          from, run, [&](EventIndex event) { return HeldBody{BodyForm::stored, all.at(from.id(event)).body}; });
      made.seal = seal(from.id(run.events.back()));
      const Bytes wire = must(encode_run(made));
      must(offer_run(to, must(decode_run(wire, stream, {}))));
    }
  }

  std::vector<crypto::SigningKey> keys;
  std::size_t device_count = 0;
  Did owner;
  Bytes genesis;
  StreamId stream;
  IdentityFacts facts;
  std::map<EventId, Made> all;

 private:
  std::uint64_t clock_ = 0;
};

inline std::string hex_of(ByteView bytes) { return to_hex(bytes); }

}  // namespace rz::log::test
