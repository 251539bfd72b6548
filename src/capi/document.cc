#include <algorithm>
#include <cstring>
#include <vector>

#include "capi/document_handle.h"
#include "document/payload.h"

using rz::ByteView;
using rz::ErrorCode;
using rz::Result;
using rz::Status;
using rz::document::AuthorId;
using rz::document::Document;
using rz::document::EventId;
using rz::document::EventInfo;
using rz::document::Patches;
using rz::document::Path;

// The numbers in the header are the table's.
static_assert(RZ_BAD_ARGUMENT == static_cast<int>(ErrorCode::bad_argument));
static_assert(RZ_LIMIT_EXCEEDED == static_cast<int>(ErrorCode::limit_exceeded));
static_assert(RZ_EVENT_PARENT_UNKNOWN == static_cast<int>(ErrorCode::event_parent_unknown));
static_assert(RZ_PATH_NOT_FOUND == static_cast<int>(ErrorCode::path_not_found));
static_assert(RZ_WRONG_CONTAINER == static_cast<int>(ErrorCode::wrong_container));
static_assert(RZ_POSITION_OUT_OF_RANGE == static_cast<int>(ErrorCode::position_out_of_range));
static_assert(RZ_BAD_CHECKPOINT == static_cast<int>(ErrorCode::bad_checkpoint));
static_assert(RZ_EVENT_ID_BYTES == EventId::size_bytes && RZ_AUTHOR_ID_BYTES == AuthorId::size_bytes);

namespace rz::capi {

void give(ByteView bytes, rz_bytes* out) {
  if (out == nullptr) return;
  *out = {};
  if (bytes.empty()) return;
  out->data = static_cast<std::uint8_t*>(rz_alloc(bytes.size()));
  out->size = bytes.size();
  std::memcpy(out->data, bytes.data(), bytes.size());
}

namespace {

// Borrows from `event`, but for the parents, which it copies.
struct EventCopy {
  std::vector<EventId> parents;
  EventInfo info;
};

Status check_integer(std::uint64_t value, std::string_view name) {
  if (value <= static_cast<std::uint64_t>(document::integer_max)) return {};
  return fail(ErrorCode::bad_argument, words("an event's ", name, " of 2^53 or more"));
}

template <class Id>
Result<Id> id_from(const std::uint8_t* bytes) {
  if (bytes == nullptr) return fail(ErrorCode::bad_argument, "a null pointer to an id");
  return Id::from(ByteView(bytes, Id::size_bytes));
}

Status copy_event(const rz_event* event, EventCopy& out) {
  if (event == nullptr) return fail(ErrorCode::bad_argument, "a null pointer to an event");
  if (event->parents == nullptr && event->parents_count > 0) {
    return fail(ErrorCode::bad_argument, "a null pointer to parents");
  }
  RZ_CHECK(check_integer(event->feed, "feed"));
  RZ_CHECK(check_integer(event->seq, "seq"));
  RZ_CHECK(check_integer(event->depth, "depth"));
  RZ_CHECK(check_integer(event->own, "own"));
  for (std::size_t i = 0; i < event->parents_count; ++i) {
    RZ_TRY(out.parents.emplace_back(), id_from<EventId>(event->parents + i * EventId::size_bytes));
  }
  RZ_TRY(out.info.id, id_from<EventId>(event->id));
  RZ_TRY(out.info.author, id_from<AuthorId>(event->author));
  out.info.feed = event->feed;
  out.info.seq = event->seq;
  out.info.depth = event->depth;
  out.info.own = event->own;
  out.info.parents = out.parents;
  return {};
}

Result<Path> path_of(const std::uint8_t* path, std::size_t size) {
  RZ_TRY(const ByteView view, view_of(path, size));
  return decode_path(view);
}

}  // namespace
}  // namespace rz::capi

using rz::capi::run;
using rz::capi::run_change;

// --- Life
// -------------------------------------------------------------------------------------------------------------

rz_document* rz_document_new(const uint8_t* author, uint64_t feed) noexcept {
  AuthorId id;
  if (author != nullptr) std::copy_n(author, AuthorId::size_bytes, id.bytes.begin());
  return new rz_document{Document(id, feed), std::nullopt};
}

void rz_document_free(rz_document* document) noexcept { delete document; }

rz_code rz_document_set_author(rz_document* document, const uint8_t* author, uint64_t feed) noexcept {
  return run(document, [&]() -> Status {
    RZ_TRY(const AuthorId id, rz::capi::id_from<AuthorId>(author));
    RZ_CHECK(rz::capi::check_integer(feed, "feed"));
    if (document->document.open_operations() > 0) {
      return rz::fail(ErrorCode::bad_argument, "the open event has an author already");
    }
    document->document.set_author(id, feed);
    return {};
  });
}

rz_code rz_document_save(const rz_document* document, rz_bytes* checkpoint) noexcept {
  return run(document, [&]() -> Status {
    rz::capi::give(document->document.save(), checkpoint);
    return {};
  });
}

rz_code rz_document_load(const uint8_t* checkpoint, size_t size, rz_document** document) noexcept {
  if (document == nullptr || (checkpoint == nullptr && size > 0)) return RZ_BAD_ARGUMENT;
  auto loaded = Document::load(ByteView(checkpoint, size));
  if (!loaded) return static_cast<rz_code>(loaded.error().code);
  *document = new rz_document{*std::move(loaded), std::nullopt};
  return RZ_OK;
}

void rz_document_error(const rz_document* document, rz_bytes* message, uint64_t* offset) noexcept {
  RZ_REQUIRE(document != nullptr);
  rz::capi::give(document->error ? std::string_view(document->error->message) : std::string_view(), message);
  if (offset != nullptr) *offset = document->error ? document->error->offset : rz::Error::offset_none;
}

// --- Local edits
// ------------------------------------------------------------------------------------------------------

rz_code rz_document_text_insert(rz_document* document, const uint8_t* path, size_t path_size, uint64_t position,
                                const char* text, size_t text_size, rz_bytes* patches) noexcept {
  return run_change(document, patches, [&]() -> Result<Patches> {
    RZ_TRY(const Path at, rz::capi::path_of(path, path_size));
    RZ_TRY(const ByteView inserted, rz::capi::view_of(text, text_size));
    return document->document.text_insert(at, position, rz::as_text(inserted));
  });
}

rz_code rz_document_text_delete(rz_document* document, const uint8_t* path, size_t path_size, uint64_t position,
                                uint64_t count, rz_bytes* patches) noexcept {
  return run_change(document, patches, [&]() -> Result<Patches> {
    RZ_TRY(const Path at, rz::capi::path_of(path, path_size));
    return document->document.text_delete(at, position, count);
  });
}

rz_code rz_document_edit(rz_document* document, const uint8_t* edits, size_t size, rz_bytes* patches) noexcept {
  return run_change(document, patches, [&]() -> Result<Patches> {
    RZ_TRY(const ByteView view, rz::capi::view_of(edits, size));
    RZ_TRY(const auto decoded, rz::capi::decode_edits(view));
    return document->document.transact(decoded);
  });
}

// --- The open event
// ---------------------------------------------------------------------------------------------------

uint64_t rz_document_open_operations(const rz_document* document) noexcept {
  RZ_REQUIRE(document != nullptr);
  return document->document.open_operations();
}

rz_code rz_document_open_payload(const rz_document* document, rz_bytes* payload) noexcept {
  return run(document, [&]() -> Status {
    rz::capi::give(document->document.open_payload(), payload);
    return {};
  });
}

rz_code rz_document_close_event(rz_document* document, const rz_event* event, rz_bytes* patches) noexcept {
  return run_change(document, patches, [&]() -> Result<Patches> {
    rz::capi::EventCopy copy;
    RZ_CHECK(rz::capi::copy_event(event, copy));
    return document->document.close_open_event(copy.info);
  });
}

// --- Events of others
// -------------------------------------------------------------------------------------------------

rz_code rz_document_apply_event(rz_document* document, const rz_event* event, const uint8_t* payload, size_t size,
                                rz_bytes* patches) noexcept {
  return run_change(document, patches, [&]() -> Result<Patches> {
    rz::capi::EventCopy copy;
    RZ_CHECK(rz::capi::copy_event(event, copy));
    RZ_TRY(const ByteView view, rz::capi::view_of(payload, size));
    return document->document.apply(copy.info, view);
  });
}

rz_code rz_document_set_effect(rz_document* document, const uint8_t* event_id, int32_t has_effect,
                               rz_bytes* patches) noexcept {
  return run_change(document, patches, [&]() -> Result<Patches> {
    RZ_TRY(const EventId id, rz::capi::id_from<EventId>(event_id));
    return document->document.set_effect(id, has_effect != 0);
  });
}

rz_code rz_document_apply_provisional(rz_document* document, const rz_event* event, const uint8_t* payload, size_t size,
                                      rz_bytes* patches) noexcept {
  return run_change(document, patches, [&]() -> Result<Patches> {
    rz::capi::EventCopy copy;
    RZ_CHECK(rz::capi::copy_event(event, copy));
    RZ_TRY(const ByteView view, rz::capi::view_of(payload, size));
    return document->document.apply_provisional(copy.info, view);
  });
}

rz_code rz_document_drop_provisional(rz_document* document, const uint8_t* author, rz_bytes* patches) noexcept {
  return run_change(document, patches, [&]() -> Result<Patches> {
    RZ_TRY(const AuthorId id, rz::capi::id_from<AuthorId>(author));
    return document->document.drop_provisional_of(id);
  });
}
