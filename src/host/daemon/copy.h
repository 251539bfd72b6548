// A read-only copy of a pod, from the file that `rhizome export` wrote (docs/formats/export.md).
#pragma once

#include <string>

#include "host/daemon/files.h"

namespace rz::host {

struct Copied {
  std::string did;
  std::uint64_t events = 0;
  std::uint64_t documents = 0;  // That can be read.
  bool sealed = false;          // It came without keys: nothing can be read until the paper key opens it.
};

// Reads the file twice: first it is checked from beginning to end, then taken in beside the folder, event by event, as
// if from a stranger; only what is whole gets the folder's name. Errors: pod_exists, not_found, export_malformed,
// export_cut_short, those of CAR, of the log and of the store; nothing is left behind then.
Result<Copied> begin_copy(const DeviceFiles& files, const std::string& file, const std::string& name);

}  // namespace rz::host
