// What can be asked of a pod.
#include <algorithm>

#include "pod/core.h"

namespace rz::pod {

using log::EventIndex;

std::string_view name_of(WriteState state) {
  switch (state) {
    case WriteState::visible:
      return "visible";
    case WriteState::local:
      return "local";
    case WriteState::pod:
      return "pod";
    case WriteState::committed:
      return "committed";
  }
  return "visible";
}

WriteState Core::state_of(const StreamReplica& replica, EventIndex index) const {
  if (replica.covered(index)) return WriteState::committed;
  if (index.value >= replica.durable()) return WriteState::visible;
  return is_copied(replica, index) ? WriteState::pod : WriteState::local;
}

// Of the newest state of a stream: the least of its heads. What a suspended device wrote stays open, in no event.
WriteState Core::state_of(const StreamReplica& replica) const {
  if (is_open(replica)) return WriteState::visible;
  WriteState least = WriteState::committed;
  for (const EventIndex head : replica.graph().frontier_indices()) least = std::min(least, state_of(replica, head));
  return least;
}

std::string Core::device_name(const PublicKey& key) const {
  const PublicKey newest = device_of(node_of(key));
  const identity::Device* device = identity_.find(newest);
  if (device != nullptr && !device->name.empty()) return device->name;
  if (newest == self_) return options_.name;
  return words("device ", key.brief());
}

// Own events by how far they have come: what no cut holds, from the last one back.
void Core::count_pending(const StreamReplica& replica, PodStatus& status) const {
  const log::EventGraph& graph = replica.graph();
  std::vector<EventIndex> heads;
  for (const PublicKey& key : own_keys()) {
    for (const EventIndex head : graph.heads_of(key)) heads.push_back(head);
  }
  for (const EventIndex head : heads) {
    std::uint64_t there = 0;
    for (const auto& [device, peer] : peers_) {
      if (peer.guest) continue;  // No device yet: what it stores may be gone with it.
      there = std::max(there, peer.session->stored_there(replica.id(), graph.feed(head)));
    }
    for (std::optional<EventIndex> event = head; event && !replica.covered(*event); event = graph.prev(*event)) {
      if (event->value >= replica.durable()) {
        ++status.pending_visible;
      } else if (graph.seq(*event).value < there) {
        ++status.pending_pod;
      } else {
        ++status.pending_local;
      }
    }
  }
}

// How many events the device is not known to store. What a cut holds that both had applied when they met, it stores.
std::uint64_t Core::lag_of(const sync::Session& session) const {
  std::uint64_t lag = 0;
  for (const auto& [id, replica] : streams_) {
    if (session.has_common_cut() && replica->fully_covered()) continue;
    const log::EventGraph& graph = replica->graph();
    for (const EventIndex head : graph.chain_heads()) {
      const std::uint64_t there = session.stored_there(id, graph.feed(head));
      for (std::optional<EventIndex> event = head; event && graph.seq(*event).value >= there;) {
        if (session.has_common_cut() && replica->covered(*event)) break;
        ++lag;
        event = graph.prev(*event);
      }
    }
  }
  return lag;
}

PodStatus Core::status() const {
  PodStatus status;
  status.device = self_;
  status.name = device_name(self_);
  status.did = zero_->id();
  status.paper_confirmed = paper_confirmed_;
  const identity::Device* own = identity_.find(self_);
  status.blind = own != nullptr && !own->is_personal() && !current_epoch_;
  status.read_only = read_only_;
  if (read_only_) status.role = "read-only";
  status.recovery = recovery_notice();
  for (const identity::Device& device : identity_.devices) {
    status.devices += device.in_pod() && !is_superseded(device.key) ? 1 : 0;
  }
  for (const auto& [id, replica] : streams_) {
    const log::EventGraph& graph = replica->graph();
    status.events += graph.size();
    status.quarantined += replica->quarantined_count();
    const bool is_listed = replica->is_document() && !unlisted_.contains(id);
    status.documents += is_listed ? 1 : 0;
    status.only_here += is_listed && !is_copied(*replica) ? 1 : 0;
    const bool known = replica.get() == zero_ || replica.get() == catalogue_ || replica->about().has_value();
    status.sealed += known ? 0 : 1;
    status.pending_visible += open_due_.contains(id) ? 1 : 0;
    if (!replica->fully_covered()) count_pending(*replica, status);
  }
  if (!raft_) return status;
  status.term = raft_->term().n;
  status.generation = raft_->generation().number;
  status.commit_index = raft_->commit_index().n;
  status.damaged = raft_->is_damaged();
  const raft::Configuration& configuration = raft_->configuration();
  for (const raft::Member& voter : configuration.voters) {
    ++status.voters;
    const bool reachable = voter.id == node_of(self_) || peers_.contains(device_of(voter.id));
    status.voters_reachable += reachable ? 1 : 0;
  }
  status.quorum = status.voters > 0 && status.voters_reachable * 2 > status.voters;
  if (raft_->is_leader()) {
    status.role = status.devices > 1 ? "leader" : "alone";
  } else if (raft_->is_voter()) {
    status.role = raft_->role() == raft::Role::follower ? "follower" : "candidate";
  } else {
    status.role = "learner";
  }
  return status;
}

std::vector<DeviceSummary> Core::devices() const {
  std::vector<DeviceSummary> summaries;
  for (const identity::Device& device : identity_.devices) {
    if (is_superseded(device.key)) continue;  // Listed under the key that it has now.
    DeviceSummary summary;
    summary.key = device.key;
    summary.name = device_name(device.key);
    summary.kind = device.kind;
    summary.self = device.key == self_;
    summary.established = device.established;
    summary.suspended = device.suspended;
    summary.removed = !device.in_pod();
    summary.online = summary.self;
    const auto peer = peers_.find(device.key);
    if (peer != peers_.end()) {
      summary.online = peer->second.session->established();
      summary.last_heard = peer->second.last_heard;
      summary.lag_events = lag_of(*peer->second.session);
    } else if (const auto heard = last_heard_.find(device.key); heard != last_heard_.end()) {
      summary.last_heard = heard->second;
    }
    if (raft_) {
      const raft::NodeId id = node_of(device.key);
      summary.member = raft_->configuration().names(id);
      const raft::Member* member = raft_->configuration().find(id);
      summary.voter = member != nullptr && raft_->configuration().is_voter(*member);
      summary.leader = raft_->leader() && *raft_->leader() == id;
    }
    if (const auto room = rooms_.find(device.key); room != rooms_.end()) summary.room = room->second;
    if (const auto place = places_.find(device.key); place != places_.end())
      summary.addresses = place->second.addresses;
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

std::vector<DocumentSummary> Core::documents(bool removed) {
  std::vector<DocumentSummary> found;
  for (StreamReplica* replica : by_number_) {
    if (replica == nullptr || replica == zero_ || replica == catalogue_) continue;
    if (unlisted_.contains(replica->id()) != removed) continue;
    DocumentSummary summary;
    summary.id = replica->id();
    summary.readable = replica->is_document();
    summary.state = state_of(*replica);
    summary.copied = is_copied(*replica);
    summary.quarantined = replica->quarantined_count();
    if (replica->is_document()) {
      const auto known = summaries_.find(replica->id());
      if (known == summaries_.end() || !known->second.is_current) {
        (void)open_document(*replica);
        summaries_due_.insert(replica);
      }
      if (replica->document_loaded()) summarise(*replica);
      const Summary& kept = summaries_[replica->id()];
      summary.title = kept.title;
      summary.bytes = kept.bytes;
      summary.updated = kept.updated;
    }
    found.push_back(std::move(summary));
  }
  return found;
}

EventSummary Core::event(StreamReplica& replica, EventIndex index) {
  const log::EventGraph& graph = replica.graph();
  EventSummary summary;
  summary.id = graph.id(index);
  summary.stream = replica.id();
  if (&replica == zero_) {
    summary.title = "devices";
  } else if (&replica == catalogue_) {
    summary.title = "list of documents";
  } else if (const auto known = summaries_.find(replica.id()); known != summaries_.end()) {
    summary.title = known->second.title;
  }
  summary.author = graph.author(index);
  summary.device = device_name(summary.author);
  summary.seq = graph.seq(index).value;
  summary.control = graph.kind(index) == log::EventKind::control;
  if (const log::ControlBody* body = graph.control_body(index)) {
    const auto* unknown = std::get_if<log::Unknown>(&body->operation);
    summary.operation = unknown != nullptr ? unknown->operation : std::string(log::operation_name(body->operation));
  }
  summary.size = graph.body_size(index);
  summary.time = graph.time(index);
  summary.state = state_of(replica, index);
  summary.quarantined = !replica.in_c(index);
  return summary;
}

std::vector<EventSummary> Core::newest_events(std::size_t count_max) {
  struct Candidate {
    UnixMs time;
    log::EventId id;
    StreamReplica* replica;
    EventIndex event;
  };
  std::vector<Candidate> newest;
  for (StreamReplica* replica : by_number_) {
    if (replica == nullptr) continue;
    const log::EventGraph& graph = replica->graph();
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(graph.size(), count_max));
    for (EventIndex event{graph.size() - count}; event.value < graph.size(); ++event.value) {
      newest.push_back({graph.time(event), graph.id(event), replica, event});
    }
  }
  const auto is_older = [](const Candidate& a, const Candidate& b) {
    return a.time != b.time ? a.time < b.time : a.id < b.id;
  };
  if (newest.size() > count_max) {
    const auto from = newest.end() - static_cast<std::ptrdiff_t>(count_max);
    std::nth_element(newest.begin(), from, newest.end(), is_older);
    newest.erase(newest.begin(), from);
  }
  std::sort(newest.begin(), newest.end(), is_older);
  std::vector<EventSummary> found;
  found.reserve(newest.size());
  for (const Candidate& each : newest) found.push_back(event(*each.replica, each.event));
  return found;
}

}  // namespace rz::pod
