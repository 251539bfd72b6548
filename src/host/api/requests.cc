// Requests: GET asks, everything else changes.
#include <algorithm>
#include <charconv>

#include "host/api/api.h"
#include "host/api/downloads.h"
#include "host/api/json.h"
#include "host/daemon/clock.h"
#include "host/daemon/daemon.h"
#include "host/daemon/recover.h"
#include "host/log/logger.h"
#include "host/metrics/metrics.h"
#include "identity/join_code.h"
#include "log/genesis.h"

namespace rz::host {
namespace {

constexpr Duration wait_max = seconds(30);
constexpr std::size_t waiting_max = 4096;

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::authority_missing:
    case ErrorCode::identity_contested:
    case ErrorCode::not_a_device:
    case ErrorCode::pod_read_only:
    case ErrorCode::device_suspended:
    case ErrorCode::successor_promised:
    case ErrorCode::not_reachable:
    case ErrorCode::no_other_device:
      return 409;
    case ErrorCode::disk_full:
      return 507;
    case ErrorCode::internal:
      return 500;
    case ErrorCode::unknown_outcome:
      return 504;
    default:
      return 400;
  }
}

HttpResponse refusal(const Error& error) {
  return {http_status(error.code), "application/json", dump(error_json(error))};
}

// "/api/devices/ID/suspend" -> ["devices", "ID", "suspend"].
std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> parts;
  path.remove_prefix(std::min(path.size(), std::string_view("/api/").size()));
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

Result<log::StreamId> document_id(const std::string& text) {
  RZ_TRY(const Bytes bytes, from_hex(text));
  return log::StreamId::from(bytes);
}

Result<std::string> text_field(const Json& json, const char* name) {
  const auto field = json.find(name);
  if (field == json.end() || !field->is_string())
    return fail(ErrorCode::bad_argument, words("\"", name, "\" is a text"));
  return field->get<std::string>();
}

}  // namespace

Status Api::writable() const {
  RZ_CHECK(daemon_.pod().check_writable());
  if (daemon_.held_up())
    return fail(ErrorCode::disk_full, "the disk is full: nothing new can be saved until there is space");
  return {};
}

void Api::request(const HttpRequest& request, const Answer& answer) {
  // Where a path names something it is an id; what is asked or sent stays out of the log.
  const std::vector<std::string> path = segments(request.path);
  log_event(LogLevel::debug, "request",
            {{"method", request.method}, {"to", path.empty() ? "" : path[0].substr(0, 16)}});
  if (request.path == "/metrics") {
    return answer({200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(daemon_)});
  }
  if (request.method != "GET") return change(request, answer);
  if (request.path.starts_with("/api/downloads/")) return downloads_->give(segments(request.path)[1], answer);
  auto body = get(request);
  answer(body ? HttpResponse{200, "application/json", *std::move(body)} : refusal(body.error()));
}

Result<std::string> Api::get(const HttpRequest& request) {
  const std::vector<std::string> path = segments(request.path);
  const std::string first = path.empty() ? "" : path[0];
  if (first == "status" && path.size() == 1) {
    Json json = status_json(daemon_);
    json["uptime_ms"] = daemon_.uptime_ms();
    return dump(json);
  }
  if (first == "set-up" && path.size() == 1) {
    // The page that set this device up learns that it is, and how that went (daemon/set_up.h).
    Json json = parse_object(daemon_.options().arrival).value_or(Json::object());
    json["state"] = "ready";
    return dump(json);
  }
  if (first == "devices" && path.size() == 1) return dump(devices_json(daemon_));
  if (first == "devices" && path.size() == 2 && path[1] == "requests") {
    return dump({{"requests", requests_json(daemon_)}});
  }
  if (first == "devices" && path.size() == 2 && path[1] == "invite") return dump(pairing_json(pairing_));
  if (first == "cluster" && path.size() == 1) return dump(cluster_json(daemon_));
  if (first == "documents" && path.size() == 1) {
    return dump(documents_json(daemon_, request.query.contains("removed")));
  }
  if (first == "documents" && path.size() == 2) {
    RZ_TRY(const log::StreamId id, document_id(path[1]));
    RZ_TRY(const std::string text, daemon_.pod().text(id));
    RZ_TRY(const std::string title, daemon_.pod().title(id));
    Json json = {{"id", path[1]}, {"title", title}, {"text", text}};
    json.update(save_state_json(daemon_.pod(), id));
    return dump(json);
  }
  if (first == "log" && path.size() == 1) {
    std::size_t limit = 100;
    if (const auto asked = request.query.find("limit"); asked != request.query.end()) {
      const std::string& text = asked->second;
      std::from_chars(text.data(), text.data() + text.size(), limit);
    }
    Json events = Json::array();
    for (const auto& event : daemon_.pod().newest_events(std::min<std::size_t>(limit, 10000))) {
      events.push_back(event_json(event));
    }
    return dump({{"events", std::move(events)}});
  }
  if (first == "paper" && path.size() == 1) {
    RZ_TRY(const auto paper, daemon_.files().read_paper());
    // The whole sheet: `rhizome recover` wants the DID, and an address where a device of the pod listens.
    const std::string did = log::did_text(daemon_.pod().identity().did);
    const std::vector<std::string> addresses = addresses_for_paper(daemon_.pod(), now());
    std::string rest = "\n" + did;
    for (const std::string& address : addresses) rest += "\n" + address;
    if (!paper) {
      return dump({{"confirmed", true}, {"did", did}, {"addresses", addresses}, {"qr_svg", qr_svg(rest.substr(1))}});
    }
    const std::vector<std::string> paper_words = paper->to_words();
    std::string joined;
    for (const std::string& word : paper_words) joined += (joined.empty() ? "" : " ") + word;
    return dump({{"words", paper_words},
                 {"did", did},
                 {"addresses", addresses},
                 {"qr_svg", qr_svg(joined + rest)},
                 {"confirmed", false},
                 // Which words are asked for depends on the pod alone: reloading does not make it easier.
                 {"ask", {2, 10, 19}}});
  }
  return fail(ErrorCode::not_found, words("there is nothing at ", request.path));
}

void Api::change(const HttpRequest& request, const Answer& answer) {
  const std::vector<std::string> path = segments(request.path);
  const std::string first = path.empty() ? "" : path[0];
  if (first == "documents") return change_documents(request, answer);
  if (first == "export" && path.size() == 1 && request.method == "POST") {
    const auto json = parse_object(request.body.empty() ? "{}" : request.body);
    const Json sealed = json ? json->value("sealed", Json(false)) : Json();
    if (!sealed.is_boolean()) return answer(refusal({ErrorCode::bad_argument, "\"sealed\" is true or false"}));
    return downloads_->make_export(sealed.get<bool>(), answer);
  }
  if (first == "snapshot" && path.size() == 1 && request.method == "POST") return downloads_->make_snapshot(answer);
  Result<std::string> body = fail(ErrorCode::not_found, words("there is nothing at ", request.path));
  if (first == "devices") body = change_devices(request);
  if (first == "cluster" && path.size() == 2) body = change_cluster(request);
  if (first == "paper" && path.size() == 2 && path[1] == "confirm" && request.method == "POST") {
    body = [&]() -> Result<std::string> {
      const auto json = parse_object(request.body);
      if (!json || !json->contains("words") || !(*json)["words"].is_object()) {
        return fail(ErrorCode::bad_argument, "\"words\" says which word stands where");
      }
      RZ_TRY(const auto paper, daemon_.files().read_paper());
      if (!paper) return std::string("{}");
      const std::vector<std::string> right = paper->to_words();
      if ((*json)["words"].size() < 3) return fail(ErrorCode::bad_argument, "three words are asked for");
      for (const auto& [position, word] : (*json)["words"].items()) {
        std::size_t number = right.size();
        std::from_chars(position.data(), position.data() + position.size(), number);
        if (number >= right.size() || !word.is_string() || word.get<std::string>() != right[number]) {
          return fail(ErrorCode::bad_argument, words("word ", number + 1, " is another one"));
        }
      }
      daemon_.pod().confirm_paper(now());
      daemon_.files().drop_paper();
      daemon_.pump();
      return std::string("{}");
    }();
  }
  if (!body) return answer(refusal(body.error()));
  // What was said to be done, or asked, survives a crash from here on.
  daemon_.pod().when_durable(
      now(), [answer, response = HttpResponse{200, "application/json", *std::move(body)}] { answer(response); });
  daemon_.pump();
}

Result<std::string> Api::change_devices(const HttpRequest& request) {
  const std::vector<std::string> path = segments(request.path);
  RZ_CHECK(writable());
  daemon_.pump();
  if (path.size() == 2 && path[1] == "invite") {
    if (request.method == "DELETE") {
      daemon_.pod().pairing(now(), identity::Inviter::Withdraw{});
      return std::string("{}");
    }
    const auto json = parse_object(request.body.empty() ? "{}" : request.body);
    if (!json) return fail(ErrorCode::bad_argument, "the body is no JSON object");
    const Json kind = json->value("kind", Json("personal"));
    if (kind != "personal" && kind != "cloud") {
      return fail(ErrorCode::bad_argument, "\"kind\" is \"personal\" or \"cloud\"");
    }
    const bool cloud = kind == "cloud";
    daemon_.open_to_newcomer();
    const identity::JoinSecret secret =
        daemon_.pod().invite(now(), cloud ? log::DeviceKind::cloud : log::DeviceKind::personal);
    RZ_TRY(const std::string link, daemon_.join_link(secret));
    const std::uint64_t lifetime_ms = static_cast<std::uint64_t>(identity::pairing_code_lifetime.us) / 1000;
    return dump({{"code", identity::format_join_code(secret)},
                 {"link", link},
                 {"qr_svg", qr_svg(link)},
                 {"addresses", addresses_json(daemon_.addresses())},
                 {"expires_ms", now().wall.ms + lifetime_ms}});
  }
  if (path.size() == 3 && path[1] == "invite" && path[2] == "confirm" && request.method == "POST") {
    const auto json = parse_object(request.body);
    if (!json || !json->contains("accept") || !(*json)["accept"].is_boolean()) {
      return fail(ErrorCode::bad_argument, "\"accept\" is true or false");
    }
    if (pairing_.stage != identity::Inviter::Stage::asking) {
      return fail(ErrorCode::bad_argument, "no device is asking to be added right now");
    }
    daemon_.pod().pairing(now(), identity::Inviter::Answer{(*json)["accept"].get<bool>()});
    return std::string("{}");
  }
  if (path.size() >= 2 && path[1] == "requests") return change_requests(request, path);
  if (path.size() == 2 && path[1] == "undo-recovery" && request.method == "POST") return undo_recovery();
  if (path.size() == 3 && path[1] == "self" && path[2] == "rotate" && request.method == "POST")
    return rotate_key(request);
  if (path.size() == 2 && path[1] == "decide" && request.method == "POST") return decide_contest(request);
  if (path.size() == 2 && request.method == "PUT") {
    RZ_TRY(const Bytes bytes, from_hex(path[1]));
    RZ_TRY(const crypto::PublicKey device, crypto::PublicKey::from(bytes));
    const auto json = parse_object(request.body);
    if (!json) return fail(ErrorCode::bad_argument, "the body is no JSON object");
    RZ_TRY(const std::string name, text_field(*json, "name"));
    RZ_CHECK(daemon_.pod().rename_device(now(), device, name));
    return std::string("{}");
  }
  if (path.size() == 3 && request.method == "POST") {
    RZ_TRY(const Bytes bytes, from_hex(path[1]));
    RZ_TRY(const crypto::PublicKey device, crypto::PublicKey::from(bytes));
    if (path[2] == "suspend") {
      RZ_CHECK(daemon_.pod().suspend_device(now(), device));
      return std::string("{}");
    }
    if (path[2] == "remove" || path[2] == "lift") return change_standing(device, path[2], request);
  }
  return fail(ErrorCode::not_found, words("there is nothing at ", request.path));
}

void Api::change_documents(const HttpRequest& request, const Answer& answer) {
  const std::vector<std::string> path = segments(request.path);
  log::StreamId id;
  const Result<std::string> body = [&]() -> Result<std::string> {
    RZ_CHECK(writable());
    const auto json = parse_object(request.body.empty() ? "{}" : request.body);
    if (!json) return fail(ErrorCode::bad_argument, "the body is no JSON object");
    if (path.size() == 1 && request.method == "POST") {
      RZ_TRY(const std::string title, text_field(*json, "title"));
      std::string text;
      if (json->contains("text")) {
        RZ_TRY(text, text_field(*json, "text"));
        RZ_CHECK(utf8_to_code_points(text));
      }
      RZ_TRY(id, daemon_.pod().create_document(now(), title, text));
      return dump({{"id", id.hex()}});
    }
    if (path.size() < 2) return fail(ErrorCode::not_found, words("there is nothing at ", request.path));
    RZ_TRY(id, document_id(path[1]));
    daemon_.settle();
    if (path.size() == 2 && request.method == "PUT") {
      if (json->contains("title")) {
        RZ_TRY(const std::string title, text_field(*json, "title"));
        RZ_CHECK(daemon_.pod().rename_document(now(), id, title));
      }
      if (json->contains("text")) {
        RZ_TRY(const std::string text, text_field(*json, "text"));
        RZ_TRY(const std::string before, daemon_.pod().text(id));
        RZ_TRY(const std::u32string old_points, utf8_to_code_points(before));
        RZ_TRY(const std::u32string new_points, utf8_to_code_points(text));
        const auto changes = difference(old_points, new_points);
        RZ_TRY(const document::Patches patches, daemon_.pod().edit_text(now(), id, edits_of(changes)));
        RZ_TRY(const TextDelta made, text_delta(patches));
        pass_on(id, made, {}, nullptr);
      }
      return std::string("{}");
    }
    if (path.size() == 3 && path[2] == "accept" && request.method == "POST") {
      RZ_CHECK(daemon_.pod().accept_quarantined(now(), id));
      return std::string("{}");
    }
    const bool remove = path.size() == 2 && request.method == "DELETE";
    if (remove || (path.size() == 3 && path[2] == "restore" && request.method == "POST")) {
      RZ_CHECK(remove ? daemon_.pod().remove_document(now(), id) : daemon_.pod().restore_document(now(), id));
      // Both are written in the catalogue: that is what `wait` looks at.
      id = log::stream_id_of_block(log::encode_genesis(log::catalogue_genesis(daemon_.pod().identity().did)));
      return std::string("{}");
    }
    if (path.size() == 3 && path[2] == "edit" && request.method == "POST") {
      RZ_TRY(const auto changes, changes_from(json->value("changes", Json())));
      RZ_CHECK(TextDelta::from_changes(changes));
      RZ_TRY(const document::Patches patches, daemon_.pod().edit_text(now(), id, edits_of(changes)));
      RZ_TRY(const TextDelta made, text_delta(patches));
      pass_on(id, made, {}, nullptr);
      return std::string("{}");
    }
    return fail(ErrorCode::not_found, words("there is nothing at ", request.path));
  }();
  if (!body) return answer(refusal(body.error()));
  answer_when(request, id, *body, answer);
}

// `?wait=local|pod|committed`: answers once the document's newest write has come that far.
void Api::answer_when(const HttpRequest& request, const log::StreamId& document, std::string body,
                      const Answer& answer) {
  const auto wait = request.query.find("wait");
  if (wait == request.query.end() || wait->second == "visible") {
    daemon_.pump();
    return answer({200, "application/json", std::move(body)});
  }
  Waiting waiting{document, pod::WriteState::local, now().tick + wait_max, std::move(body), answer};
  bool known = false;
  for (const auto state : {pod::WriteState::local, pod::WriteState::pod, pod::WriteState::committed}) {
    if (pod::name_of(state) != wait->second) continue;
    waiting.target = state;
    known = true;
  }
  if (!known || waiting_.size() >= waiting_max) {
    return answer(refusal(Error{ErrorCode::bad_argument, "wait for visible, local, pod or committed"}));
  }
  daemon_.pod().flush(now());
  if (waiting.target == pod::WriteState::pod && daemon_.pod().status(now()).devices < 2) {
    daemon_.settle();
    return answer(refusal(Error{ErrorCode::no_other_device, "it is kept on this device: the pod has no other"}));
  }
  waiting_.push_back(std::move(waiting));
  if (waiting_.size() == 1) watch_deadline();
  daemon_.settle();
}

void Api::answer_waiting() {
  const Tick tick = now().tick;
  for (std::size_t i = 0; i < waiting_.size();) {
    Waiting& waiting = waiting_[i];
    const bool there = daemon_.pod().has_reached(waiting.document, waiting.target);
    if (!there && waiting.deadline > tick) {
      ++i;
      continue;
    }
    const Answer answer = std::move(waiting.answer);
    HttpResponse response{200, "application/json", std::move(waiting.body)};
    if (!there) {
      response = refusal(Error{ErrorCode::unknown_outcome, words("not ", pod::name_of(waiting.target),
                                                                 " within 30 seconds; it is kept and may yet be")});
    }
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    answer(std::move(response));
  }
}

}  // namespace rz::host
