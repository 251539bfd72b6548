// Syncing with one other device over one connection: who lacks what, sent once, in causal order, under a window.
//
// Both sides say what is durable (`have`), relative to the last cut that both cover; then each sends what the other
// lacks, and from then on what is new. An own event goes out at once. One of a third device goes out only if the other
// has not said that it has it after a short while: in a pod whose devices all see each other nothing travels twice.
//
// Contract: the pod calls `on_admitted` after its graphs grew and `on_durable` after a transaction; then drains `poll`.
// Invariants:
//   1. at most window_bytes of events are under way unacknowledged; what waits beyond is a list of indices, not bytes;
//   2. events leave in an order in which the other can admit them, each covered by a seal;
//   3. an acknowledgement, and a row of `have`, speaks of durable events only.
//
// Sans-IO. Single-threaded. Made anew for each connection, so that it resumes from what is durable, never from memory.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/tick.h"
#include "log/run.h"
#include "sync/messages.h"

namespace rz::sync {

// What a session asks of the pod that it serves.
struct Replica {
  virtual ~Replica() = default;
  // Every stream to share, identity and catalogue first: the rest make sense only after them.
  virtual std::vector<log::StreamId> streams() const = 0;
  // Null where this device does not hold the stream.
  virtual const log::EventGraph* graph(const log::StreamId& stream) const = 0;
  // Events with an index below are durable here.
  virtual std::uint32_t durable(const log::StreamId& stream) const = 0;
  // What the last cut that this device has applied does not hold, ascending.
  virtual std::vector<log::EventIndex> beyond_last_cut(const log::StreamId& stream) const = 0;
  virtual log::HeldBody body(const log::StreamId& stream, log::EventIndex event) const = 0;
};

struct SessionOptions {
  std::size_t window_bytes = 4 * 1024 * 1024;  // Of events under way.
  std::size_t run_bytes_max = 256 * 1024;      // Bodies in one frame, about.
  std::size_t run_events_max = 1024;
  Duration forward_delay = milliseconds(40);  // Before another device's event is passed on.
  // Chains that the other side may say it stores: who says more would make this device grow by words alone.
  std::size_t rows_known_max = std::size_t{1} << 21;
};

class Session {
 public:
  // How many events of a feed, from its first: each of them at least as many as what it implies.
  struct Row {
    std::uint64_t stored_there = 0;  // Durable at the other side.
    std::uint64_t sent_there = 0;    // Sent, or stored there.
    std::uint64_t announced = 0;     // What the other side knows to be durable here.
    std::uint64_t taken = 0;         // What came from it: the acknowledgement says that.
  };
  using Rows = std::map<log::FeedName, Row>;

  Session(const Replica& replica, const log::AuthorKey& self, const Hello& hello, SessionOptions options = {});

  // --- The other side
  // -------------------------------------------------------------------------------------------------

  // What the pod must do about a message: take in events, or look for wanted ones is done here already.
  // Errors end the connection: sync_out_of_turn, sync_wrong_pod, sync_overrun.
  Status on_hello(const Hello& theirs);
  Status on_have(Tick now, const Have& theirs);
  Status on_ack(const Ack& ack);
  Status on_want(const Want& want);
  // Notes an events frame before the pod takes it in. Errors: sync_out_of_turn, sync_overrun.
  Status on_events(const Events& events, std::size_t frame_bytes);

  // --- This side
  // ------------------------------------------------------------------------------------------------------

  // A run that ends with this event came by this session: the other side needs none of it.
  void on_taken(const log::StreamId& stream, const log::FeedHead& last);
  // The stream's graph grew by [begin, size), wherever that came from: `on_taken` comes first.
  void on_admitted(Tick now, const log::StreamId& stream, log::EventIndex begin);
  // Everything that arrived in frames up to `number` is durable here, or was of no use. What only waits is neither.
  void acknowledge(std::uint64_t number);
  // More of the stream is durable: the other side will want to know, except of what it sent itself.
  void on_durable(const log::StreamId& stream);
  // Asks the other side for events by name.
  void want(const log::StreamId& stream, std::vector<log::EventId> events);

  // The next frame to send, until there is none.
  std::optional<Bytes> poll(Tick now);
  std::optional<Tick> wake_at() const;

  // --- What is known of the other side
  // --------------------------------------------------------------------------------

  bool established() const { return their_have_complete_; }
  const std::optional<Hello>& their_hello() const { return their_hello_; }
  // Whether the event is durable at the other side, as far as it has said.
  bool peer_stores(const log::StreamId& stream, const log::FeedName& feed, log::Seq seq) const;
  // How many events of the feed, from its first, are durable there.
  std::uint64_t stored_there(const log::StreamId& stream, const log::FeedName& feed) const;
  // What is known of each chain that either side has spoken of.
  const std::map<log::StreamId, Rows>& rows() const { return rows_; }
  // Both had applied the same last cut when they met: what it holds is durable on both.
  bool has_common_cut() const;
  // How many events wait to be sent, about: for progress bars.
  std::uint64_t backlog_events() const { return backlog_events_; }
  std::uint64_t last_received() const { return received_; }
  std::uint64_t sent_events() const { return sent_events_; }
  std::uint64_t sent_bytes() const { return sent_bytes_; }

 private:
  struct Backlog {
    log::StreamId stream;
    log::IndexRun run;
    std::size_t next = 0;  // In run.events.
  };
  struct UnderWay {
    std::uint64_t number;
    std::size_t bytes;
    log::StreamId stream;
    log::FeedName feed;
    log::Seq last;
  };
  struct Deferred {
    Tick due;
    log::StreamId stream;
    log::EventIndex event;
  };

  void say_what_is_here();
  log::FeedHeads durable_rows(const log::EventGraph& graph, std::uint32_t durable) const;
  // What lies beyond the cut that the hello named, at this moment.
  std::vector<log::EventIndex> beyond_hello(const log::StreamId& stream, const log::EventGraph& graph) const;
  bool needs_rows(const log::StreamId& stream, const log::EventGraph& graph) const;
  void plan_first(const log::StreamId& stream);
  void enqueue(const log::StreamId& stream, const std::vector<log::EventIndex>& events);
  void release_deferred(Tick now);
  std::optional<Bytes> next_events();
  std::optional<Bytes> next_announcement();
  void note_peer(const log::StreamId& stream, const log::FeedName& feed, std::uint64_t count);
  const Row* row(const log::StreamId& stream, const log::FeedName& feed) const;
  bool peer_was_sent(const log::StreamId& stream, const log::FeedName& feed, log::Seq seq) const;

  const Replica& replica_;
  log::AuthorKey self_;
  Hello hello_;
  SessionOptions options_;
  // Of each stream when the hello was made: its size and what the hello's cut did not hold. Later cuts don't change
  // what the two sides take for granted.
  struct AtHello {
    std::uint32_t size = 0;
    std::vector<log::EventIndex> beyond;
  };
  std::map<log::StreamId, AtHello> at_hello_;
  std::optional<Hello> their_hello_;
  bool their_have_complete_ = false;
  bool said_ = false;

  std::deque<Bytes> control_;  // Small frames that go first.
  std::map<log::StreamId, log::FeedHeads> their_first_rows_;
  std::map<log::StreamId, Rows> rows_;
  std::size_t rows_known_ = 0;  // With something stored there.
  std::deque<Backlog> backlog_;
  std::uint64_t backlog_events_ = 0;
  std::deque<UnderWay> under_way_;
  std::size_t under_way_bytes_ = 0;
  std::uint64_t next_number_ = 1;
  std::deque<Deferred> deferred_;

  std::uint64_t received_ = 0;      // The last events frame's number.
  std::uint64_t acknowledged_ = 0;  // That we said.
  std::uint64_t acknowledge_to_ = 0;
  std::deque<std::pair<std::uint64_t, std::size_t>> unacknowledged_;
  std::size_t unacknowledged_bytes_ = 0;
  std::set<log::StreamId> to_announce_;

  std::uint64_t sent_events_ = 0;
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace rz::sync
