// What needs more than one device's yes: what devices ask of each other, and what the others answered.
//
// A request is the operation itself, without signatures; its id is the hash of what a yes signs, so a yes can't be for
// anything but what was shown. Requests and answers are passed on by every device, like places, and stored; they mean
// something only as long as the operation still follows the identity's chain (identity::is_current).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/tick.h"
#include "log/control.h"
#include "sync/messages.h"

namespace rz::pod {

using RequestId = Hash256;

struct OpenRequest {
  RequestId id;
  UnixMs since;
  log::Operation operation;
};

struct Consent {
  // One device's requests.
  struct Asker {
    sync::Requests told;            // As the asker signed them.
    std::vector<OpenRequest> open;  // Those of them that this version understands.
    Tick window;                    // Changes are counted from here on.
    std::uint32_t changes = 0;
  };
  std::map<log::AuthorKey, Asker> askers;
  std::map<RequestId, std::map<log::AuthorKey, sync::Answer>> answers;
  std::set<Hash256> cuts;  // Head trees that are here only because a request names them.
  bool due = false;        // The identity, a request or an answer changed.
};

}  // namespace rz::pod
