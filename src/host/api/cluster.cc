// /api/cluster: who decides on the order, and the owner's say in it.
#include "host/api/api.h"
#include "host/api/json.h"
#include "host/daemon/clock.h"
#include "host/daemon/daemon.h"

namespace rz::host {
namespace {

Result<crypto::PublicKey> device_in(const Json& json) {
  const auto field = json.find("device");
  if (field == json.end() || !field->is_string()) return fail(ErrorCode::bad_argument, "\"device\" is a device's id");
  RZ_TRY(const Bytes bytes, from_hex(field->get<std::string>()));
  return crypto::PublicKey::from(bytes);
}

}  // namespace

Json cluster_json(Daemon& daemon) {
  const pod::PodStatus status = daemon.pod().status(now());
  Json members = Json::array();
  for (const pod::DeviceSummary& device : daemon.pod().devices(now())) {
    if (device.removed) continue;
    members.push_back({{"id", device.key.hex()},
                       {"name", device.name},
                       {"this", device.self},
                       {"online", device.online},
                       {"member", device.member},
                       {"voter", device.voter},
                       {"leader", device.leader}});
  }
  const bool depends_on_one = status.voters == 1 && members.size() > 1;
  return {{"generation", status.generation},
          {"term", status.term},
          {"commit_index", status.commit_index},
          {"quorum", {{"voters", status.voters}, {"reachable", status.voters_reachable}, {"ok", status.quorum}}},
          {"depends_on_one", depends_on_one},
          {"members", std::move(members)}};
}

Result<std::string> Api::change_cluster(const HttpRequest& request) {
  RZ_CHECK(writable());
  constexpr std::string_view prefix = "/api/cluster/";
  const std::string_view what = std::string_view(request.path).substr(prefix.size());
  const auto json = parse_object(request.body.empty() ? "{}" : request.body);
  if (!json) return fail(ErrorCode::bad_argument, "the body is no JSON object");
  if (request.method != "POST") return fail(ErrorCode::not_found, words("there is nothing at ", request.path));
  pod::Pod& pod = daemon_.pod();
  daemon_.pump();
  if (what == "restart") {
    const Json force = json->value("force", Json(false));
    if (!force.is_boolean()) return fail(ErrorCode::bad_argument, "\"force\" is true or false");
    RZ_CHECK(pod.restart_cluster(now(), force.get<bool>()));
    return dump({{"generation", pod.status(now()).generation}});
  }
  if (what == "sleep") {
    pod.prepare_sleep(now());
    return std::string("{}");
  }
  if (what == "transfer" && !json->contains("device")) {
    RZ_CHECK(pod.transfer_leadership(now(), std::nullopt));
    return std::string("{}");
  }
  RZ_TRY(const crypto::PublicKey device, device_in(*json));
  if (what == "transfer") {
    RZ_CHECK(pod.transfer_leadership(now(), device));
    return std::string("{}");
  }
  if (what == "promote" || what == "demote") {
    RZ_CHECK(pod.set_voter(now(), device, what == "promote"));
    return std::string("{}");
  }
  return fail(ErrorCode::not_found, words("there is nothing at ", request.path));
}

}  // namespace rz::host
