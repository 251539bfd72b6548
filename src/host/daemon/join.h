// Joining a pod: the newcomer's side of pairing over the network, and the two ways to begin a folder.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/daemon/files.h"
#include "identity/pairing.h"

namespace rz::host {

struct Begun {
  std::string did;
  std::string peer_id;
  std::vector<std::string> paper_words;  // Of a new pod only.
};

// A new pod in an empty folder: keys, paper key, first records. Errors: pod_exists, store_*.
Result<Begun> begin_pod(const DeviceFiles& files, const std::string& name);

struct JoinOptions {
  std::string invitation;       // A code or a link.
  std::vector<std::string> at;  // Where the inviter listens, for a typed code.
  std::string name;
  std::function<void(const identity::Newcomer::Progress&)> progress;
};

// Blocks until the owner said yes on the other device, or it failed. What went wrong names the side that has to act.
// Errors: code_*, join_link_*, pairing_*, transport_*, pod_exists.
Result<Begun> join_pod(const DeviceFiles& files, const JoinOptions& options);

}  // namespace rz::host
