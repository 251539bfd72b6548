// One device of one pod: identity, streams, documents, consensus, sync and pairing as one state machine.
//
// Sans-IO and deterministic: time, bytes from other devices, completed transactions and the owner's commands come in;
// what to persist, what to send and what to tell come out. Equal seed, store and inputs give equal outputs.
//
// What the host must do
//   1. Call `take_output` after each input or command (or a burst of them) and carry it out: commit `persist` (batches
//      in the order of their tickets; several may share a transaction), then write the promise, then call `persisted`.
//      Sends may leave at once; what must wait for durability is held back here.
//   2. Call `tick` at `wake_at` or soon after.
//   3. Pass frames only of connections whose key TLS has proved.
//
// Invariants
//   1. A write returns once it is visible; nothing here waits for a disk or a network.
//   2. What was acknowledged as local or more is in a transaction that `persisted` has confirmed.
//   3. No input from outside can end the process: it is refused, and at worst its connection is closed.
//
// Single-threaded.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crypto/entropy.h"
#include "crypto/sha256.h"
#include "document/document.h"
#include "identity/join_link.h"
#include "identity/pairing.h"
#include "identity/paper.h"
#include "identity/state.h"
#include "log/control.h"
#include "raft/policy/absent_members.h"
#include "store/promise.h"
#include "store/store.h"

namespace rz::pod {

using crypto::PublicKey;

struct Now {
  Tick tick;
  UnixMs wall;
};

// How far a write has come: the same four names in API, CLI and page.
enum class WriteState : std::uint8_t { visible, local, pod, committed };
std::string_view name_of(WriteState state);

enum class Channel : std::uint8_t { raft, sync, live };

struct Options {
  std::string name;                          // What this device is called until its owner says otherwise.
  std::uint64_t seed = 0;                    // For election timeouts only.
  std::vector<ipld::Multiaddr> addresses;    // Where this device listens; may change (set_addresses).
  Duration close_after = milliseconds(150);  // An open event's longest life.
  std::uint64_t compact_every = 2048;        // Entries between two saved states of the order.
  std::uint64_t compact_keep = 256;          // Entries kept behind one for members that are nearly there.
  // Keeps a document's folded state after so many events; 0: when it costs less than what it spares.
  std::uint32_t checkpoint_after_events = 0;
  raft::PolicyOptions membership;            // How patient the pod is with devices that are not there.
};

// What a host keeps beside the store, in a file of its own with mode 0600.
struct Founding {
  identity::DeviceKeys keys;
  identity::PaperKey paper;
};

// How the store stands to its promise, and what was promised. A store behind it neither votes nor leads.
struct Durability {
  store::Standing standing = store::Standing::fresh;
  std::optional<store::Promise> promise;
};

// --- Output ----------------------------------------------------------------------------------------------------------

struct Persist {
  std::uint64_t ticket = 0;
  store::Batch batch;
  store::Promise promise;  // transaction and store_id are the host's to fill in.
};

struct Send {
  PublicKey to;
  Channel channel = Channel::sync;
  Bytes frame;
};

// A document's text or values changed by somebody else's event or tail. Told of documents in memory: those that are
// watched, and those that were used of late.
struct DocumentChanged {
  log::StreamId document;
  document::Patches patches;
  std::optional<PublicKey> by;  // None where several did.
};
struct CursorsChanged {
  log::StreamId document;
};
// Events became part of a stream.
struct Admitted {
  log::StreamId stream;
  std::uint32_t begin = 0;  // Indices [begin, end) of its graph.
  std::uint32_t end = 0;
};
struct Alarm {
  enum class Level : std::uint8_t { info, warning, critical } level = Level::info;
  std::string text;
};
using Notice = std::variant<DocumentChanged, CursorsChanged, Admitted, identity::Inviter::Progress, Alarm>;

struct Output {
  std::optional<Persist> persist;
  std::vector<Send> send;
  std::vector<identity::Inviter::Send> pairing_send;
  std::vector<identity::ConnectionId> pairing_close;
  struct Close {
    PublicKey device;
    Error why;
  };
  std::vector<Close> close;
  std::vector<Notice> notices;
  std::optional<Tick> wake_at;
  bool must_stop = false;  // This device was removed: it takes no further part.
  bool must_wipe = false;  // And its key is to be deleted now; not while it may still veto a recovery.
};

// --- What can be asked -----------------------------------------------------------------------------------------------

struct DocumentSummary {
  log::StreamId id;
  std::string title;
  std::uint64_t bytes = 0;
  UnixMs updated;
  WriteState state = WriteState::visible;
  bool readable = true;           // False where this device has no key.
  std::uint64_t quarantined = 0;  // Events set aside (accept_quarantined).
};

struct DeviceSummary {
  PublicKey key;
  std::string name;
  log::DeviceKind kind = log::DeviceKind::personal;
  bool self = false;
  bool online = false;
  bool voter = false;
  bool member = false;  // In the configuration at all.
  bool leader = false;
  bool established = false;
  bool suspended = false;
  bool removed = false;
  std::uint64_t lag_events = 0;  // How many events it is not known to store.
  std::optional<Tick> last_heard;
  std::vector<ipld::Multiaddr> addresses;
};

struct PodStatus {
  PublicKey device;
  std::string name;
  log::Did did;
  std::string role;  // leader, follower, candidate, learner, alone
  std::uint64_t term = 0;
  std::uint64_t generation = 0;
  std::uint64_t commit_index = 0;
  std::uint32_t voters = 0;
  std::uint32_t voters_reachable = 0;  // Itself included.
  bool quorum = false;
  std::uint64_t pending_visible = 0;  // Own events not yet durable here, on another device, in order.
  std::uint64_t pending_local = 0;
  std::uint64_t pending_pod = 0;
  std::uint32_t devices = 0;
  std::uint32_t documents = 0;
  std::uint64_t events = 0;
  std::uint64_t quarantined = 0;  // Of these: by removed devices after their removal, set aside until accepted.
  bool blind = false;             // It stores, and holds no key: a cloud peer, as a rule.
  std::uint32_t sealed = 0;       // Streams, beside the pod's own two, that it can't read.
  bool paper_confirmed = false;
  bool damaged = false;
};

struct EventSummary {
  log::EventId id;
  log::StreamId stream;
  std::string title;
  PublicKey author;
  std::string device;
  std::uint64_t seq = 0;
  bool control = false;
  std::string operation;  // Of a control event.
  std::uint64_t size = 0;
  UnixMs time;
  WriteState state = WriteState::visible;
  bool quarantined = false;  // Set aside: it does not count.
};

struct RemoteCursor {
  PublicKey device;
  std::string name;
  std::uint64_t anchor = 0;
  std::uint64_t head = 0;
};

struct TextEdit {
  std::uint64_t position = 0;
  std::uint64_t removed = 0;
  std::string inserted;
};

class Core;

class Pod {
 public:
  // --- Beginning
  // ------------------------------------------------------------------------------------------------------

  // Writes a new pod's first records into a batch, to be committed to an empty store before `open`.
  static Result<store::Batch> found(const identity::DeviceKeys& keys, const identity::PaperKey& paper,
                                    const Options& options, crypto::Entropy& entropy, UnixMs wall);
  // The same for a newcomer, from what the inviter gave it.
  static Result<store::Batch> joined(const identity::Welcome& welcome, const PublicKey& inviter, const Options& options,
                                     crypto::Entropy& entropy);

  // Opens what the store holds.
  // `store` and `entropy` outlive the pod. Errors: not_found (no pod here), store_damaged.
  static Result<Pod> open(Options options, identity::DeviceKeys keys, const store::Reader& store,
                          const Durability& durability, crypto::Entropy& entropy, Now now);
  ~Pod();
  Pod(Pod&&) noexcept;
  Pod& operator=(Pod&&) noexcept;

  // --- Input
  // ----------------------------------------------------------------------------------------------------------

  void tick(Now now);
  void persisted(Now now, std::uint64_t ticket);
  void connected(Now now, const PublicKey& device);
  void disconnected(Now now, const PublicKey& device);
  void received(Now now, const PublicKey& device, Channel channel, ByteView frame);
  void pairing(Now now, identity::Inviter::Input input);
  Output take_output(Now now);

  // Whether a connection of this key may sync: a device of the pod that is neither removed nor suspended.
  bool is_device(const PublicKey& key) const;
  // Where to dial, newest places first, without this device.
  std::vector<std::pair<PublicKey, std::vector<ipld::Multiaddr>>> places() const;
  void set_addresses(Now now, std::vector<ipld::Multiaddr> addresses);

  // --- The owner's commands
  // ---------------------------------------------------------------------------------------------

  Result<log::StreamId> create_document(Now now, std::string_view title, std::string_view text);
  Status rename_document(Now now, const log::StreamId& document, std::string_view title);
  // Returns what changed in fact: where a live peer's tail is shown, an insertion among its characters may land beside
  // where it was asked for, because nothing may build on a tail. Errors: not_found, position_out_of_range; nothing is
  // changed then.
  Result<document::Patches> edit_text(Now now, const log::StreamId& document, const std::vector<TextEdit>& edits);
  // Takes in what removed devices wrote in this document after their removal, all that is here; until then it is set
  // aside. Errors: not_found.
  Status accept_quarantined(Now now, const log::StreamId& document);
  // Whether a live peer's tail is shown in the document.
  bool has_tails(const log::StreamId& document) const;
  Result<std::string> text(const log::StreamId& document);
  Result<std::uint64_t> text_length(const log::StreamId& document);
  Result<std::string> title(const log::StreamId& document);
  // Closes open events now instead of after close_after.
  void flush(Now now);
  // The same, and writes down what makes the next opening fast. The process is about to end.
  void prepare_to_stop(Now now);
  // Somebody wants to hear of every change of the document until `unwatch`, called as often. Others may be forgotten in
  // memory, and their changes are told by Admitted alone.
  void watch(const log::StreamId& document);
  void unwatch(const log::StreamId& document);
  void set_cursor(Now now, const log::StreamId& document, std::optional<std::pair<std::uint64_t, std::uint64_t>> at);

  // Draws a join code; the progress comes as notices.
  identity::JoinSecret invite(Now now, log::DeviceKind kind);
  Status suspend_device(Now now, const PublicKey& device);
  // Any device of the pod, this one too. Errors: not_found, bad_argument (the name), not_a_device, device_suspended.
  Status rename_device(Now now, const PublicKey& device, std::string_view name);
  // Errors: authority_missing, saying what is missing.
  Status remove_device(Now now, const PublicKey& device, const identity::PaperKey* paper);
  void confirm_paper(Now now);
  // A new generation of the cluster with this device as its one voter, where the majority is lost; the others rejoin as
  // learners. Errors: bad_argument (a majority answers, unless it is wanted all the same), not_a_device (a cloud peer,
  // or removed).
  Status restart_cluster(Now now, bool although_answering = false);
  // This device is about to sleep: it hands over leadership, and its vote until it connects again.
  void prepare_sleep(Now now);
  // Errors: raft_not_leader (only at the device that leads), not_found, bad_argument (it may not, or is the last one),
  // raft_not_caught_up, raft_change_in_flight.
  Status set_voter(Now now, const PublicKey& device, bool votes);
  // Errors: raft_not_leader, bad_argument. None: to the voter that is furthest.
  Status transfer_leadership(Now now, const std::optional<PublicKey>& to);

  // --- Questions
  // ----------------------------------------------------------------------------------------------------------

  const PublicKey& self() const;
  PodStatus status(Now now) const;
  std::vector<DeviceSummary> devices(Now now) const;
  std::vector<DocumentSummary> documents();
  std::vector<EventSummary> newest_events(std::size_t count_max);
  EventSummary event(const log::StreamId& stream, std::uint32_t index);
  WriteState state_of(const log::StreamId& stream) const;
  std::vector<RemoteCursor> cursors(const log::StreamId& document) const;
  // Every stream with its heads.
  log::HeadList frontier() const;
  const identity::IdentityState& identity() const;
  std::vector<Alarm> alarms() const;
  // How many events were folded to open documents since this pod was opened: what no checkpoint held.
  std::uint64_t events_folded() const;

 private:
  explicit Pod(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace rz::pod
