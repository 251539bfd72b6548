// The inside of a Pod: its state, and the parts that the .cc files of this room work on.
//
//   core.cc            opening, persisting, the order in which things settle
//   core_streams.cc    streams, the catalogue, what follows when a graph grows
//   core_identity.cc   stream zero, epochs, pairing, the owner's device commands
//   core_recovery.cc   recovery with the paper key: guests, the recovering device, a veto
//   core_keeping.cc    what identity keeps beside stream zero: head trees of removals, promises, stance
//   core_established.cc  who becomes established: seven days, counted
//   core_consent.cc    what needs more than one device's yes: requests and answers
//   core_contest.cc    two changes that contradict each other
//   core_news.cc       what a device is told that was shut out; leaving
//   core_rotation.cc   a device with a new key: the same member, known again
//   core_cluster.cc    Raft: cuts, coverage
//   core_copies.cc     what other devices are known to store
//   core_membership.cc who takes part in the order, and who decides on it
//   core_generation.cc new generations of the cluster, by the owner's act
//   core_peers.cc      sync sessions, live tails, cursors, places
//   core_documents.cc  the owner's document commands
//   core_caches.cc     which documents are folded in memory, their checkpoints, what lists show of them
//   core_queries.cc    what can be asked
//   core_snapshot.cc   the pod snapshot
//   core_export.cc     a whole pod as a file
//   core_read_only.cc  a copy from an export, which is no device
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "identity/epochs.h"
#include "identity/fold.h"
#include "identity/operations.h"
#include "identity/recovery.h"
#include "pod/cluster_state.h"
#include "pod/consent.h"
#include "pod/pod.h"
#include "pod/stream_replica.h"
#include "raft/raft.h"
#include "sync/session.h"

namespace rz::pod {

// One connected device of the pod.
struct Peer {
  std::uint64_t connection = 0;  // Tells this connection from an earlier one of the same device.
  std::unique_ptr<sync::Session> session;
  Tick last_heard;
  // Events of streams that are not listed here yet: their listing is on its way.
  std::map<log::StreamId, std::vector<sync::Events>> early;
  std::size_t early_bytes = 0;
  // Events frames that were taken in and are not acknowledged yet, in their order. An acknowledgement is a promise that
  // they are durable here, so it waits for events that themselves wait for others.
  struct Taken {
    std::uint64_t number = 0;
    log::StreamId stream;
    std::optional<log::EventId> last;  // None: of no use.
    bool early = false;                // Of a stream that is not listed here yet.
  };
  std::deque<Taken> taken;
  bool places_told = false;
  bool requests_told = false;
  bool room_told = false;
  struct Live {
    std::optional<std::pair<std::uint64_t, std::uint64_t>> cursor;
    bool tail = false;
  };
  std::map<log::StreamId, Live> live;
  // No device of the pod: it has proved that it holds the paper key with this hash, and recovers (core_recovery.cc).
  std::optional<Hash256> guest;
  std::size_t guest_bytes = 0;  // Of events that it gave.
};

// A device that was shut out, for as long as it takes to tell it so.
struct News {
  Tick since;
  bool greeted = false;
  std::size_t frames = 0;
  log::FeedHeads rows;  // What it has of stream zero.
};

// A connection of a key that nobody knows, for as long as it takes to show whose successor it is.
struct Stranger {
  Tick since;
  std::size_t bytes = 0;
};

// This device asked for another key: what it writes until it has it lies outside the cut.
struct Rotating {
  PublicKey successor;
  std::map<log::StreamId, std::vector<log::EventId>> written;  // The last ones.
};

// How long this device has seen others that are not established yet. Stored.
struct Sightings {
  struct Sighting {
    log::EventId admission;
    std::uint64_t for_ms = 0;
  };
  std::map<log::AuthorKey, Sighting> devices;
  std::optional<Now> looked_at;  // In this life of the process.
  UnixMs saved;                  // By the wall clock, when it was last stored.
};

class Core final : public KeySource, public sync::Replica, public identity::RemovalCuts {
 public:
  Core(Options options, identity::DeviceKeys keys, const store::Reader& store, crypto::Entropy& entropy, Now now,
       std::vector<identity::DeviceKeys> former);
  ~Core() override = default;

  Status open(const Durability& durability);

  // --- KeySource, Replica, RemovalCuts ---
  const crypto::Secret32* epoch_key(const log::EpochId& epoch) const override;
  log::FeedName own_feed() const override { return {self_, feed_}; }
  void record_damaged() const override { record_damaged_ = true; }
  std::vector<log::StreamId> streams() const override;
  const log::EventGraph* graph(const log::StreamId& stream) const override;
  std::uint32_t durable(const log::StreamId& stream) const override;
  std::vector<log::EventIndex> beyond_last_cut(const log::StreamId& stream) const override;
  log::HeldBody body(const log::StreamId& stream, log::EventIndex event) const override;
  const log::HeadList* find(const Hash256& cut) const override;

  // --- core.cc ---
  void at(Now now);
  void tick();
  void persisted(std::uint64_t ticket);
  Output take_output();
  // Runs once everything written so far is durable; at once if it is.
  void after_persist(std::function<void()> action);
  void settle();
  void wake(Tick at);
  void alarm(Alarm::Level level, std::string text);

  // --- core_streams.cc ---
  Status load_streams();
  Status load_events(const std::function<void(const Error&)>& report);
  StreamReplica* stream(const log::StreamId& id);
  const StreamReplica* stream(const log::StreamId& id) const;
  StreamReplica& zero() { return *zero_; }
  Result<StreamReplica*> add_stream(Bytes genesis, log::Keeping keeping,
                                    std::optional<StreamNumber> stored_as = std::nullopt);
  StreamReplica::Writer writer() const;
  Status write_control(StreamReplica& replica, const log::Operation& operation, log::EventId* written = nullptr);
  void grew(StreamReplica& replica, std::uint32_t begin, const PublicKey* from);
  void read_catalogue();
  void release_early(const log::StreamId& id);
  void admit_devices(StreamReplica& replica);
  void recount(StreamReplica& replica);
  bool recount_needed(const StreamReplica& replica, std::uint32_t begin) const;
  void close_open(StreamReplica& replica);
  void close_due();

  // --- core_identity.cc ---
  void refold();
  void unlock_epochs();
  void do_duties();
  bool has_duties() const;
  void keep_readers();
  void keep_own_name();
  void keys_came(StreamReplica& replica);
  void choose_epoch();
  void pairing(identity::Inviter::Input input);
  void add_newcomer(const identity::Inviter::Add& add);
  Status suspend_device(const PublicKey& device);
  Status rename_device(const PublicKey& device, std::string_view name);
  Result<Outcome> remove_device(const PublicKey& device, const identity::PaperKey* paper);
  Result<Outcome> lift_device(const PublicKey& device, const identity::PaperKey* paper);
  Result<Outcome> set_policy(const identity::Policy& policy, const identity::PaperKey* paper);
  Status check_removable(const identity::Device& device, bool with_paper) const;
  Status write_decided(const log::Operation& operation);
  Result<Hash256> keep_removal_cut(const PublicKey& device);
  bool is_device(const PublicKey& key) const;

  // --- core_recovery.cc ---
  Status load_recovery();
  RecoveryProgress recovery_progress(const PublicKey& member) const;
  Status recover(const identity::PaperKey& paper, const identity::PaperKey& next, bool new_generation);
  bool recovery_announced();
  bool is_recovery_pending() const;
  Status check_not_pending() const;
  void note_recovery_times();
  Status load_recovery_times();
  bool was_here_before(const log::EventId& recovery) const;
  std::optional<RecoveryNotice> recovery_notice() const;
  Result<Outcome> undo_recovery();
  bool guest_opened(identity::ConnectionId stream);
  Result<Bytes> guest_knocked(identity::ConnectionId stream, const identity::RecoveryChannel& channel, ByteView frame);
  void guest_received(const PublicKey& device, ByteView frame);
  void guest_left(const PublicKey& device);
  Status check_guest(const PublicKey& device, Peer& peer, const sync::Message& message) const;
  bool may_stay(const PublicKey& device, const Peer& peer) const;
  void tick_guests();

  // --- core_keeping.cc ---
  Status load_keeping();
  void keep_stance();
  void note_recoveries();
  void keep_removal_tree(const Hash256& root, log::HeadList heads);
  void ask_for_cuts();
  void give_cut(const PublicKey& device, const Hash256& root);
  void take_cut(log::HeadList heads);
  void tell_before_drop(const PublicKey& device, Peer& peer);
  void drop_removal_tree(const Hash256& root);
  void put_promises();
  void keep_successor(const log::Operation& operation);
  void write_successor();

  // --- core_established.cc ---
  Status load_sightings();
  void save_sightings();
  std::uint64_t believed_ms() const;
  void confirm_newcomers();

  // --- core_consent.cc ---
  RequestId request_id(const PublicKey& asker, const log::Operation& operation) const;
  void read_requests(const sync::Requests& requests);
  Status load_requests();
  const OpenRequest* find_request(const RequestId& id, PublicKey* asker) const;
  void requests_changed(const PublicKey* from);
  void drop_stale_requests();
  std::vector<Hash256> request_cuts() const;
  void tell_requests(const PublicKey& device, Peer& peer);
  Status take_requests(const PublicKey& from, const sync::Requests& requests);
  Status take_answer(const PublicKey& from, const sync::Answer& answer);
  void announce_requests();
  Result<Outcome> decide_on(const log::Operation& operation);
  Status withdraw_request(const RequestId& id);
  Result<log::Operation> draft_again(const log::Operation& operation);
  void tend_requests();
  Status answer_request(const RequestId& id, bool yes);
  std::optional<std::uint64_t> left_out_by(const log::Operation& operation) const;
  RequestSummary summary_of(const PublicKey& asker, const OpenRequest& open) const;
  std::vector<RequestSummary> requests() const;

  // --- core_contest.cc ---
  std::vector<RivalSummary> rivals() const;
  Bytes policy_before(const log::EventId& operation) const;
  Result<log::Operation> deciding(const std::optional<log::EventId>& keep) const;
  Status decide_contest(const std::optional<log::EventId>& keep, const identity::PaperKey& paper);

  // --- core_news.cc ---
  bool may_hear(const PublicKey& key) const;
  void greet_outsider(const PublicKey& device);
  void hear_outsider(const PublicKey& device, Channel channel, ByteView frame);
  void tell_news(const PublicKey& device, const News& news);
  void end_news(const PublicKey& device);
  void end_silent_news();
  void leave(const identity::Device& own);
  void check_left();
  void left();
  void shut_out(const Peer& peer);
  bool hands_over(const log::Operation& operation);
  void finish_hand_over();

  // --- core_rotation.cc ---
  void note_successions();
  raft::NodeId node_of(const PublicKey& device) const;
  PublicKey device_of(const raft::NodeId& node) const;
  bool is_own(const PublicKey& key) const { return key == self_ || node_of(key) == node_of(self_); }
  bool is_superseded(const PublicKey& key) const { return device_of(node_of(key)) != key; }
  std::vector<PublicKey> own_keys() const;
  Status load_rotation();
  Result<Outcome> rotate_key(const identity::DeviceKeys& next, const identity::PaperKey* paper);
  void note_written(const StreamReplica& replica, log::EventIndex event);
  void forget_rotation();
  void hand_on(const identity::Device& own);
  void begin_as_successor();
  void accept_own_writes();
  void put_untold();
  void told(const PublicKey& device);
  void introduce(const PublicKey& device);
  bool may_introduce_itself(const PublicKey& key) const;
  void hear_stranger(const PublicKey& device, Channel channel, ByteView frame);
  void turn_away(const PublicKey& device);
  void end_silent_strangers();
  void check_former_keys(const identity::EpochTable& table);

  // --- core_cluster.cc ---
  Result<std::optional<ClusterState::Committed>> saved_order() const;
  Status open_raft(const Durability& durability);
  void raft_step(raft::Input input);
  void queue_coverage(const raft::Entries& entries);
  void advance_coverage();
  void apply(const raft::Entries& entries);
  void apply_waiting();
  void propose_cut();
  void wake_for_order();
  void compact_log();
  void advance_install();
  void take_state(const sync::State& state);
  void give_state(const PublicKey& device, const sync::StateWanted& wanted);
  std::uint64_t cluster_generation() const;
  Hash256 applied_hash() const { return Hash256{cluster_.applied_hash.bytes}; }

  // --- core_copies.cc ---
  Status load_copies();
  void note_copies();
  bool is_copied(const StreamReplica& replica, log::EventIndex index) const;
  bool is_copied(const StreamReplica& replica) const;
  bool has_reached(const StreamReplica& replica, WriteState target) const;

  // --- core_membership.cc ---
  std::optional<raft::ChangeProposal> follow_identity(const std::vector<raft::MemberStatus>& known) const;
  void promote_ready(const std::vector<raft::MemberStatus>& known, raft::ChangeProposal& next) const;
  std::vector<raft::MemberFacts> member_facts() const;
  void membership_soon();
  void plan_membership();
  bool propose_members(const raft::ChangeProposal& change);
  void prepare_sleep();
  Status set_voter(const PublicKey& device, bool votes);
  Status transfer_leadership(const std::optional<PublicKey>& to);
  Status check_leads() const;

  // --- core_generation.cc ---
  Status restart_cluster(bool although_answering);
  void decide_without();
  bool majority_answers() const;
  void follow_generation();
  bool may_follow(const raft::Generation& generation) const;
  void void_order(raft::Index kept);

  // --- core_peers.cc ---
  void connected(const PublicKey& device);
  void add_peer(const PublicKey& device, std::optional<Hash256> guest);
  void disconnected(const PublicKey& device);
  void received(const PublicKey& device, Channel channel, ByteView frame);
  Status receive_sync(const PublicKey& device, Peer& peer, ByteView frame);
  Status receive_live(const PublicKey& device, Peer& peer, ByteView frame);
  Status take_events(const PublicKey& device, Peer& peer, const sync::Events& events);
  void acknowledge_taken(Peer& peer);
  void load_places();
  void take_places(const PublicKey& device, const sync::Places& places);
  void poll_sessions();
  void tell_tails();
  void set_room(const Room& room);
  void tell_room(const PublicKey& device, Peer& peer);
  void set_cursor(const log::StreamId& document, std::optional<std::pair<std::uint64_t, std::uint64_t>> at);
  void announce_place();
  void drop_live(const PublicKey& device, Peer& peer);
  void drop_peer(const PublicKey& device, const Error& why);

  // --- core_documents.cc ---
  Result<StreamReplica*> document(const log::StreamId& id);
  Status may_write() const;
  Result<log::StreamId> create_document(std::string_view title, std::string_view text);
  Status rename_document(const log::StreamId& id, std::string_view title);
  Status remove_document(const log::StreamId& id);
  Status restore_document(const log::StreamId& id);
  Result<document::Patches> edit_text(const log::StreamId& id, const std::vector<TextEdit>& edits);
  void touched(StreamReplica& replica);
  Status accept_quarantined(const log::StreamId& id);
  void flush();

  // --- core_caches.cc ---
  document::Document* open_document(StreamReplica& replica);
  bool is_idle(const StreamReplica& replica) const;
  bool is_open(const StreamReplica& replica) const {
    return open_due_.contains(replica.id()) || replica.has_open_operations();
  }
  void summarise(StreamReplica& replica);
  void load_summaries();
  void keep_summaries(std::size_t count_max);
  void keep_caches();
  void merge_records();
  void keep_few_open();
  void prepare_to_stop();

  // --- core_snapshot.cc ---
  Result<std::unique_ptr<SnapshotMaker>> snapshot() const;

  // --- core_export.cc ---
  Result<std::unique_ptr<ExportMaker>> export_pod(bool sealed) const;

  // --- core_read_only.cc ---
  Status load_read_only();
  std::size_t use_read_keys(const identity::EpochTable& table);
  Status import_record(const ExportRecord& record);
  Status import_stream(const ExportStream& stream);
  Status import_key(const ExportKey& key);
  Status finish_import(const ExportManifest& manifest);
  void keep_read_keys();
  Status check_writable() const;

  // --- core_queries.cc ---
  PodStatus status() const;
  void count_pending(const StreamReplica& replica, PodStatus& status) const;
  std::uint64_t lag_of(const sync::Session& session) const;
  std::vector<DeviceSummary> devices() const;
  std::vector<DocumentSummary> documents(bool removed);
  std::vector<EventSummary> newest_events(std::size_t count_max);
  EventSummary event(StreamReplica& replica, log::EventIndex index);
  WriteState state_of(const StreamReplica& replica) const;
  WriteState state_of(const StreamReplica& replica, log::EventIndex index) const;
  const raft::Raft* order() const { return raft_ ? &*raft_ : nullptr; }
  std::vector<RemoteCursor> cursors(const log::StreamId& document) const;
  std::string device_name(const PublicKey& key) const;
  std::vector<std::pair<PublicKey, std::vector<ipld::Multiaddr>>> places() const;

  // State, in the order of the files above. Not private: this header is the room's own.
  Options options_;
  identity::DeviceKeys keys_;
  std::vector<identity::DeviceKeys>
      former_;  // That this device had before, while something is readable with them alone.
  PublicKey self_;
  const store::Reader& store_;
  crypto::Entropy& entropy_;
  Now now_;

  store::Batch batch_;
  std::uint64_t next_ticket_ = 1;
  std::uint64_t persisted_ticket_ = 0;
  std::deque<std::pair<std::uint64_t, std::function<void()>>> waiting_;
  Output output_;
  std::optional<Tick> wake_at_;
  std::vector<Alarm> alarms_;

  std::map<log::StreamId, std::unique_ptr<StreamReplica>> streams_;
  std::vector<StreamReplica*> by_number_;
  // Streams with records in the batch at hand, and in batches whose commit is not known yet, by ticket.
  std::set<StreamReplica*, StreamReplica::ByNumber> grown_;
  std::deque<std::pair<std::uint64_t, std::vector<StreamReplica*>>> persisting_;
  StreamReplica* zero_ = nullptr;
  StreamReplica* catalogue_ = nullptr;
  std::uint32_t catalogue_read_ = 0;
  std::vector<log::EventIndex> catalogue_set_aside_;  // Of those that were read.
  std::set<log::StreamId> unlisted_;                  // As of its last count.
  log::FeedId feed_;
  std::map<log::StreamId, Tick> open_due_;  // Documents with an open event, and when it is closed.

  identity::IdentityState identity_;
  std::uint64_t identity_version_ = 0;  // Counts refolds: what depends on the identity alone is done once each.
  std::optional<std::uint64_t> duties_done_at_;  // The identity's version for which this device did its duties.
  std::set<log::AuthorKey> removed_;
  identity::Stance stance_;
  identity::Promises promises_;
  std::map<Hash256, log::HeadList> removal_cuts_;
  std::optional<Tick> cuts_asked_;           // When head trees that are missing were last asked for.
  std::optional<log::Operation> successor_;  // Promised, and not written yet: the promise must be durable first.
  bool successor_durable_ = false;
  Sightings sightings_;
  Consent consent_;
  std::set<Hash256> durable_cuts_;              // Of removal_cuts_.
  std::map<PublicKey, News> news_;              // Connections of devices that were shut out.
  std::map<PublicKey, Tick> told_;              // When each of them was last told.
  std::optional<log::EventId> leaving_;         // This device's removal by itself, which no other knows yet.
  std::set<PublicKey> cut_given_;               // Who was given that removal's cut.
  bool left_told_ = false;                      // Another device knows.
  std::optional<Tick> hand_over_until_;         // The others are to decide on the order before this device leaves.
  std::map<PublicKey, PublicKey> first_keys_;   // By each later key of a device whose key was changed.
  std::map<PublicKey, PublicKey> newest_keys_;  // By the first.
  std::optional<raft::NodeId> own_node_;        // As stored: where a part of stream zero is damaged, it still holds.
  std::optional<Rotating> rotating_;
  bool handing_on_ = false;                // This key has a successor.
  std::optional<PublicKey> handed_on_to_;  // It, once that is durable.
  std::set<PublicKey> untold_;             // Who may know this device under its former key only.
  bool untold_kept_ = false;               // Of this very key.
  bool former_done_ = false;
  std::map<PublicKey, Stranger> strangers_;
  std::map<PublicKey, Tick> turned_away_;
  std::optional<UnixMs> recovery_seen_;  // When this device first saw a recovery that counts.
  std::map<log::EventId, UnixMs> recoveries_seen_;
  std::optional<UnixMs> recovered_at_;  // When this device recovered the pod, if it did.
  bool unannounced_ = false;            // No member is known to store that recovery.
  bool hold_sends_ = false;             // Until it is durable here.
  identity::RecoveryDoor door_;
  std::optional<identity::EpochKeys> epochs_;
  log::Counts zero_counts_;
  std::optional<log::EpochId> current_epoch_;  // None: this device can store, not write.
  std::optional<identity::Inviter> inviter_;
  std::optional<Tick> inviter_wake_;
  std::optional<PublicKey> bootstrap_;  // The inviter, until stream zero says who we are.
  std::vector<ipld::Multiaddr> bootstrap_places_;
  log::EventId own_admission_;
  bool is_member_ = false;
  bool own_name_told_ = false;  // At most once an opening, whatever comes of it.
  bool paper_confirmed_ = false;
  bool read_only_ = false;
  std::map<log::EpochId, crypto::Secret32> read_keys_;  // That came with an export; until they are wrapped for us.
  StreamReplica* importing_ = nullptr;                  // The stream whose records come.

  std::optional<raft::Raft> raft_;
  ClusterState cluster_;

  std::map<PublicKey, Peer> peers_;
  std::map<PublicKey, Tick> last_heard_;
  std::vector<std::pair<PublicKey, Error>> to_drop_;  // Found where peers_ was being walked.
  std::uint64_t next_connection_ = 1;
  bool identity_gaps_ = false;           // Records of stream zero were damaged, and nothing of it has come since.
  mutable bool record_damaged_ = false;  // Since it was opened.
  std::map<PublicKey, Room> rooms_;      // Of each device, as it last said.
  std::map<PublicKey, sync::Place> places_;
  std::map<PublicKey, std::uint64_t> incarnations_;  // As each device said in its hello.
  std::set<log::StreamId> tails_changed_;
  std::map<log::StreamId, bool> tails_shown_;  // Whether our tail is shown at the others.

  struct Summary {
    std::string title;
    std::uint64_t bytes = 0;
    UnixMs updated;
    bool is_current = false;  // False: the document has changed while it was not open.
  };
  std::map<log::StreamId, Summary> summaries_;
  std::uint64_t events_folded_ = 0;                 // To open documents.
  std::vector<StreamReplica*> opened_;              // Documents that are folded in memory, the last used one last.
  std::map<log::StreamId, std::uint32_t> watched_;  // Those that somebody wants to hear every change of.
  std::set<StreamReplica*, StreamReplica::ByNumber> checkpoints_due_;
  std::set<StreamReplica*, StreamReplica::ByNumber> summaries_due_;
  std::set<StreamReplica*, StreamReplica::ByNumber> merge_due_;  // They may have many small records.
  std::optional<Tick> summaries_due_at_;
};

}  // namespace rz::pod
