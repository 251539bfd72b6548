#include <vector>

#include "capi/document_handle.h"

using rz::Bytes;
using rz::ByteView;
using rz::Result;
using rz::Status;
using rz::capi::give;
using rz::capi::run;
using rz::document::Document;
using rz::document::EventId;
using rz::document::Path;

namespace {

// Runs a read of what is at a path: `read(document, path)` returns what `hand_over` takes.
template <class Read, class HandOver>
rz_code read_at(const rz_document* handle, const uint8_t* path, size_t path_size, const Read& read,
                const HandOver& hand_over) {
  return run(handle, [&]() -> Status {
    RZ_TRY(const ByteView view, rz::capi::view_of(path, path_size));
    RZ_TRY(const Path at, rz::capi::decode_path(view));
    RZ_TRY(const auto value, read(handle->document, at));
    hand_over(value);
    return {};
  });
}

void give_ids(const std::vector<EventId>& ids, rz_bytes* out) {
  Bytes joined;
  for (const EventId& id : ids) rz::append(joined, id.view());
  give(joined, out);
}

}  // namespace

rz_code rz_document_text(const rz_document* document, const uint8_t* path, size_t path_size, rz_bytes* text) noexcept {
  return read_at(
      document, path, path_size, [](const Document& from, const Path& at) { return from.text(at); },
      [&](const std::string& value) { give(std::string_view(value), text); });
}

rz_code rz_document_text_slice(const rz_document* document, const uint8_t* path, size_t path_size, uint64_t position,
                               uint64_t count, rz_bytes* text) noexcept {
  return read_at(
      document, path, path_size,
      [&](const Document& from, const Path& at) { return from.text_slice(at, position, count); },
      [&](const std::string& value) { give(std::string_view(value), text); });
}

rz_code rz_document_length(const rz_document* document, const uint8_t* path, size_t path_size,
                           uint64_t* length) noexcept {
  return read_at(
      document, path, path_size, [](const Document& from, const Path& at) { return from.length(at); },
      [&](std::uint64_t value) {
        if (length != nullptr) *length = value;
      });
}

rz_code rz_document_type(const rz_document* document, const uint8_t* path, size_t path_size, uint32_t* type) noexcept {
  return read_at(
      document, path, path_size, [](const Document& from, const Path& at) { return from.type_of(at); },
      [&](rz::document::Type value) {
        if (type != nullptr) *type = static_cast<uint32_t>(value);
      });
}

rz_code rz_document_value(const rz_document* document, const uint8_t* path, size_t path_size,
                          rz_bytes* value) noexcept {
  return read_at(
      document, path, path_size, [](const Document& from, const Path& at) { return from.get(at); },
      [&](const rz::document::Value& read) { give(to_dag_cbor(read), value); });
}

rz_code rz_document_conflicts(const rz_document* document, const uint8_t* path, size_t path_size,
                              rz_bytes* values) noexcept {
  return read_at(
      document, path, path_size, [](const Document& from, const Path& at) { return from.conflicts(at); },
      [&](const std::vector<rz::document::Value>& read) { give(rz::capi::encode_values(read), values); });
}

rz_code rz_document_open_parents(const rz_document* document, rz_bytes* parents) noexcept {
  return run(document, [&]() -> Status {
    give_ids(document->document.open_parents(), parents);
    return {};
  });
}

rz_code rz_document_version(const rz_document* document, rz_bytes* heads) noexcept {
  return run(document, [&]() -> Status {
    give_ids(document->document.version(), heads);
    return {};
  });
}

int32_t rz_document_contains(const rz_document* document, const uint8_t* event_id) noexcept {
  RZ_REQUIRE(document != nullptr && event_id != nullptr);
  const auto id = EventId::from(ByteView(event_id, EventId::size_bytes));
  return id && document->document.contains(*id) ? 1 : 0;
}

int32_t rz_document_needs_upgrade(const rz_document* document) noexcept {
  RZ_REQUIRE(document != nullptr);
  return document->document.needs_upgrade() ? 1 : 0;
}

uint64_t rz_document_event_count(const rz_document* document) noexcept {
  RZ_REQUIRE(document != nullptr);
  return document->document.event_count();
}

uint64_t rz_document_memory(const rz_document* document) noexcept {
  RZ_REQUIRE(document != nullptr);
  return document->document.memory_bytes();
}
