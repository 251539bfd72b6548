// What crosses the C interface as DAG-CBOR: paths and edits in, patches and values out. The forms are written down in
// include/rhizome/document.h.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"
#include "document/document.h"

namespace rz::capi {

// No bytes are the body. Errors: those of ipld/dag_cbor.h, at their offset; unexpected_kind where a step is neither a
// text nor a natural number.
Result<document::Path> decode_path(ByteView bytes);

// Errors: those of ipld/dag_cbor.h, at their offset; unexpected_kind for an edit or a new container of an unknown name.
Result<std::vector<document::Edit>> decode_edits(ByteView bytes);

Bytes encode_patches(const document::Patches& patches);

// A list.
Bytes encode_values(std::span<const document::Value> values);

}  // namespace rz::capi
