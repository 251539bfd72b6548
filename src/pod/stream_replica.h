// One stream as this device holds it: its event graph, where each event's body lies in the store, what cuts hold of it,
// and, for a document, the folded state with the open event.
//
// Contract: what changes is written to the batch that the caller hands in; `durable()` follows once the caller says
// that the batch is (`persisted`). Bodies stay in the store; the few that are not there yet are kept until they are.
// Invariants:
//   1. every admitted event is in exactly one record of the store or of the batch;
//   2. the open event is closed before anything else is admitted, so its parents are those of its first operation;
//   3. the document has seen every admitted event that counts (log: C) and that this device can read; what is
//      quarantined never comes near it, and own events don't name it (docs/decisions/0042).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "document/document.h"
#include "log/counts_running.h"
#include "log/cut.h"
#include "log/run.h"
#include "pod/layout.h"
#include "store/store.h"

namespace rz::pod {

// What a stream needs of the pod to open and close bodies.
struct KeySource {
  virtual ~KeySource() = default;
  // Null where this device does not hold the epoch's key.
  virtual const crypto::Secret32* epoch_key(const log::EpochId& epoch) const = 0;
  // In whose name this device writes: an open event takes its place among concurrent ones before it is closed.
  virtual log::FeedName own_feed() const = 0;
  // A record of this stream that was whole when the store was opened can't be read any more.
  virtual void record_damaged() const = 0;
};

// The kinds of streams this program folds, by `About::type`.
inline constexpr std::string_view document_type = "rhizome/document";

class StreamReplica {
 public:
  // Errors: those of the genesis decoders.
  static Result<std::unique_ptr<StreamReplica>> make(StreamNumber number, Bytes genesis, log::Keeping keeping,
                                                     const store::Reader& store, const KeySource& keys);

  struct ByNumber {
    bool operator()(const StreamReplica* a, const StreamReplica* b) const { return a->number_ < b->number_; }
  };

  StreamNumber number() const { return number_; }
  const log::StreamId& id() const { return graph_.stream(); }
  const Bytes& genesis() const { return genesis_; }
  log::Keeping keeping() const { return keeping_; }
  void set_keeping(log::Keeping keeping) { keeping_ = keeping; }
  log::EventGraph& graph() { return graph_; }
  const log::EventGraph& graph() const { return graph_; }

  // --- The store
  // --------------------------------------------------------------------------------------------------------

  // Reads back every record. Damaged ones are reported, dropped from the store by `batch`, and left out: sync brings
  // them again. What depends on them waits in memory, its records untouched, so that an event which only this device
  // holds survives a damaged one before it. Errors: those of the store.
  Status load(const std::function<void(const Error&)>& damaged, store::Batch& batch);
  // The same in pieces, for who reads many streams in one go: records and seals by their keys, in order, then `loaded`.
  Status load_record(ByteView key, ByteView value);
  void lose_record(ByteView key, store::Batch& batch);
  Status load_seal(ByteView key, ByteView value);
  void loaded();

  // Events with an index below are durable.
  std::uint32_t durable() const { return durable_; }
  // Notes that the batch with this ticket holds everything up to now; and that it is durable.
  void written(std::uint64_t ticket);
  bool persisted(std::uint64_t ticket);

  // Merges some small records of durable events into one, as a part of the batch: then `written` is to be called.
  // Returns whether there may be more to do; nothing was put into the batch where `batch` did not grow.
  bool merge_records(store::Batch& batch);
  std::size_t record_count() const { return records_.size(); }

  // The body as stored: from what was just written, or the store. Absent if damaged or dropped.
  log::HeldBody body(log::EventIndex event) const;
  // Its plaintext: for control events and public streams the body itself. Errors: not_found (no key, no body),
  // not_authentic.
  Result<Bytes> plaintext(log::EventIndex event) const;

  // --- Events from others
  // -------------------------------------------------------------------------------------------------

  // Takes in a run and its seal; what became admitted is put into the batch. Call `recount`, if it is due, and
  // `fold_new` next. Returns the run's last event, which may wait for something: then it is not in the graph. Errors:
  // those of decode_run and offer_run; graph_full (the run's author was removed, and has no more room here).
  Result<log::FeedHead> take_run(ByteView run, const std::optional<log::Seal>& seal, store::Batch& batch);
  // Admits the author by an operation of stream zero, which may release events that wait: then as after `take_run`.
  bool admit_author(const log::AuthorKey& author, const log::EventId& admission, store::Batch& batch);

  // --- Own events
  // ---------------------------------------------------------------------------------------------------------

  struct Writer {
    const crypto::SigningKey& key;
    log::FeedId feed;
    log::EventId admission;
  };
  // Closes and seals an event with this body; `epoch` zero for a plain one. Errors: limit_exceeded, not_found (no key).
  Result<log::EventIndex> write(const Writer& writer, log::EventKind kind, const log::EpochId& epoch,
                                ByteView plaintext, UnixMs time, store::Batch& batch);

  // --- What counts
  // ----------------------------------------------------------------------------------------------------------

  // After the identity's facts changed, or control events or such of a removed author came. Patches of what came into
  // C, left it, or changed its effect. The open event is closed by then, if there is one: its parents were fixed.
  // `facts_version` tells facts that may differ from each other.
  document::Patches recount(const log::IdentityFacts& facts, std::uint64_t facts_version);
  // The same where somebody else has counted: stream zero.
  void set_counts(log::Counts counts);
  const log::Counts& counts() const { return given_counts_ ? *given_counts_ : counts_.counts(); }
  // Whether what came in since `begin` may change what counts: control events, branches, and what builds on the
  // quarantine. Who wrote it is the caller's to ask.
  bool may_change_counts(std::uint32_t begin) const;
  // Events in C and outside. Those that were not counted yet are in.
  bool in_c(log::EventIndex event) const { return event.value >= counts().verdicts.size() || counts().in_c(event); }
  std::uint64_t quarantined_count() const;
  // What the document has not seen yet of what counts.
  void fold_new();

  // --- Cuts
  // ------------------------------------------------------------------------------------------------------------------

  // Takes the stream's heads of a committed cut. Errors: not_found.
  Status add_cut(const log::Cut& cut) { return coverage_.add(cut); }
  // Another generation undid them.
  void forget_cuts() { coverage_ = log::Coverage(graph_); }
  bool covered(log::EventIndex event) const { return coverage_.covers(event); }
  bool fully_covered() const { return coverage_.covered_count() == graph_.size(); }
  std::vector<log::EventIndex> uncovered() const { return coverage_.beyond(); }
  // The heads that the next cut should hold: the durable, sealed ones. Ascending.
  std::vector<log::EventId> heads_to_cut() const;

  // --- The document
  // -----------------------------------------------------------------------------------------------------------

  // What the first event says that the stream is for; none while it can't be read.
  const std::optional<log::About>& about() const { return about_; }
  bool is_document() const { return about_ && about_->type == document_type; }
  // Folds it on first use. Null where it is no document.
  document::Document* document();
  bool document_loaded() const { return document_ != nullptr; }
  // What it shows may have holes: its store is to be opened again.
  bool is_damaged() const { return damaged_; }
  bool has_open_operations() const { return document_ != nullptr && document_->open_operations() > 0; }
  // Keys came: what could not be read before is folded anew, when the document is next asked for.
  void keys_came();
  // Patches since the last call, of admitted events.
  document::Patches take_patches();

  // --- Caches of the document (stream_checkpoint.cc)
  // --------------------------------------------------------------------------------------

  // What the document is a function of: its events, and which of them have effect.
  Hash256 state_digest() const;
  // Whether every event's operations could be read when the document was folded: only then is it worth keeping.
  bool is_whole() const { return document_ != nullptr && unread_ == 0; }
  // Whether keeping the state now costs less than what it spares the next opening.
  bool checkpoint_pays() const;
  // Instead of that: whenever so many events came since.
  void set_checkpoint_after(std::uint32_t events) { checkpoint_after_ = events; }
  // Keeps the state of the closed events. Nothing happens while there is an open one, or where it is not whole.
  void save_checkpoint(store::Batch& batch);
  // Forgets the folded state until it is asked for again. There is no open event, and nobody's tail is shown.
  void unload();
  // How many events were folded when the document was last opened: those that no checkpoint held.
  std::uint32_t folded_at_opening() const { return folded_at_opening_; }

  // Closes the open event, if there is one, as an own event. Returns its index.
  Result<std::optional<log::EventIndex>> close_open(const Writer& writer, const log::EpochId& epoch, UnixMs time,
                                                    store::Batch& batch);
  // Depth and own that an event written now would get (log: the order).
  std::pair<std::uint64_t, std::uint64_t> next_depth_own(const log::AuthorKey& author) const;

 private:
  struct Place {
    std::uint32_t record = 0;
    std::uint32_t at = 0;  // Position among the events of the record's runs.
  };
  struct Decoded {
    std::uint32_t record = 0;
    std::vector<log::DecodedEvent> events;
  };

  StreamReplica(StreamNumber number, Bytes genesis, log::Keeping keeping, log::EventGraph graph,
                const store::Reader& store, const KeySource& keys)
      : number_(number),
        genesis_(std::move(genesis)),
        keeping_(keeping),
        graph_(std::move(graph)),
        coverage_(graph_),
        store_(store),
        keys_(keys) {}

  Result<bool> load_event(const log::DecodedEvent& event, Place place);
  void note_record(std::uint32_t record, std::size_t bytes);
  Bytes encode_piece(const log::IndexRun& piece, const std::function<log::HeldBody(log::EventIndex)>& body_of,
                     store::Batch& batch) const;
  std::optional<std::pair<std::size_t, std::size_t>> find_mergeable();
  void write_merged(std::size_t begin, std::size_t end, std::vector<log::EventIndex>& events,
                    const std::map<log::EventIndex, Bytes>& bodies, store::Batch& batch);
  void advance_durable(std::uint32_t to);
  void wait_for_others(const log::DecodedEvent& event, Place place);
  void place_loaded();
  void drop_useless_bodies(const log::DecodedRun& run);
  void forget_waiting();
  void store_admitted(std::uint32_t begin, store::Batch& batch);
  bool has_effect(log::EventIndex event) const;
  Status check_quarantine(const log::DecodedRun& run) const;
  // The maximal events of C, which the next own event names; null: all there are.
  const std::vector<log::EventIndex>* visible_heads() const;
  void apply_to_document(log::EventIndex event);
  void read_about(log::EventIndex event);
  const log::BodyKey* body_key(const log::EpochId& epoch) const;
  document::EventInfo info(log::EventIndex event, std::vector<document::EventId>& parents) const;
  Bytes payload_of(log::EventIndex event);
  void apply_all(const std::vector<log::EventIndex>& events);
  std::vector<document::EventId> without_effect(bool with_quarantined) const;
  std::uint64_t counted_events() const;
  std::vector<log::EventIndex> visible_indices() const;
  void set_effects(document::Document& document) const;
  std::optional<document::Document> load_checkpoint();
  const Decoded* decoded_record(std::uint32_t record) const;
  const Decoded* record_damaged() const;

  StreamNumber number_;
  Bytes genesis_;
  log::Keeping keeping_;
  log::EventGraph graph_;
  log::Coverage coverage_;
  const store::Reader& store_;
  const KeySource& keys_;
  mutable bool damaged_ = false;

  std::vector<Place> places_;  // By index.
  struct Record {
    std::uint32_t number = 0;
    std::uint32_t bytes = 0;
  };
  static constexpr std::uint32_t record_unmergeable = 0xffffffff;  // As a size: larger than any that is merged.
  std::vector<Record> records_;                                    // In the store or on their way, ascending.
  std::size_t merge_from_ = 0;                                     // Where the search for small ones goes on.
  std::size_t records_when_searched_ = 0;                          // When nothing was found; 0: not known.
  std::uint32_t next_record_ = 0;
  std::map<std::uint32_t, Bytes> unwritten_;      // Records in batches that are not durable yet.
  std::map<log::EventId, Bytes> waiting_bodies_;  // Of events in the pending area.
  std::size_t waiting_bytes_ = 0;
  std::map<log::EventId, Place> loading_;  // Where events lie that are being read back and are not in the graph yet.
  std::uint32_t durable_ = 0;
  std::set<log::EventIndex> durable_heads_;  // The maximal ones among what is durable.
  struct Written {
    std::uint64_t ticket;
    std::uint32_t size;
    std::uint32_t next_record;
  };
  std::deque<Written> written_;
  mutable std::map<log::EpochId, log::BodyKey> body_keys_;
  mutable std::optional<Decoded> decoded_;

  log::RunningCounts counts_;
  std::optional<log::Counts> given_counts_;    // Stream zero's.
  std::optional<std::uint64_t> counted_with_;  // The version of the facts.
  std::uint32_t folded_ = 0;                   // Events below are in the document, or outside C.
  // Of what `visible_heads` says: the heads among the first `size` events. Cleared when what counts changes.
  struct Visible {
    std::uint32_t size = 0;
    std::vector<log::EventIndex> heads;
  };
  mutable Visible visible_;
  std::optional<log::About> about_;
  std::unique_ptr<document::Document> document_;
  document::Patches patches_;
  std::uint32_t unread_ = 0;  // Events folded as empty because key or body are not here.
  std::uint32_t folded_at_opening_ = 0;
  std::uint32_t checkpoint_after_ = 0;
  // Of the checkpoint in the store: how many events it holds, and its size.
  std::uint32_t checkpoint_events_ = 0;
  std::size_t checkpoint_bytes_ = 0;
  std::size_t bytes_since_checkpoint_ = 0;
};

}  // namespace rz::pod
