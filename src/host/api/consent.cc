// What needs more than one device's yes: asking, answering, and deciding with the paper key.
#include <algorithm>

#include "host/api/api.h"
#include "host/api/json.h"
#include "host/daemon/clock.h"
#include "host/daemon/daemon.h"
#include "ipld/cid.h"

namespace rz::host {

namespace {

std::string cid_text(const log::EventId& id) { return ipld::Cid::dag_cbor_sha256(Hash256{id.bytes}).to_string(); }

std::string sentence(const pod::RequestSummary& request) {
  const std::string who = request.mine ? "This device" : request.asker_name;
  const std::string whom = request.device_name;
  const bool itself = request.device && *request.device == request.asker;
  switch (request.what) {
    case pod::RequestSummary::What::remove:
      return itself ? words(who, " asks to leave the pod for good") : words(who, " asks to remove ", whom, " for good");
    case pod::RequestSummary::What::rotate:
      return itself ? words(who, " asks for a new key") : words(who, " asks to change the key of ", whom);
    case pod::RequestSummary::What::policy:
      return words(who, " asks to change which always-on devices may read");
    case pod::RequestSummary::What::lift:
      return words(who, " asks to lift the suspension of ", whom);
    case pod::RequestSummary::What::veto:
      return words(who, " asks to undo the recovery onto ", whom);
  }
  return who;
}

Json names(const std::vector<crypto::PublicKey>& keys, const std::vector<pod::DeviceSummary>& devices) {
  Json list = Json::array();
  for (const crypto::PublicKey& key : keys) {
    const auto found = std::find_if(devices.begin(), devices.end(), [&](const auto& each) { return each.key == key; });
    list.push_back(found == devices.end() ? key.hex() : found->name);
  }
  return list;
}

Result<std::optional<identity::PaperKey>> paper_of(const Json& json) {
  if (!json.contains("paper") || json["paper"].is_null()) return std::optional<identity::PaperKey>();
  if (!json["paper"].is_string()) return fail(ErrorCode::bad_argument, "\"paper\" is a text of 24 words");
  RZ_TRY(identity::PaperKey paper, identity::PaperKey::parse(json["paper"].get_ref<const std::string&>()));
  return std::optional<identity::PaperKey>(std::move(paper));
}

std::string outcome_json(const pod::Outcome& outcome) {
  if (!outcome.asked) return dump({{"done", true}});
  return dump({{"done", false}, {"request", outcome.asked->hex()}, {"missing", outcome.missing}});
}

}  // namespace

Json requests_json(Daemon& daemon) {
  const auto devices = daemon.pod().devices(now());
  Json list = Json::array();
  for (const pod::RequestSummary& request : daemon.pod().requests()) {
    list.push_back({{"id", request.id.hex()},
                    {"what", name_of(request.what)},
                    {"text", sentence(request)},
                    {"device", request.device ? Json(request.device->hex()) : Json(nullptr)},
                    {"device_name", request.device_name},
                    {"by", request.asker.hex()},
                    {"by_name", request.asker_name},
                    {"since_ms", request.since.ms},
                    {"mine", request.mine},
                    {"may_answer", request.may_answer},
                    {"details_here", request.details_here},
                    {"answered", request.answered ? Json(*request.answered ? "yes" : "no") : Json(nullptr)},
                    {"left_out", request.left_out ? Json(*request.left_out) : Json(nullptr)},
                    {"needed", request.needed},
                    {"yes", names(request.yes, devices)},
                    {"no", names(request.no, devices)},
                    {"waiting_for", names(request.waiting_for, devices)}});
  }
  return list;
}

Json rivals_json(Daemon& daemon) {
  static constexpr std::pair<std::string_view, std::string_view> deeds[] = {
      {"remove", "removes "}, {"rotate", "changes the key of "}, {"recover", "gets the pod back on "}};
  Json list = Json::array();
  for (const pod::RivalSummary& rival : daemon.pod().rivals()) {
    std::string deed = "changes which always-on devices may read";
    for (const auto& [operation, text] : deeds) {
      if (rival.operation == operation) deed = words(text, rival.device_name);
    }
    list.push_back({{"id", cid_text(rival.id)},
                    {"what", rival.operation},
                    {"text", words(rival.author_name, " ", deed)},
                    {"by", rival.author.hex()},
                    {"by_name", rival.author_name},
                    {"device_name", rival.device_name},
                    {"time_ms", rival.time.ms},
                    {"paper", rival.by_paper},
                    {"followed_here", rival.followed_here}});
  }
  return list;
}

// Of "/api/devices/ID/remove" and "/api/devices/ID/lift".
Result<std::string> Api::change_standing(const crypto::PublicKey& device, const std::string& what,
                                         const HttpRequest& request) {
  const auto json = parse_object(request.body.empty() ? "{}" : request.body);
  if (!json) return fail(ErrorCode::bad_argument, "the body is no JSON object");
  RZ_TRY(const auto paper, paper_of(*json));
  const identity::PaperKey* key = paper ? &*paper : nullptr;
  RZ_TRY(const pod::Outcome outcome, what == "lift" ? daemon_.pod().lift_device(now(), device, key)
                                                    : daemon_.pod().remove_device(now(), device, key));
  return outcome_json(outcome);
}

// "/api/devices/self/rotate".
Result<std::string> Api::rotate_key(const HttpRequest& request) {
  const auto json = parse_object(request.body.empty() ? "{}" : request.body);
  if (!json) return fail(ErrorCode::bad_argument, "the body is no JSON object");
  RZ_TRY(const auto paper, paper_of(*json));
  RZ_TRY(const pod::Outcome outcome, daemon_.rotate_key(paper ? &*paper : nullptr));
  return outcome_json(outcome);
}

Result<std::string> Api::undo_recovery() {
  RZ_TRY(const pod::Outcome outcome, daemon_.pod().undo_recovery(now()));
  return outcome_json(outcome);
}

// "/api/devices/requests/ID" and below.
Result<std::string> Api::change_requests(const HttpRequest& request, const std::vector<std::string>& path) {
  if (path.size() < 3) return fail(ErrorCode::not_found, words("there is nothing at ", request.path));
  RZ_TRY(const Bytes bytes, from_hex(path[2]));
  RZ_TRY(const Hash256 id, Hash256::from(bytes));
  if (path.size() == 3 && request.method == "DELETE") {
    RZ_CHECK(daemon_.pod().withdraw_request(now(), id));
    return std::string("{}");
  }
  if (path.size() == 4 && request.method == "POST" && (path[3] == "approve" || path[3] == "decline")) {
    RZ_CHECK(daemon_.pod().answer_request(now(), id, path[3] == "approve"));
    return std::string("{}");
  }
  return fail(ErrorCode::not_found, words("there is nothing at ", request.path));
}

// {"keep": CID | null, "paper": "24 words"}.
Result<std::string> Api::decide_contest(const HttpRequest& request) {
  const auto json = parse_object(request.body);
  if (!json) return fail(ErrorCode::bad_argument, "the body is no JSON object");
  RZ_TRY(const auto paper, paper_of(*json));
  if (!paper) return fail(ErrorCode::bad_argument, "only the paper key decides: \"paper\" is its 24 words");
  const Json keep = json->value("keep", Json());
  std::optional<log::EventId> kept;
  for (const pod::RivalSummary& rival : daemon_.pod().rivals()) {
    if (keep.is_string() && cid_text(rival.id) == keep.get_ref<const std::string&>()) kept = rival.id;
  }
  if (!keep.is_null() && !kept) {
    return fail(ErrorCode::bad_argument, "\"keep\" names one of the changes in question, or is null for none");
  }
  RZ_CHECK(daemon_.pod().decide_contest(now(), kept, *paper));
  return std::string("{}");
}

}  // namespace rz::host
