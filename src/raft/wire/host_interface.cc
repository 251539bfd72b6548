#include "raft/wire/host_interface.h"

namespace rz::raft {

Draft draft_of(const Configuration& configuration) {
  Bytes payload = encode(configuration);
  const Root root = root_of(payload);
  return {EntryKind::configuration, root, Payload::own(std::move(payload))};
}

void Output::clear() {
  hard_state.reset();
  start.reset();
  append.clear();
  snapshot.reset();
  install.reset();
  receipt.reset();
  send.clear();
  send_after_persist.clear();
  void_after.reset();
  reset_to.reset();
  apply.clear();
  reads.clear();
  proposals.clear();
  leaving.clear();
  wake_at.reset();
}

}  // namespace rz::raft
