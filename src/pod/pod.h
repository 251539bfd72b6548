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

#include <functional>
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
#include "identity/recovery.h"
#include "identity/state.h"
#include "log/control.h"
#include "pod/export.h"
#include "pod/snapshot.h"
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
  raft::PolicyOptions membership;  // How patient the pod is with devices that are not there.
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
// What devices ask of each other, or what was answered, changed: ask for `requests`.
struct RequestsChanged {};
using Notice =
    std::variant<DocumentChanged, CursorsChanged, Admitted, identity::Inviter::Progress, Alarm, RequestsChanged>;

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
  std::vector<identity::ConnectionId> guest_reset;  // Streams of /rhizome/recover/1 that never proved anything.
  bool must_stop = false;                           // This device was removed: it takes no further part.
  bool vetoed = false;                              // More exactly: the recovery that made it a device was vetoed.
  // This device's key has a successor, durably: if the host has that key, it opens the pod anew with it, and all that
  // is said of a removal here is void.
  std::optional<PublicKey> must_rotate;
  bool former_keys_done = false;  // Nothing is readable with this device's former keys alone any more.
  // A record on this disk was found damaged: open the pod anew, which leaves it out and fetches it from the others.
  bool must_reopen = false;
  bool must_wipe = false;  // And its key is to be deleted now; not while it may still veto a recovery.
};

// --- What can be asked -----------------------------------------------------------------------------------------------

struct DocumentSummary {
  log::StreamId id;
  std::string title;
  std::uint64_t bytes = 0;
  UnixMs updated;
  WriteState state = WriteState::visible;
  bool copied = false;            // Another device is known to store all of it.
  bool readable = true;           // False where this device has no key.
  std::uint64_t quarantined = 0;  // Events set aside (accept_quarantined).
};

// What a device's store takes on its disk, and what is left there, in bytes.
struct Room {
  std::uint64_t stored = 0;
  std::uint64_t free = 0;
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
  std::optional<Room> room;  // As it last said, while this process runs.
  std::vector<ipld::Multiaddr> addresses;
};

// A recovery with the paper key that can still be vetoed, as this device's clock has it.
struct RecoveryNotice {
  log::EventId operation;
  PublicKey device;
  std::string name;
  bool own = false;       // This device is the one that recovered.
  bool may_veto = false;  // It is one of those whose majority, and at least two, may.
  UnixMs until;
};

// How far the fetching has come, on a device that recovers.
struct RecoveryProgress {
  bool connected = false;
  bool told = false;                  // The member has said all that it stores.
  std::uint64_t events = 0;           // Here.
  std::uint64_t events_missing = 0;   // That the member stores, as it said.
  std::uint64_t cuts_missing = 0;     // Head trees that removals name.
  std::uint64_t streams_unsaved = 0;  // With something that is not durable here yet.
  bool complete() const { return told && events_missing == 0 && cuts_missing == 0 && streams_unsaved == 0; }
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
  std::uint32_t only_here = 0;  // Documents with something that no other device is known to store.
  std::uint64_t events = 0;
  std::uint64_t quarantined = 0;  // Of these: by removed devices after their removal, set aside until accepted.
  bool blind = false;             // It stores, and holds no key: a cloud peer, as a rule.
  std::uint32_t sealed = 0;       // Streams, beside the pod's own two, that it can't read.
  bool paper_confirmed = false;
  bool damaged = false;
  bool read_only =
      false;  // A copy from an export: no device of the pod. It writes nothing, votes on nothing, dials nobody.
  std::optional<RecoveryNotice> recovery;
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

// What came of a change to the devices: done, or the other devices are asked.
struct Outcome {
  std::optional<Hash256> asked;  // The request, until enough of them have said yes.
  std::string missing;           // What it waits for, in words.
};

// What one device asks the others to agree to.
struct RequestSummary {
  enum class What : std::uint8_t { remove, rotate, policy, lift, veto };
  Hash256 id;  // Of exactly this operation: a yes is for nothing else.
  What what = What::remove;
  PublicKey asker;
  std::string asker_name;
  std::optional<PublicKey> device;  // That it is about.
  std::string device_name;
  UnixMs since;                           // As the asker's clock claims.
  bool mine = false;                      // This device asks.
  bool may_answer = false;                // This device is asked.
  bool details_here = true;               // All that a yes would sign is here.
  std::optional<bool> answered;           // By this device.
  std::optional<std::uint64_t> left_out;  // Of a removal: changes of that device, known here, that would not count.
  std::size_t needed = 0;                 // How many must say yes; the asker is one if it is established.
  std::vector<PublicKey> yes;
  std::vector<PublicKey> no;
  std::vector<PublicKey> waiting_for;
};
std::string_view name_of(RequestSummary::What what);

// One of several changes to the devices that contradict each other.
struct RivalSummary {
  log::EventId id;
  PublicKey author;
  std::string author_name;
  std::string operation;    // As in the log: "remove", "rotate", "policy", "recover".
  std::string device_name;  // That it is about; may be empty.
  UnixMs time;
  bool by_paper = false;
  bool followed_here = false;
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

  // The same for a read-only copy, from an export's first record. Then the pod is opened, given every record in its
  // order, and at the end the manifest; an error of these leaves a store that is good for nothing.
  static Result<store::Batch> copied(ByteView genesis, const Options& options, crypto::Entropy& entropy);
  Status import_record(Now now, const ExportRecord& record);
  Status finish_import(Now now, const ExportManifest& manifest);
  // The same for a device that recovers the pod, over what the store may hold already (a copy, or an attempt that was
  // broken off). `member`: who serves it; null: nobody, it recovers from what is here. Errors: sync_wrong_pod.
  static Result<store::Batch> recovering(const store::Reader& store, ByteView genesis, const PublicKey* member,
                                         const Options& options, crypto::Entropy& entropy);

  // Opens what the store holds.
  // `store` and `entropy` outlive the pod. `former`: keys that this device had before, until `former_keys_done`: what
  // was encrypted for them is read with them. Errors: not_found (no pod here), store_damaged.
  static Result<Pod> open(Options options, identity::DeviceKeys keys, const store::Reader& store,
                          const Durability& durability, crypto::Entropy& entropy, Now now,
                          std::vector<identity::DeviceKeys> former = {});
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

  // --- Guests: /rhizome/recover/1, from who is no device (identity/recovery.h)
  // A stream was opened. False: reset it.
  bool guest_opened(Now now, identity::ConnectionId stream);
  void guest_closed(identity::ConnectionId stream);
  // Its first frame. Success: the answer, and from then on frames of sync come and go (Output::send, Channel::sync).
  // Any error: reset the stream, and don't tell why.
  Result<Bytes> guest_knocked(Now now, identity::ConnectionId stream, const identity::RecoveryChannel& channel,
                              ByteView frame);
  void guest_received(Now now, const PublicKey& device, ByteView frame);
  void guest_left(Now now, const PublicKey& device);

  // Whether a connection of this key may sync: a device of the pod that is neither removed nor suspended.
  bool is_device(const PublicKey& key) const;
  // Calls `done` once everything that was written so far is durable: within `persisted`, or at once.
  void when_durable(Now now, std::function<void()> done);
  // Whether a connection of this key is of use: a device that may sync, one that is to be told that it may not, or
  // perhaps one that is known under a former key. False for most strangers only where several are being heard already.
  bool may_connect(const PublicKey& key) const;
  // Where to dial, newest places first, without this device.
  std::vector<std::pair<PublicKey, std::vector<ipld::Multiaddr>>> places() const;
  void set_addresses(Now now, std::vector<ipld::Multiaddr> addresses);

  // --- The owner's commands
  // ---------------------------------------------------------------------------------------------

  Result<log::StreamId> create_document(Now now, std::string_view title, std::string_view text);
  Status rename_document(Now now, const log::StreamId& document, std::string_view title);
  // From the lists of all devices; its content stays, and `restore_document` puts it back. What another device writes
  // in it meanwhile is kept. Errors: not_found.
  Status remove_document(Now now, const log::StreamId& document);
  Status restore_document(Now now, const log::StreamId& document);
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
  // What this device's disk holds and has left; passed on when it changed by much.
  void set_room(Now now, const Room& room);
  void set_cursor(Now now, const log::StreamId& document, std::optional<std::pair<std::uint64_t, std::uint64_t>> at);

  // Draws a join code; the progress comes as notices.
  identity::JoinSecret invite(Now now, log::DeviceKind kind);
  Status suspend_device(Now now, const PublicKey& device);
  // Any device of the pod, this one too. Errors: not_found, bad_argument (the name), not_a_device, device_suspended.
  Status rename_device(Now now, const PublicKey& device, std::string_view name);
  // What one device may not do alone is asked of the others (`requests`), unless the paper key signs. Errors:
  // not_found, bad_argument (the last device of the owner's), authority_missing (nobody who could help; says what is
  // missing), recovery_wrong_key, limit_exceeded (too many requests of this device wait already).
  Result<Outcome> remove_device(Now now, const PublicKey& device, const identity::PaperKey* paper);
  Result<Outcome> lift_device(Now now, const PublicKey& device, const identity::PaperKey* paper);
  Result<Outcome> set_policy(Now now, const identity::Policy& policy, const identity::PaperKey* paper);
  // Gives this device another key, because somebody else may have a copy of the present one. `next` must be durable
  // somewhere before; once that counts, Output::must_rotate names it. What this device writes until then is taken in
  // afterwards. Errors: those of remove_device, device_known (the key was used before), not_a_device, bad_argument (a
  // cloud peer).
  Result<Outcome> rotate_key(Now now, const identity::DeviceKeys& next, const identity::PaperKey* paper);
  // This device's answer to another's request. Errors: not_found (nobody asks for that any more), authority_missing,
  // successor_promised (this device has agreed to something else), not_reachable (the details are not here yet).
  Status answer_request(Now now, const Hash256& request, bool yes);
  // Of this device's own. Errors: not_found.
  Status withdraw_request(Now now, const Hash256& request);
  // Two changes contradict each other: the paper key keeps one, or, with none, sets all of them aside. Errors:
  // not_found (there is no such contradiction), bad_argument, recovery_wrong_key, identity_contested.
  Status decide_contest(Now now, const std::optional<log::EventId>& keep, const identity::PaperKey& paper);
  // Every write of a read-only copy. Errors: pod_read_only, saying what to do.
  Status check_writable() const;
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

  // --- Recovery with the paper key
  // On a store that began with `recovering`, once everything is here: makes this device one of the pod and commits to
  // the next paper, which must be durable somewhere before. `new_generation`: the devices that decided on the order
  // are lost, and this one decides from now on. Errors: recovery_wrong_key (an older paper, or another pod's),
  // device_known, identity_bad_history (a later version's); then nothing of what came out may be committed.
  Status recover(Now now, const identity::PaperKey& paper, const identity::PaperKey& next, bool new_generation);
  RecoveryProgress recovery_progress(const PublicKey& member) const;
  // Whether a member stores the recovery durably. True where there was none.
  bool recovery_announced(Now now);
  // Undoes the recovery of the last 72 hours that status().recovery tells of: with a veto of the devices that were
  // established before it, who are asked. Errors: not_found, authority_missing, and those of remove_device.
  Result<Outcome> undo_recovery(Now now);

  // --- Questions
  // ----------------------------------------------------------------------------------------------------------

  const PublicKey& self() const;
  // The key that took the place of this one, durably: the host that holds it opens the pod anew with it.
  std::optional<PublicKey> successor() const;
  PodStatus status(Now now) const;
  std::vector<DeviceSummary> devices(Now now) const;
  // What waits for an answer, of all devices.
  std::vector<RequestSummary> requests() const;
  // Empty unless changes to the devices contradict each other.
  std::vector<RivalSummary> rivals() const;
  std::vector<DocumentSummary> documents();
  // What remove_document took from the list, and nobody put back.
  std::vector<DocumentSummary> removed_documents();
  std::vector<EventSummary> newest_events(std::size_t count_max);
  EventSummary event(const log::StreamId& stream, std::uint32_t index);
  WriteState state_of(const log::StreamId& stream) const;
  // Whether another device is known to store all of it, too: `committed` alone does not say so where one device
  // decides.
  bool is_copied(const log::StreamId& stream) const;
  // Whether the newest write has come as far: `pod` asks for another device's copy, ordered or not.
  bool has_reached(const log::StreamId& stream, WriteState target) const;
  std::vector<RemoteCursor> cursors(const log::StreamId& document) const;
  // Every stream with its heads.
  log::HeadList frontier() const;
  const identity::IdentityState& identity() const;
  std::vector<Alarm> alarms() const;
  // The consensus of this device, for those who check it; null where it takes no part.
  const raft::Raft* order() const;
  // How many events were folded to open documents since this pod was opened: what no checkpoint held.
  std::uint64_t events_folded() const;
  // Begins a snapshot of the pod at the last applied cut; the pod outlives it. Errors: snapshot_blind,
  // snapshot_not_ready, identity_contested, unsupported.
  Result<std::unique_ptr<SnapshotMaker>> snapshot() const;
  // Begins an export of all that is here; the pod outlives it. `sealed`: without keys, so that only the paper key opens
  // it. Errors: snapshot_blind (no keys here, and not sealed), snapshot_not_ready (a removal's head tree is missing).
  Result<std::unique_ptr<ExportMaker>> export_pod(bool sealed) const;

 private:
  explicit Pod(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace rz::pod
