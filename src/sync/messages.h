// What two devices say to each other about events (docs/formats/sync.md): canonical DAG-CBOR arrays, one a frame.
//
// Protocol /rhizome/sync/1, reliable and in order:
//   hello   [0, version, did, incarnation, generation, cut index, cut hash]   first, both ways
//   have    [1, [[stream, [[author, feed, seq, head], …]], …], last]   what is durable here: the end of each chain
//   events  [2, number, stream, run, seal | null]                  a feed run; `number` counts from 1 a connection
//   ack     [3, number]                                            all events frames up to it are durable here
//   want    [4, stream, [event, …]]                                send these: something here depends on them
//   bye     [5, code, text]                                        why the sender is about to close
//   wanted  [7, content]                                           send the ordered state of that name
//   state   [8, bytes]                                             it
//   cut wanted [9, root]                                           send the head tree that a removal names
//   cut     [10, head list]                                        it, asked for or not
//   requests  [16, asker, counter, [[since, operation], …], signature]   what a device asks the others to sign with it
//   answer  [17, asker, request, device, yes, signature]           one device's yes or no to one of them
//   introduction  [18, run, seal | null]                          to a device that knows only the sender's former key
//   places  [6, [[device, counter, [address, …], signature], …]]   where devices of the pod listen
// Protocol /rhizome/live/1, best effort, never stored:
//   tail    [0, stream, feed, seq, [parents], depth, own, payload | null]   the sender's open event so far; null: gone
//   cursor  [1, stream, anchor, head | null, …]                    where the person is in a text; null: nowhere
//   room    [2, stored, free]                                      bytes on the sender's disk: of its store, and left
//
// Strict: limits are checked before anything is allocated, lists are sorted and without repetition.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/tick.h"
#include "ipld/multiaddr.h"
#include "log/frontier.h"
#include "log/head_tree.h"
#include "log/seal.h"

namespace rz::sync {

inline constexpr std::uint64_t protocol_version = 1;
inline constexpr std::string_view sync_protocol = "/rhizome/sync/1";
inline constexpr std::string_view live_protocol = "/rhizome/live/1";

inline constexpr std::size_t frame_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t streams_per_have_max = 1024;
inline constexpr std::size_t rows_per_have_max = 16384;  // Of all its streams together.
inline constexpr std::size_t wanted_max = 256;
inline constexpr std::size_t tail_bytes_max = 64 * 1024;
inline constexpr std::size_t bye_text_bytes_max = 512;

struct Hello {
  log::Did did;
  std::uint64_t incarnation = 0;  // Raft's: which life of this device's store.
  std::uint64_t generation = 0;
  std::uint64_t cut_index = 0;
  Hash256 cut_hash;
  friend bool operator==(const Hello&, const Hello&) = default;
};

// The chains of a stream, each with its last event that is durable at the sender.
struct StreamRows {
  log::StreamId stream;
  log::FeedHeads rows;  // Ascending.
  friend bool operator==(const StreamRows&, const StreamRows&) = default;
};

struct Have {
  std::vector<StreamRows> streams;  // Ascending by stream.
  bool last = true;                 // Of the first exchange: everything has been said. Afterwards always true.
  friend bool operator==(const Have&, const Have&) = default;
};

struct Events {
  std::uint64_t number = 0;
  log::StreamId stream;
  Bytes run;                      // log/run.h
  std::optional<log::Seal> seal;  // Of the run's last event or a later one of the feed.
};

struct Ack {
  std::uint64_t number = 0;
};

struct Want {
  log::StreamId stream;
  std::vector<log::EventId> events;  // Ascending.
};

struct Bye {
  ErrorCode code = ErrorCode::internal;
  std::string text;
};

// Where a device listens, signed by it, so that it can be passed on; the greater counter is the newer.
struct Place {
  log::AuthorKey device;
  std::uint64_t counter = 0;
  std::vector<ipld::Multiaddr> addresses;
  crypto::Signature signature;
  friend bool operator==(const Place&, const Place&) = default;
};
inline constexpr std::string_view place_domain = "rhizome place v1";
inline constexpr std::size_t place_addresses_max = 16;
inline constexpr std::size_t places_max = 256;

// What the signature is over: [device, counter, [address, …]].
Bytes place_message(const Place& place);

struct Places {
  std::vector<Place> places;  // Ascending by device.
};

// The state that a Raft snapshot names by content (SHA-256): for a device that is behind the log's start.
struct StateWanted {
  Hash256 content;
};
struct State {
  Bytes bytes;
};
inline constexpr std::size_t state_bytes_max = frame_bytes_max - 64;

// The head tree that a removal names by its root (architecture, "What counts"): without it the removal does not count.
struct CutWanted {
  Hash256 root;
};
struct CutTree {
  log::HeadList heads;  // Satisfies log::check_head_list.
};

// All that a device asks the others' yes for, signed by it, so that it can be passed on; the greater counter is the
// newer, and takes the place of the older as a whole.
struct Request {
  UnixMs since;     // As the asker's clock claims.
  Bytes operation;  // A control body without any signatures (log/control.h). Not looked at in this room.
  friend bool operator==(const Request&, const Request&) = default;
};
struct Requests {
  log::AuthorKey asker;
  std::uint64_t counter = 0;
  std::vector<Request> open;
  crypto::Signature signature;
  friend bool operator==(const Requests&, const Requests&) = default;
};
inline constexpr std::string_view requests_domain = "rhizome requests v1";
inline constexpr std::size_t requests_max = 4;  // Of one device, at a time.
inline constexpr std::size_t request_bytes_max = 20 * 1024;

// What the asker signs: [did, asker, counter, [[since, operation], …]].
Bytes requests_message(const log::Did& did, const Requests& requests);

// A yes is the co-signature itself (log::endorsement_message); a no is signed so that nobody says it for another.
struct Answer {
  log::AuthorKey asker;
  Hash256 request;  // SHA-256 of log::endorsement_message.
  log::AuthorKey device;
  bool yes = false;
  crypto::Signature signature;
  friend bool operator==(const Answer&, const Answer&) = default;
};
inline constexpr std::string_view decline_domain = "rhizome decline v1";
// What a no is over: [did, asker, request].
Bytes decline_message(const log::Did& did, const log::AuthorKey& asker, const Hash256& request);

// What shows that the sender's key took the place of one that the receiver knows: events of stream zero, before the
// hello (docs/decisions/0091). Who knows the sender passes it over.
struct Introduction {
  Bytes run;
  std::optional<log::Seal> seal;
};

using Message = std::variant<Hello, Have, Events, Ack, Want, Bye, Places, StateWanted, State, CutWanted, CutTree,
                             Requests, Answer, Introduction>;

Bytes encode(const Message& message);
// Errors: sync_malformed, limit_exceeded, and the codec's own with the offset.
Result<Message> decode(ByteView frame);

struct Tail {
  log::StreamId stream;
  log::FeedId feed;
  log::Seq seq;
  std::vector<log::EventId> parents;  // `prev` among them. Ascending.
  std::uint64_t depth = 0;
  std::uint64_t own = 0;
  std::optional<Bytes> payload;  // Nothing: there is no open event any more.
};

struct Cursor {
  log::StreamId stream;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> at;  // Anchor and head, in code points.
};

// How much disk the device takes, and how much it has left, in bytes, as it says itself.
struct Room {
  std::uint64_t stored = 0;
  std::uint64_t free = 0;
  friend bool operator==(const Room&, const Room&) = default;
};

using LiveMessage = std::variant<Tail, Cursor, Room>;

Bytes encode_live(const LiveMessage& message);
Result<LiveMessage> decode_live(ByteView frame);

}  // namespace rz::sync
