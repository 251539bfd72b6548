#include "host/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "host/daemon/clock.h"
#include "host/daemon/daemon.h"

namespace rz::host {
namespace {

void gauge(prometheus::Registry& registry, const std::string& name, const std::string& help, double value) {
  prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({}).Set(value);
}

void counter(prometheus::Registry& registry, const std::string& name, const std::string& help, std::uint64_t value) {
  prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({}).Increment(static_cast<double>(value));
}

}  // namespace

// The pod counts; a registry is made for each answer, so that nothing is counted twice.
std::string metrics_text(Daemon& daemon) {
  prometheus::Registry registry;
  const pod::PodStatus status = daemon.pod().status(now());
  const GroupCommitter::Stats commits = daemon.commits();
  const TransportCounters net = daemon.transport().counters();
  gauge(registry, "rhizome_raft_term", "Raft's current term.", static_cast<double>(status.term));
  gauge(registry, "rhizome_raft_commit_index", "The last entry in order.", static_cast<double>(status.commit_index));
  gauge(registry, "rhizome_raft_is_leader", "1 where this device leads.",
        status.role == "leader" || status.role == "alone" ? 1 : 0);
  gauge(registry, "rhizome_quorum_ok", "1 while a majority of the voters is in reach.", status.quorum ? 1 : 0);
  gauge(registry, "rhizome_devices", "Devices of the pod.", status.devices);
  gauge(registry, "rhizome_documents", "Documents that this device can read.", status.documents);
  gauge(registry, "rhizome_events", "Events stored here.", static_cast<double>(status.events));
  gauge(registry, "rhizome_storage_bytes", "What the store takes on disk.",
        static_cast<double>(daemon.store().size_bytes()));
  gauge(registry, "rhizome_pending_events", "Own events that are not in order yet.",
        static_cast<double>(status.pending_visible + status.pending_local + status.pending_pod));
  gauge(registry, "rhizome_disk_full", "1 while nothing can be saved.", daemon.held_up() ? 1 : 0);
  gauge(registry, "rhizome_uptime_seconds", "Since this process started.",
        static_cast<double>(daemon.uptime_ms()) / 1000);
  counter(registry, "rhizome_commit_groups_total", "Transactions.", commits.groups);
  counter(registry, "rhizome_commit_batches_total", "Batches in them.", commits.batches);
  counter(registry, "rhizome_net_bytes_in_total", "Received from other devices, TLS included.", net.bytes_in);
  counter(registry, "rhizome_net_bytes_out_total", "Sent to other devices, TLS included.", net.bytes_out);
  counter(registry, "rhizome_net_connections_accepted_total", "Connections that others opened.", net.accepted);
  counter(registry, "rhizome_net_handshakes_failed_total", "Connections that proved no key.", net.handshakes_failed);
  return prometheus::TextSerializer().Serialize(registry.Collect());
}

}  // namespace rz::host
