// An export: everything that this device stores of the pod, with the keys to read it or without them.
#include <algorithm>

#include "pod/core.h"
#include "pod/export.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr std::size_t part_bytes = 512 * 1024;  // About so much in a part.
constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::size_t piece_events = 1024;

class Maker final : public ExportMaker {
 public:
  Maker(const Core& core, bool sealed) : core_(core) {
    summary_.manifest.did = core.zero_->id();
    summary_.manifest.sealed = sealed;
    // As of now: stream zero, the catalogue that lists the others, then the others.
    for (const StreamReplica* replica : {core.zero_, core.catalogue_}) note(*replica);
    for (const auto& [id, replica] : core.streams_) {
      if (replica.get() != core.zero_ && replica.get() != core.catalogue_) note(*replica);
    }
    summary_.manifest.streams = streams_.size();
    for (const auto& [root, heads] : core.removal_cuts_) trees_.push_back(log::encode_head_list(heads));
    if (!sealed) {
      for (const auto& [epoch, facts] : identity::epoch_table(core.zero_->graph(), core.zero_counts_)) {
        const crypto::Secret32* key = core.epoch_key(epoch);
        if (key != nullptr) keys_.push_back({epoch, key->clone()});
      }
    }
    summary_.keys = keys_.size();
    cut_ = encode_applied(core.cluster_);
  }

  std::size_t key_count() const { return keys_.size(); }

  Result<std::optional<view::Block>> next() override {
    while (!done_) {
      if (bytes_ >= part_bytes || (bytes_ > 0 && at_ == streams_.size())) return end_part();
      if (at_ == streams_.size()) return end();
      RZ_CHECK(add_records());
    }
    return std::nullopt;
  }

  const ExportSummary& summary() const override { return summary_; }

 private:
  struct Stream {
    log::StreamId id;
    std::uint32_t size = 0;  // Events from there on came later.
  };

  void note(const StreamReplica& replica) {
    streams_.push_back({replica.id(), replica.graph().size()});
    summary_.manifest.events += replica.graph().size();
  }

  void add(ExportRecord record, std::size_t bytes) {
    records_.push_back(std::move(record));
    bytes_ += bytes + 64;
  }

  // The next stream's beginning, its next piece, or what follows it.
  Status add_records() {
    const Stream& stream = streams_[at_];
    const StreamReplica* replica = core_.stream(stream.id);
    if (!begun_) {
      begun_ = true;
      add(ExportStream{replica->keeping(), replica->genesis()}, replica->genesis().size());
      std::vector<EventIndex> events;
      for (std::uint32_t i = 0; i < stream.size; ++i) events.push_back(EventIndex{i});
      runs_ = replica->graph().runs(events);
      std::reverse(runs_.begin(), runs_.end());  // The next one is the last.
    }
    if (!runs_.empty()) return add_piece(*replica);
    begun_ = false;
    // Who belongs to the pod, and the keys, before all that is judged and read by them.
    if (at_++ == 0) {
      for (const Bytes& tree : trees_) add(ExportTree{tree}, tree.size());
      trees_.clear();
      for (ExportKey& key : keys_) add(std::move(key), 64);
      keys_.clear();
    }
    if (at_ == streams_.size()) add(ExportCut{cut_}, cut_.size());
    return {};
  }

  Status add_piece(const StreamReplica& replica) {
    const log::EventGraph& graph = replica.graph();
    log::IndexRun& run = runs_.back();
    log::IndexRun piece{run.feed, log::Seq{run.begin.value + taken_}, {}};
    std::size_t bytes = 0;
    while (taken_ < run.events.size() && piece.events.size() < piece_events &&
           (piece.events.empty() || bytes < piece_bytes)) {
      piece.events.push_back(run.events[taken_++]);
      bytes += graph.body_size(piece.events.back()) + 64;
    }
    const auto seal = graph.covering_seal(piece.events.back());
    log::FeedRun made = log::make_run(graph, piece, [&replica](EventIndex event) { return replica.body(event); });
    made.seal.reset();  // It goes beside the run: it may cover more than the run's end.
    RZ_TRY(Bytes encoded, log::encode_run(made));
    bytes = encoded.size();
    add(ExportRun{std::move(encoded), seal}, bytes);
    if (taken_ == run.events.size()) {
      taken_ = 0;
      runs_.pop_back();
    }
    return {};
  }

  std::optional<view::Block> hand_out(Bytes data) {
    view::Block block = view::make_block(std::move(data));
    ++summary_.blocks;
    summary_.bytes += block.data.size();
    return block;
  }

  Result<std::optional<view::Block>> end_part() {
    auto& parts = summary_.manifest.parts;
    Bytes data = encode_export_part(records_, parts.size());
    records_.clear();
    bytes_ = 0;
    if (data.size() > export_part_bytes_max || parts.size() == export_parts_max) {
      return fail(ErrorCode::limit_exceeded, "this pod is larger than an export can be");
    }
    auto block = hand_out(std::move(data));
    parts.push_back(block->cid);
    return block;
  }

  Result<std::optional<view::Block>> end() {
    done_ = true;
    auto block = hand_out(encode_export_manifest(summary_.manifest));
    summary_.root = block->cid;
    return block;
  }

  const Core& core_;
  ExportSummary summary_;
  std::vector<Stream> streams_;
  std::vector<Bytes> trees_;
  std::vector<ExportKey> keys_;
  Bytes cut_;

  std::size_t at_ = 0;  // Of streams_.
  bool begun_ = false;
  std::vector<log::IndexRun> runs_;
  std::size_t taken_ = 0;  // Of the next run's events.
  std::vector<ExportRecord> records_;
  std::size_t bytes_ = 0;
  bool done_ = false;
};

}  // namespace

Result<std::unique_ptr<ExportMaker>> Core::export_pod(bool sealed) const {
  if (!identity_.missing_cuts.empty()) {
    return fail(ErrorCode::snapshot_not_ready,
                "what the removal of a device names is not here yet; try again with another device in reach");
  }
  auto maker = std::make_unique<Maker>(*this, sealed);
  if (!sealed && maker->key_count() == 0) {
    return fail(
        ErrorCode::snapshot_blind,
        "this device keeps your pod without being able to read it: export it sealed (--sealed), which the paper "
        "key opens, or on one of your own devices");
  }
  return maker;
}

}  // namespace rz::pod
