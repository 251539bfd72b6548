// The owner's commands about documents.
#include <algorithm>

#include "ipld/dag_cbor.h"
#include "pod/core.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr std::size_t title_bytes_max = 1024;
// An event's body ends before this; a longer text comes in several edits of one open event after another.
constexpr std::size_t insert_bytes_max = 256 * 1024;

// The longest prefix of at most `bytes_max` bytes that ends with a whole character.
std::string_view whole_prefix(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max);
}

std::uint64_t count_code_points(std::string_view text) {
  return static_cast<std::uint64_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

Result<StreamReplica*> Core::document(const log::StreamId& id) {
  StreamReplica* replica = stream(id);
  if (replica == nullptr) return fail(ErrorCode::not_found, "there is no such document");
  if (!replica->is_document()) {
    return fail(ErrorCode::not_found, "this device can't read that: it holds no key, or it is no document");
  }
  if (unlisted_.contains(id)) {
    return fail(ErrorCode::not_found, "this document was removed: it can be put back (`rhizome doc restore`)");
  }
  (void)open_document(*replica);
  if (replica->is_damaged()) {
    return fail(ErrorCode::damaged_record,
                "a part of this document was damaged on this device's disk: it is fetched again from another device");
  }
  return replica;
}

Status Core::may_write() const {
  if (current_epoch_) return {};
  return fail(ErrorCode::not_found, "this device holds no key of the pod as it is now: it can store, not write");
}

Result<log::StreamId> Core::create_document(std::string_view title, std::string_view text) {
  if (title.size() > title_bytes_max) return fail(ErrorCode::limit_exceeded, "a title has at most 1,024 bytes");
  RZ_CHECK(may_write());
  log::About about{std::string(document_type), std::nullopt, {}};
  entropy_.fill(about.salt.mutable_view());
  log::Genesis genesis;
  genesis.owner = zero_->id();
  entropy_.fill(genesis.nonce.mutable_view());
  genesis.about = log::about_hash(about);
  const Bytes block = log::encode_genesis(genesis);
  // Listed first: others learn of the stream before its events come.
  RZ_CHECK(write_control(*catalogue_, log::List{block, log::Keeping::kept}));
  StreamReplica& replica = *stream(log::stream_id_of_block(block));
  RZ_TRY(const Bytes opening, log::encode_operations_body({static_cast<std::uint64_t>(log::BodyFormat::about),
                                                           std::nullopt, log::encode_about(about)}));
  const std::uint32_t begin = replica.graph().size();
  RZ_TRY(const EventIndex first,
         replica.write(writer(), log::EventKind::operations, *current_epoch_, opening, now_.wall, batch_));
  note_written(replica, first);
  grew(replica, begin, nullptr);
  RZ_CHECK(rename_document(replica.id(), title));
  if (!text.empty()) RZ_CHECK(edit_text(replica.id(), {{0, 0, std::string(text)}}));
  close_open(replica);
  return replica.id();
}

Status Core::rename_document(const log::StreamId& id, std::string_view title) {
  if (title.size() > title_bytes_max) return fail(ErrorCode::limit_exceeded, "a title has at most 1,024 bytes");
  RZ_TRY(StreamReplica* const replica, document(id));
  RZ_CHECK(may_write());
  document::Value value;
  value.is = std::string(title);
  RZ_CHECK(replica->document()->map_set(document::Path{}, "title", value));
  touched(*replica);
  return {};
}

// It goes from the lists of all devices. What it holds stays until truncation or erasure lets go of it, so that it can
// be put back.
Status Core::remove_document(const log::StreamId& id) {
  StreamReplica* replica = stream(id);
  if (replica == nullptr || !replica->is_document() || unlisted_.contains(id)) {
    return fail(ErrorCode::not_found, "there is no such document");
  }
  close_open(*replica);
  return write_control(*catalogue_, log::Unlist{id});
}

Status Core::restore_document(const log::StreamId& id) {
  const StreamReplica* replica = stream(id);
  if (replica == nullptr || !unlisted_.contains(id)) {
    return fail(ErrorCode::not_found, "no such document was removed");
  }
  return write_control(*catalogue_, log::List{replica->genesis(), replica->keeping()});
}

Result<document::Patches> Core::edit_text(const log::StreamId& id, const std::vector<TextEdit>& edits) {
  RZ_TRY(StreamReplica* const replica, document(id));
  RZ_CHECK(may_write());
  document::Document& document = *replica->document();
  // All or nothing: every position is checked before anything is changed.
  RZ_TRY(std::uint64_t length, document.length(document::body()));
  for (const TextEdit& edit : edits) {
    if (edit.position > length || edit.removed > length - edit.position) {
      return fail(ErrorCode::position_out_of_range,
                  words("position ", edit.position, " in a text of ", length, " characters"));
    }
    length += count_code_points(edit.inserted) - edit.removed;
  }
  document::Patches made;
  const auto keep = [&made](document::Patches patches) {
    made.insert(made.end(), std::make_move_iterator(patches.begin()), std::make_move_iterator(patches.end()));
  };
  for (const TextEdit& edit : edits) {
    if (edit.removed > 0) {
      RZ_TRY(document::Patches patches, document.text_delete(document::body(), edit.position, edit.removed));
      keep(std::move(patches));
      touched(*replica);
    }
    std::uint64_t position = edit.position;
    for (std::string_view rest = edit.inserted; !rest.empty();) {
      const std::string_view piece = whole_prefix(rest, insert_bytes_max);
      auto done = document.text_insert(document::body(), position, piece);
      if (!done && done.error().code == ErrorCode::limit_exceeded && document.open_operations() > 0) {
        close_open(*replica);
        done = document.text_insert(document::body(), position, piece);
      }
      if (!done) return std::unexpected(done.error());
      keep(*std::move(done));
      touched(*replica);
      position += count_code_points(piece);
      rest.remove_prefix(piece.size());
    }
  }
  return made;
}

// The owner takes in what a removed device wrote after its removal's cut: all there is of it here.
Status Core::accept_quarantined(const log::StreamId& id) {
  RZ_TRY(StreamReplica* const replica, document(id));
  const log::EventGraph& graph = replica->graph();
  std::vector<EventIndex> outside;
  for (std::uint32_t i = 0; i < graph.size(); ++i) {
    if (!replica->in_c(EventIndex{i}) && !graph.branch_of(EventIndex{i})) outside.push_back(EventIndex{i});
  }
  if (outside.empty()) return fail(ErrorCode::not_found, "nothing of this document is set aside");
  log::Accept accept;
  for (const EventIndex head : graph.maximal(outside)) accept.heads.push_back(graph.id(head));
  std::sort(accept.heads.begin(), accept.heads.end());
  return write_control(*replica, accept);
}

// The open event has operations: it is closed before long.
void Core::touched(StreamReplica& replica) {
  open_due_.try_emplace(replica.id(), now_.tick + options_.close_after);
  tails_changed_.insert(replica.id());
}

void Core::flush() {
  while (!open_due_.empty()) close_open(*stream(open_due_.begin()->first));
}

}  // namespace rz::pod
