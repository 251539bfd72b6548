// Applies patches to plain values: for whoever keeps a copy of a document, and to check that patches tell the truth.
#pragma once

#include "base/result.h"
#include "document/patch.h"

namespace rz::document {

// Errors: path_not_found, wrong_container, position_out_of_range: the patches are not for this value. It is then in
// part changed.
Status apply_patches(Value& value, const Patches& patches);

}  // namespace rz::document
