// A document behind the C interface, and how results cross it.
#pragma once

#include <rhizome/document.h>

#include <optional>

#include "base/assert.h"
#include "base/bytes.h"
#include "capi/cbor.h"
#include "document/document.h"

struct rz_document {
  rz::document::Document document;
  // Of the last call that failed; reads fail too.
  mutable std::optional<rz::Error> error;
};

namespace rz::capi {

// A C caller's pair of pointer and size. Errors: bad_argument for a null pointer to something.
template <class Byte>
Result<ByteView> view_of(const Byte* data, std::size_t size) {
  static_assert(sizeof(Byte) == 1);
  if (data == nullptr && size > 0) return fail(ErrorCode::bad_argument, "a null pointer to bytes");
  return ByteView(reinterpret_cast<const std::uint8_t*>(data), size);
}

// Gives a copy away; `out` may be null.
void give(ByteView bytes, rz_bytes* out);
inline void give(std::string_view text, rz_bytes* out) { give(as_bytes(text), out); }

// Runs one call: `body()` returns a Status. Remembers its error.
template <class Body>
rz_code run(const rz_document* handle, const Body& body) {
  RZ_REQUIRE(handle != nullptr);
  Status status = body();
  if (status) return RZ_OK;
  handle->error = std::move(status).error();
  return static_cast<rz_code>(handle->error->code);
}

// Runs a call that changes the document: `body()` returns its patches. May be null: `patches`.
template <class Body>
rz_code run_change(const rz_document* handle, rz_bytes* patches, const Body& body) {
  return run(handle, [&]() -> Status {
    RZ_TRY(const document::Patches made, body());
    if (patches != nullptr) give(encode_patches(made), patches);
    return {};
  });
}

}  // namespace rz::capi
