#include "host/api/json.h"

#include <qrencode.h>

#include <algorithm>

#include "host/daemon/clock.h"
#include "host/daemon/daemon.h"
#include "host/daemon/recover.h"
#include "identity/keys.h"
#include "ipld/cid.h"
#include "log/genesis.h"

namespace rz::host {

std::optional<Json> parse_object(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return std::nullopt;
  return json;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json error_json(const Error& error) {
  return {{"error",
           {{"code", std::string(name_of(error.code))},
            {"message", error.message.empty() ? std::string(meaning_of(error.code)) : error.message}}}};
}

Json recovered_json(const Recovered& back) {
  return {{"did", back.did},
          {"peer_id", back.peer_id},
          {"served_by", back.served_by},
          {"documents", back.documents},
          {"unreadable", back.unreadable},
          {"events", back.events},
          {"events_missing", back.events_missing},
          {"newest_ms", back.newest ? Json(back.newest->ms) : Json(nullptr)},
          {"other_devices", back.lost},
          {"announced", back.announced},
          {"pending_hours", 72},
          {"paper", back.paper_words},
          {"addresses", back.paper_addresses}};
}

Json addresses_json(const std::vector<ipld::Multiaddr>& addresses) {
  Json list = Json::array();
  for (const ipld::Multiaddr& address : addresses) list.push_back(address.to_string());
  return list;
}

namespace {

std::string cid_text(const log::EventId& id) { return ipld::Cid::dag_cbor_sha256(Hash256{id.bytes}).to_string(); }

// A recovery with the paper key of the last 72 hours; null: none.
Json recovery_json(const pod::PodStatus& status) {
  if (!status.recovery) return nullptr;
  const pod::RecoveryNotice& notice = *status.recovery;
  return {{"device", notice.device.hex()},
          {"name", notice.name},
          {"this", notice.own},
          {"may_veto", notice.may_veto},
          {"until_ms", notice.until.ms}};
}

std::string_view kind_name(log::DeviceKind kind) { return kind == log::DeviceKind::cloud ? "cloud" : "personal"; }

}  // namespace

Json status_json(Daemon& daemon) {
  const pod::PodStatus status = daemon.pod().status(now());
  Json frontier = Json::object();
  for (const log::StreamHeads& heads : daemon.pod().frontier()) {
    Json list = Json::array();
    for (const log::EventId& head : heads.heads) list.push_back(cid_text(head));
    frontier[heads.stream.hex()] = std::move(list);
  }
  return {
      {"device_id", status.device.hex()},
      {"name", status.name},
      {"peer_id", identity::peer_id_text(status.device)},
      {"did", log::did_text(status.did)},
      {"addresses", addresses_json(daemon.addresses())},
      {"http", words("http://127.0.0.1:", daemon.http_port())},
      {"role", status.role},
      {"term", status.term},
      {"generation", status.generation},
      {"quorum", {{"voters", status.voters}, {"reachable", status.voters_reachable}, {"ok", status.quorum}}},
      {"commit_index", status.commit_index},
      {"frontier", std::move(frontier)},
      {"pending", {{"visible", status.pending_visible}, {"local", status.pending_local}, {"pod", status.pending_pod}}},
      {"only_here", status.only_here},
      {"devices", status.devices},
      {"documents", status.documents},
      {"events", status.events},
      {"set_aside", status.quarantined},
      {"storage_bytes", daemon.store().size_bytes()},
      {"paper_confirmed", status.paper_confirmed},
      {"blind", status.blind},
      {"sealed", status.sealed},
      {"requests", daemon.pod().requests().size()},
      {"contested", !daemon.pod().rivals().empty()},
      {"recovery", recovery_json(status)},
      {"damaged", status.damaged},
      {"read_only", status.read_only},
      {"disk_full", daemon.held_up().has_value()},
      {"version", "0.1.0"}};
}

namespace {

// What needs attention, a line each.
Json alarms_json(Daemon& daemon, const std::vector<pod::DeviceSummary>& devices, const Json& requests) {
  const auto any = [&devices](auto is) { return std::any_of(devices.begin(), devices.end(), is); };
  const bool others = any([](const auto& each) { return !each.self && !each.removed; });
  const bool leaving = any([](const auto& each) { return each.self && each.removed; });
  const bool suspended = any([](const auto& each) { return each.self && each.suspended; });
  Json alarms = Json::array();
  const auto add = [&alarms](std::string_view id, std::string_view level, const std::string& text, Json action) {
    alarms.push_back({{"id", id}, {"level", level}, {"text", text}, {"action", std::move(action)}});
  };
  const pod::PodStatus status = daemon.pod().status(now());
  if (daemon.held_up())
    add("disk", "critical", "The disk is full: nothing new can be saved until there is space again.", nullptr);
  if (!daemon.pod().rivals().empty()) {
    add("contest", "critical",
        "Two changes to your devices contradict each other. Your paper key decides which one holds.", "decide");
  }
  if (leaving) {
    add("leaving", "warning", "This device leaves your pod. It stops as soon as another one has heard of it.", nullptr);
  }
  if (suspended) {
    add("suspended", "warning",
        "This device was suspended by another one of yours: it gets nothing new until that is lifted there.", nullptr);
  }
  for (const Json& request : requests) {
    if (!request["may_answer"].get<bool>() || !request["answered"].is_null()) continue;
    const std::string id = request["id"].get<std::string>();
    add(words("ask-", id.substr(0, 12)), "warning", words(request["text"].get<std::string>(), "."), "answer");
  }
  if (!status.paper_confirmed) {
    add("paper", "warning", "Your paper key is not written down yet. It is the only way back if every device is lost.",
        "confirm_paper");
  }
  if (status.recovery && status.recovery->own) {
    add("recovered", "info",
        "This device came back with the paper key. For 72 hours your other devices may object, and it removes nobody.",
        nullptr);
  } else if (status.recovery) {
    add("recovered", "critical",
        words("Somebody recovered this pod with the paper key, onto a device called \"", status.recovery->name,
              "\". If that was not you, suspend that device now: it gets nothing new from then on.",
              status.recovery->may_veto ? " Your older devices can undo the recovery together, within 72 hours." : ""),
        status.recovery->may_veto ? "undo_recovery" : "lost_device");
  }
  if (!others) {
    add("alone", "info", "Your pod is on this device only. A second device keeps it safe.", "add_device");
  } else if (!status.quorum) {
    add("quorum", "warning",
        "Too few of your devices are in reach to put changes in order. Everything goes on; it is made good once they "
        "are "
        "back.",
        nullptr);
  }
  std::size_t number = 0;
  for (const pod::Alarm& alarm : daemon.pod().alarms()) {
    const char* level = alarm.level == pod::Alarm::Level::critical  ? "critical"
                        : alarm.level == pod::Alarm::Level::warning ? "warning"
                                                                    : "info";
    if (alarm.level != pod::Alarm::Level::info) add(words("pod-", number), level, alarm.text, nullptr);
    ++number;
  }
  return alarms;
}

}  // namespace

Json devices_json(Daemon& daemon) {
  const Tick tick = now().tick;
  const UnixMs wall = now().wall;
  Json list = Json::array();
  const std::vector<pod::DeviceSummary> devices = daemon.pod().devices(now());
  for (const pod::DeviceSummary& device : devices) {
    if (device.removed) continue;
    Json last_seen = nullptr;
    if (device.self) last_seen = wall.ms;
    if (device.last_heard) last_seen = wall.ms - static_cast<std::uint64_t>((tick - *device.last_heard).us / 1000);
    // The second holds the moment still, so that a page is told of changes, not of time.
    if (last_seen.is_number()) last_seen = last_seen.get<std::uint64_t>() / 10000 * 10000;
    list.push_back({{"id", device.key.hex()},
                    {"name", device.name},
                    {"peer_id", identity::peer_id_text(device.key)},
                    {"this", device.self},
                    {"kind", kind_name(device.kind)},
                    {"online", device.online},
                    {"role", device.leader  ? "leader"
                             : device.voter ? "follower"
                                            : "learner"},
                    {"voter", device.voter},
                    {"established", device.established},
                    {"suspended", device.suspended},
                    {"lag_events", device.lag_events},
                    {"last_seen_ms", last_seen},
                    {"storage_bytes", device.self   ? Json(daemon.store().size_bytes())
                                      : device.room ? Json(device.room->stored)
                                                    : Json(nullptr)},
                    {"free_bytes", device.room ? Json(device.room->free) : Json(nullptr)},
                    {"addresses", addresses_json(device.addresses)}});
  }
  Json requests = requests_json(daemon);
  Json alarms = alarms_json(daemon, devices, requests);
  return {{"devices", std::move(list)},
          {"alarms", std::move(alarms)},
          {"requests", std::move(requests)},
          {"rivals", rivals_json(daemon)}};
}

Json save_state_json(const pod::Pod& pod, const log::StreamId& document) {
  return {{"state", name_of(pod.state_of(document))}, {"copied", pod.is_copied(document)}};
}

Json documents_json(Daemon& daemon, bool removed) {
  Json list = Json::array();
  pod::Pod& pod = daemon.pod();
  for (const pod::DocumentSummary& document : removed ? pod.removed_documents() : pod.documents()) {
    if (!document.readable) continue;
    list.push_back({{"id", document.id.hex()},
                    {"title", document.title},
                    {"bytes", document.bytes},
                    {"updated_ms", document.updated.ms},
                    {"set_aside", document.quarantined},
                    {"state", name_of(document.state)},
                    {"copied", document.copied}});
  }
  return {{"documents", std::move(list)}};
}

Json event_json(const pod::EventSummary& event) {
  return {{"cid", cid_text(event.id)},
          {"stream", event.stream.hex()},
          {"title", event.title.empty() ? Json(nullptr) : Json(event.title)},
          {"author", event.author.hex()},
          {"device", event.device},
          {"seq", event.seq},
          {"kind", event.control ? "control" : "operations"},
          {"operation", event.operation.empty() ? Json(nullptr) : Json(event.operation)},
          {"size", event.size},
          {"time_ms", event.time.ms},
          {"set_aside", event.quarantined},
          {"state", name_of(event.state)}};
}

Json pairing_json(const identity::Inviter::Progress& progress) {
  static constexpr const char* names[] = {"idle", "waiting", "asking", "adding", "copying", "done", "failed"};
  Json json = {{"state", names[static_cast<std::size_t>(progress.stage)]}};
  if (!progress.name.empty()) json["name"] = progress.name;
  if (!progress.fingerprint.empty()) json["fingerprint"] = progress.fingerprint;
  if (progress.why) json["message"] = progress.why->message;
  return json;
}

Json changes_json(const std::vector<TextChange>& changes) {
  Json list = Json::array();
  for (const TextChange& change : changes) list.push_back({change.position, change.removed, change.inserted});
  return list;
}

Result<std::vector<TextChange>> changes_from(const Json& json) {
  if (!json.is_array()) return fail(ErrorCode::bad_argument, "\"changes\" is a list");
  std::vector<TextChange> changes;
  for (const Json& each : json) {
    if (!each.is_array() || each.size() != 3 || !each[0].is_number_unsigned() || !each[1].is_number_unsigned() ||
        !each[2].is_string()) {
      return fail(ErrorCode::bad_argument,
                  words("change ", changes.size(), " is not [position, deleted, \"inserted\"]"));
    }
    changes.push_back({each[0].get<std::uint64_t>(), each[1].get<std::uint64_t>(), each[2].get<std::string>()});
  }
  return changes;
}

std::string qr_svg(const std::string& text) {
  QRcode* code = QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 1);
  if (code == nullptr) return {};
  constexpr int quiet = 4;
  const int size = code->width + 2 * quiet;
  std::string path;
  for (int y = 0; y < code->width; ++y) {
    for (int x = 0; x < code->width; ++x) {
      if ((code->data[y * code->width + x] & 1) != 0) path += words("M", x + quiet, " ", y + quiet, "h1v1h-1z");
    }
  }
  QRcode_free(code);
  return words(R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )", size, " ", size,
               R"(" shape-rendering="crispEdges" role="img" aria-label="QR code"><path fill="#fff" d="M0 0h)", size,
               "v", size, "h-", size, R"(z"/><path d=")", path, R"("/></svg>)");
}

}  // namespace rz::host
