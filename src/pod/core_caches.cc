// Documents in memory and what the store keeps beside their events: few are folded at a time, one is opened from its
// checkpoint, and a list of all needs none of them.
#include <algorithm>

#include "pod/core.h"
#include "pod/document_records.h"

namespace rz::pod {

namespace {

constexpr std::size_t documents_open_max = 512;  // That nobody watches, with nothing under way: some 10 MB.
constexpr Duration summaries_every = seconds(2);
constexpr std::size_t summaries_at_once_max = 256;

}  // namespace

// --- Which are open --------------------------------------------------------------------------------------------------

document::Document* Core::open_document(StreamReplica& replica) {
  const bool was_open = replica.document_loaded();
  document::Document* document = replica.document();
  if (document == nullptr) return nullptr;
  if (opened_.empty() || opened_.back() != &replica) {
    std::erase(opened_, &replica);
    opened_.push_back(&replica);
  }
  if (was_open) return document;
  keep_few_open();
  events_folded_ += replica.folded_at_opening();
  if (replica.checkpoint_pays()) checkpoints_due_.insert(&replica);
  return document;
}

// Nothing of it is under way: no open event, no peer's tail.
bool Core::is_idle(const StreamReplica& replica) const {
  if (is_open(replica)) return false;
  return std::none_of(peers_.begin(), peers_.end(), [&replica](const auto& each) {
    const auto live = each.second.live.find(replica.id());
    return live != each.second.live.end() && live->second.tail;
  });
}

// The one that was not used for longest goes first, the last used one never: somebody works on it.
void Core::keep_few_open() {
  std::erase_if(opened_, [](const StreamReplica* each) { return !each->document_loaded(); });
  for (auto at = opened_.begin();
       opened_.size() > documents_open_max && at != opened_.end() && at + 1 != opened_.end();) {
    StreamReplica& replica = **at;
    if (watched_.contains(replica.id()) || !is_idle(replica)) {
      ++at;
      continue;
    }
    if (replica.checkpoint_pays()) replica.save_checkpoint(batch_);
    checkpoints_due_.erase(&replica);
    if (!replica.is_whole()) summaries_[replica.id()].is_current = false;
    replica.unload();
    at = opened_.erase(at);
  }
}

// --- What a list shows -----------------------------------------------------------------------------------------------

// After the document changed. One that is not open is looked at again when a list is asked for.
void Core::summarise(StreamReplica& replica) {
  const log::EventGraph& graph = replica.graph();
  Summary& summary = summaries_[replica.id()];
  if (graph.size() > 0) {
    summary.updated.ms = std::max(summary.updated.ms, graph.time(log::EventIndex{graph.size() - 1}).ms);
  }
  summary.is_current = replica.document_loaded();
  if (!summary.is_current) return;
  const document::Document& document = *replica.document();
  summary.title.clear();
  if (const auto title = document.get({std::string("title")})) {
    if (const auto* text = std::get_if<std::string>(&title->is)) summary.title = *text;
  }
  if (const auto bytes = document.text_bytes(document::body())) summary.bytes = *bytes;
}

void Core::load_summaries() {
  const Bytes prefix{'t'};
  (void)store_.scan(
      store::Reader::Range{prefix, store::prefix_end(prefix)},
      [this](ByteView key, ByteView value) {
        if (key.size() != 5) return true;
        const std::uint32_t number = get_be32(key.subspan(1));
        auto record = decode_summary(value);
        if (!record || number >= by_number_.size()) return true;
        if (by_number_[number] == nullptr) return true;
        const StreamReplica& replica = *by_number_[number];
        if (record->of != replica.state_digest()) return true;
        summaries_[replica.id()] = {std::move(record->title), record->bytes, record->updated, true};
        return true;
      },
      [this](ByteView key) { batch_.erase(key); });  // A cache: it is made again.
}

void Core::keep_summaries(std::size_t count_max) {
  for (auto at = summaries_due_.begin(); at != summaries_due_.end() && count_max > 0;) {
    const StreamReplica& replica = **at;
    const Summary& summary = summaries_[replica.id()];
    const bool is_whole = !replica.document_loaded() || replica.is_whole();
    if (summary.is_current && is_whole && !is_idle(replica)) {
      ++at;  // What is shown is more than the events say: later.
      continue;
    }
    if (summary.is_current && is_whole) {
      batch_.put(summary_key(replica.number()),
                 encode_summary({summary.title, summary.bytes, summary.updated, replica.state_digest()}));
      --count_max;
    }
    at = summaries_due_.erase(at);
  }
}

// --- In the background -----------------------------------------------------------------------------------------------

// A bounded piece of work at a time, and none of it in the way of a write.
void Core::keep_caches() {
  for (auto at = checkpoints_due_.begin(); at != checkpoints_due_.end(); ++at) {
    StreamReplica& replica = **at;
    if (open_due_.contains(replica.id())) continue;
    if (replica.checkpoint_pays()) replica.save_checkpoint(batch_);
    checkpoints_due_.erase(at);
    break;
  }
  if (!summaries_due_.empty() && !summaries_due_at_) summaries_due_at_ = now_.tick + summaries_every;
  if (summaries_due_at_ && *summaries_due_at_ <= now_.tick) {
    keep_summaries(summaries_at_once_max);
    summaries_due_at_.reset();
    if (!summaries_due_.empty()) summaries_due_at_ = now_.tick + summaries_every;
  }
  if (summaries_due_at_) wake(*summaries_due_at_);
  keep_few_open();
  merge_records();
}

// One merge a transaction, and only while the disk has nothing else of the stream to do.
void Core::merge_records() {
  for (auto at = merge_due_.begin(); at != merge_due_.end();) {
    StreamReplica& replica = **at;
    const std::size_t before = batch_.operations().size();
    const bool may_have_more = replica.merge_records(batch_);
    const bool did_merge = batch_.operations().size() != before;
    if (did_merge) grown_.insert(&replica);
    if (!may_have_more) at = merge_due_.erase(at);
    if (did_merge) return;
  }
}

void Core::prepare_to_stop() {
  flush();
  for (StreamReplica* replica : checkpoints_due_) {
    if (replica->checkpoint_pays()) replica->save_checkpoint(batch_);
  }
  checkpoints_due_.clear();
  keep_summaries(summaries_due_.size());
}

}  // namespace rz::pod
