// The inside of a Pod: its state, and the parts that the .cc files of this room work on.
//
//   core.cc            opening, persisting, the order in which things settle
//   core_streams.cc    streams, the catalogue, what follows when a graph grows
//   core_identity.cc   stream zero, epochs, pairing, the owner's device commands
//   core_keeping.cc    what identity keeps beside stream zero: head trees of removals, promises, stance
//   core_cluster.cc    Raft: cuts, coverage
//   core_membership.cc who takes part in the order, and who decides on it
//   core_generation.cc new generations of the cluster, by the owner's act
//   core_peers.cc      sync sessions, live tails, cursors, places
//   core_documents.cc  the owner's document commands
//   core_caches.cc     which documents are folded in memory, their checkpoints, what lists show of them
//   core_queries.cc    what can be asked
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
#include "pod/cluster_state.h"
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
  struct Live {
    std::optional<std::pair<std::uint64_t, std::uint64_t>> cursor;
    bool tail = false;
  };
  std::map<log::StreamId, Live> live;
};

class Core final : public KeySource, public sync::Replica, public identity::RemovalCuts {
 public:
  Core(Options options, identity::DeviceKeys keys, const store::Reader& store, crypto::Entropy& entropy, Now now);
  ~Core() override = default;

  Status open(const Durability& durability);

  // --- KeySource, Replica, RemovalCuts ---
  const crypto::Secret32* epoch_key(const log::EpochId& epoch) const override;
  log::FeedName own_feed() const override { return {self_, feed_}; }
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
  void choose_epoch();
  void pairing(identity::Inviter::Input input);
  void add_newcomer(const identity::Inviter::Add& add);
  Status suspend_device(const PublicKey& device);
  Status rename_device(const PublicKey& device, std::string_view name);
  Status remove_device(const PublicKey& device, const identity::PaperKey* paper);
  Result<Hash256> keep_removal_cut(const PublicKey& device);
  bool is_device(const PublicKey& key) const;

  // --- core_keeping.cc ---
  Status load_keeping();
  void keep_stance();
  void note_recoveries();
  void keep_removal_tree(const Hash256& root, log::HeadList heads);
  void ask_for_cuts();
  void give_cut(const PublicKey& device, const Hash256& root);
  void take_cut(log::HeadList heads);
  void tell_before_drop(const PublicKey& device, Peer& peer);
  void keep_successor(const log::Operation& operation);
  void write_successor();

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

  // --- core_membership.cc ---
  std::optional<raft::ChangeProposal> follow_identity(const std::vector<raft::MemberStatus>& known) const;
  std::vector<raft::MemberFacts> member_facts() const;
  void plan_membership();
  bool propose_members(const raft::ChangeProposal& change);
  void prepare_sleep();
  Status set_voter(const PublicKey& device, bool votes);
  Status transfer_leadership(const std::optional<PublicKey>& to);
  Status check_leads() const;

  // --- core_generation.cc ---
  Status restart_cluster(bool although_answering);
  bool majority_answers() const;
  void follow_generation();
  bool may_follow(const raft::Generation& generation) const;
  void void_order(raft::Index kept);

  // --- core_peers.cc ---
  void connected(const PublicKey& device);
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
  void set_cursor(const log::StreamId& document, std::optional<std::pair<std::uint64_t, std::uint64_t>> at);
  void announce_place();
  void drop_live(const PublicKey& device, Peer& peer);
  void drop_peer(const PublicKey& device, const Error& why);

  // --- core_documents.cc ---
  Result<StreamReplica*> document(const log::StreamId& id);
  Status may_write() const;
  Result<log::StreamId> create_document(std::string_view title, std::string_view text);
  Status rename_document(const log::StreamId& id, std::string_view title);
  Result<document::Patches> edit_text(const log::StreamId& id, const std::vector<TextEdit>& edits);
  void touched(StreamReplica& replica);
  Status accept_quarantined(const log::StreamId& id);
  void flush();

  // --- core_caches.cc ---
  document::Document* open_document(StreamReplica& replica);
  bool is_idle(const StreamReplica& replica) const;
  void summarise(StreamReplica& replica);
  void load_summaries();
  void keep_summaries(std::size_t count_max);
  void keep_caches();
  void merge_records();
  void keep_few_open();
  void prepare_to_stop();

  // --- core_queries.cc ---
  PodStatus status() const;
  void count_pending(const StreamReplica& replica, PodStatus& status) const;
  std::uint64_t lag_of(const sync::Session& session) const;
  std::vector<DeviceSummary> devices() const;
  std::vector<DocumentSummary> documents();
  std::vector<EventSummary> newest_events(std::size_t count_max);
  EventSummary event(StreamReplica& replica, log::EventIndex index);
  WriteState state_of(const StreamReplica& replica) const;
  WriteState state_of(const StreamReplica& replica, log::EventIndex index) const;
  std::vector<RemoteCursor> cursors(const log::StreamId& document) const;
  std::string device_name(const PublicKey& key) const;
  std::vector<std::pair<PublicKey, std::vector<ipld::Multiaddr>>> places() const;

  // State, in the order of the files above. Not private: this header is the room's own.
  Options options_;
  identity::DeviceKeys keys_;
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
  std::optional<UnixMs> recovery_seen_;      // When this device first saw a recovery that counts.
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

  std::optional<raft::Raft> raft_;
  ClusterState cluster_;

  std::map<PublicKey, Peer> peers_;
  std::map<PublicKey, Tick> last_heard_;
  std::vector<std::pair<PublicKey, Error>> to_drop_;  // Found where peers_ was being walked.
  std::uint64_t next_connection_ = 1;
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
