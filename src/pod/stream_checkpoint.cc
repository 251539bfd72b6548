// A document's folded state, kept in the store and found again, so that opening it costs what has changed since.
#include <algorithm>

#include "crypto/sha256.h"
#include "pod/document_records.h"
#include "pod/stream_replica.h"

namespace rz::pod {

using log::EventIndex;

namespace {

// The cost model, in nanoseconds, as estimated: reading, opening and folding an event; hashing and writing a
// checkpoint, and reading it back. What was never saved is taken for so many bytes an event.
constexpr std::uint64_t fold_event_ns = 5000;
constexpr std::uint64_t fold_byte_ns = 10;
constexpr std::uint64_t save_ns = 400'000;
constexpr std::uint64_t save_byte_ns = 20;
constexpr std::uint64_t bytes_an_event = 32;

}  // namespace

Hash256 StreamReplica::state_digest() const {
  crypto::Sha256 digest;
  for (const log::EventId& head : graph_.frontier()) digest.update(head.view());
  for (const document::EventId& id : without_effect(true)) digest.update(id.view());
  return digest.finish();
}

// Ascending. What is quarantined is not in the document at all.
std::vector<document::EventId> StreamReplica::without_effect(bool with_quarantined) const {
  std::vector<document::EventId> ids;
  const std::vector<log::Verdict>& verdicts = counts().verdicts;
  for (std::uint32_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i] == log::Verdict::effect) continue;
    if (!with_quarantined && verdicts[i] == log::Verdict::quarantined) continue;
    ids.push_back(document::EventId{graph_.id(EventIndex{i}).bytes});
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool StreamReplica::checkpoint_pays() const {
  if (!is_whole()) return false;
  const std::uint64_t since = graph_.size() - checkpoint_events_;
  if (checkpoint_after_ > 0) return since >= checkpoint_after_;
  const std::uint64_t folding = since * fold_event_ns + bytes_since_checkpoint_ * fold_byte_ns;
  const std::uint64_t size = checkpoint_bytes_ > 0 ? checkpoint_bytes_ : graph_.size() * bytes_an_event;
  return folding > 2 * (save_ns + size * save_byte_ns);
}

void StreamReplica::save_checkpoint(store::Batch& batch) {
  if (!is_whole() || document_->open_operations() > 0) return;
  CheckpointHead head;
  for (const document::EventId& id : document_->version()) head.heads.push_back(log::EventId{id.bytes});
  std::sort(head.heads.begin(), head.heads.end());
  const Bytes saved = document_->save();
  head.events = document_->event_count();
  head.parts = (saved.size() + checkpoint_part_bytes - 1) / checkpoint_part_bytes;
  head.digest = crypto::sha256(saved);
  checkpoint_events_ = graph_.size();  // Also where it is too large to be kept: not to be tried again at once.
  checkpoint_bytes_ = saved.size();
  bytes_since_checkpoint_ = 0;
  if (head.heads.size() > checkpoint_heads_max || head.parts > checkpoint_parts_max) return;
  const auto parts = static_cast<std::uint32_t>(head.parts);
  for (std::uint32_t part = 0; part < parts; ++part) {
    const std::size_t at = part * checkpoint_part_bytes;
    batch.put(checkpoint_key(number_, part + 1),
              ByteView(saved).subspan(at, std::min(checkpoint_part_bytes, saved.size() - at)));
  }
  batch.erase_range(checkpoint_key(number_, parts + 1), store::prefix_end(checkpoint_prefix(number_)));
  batch.put(checkpoint_key(number_, 0), encode_checkpoint_head(head));
}

// A checkpoint is taken for what it says only if all of it is there, it is of a past that this graph holds whole and
// that counts, and the document in it is of that past too. None otherwise: the events are there.
std::optional<document::Document> StreamReplica::load_checkpoint() {
  const auto value = store_.get(checkpoint_key(number_, 0));
  if (!value || !*value) return std::nullopt;
  const auto head = decode_checkpoint_head(**value);
  if (!head) return std::nullopt;
  std::vector<EventIndex> heads;
  for (const log::EventId& id : head->heads) {
    const auto event = graph_.find(id);
    if (!event) return std::nullopt;
    heads.push_back(*event);
  }
  const std::size_t since = graph_.difference(visible_indices(), heads).size();
  if (head->events + since != counted_events()) return std::nullopt;
  Bytes saved;
  for (std::uint32_t part = 1; part <= head->parts; ++part) {
    const auto bytes = store_.get(checkpoint_key(number_, part));
    if (!bytes || !*bytes) return std::nullopt;
    append(saved, **bytes);
  }
  if (crypto::sha256(saved) != head->digest) return std::nullopt;
  auto document = document::Document::load(saved);
  if (!document || document->event_count() != head->events) return std::nullopt;
  std::vector<log::EventId> version;
  for (const document::EventId& id : document->version()) version.push_back(log::EventId{id.bytes});
  std::sort(version.begin(), version.end());
  if (version != head->heads) return std::nullopt;
  checkpoint_events_ = graph_.size() - static_cast<std::uint32_t>(since);
  checkpoint_bytes_ = saved.size();
  return *std::move(document);
}

// What counts may have changed since the document was saved: it takes either answer as if it had been so all along.
void StreamReplica::set_effects(document::Document& document) const {
  const std::vector<document::EventId> now = without_effect(false);
  const std::vector<document::EventId> before = document.without_effect();
  std::vector<document::EventId> changed;
  std::set_difference(before.begin(), before.end(), now.begin(), now.end(), std::back_inserter(changed));
  for (const document::EventId& id : changed) (void)document.set_effect(id, true);
  changed.clear();
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(), std::back_inserter(changed));
  for (const document::EventId& id : changed) (void)document.set_effect(id, false);
}

void StreamReplica::unload() {
  if (document_ != nullptr && document_->open_operations() == 0) document_.reset();
}

}  // namespace rz::pod
