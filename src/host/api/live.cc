// Live connections: a page that watches, and edits texts in step with others.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "host/api/api.h"
#include "host/api/downloads.h"
#include "host/api/json.h"
#include "host/daemon/clock.h"
#include "host/daemon/daemon.h"

namespace rz::host {

namespace {

constexpr auto refresh_every = std::chrono::milliseconds(200);
constexpr std::size_t documents_open_max = 64;
constexpr std::size_t log_events_max = 50;
// Told apart by sight in light and dark; by the device's key, so that everybody sees the same.
constexpr const char* cursor_colors[] = {"#d1495b", "#2e86ab", "#3a7d44", "#b5651d",
                                         "#7b4fa3", "#00798c", "#b03a8c", "#5c6f00"};

std::string color_of(const crypto::PublicKey& device) { return cursor_colors[device.bytes[0] % 8]; }

}  // namespace

struct Api::Refresh {
  explicit Refresh(boost::asio::io_context& io) : timer(io), deadline(io) {}
  boost::asio::steady_timer timer;
  bool due = false;
  boost::asio::steady_timer deadline;  // Of the write that waits longest, for when nothing else happens.
};

Api::Api(Daemon& daemon)
    : daemon_(daemon),
      refresh_(std::make_unique<Refresh>(daemon.io())),
      downloads_(std::make_unique<Downloads>(daemon)) {}
Api::~Api() = default;

HttpHandlers Api::handlers() {
  HttpHandlers handlers;
  handlers.request = [this](HttpRequest request, Answer answer) { this->request(request, answer); };
  handlers.live_opened = [this](const std::shared_ptr<LiveSocket>& socket) { live_[socket]; };
  handlers.live_message = [this](const std::shared_ptr<LiveSocket>& socket, const std::string& text) {
    live_message(socket, text);
  };
  handlers.live_closed = [this](const std::shared_ptr<LiveSocket>& socket) {
    const auto live = live_.find(socket);
    if (live == live_.end()) return;
    for (const auto& [document, session] : live->second.documents) {
      daemon_.pod().set_cursor(now(), document, std::nullopt);
      daemon_.pod().unwatch(document);
    }
    live_.erase(live);
    daemon_.pump();
  };
  return handlers;
}

// --- From a page -----------------------------------------------------------------------------------------------------

void Api::live_message(const std::shared_ptr<LiveSocket>& socket, const std::string& text) {
  const auto found = live_.find(socket);
  if (found == live_.end()) return;
  Live& live = found->second;
  std::string document_text;
  const Status done = [&]() -> Status {
    const auto json = parse_object(text);
    if (!json) return fail(ErrorCode::bad_argument, "a message is a JSON object");
    const std::string type = json->value("type", Json("")).is_string() ? json->value("type", "") : "";
    if (type == "watch") {
      live.topics.clear();
      const Json topics = json->value("topics", Json::array());
      for (const Json& name : topics) {
        if (name.is_string() && live.topics.size() < 16) live.topics.insert(name.get<std::string>());
      }
      live.last_sent.clear();
      if (live.topics.contains("pairing")) {
        Json message = {{"type", "pairing"}};
        message.update(pairing_json(pairing_));
        socket->send(dump(message));
      }
      refresh_topics();
      return {};
    }
    const Json id_json = json->value("doc", Json(""));
    if (!id_json.is_string()) return fail(ErrorCode::bad_argument, "\"doc\" is a text");
    document_text = id_json.get<std::string>();
    RZ_TRY(const Bytes bytes, from_hex(document_text));
    RZ_TRY(const log::StreamId id, log::StreamId::from(bytes));
    daemon_.settle();  // What the pod took in before reaches the page before its own message is looked at.
    if (type == "open") {
      if (live.documents.size() >= documents_open_max)
        return fail(ErrorCode::limit_exceeded, "too many texts are open");
      RZ_TRY(const std::string content, daemon_.pod().text(id));
      if (!live.documents.contains(id)) daemon_.pod().watch(id);
      TextSession& session = live.documents[id] = TextSession();
      const Json state = save_state_json(daemon_.pod(), id);
      session.last_state = dump(state);
      Json opened = {{"type", "opened"}, {"doc", document_text}, {"rev", 0}, {"text", content}};
      opened.update(state);
      socket->send(dump(opened));
      cursors_changed(id);
      return {};
    }
    if (type == "close") {
      if (live.documents.erase(id) > 0) daemon_.pod().unwatch(id);
      daemon_.pod().set_cursor(now(), id, std::nullopt);
      daemon_.pump();
      return {};
    }
    const auto number = [&json](const char* name) { return json->value(name, Json()); };
    if (type == "edit") {
      if (!number("rev").is_number_unsigned()) return fail(ErrorCode::bad_argument, "\"rev\" is a number");
      RZ_TRY(const auto changes, changes_from(json->value("changes", Json())));
      return live_edit(socket, live, id, number("rev").get<std::uint64_t>(), changes);
    }
    if (type == "cursor") {
      if (!number("anchor").is_number_unsigned() || !number("head").is_number_unsigned()) {
        return fail(ErrorCode::bad_argument, "\"anchor\" and \"head\" are numbers");
      }
      daemon_.pod().set_cursor(now(), id,
                               std::pair(number("anchor").get<std::uint64_t>(), number("head").get<std::uint64_t>()));
      daemon_.pump();
      return {};
    }
    return fail(ErrorCode::bad_argument, words("no message is called \"", type, "\""));
  }();
  if (done) return;
  Json message = {{"type", "error"}, {"message", done.error().message}};
  if (!document_text.empty()) message["doc"] = document_text;
  socket->send(dump(message));
}

Status Api::live_edit(const std::shared_ptr<LiveSocket>& socket, Live& live, const log::StreamId& document,
                      std::uint64_t revision, const std::vector<TextChange>& changes) {
  const auto session = live.documents.find(document);
  if (session == live.documents.end()) return fail(ErrorCode::bad_argument, "open the text first");
  RZ_CHECK(writable());
  RZ_TRY(TextDelta delta, TextDelta::from_changes(changes));
  RZ_TRY(delta, session->second.rebase(revision, std::move(delta)));
  const std::vector<pod::TextEdit> edits = edits_of(delta.to_changes());
  std::optional<std::string> before;
  if (daemon_.pod().has_tails(document)) {
    RZ_TRY(before, daemon_.pod().text(document));
  }
  RZ_TRY(const document::Patches patches, daemon_.pod().edit_text(now(), document, edits));
  RZ_TRY(const TextDelta made, text_delta(patches));
  socket->send(dump({{"type", "ack"}, {"doc", document.hex()}, {"rev", session->second.taken()}}));
  if (before && made.steps() != delta.steps()) {
    // The page shows what it asked for; the difference to what was made follows as a change.
    RZ_TRY(const std::u32string points, utf8_to_code_points(*before));
    const auto correction = difference(delta.apply(points), made.apply(points));
    RZ_TRY(const TextDelta mend, TextDelta::from_changes(correction));
    socket->send(dump({{"type", "changes"},
                       {"doc", document.hex()},
                       {"rev", session->second.sent(mend)},
                       {"device", nullptr},
                       {"changes", changes_json(correction)}}));
  }
  session->second.last_state.clear();  // So that whatever it becomes is told.
  pass_on(document, made, daemon_.pod().self().hex(), socket.get());
  daemon_.pump();
  return {};
}

// --- To the pages ----------------------------------------------------------------------------------------------------

void Api::pass_on(const log::StreamId& document, const TextDelta& delta, const std::string& device,
                  const LiveSocket* except) {
  if (delta.empty()) return;
  for (auto& [socket, live] : live_) {
    const auto session = live.documents.find(document);
    if (socket.get() == except || session == live.documents.end()) continue;
    socket->send(dump({{"type", "changes"},
                       {"doc", document.hex()},
                       {"rev", session->second.sent(delta)},
                       {"device", device.empty() ? Json(nullptr) : Json(device)},
                       {"changes", changes_json(delta.to_changes())}}));
  }
}

std::vector<pod::TextEdit> Api::edits_of(const std::vector<TextChange>& changes) {
  std::vector<pod::TextEdit> edits;
  for (const TextChange& change : changes) edits.push_back({change.position, change.removed, change.inserted});
  return edits;
}

Result<TextDelta> Api::text_delta(const document::Patches& patches) {
  std::vector<TextChange> changes;
  for (const document::Patch& patch : patches) {
    const auto* splice = std::get_if<document::TextSplice>(&patch.change);
    if (splice == nullptr || patch.path != document::body()) continue;
    changes.push_back({splice->position, splice->deleted, splice->inserted});
  }
  return TextDelta::from_changes(changes);
}

void Api::document_changed(const pod::DocumentChanged& change) {
  const auto delta = text_delta(change.patches);
  if (delta) pass_on(change.document, *delta, change.by ? change.by->hex() : std::string(), nullptr);
}

void Api::cursors_changed(const log::StreamId& document) {
  Json list = Json::array();
  for (const pod::RemoteCursor& cursor : daemon_.pod().cursors(document)) {
    list.push_back({{"id", cursor.device.hex()},
                    {"name", cursor.name},
                    {"color", color_of(cursor.device)},
                    {"anchor", cursor.anchor},
                    {"head", cursor.head},
                    {"this", false}});
  }
  const std::string message = dump({{"type", "cursors"}, {"doc", document.hex()}, {"cursors", std::move(list)}});
  for (auto& [socket, live] : live_) {
    if (live.documents.contains(document)) socket->send(message);
  }
}

void Api::notify(const std::vector<pod::Notice>& notices) {
  Json events = Json::array();
  for (const pod::Notice& notice : notices) {
    if (const auto* changed = std::get_if<pod::DocumentChanged>(&notice)) document_changed(*changed);
    if (const auto* cursors = std::get_if<pod::CursorsChanged>(&notice)) cursors_changed(cursors->document);
    if (const auto* admitted = std::get_if<pod::Admitted>(&notice); admitted != nullptr && !live_.empty()) {
      const std::uint32_t begin =
          std::max(admitted->begin, admitted->end - std::min<std::uint32_t>(admitted->end, log_events_max));
      for (std::uint32_t i = begin; i < admitted->end && events.size() < log_events_max; ++i) {
        events.push_back(event_json(daemon_.pod().event(admitted->stream, i)));
      }
    }
    if (const auto* progress = std::get_if<identity::Inviter::Progress>(&notice)) {
      pairing_ = *progress;
      Json message = {{"type", "pairing"}};
      message.update(pairing_json(pairing_));
      const std::string text = dump(message);
      for (auto& [socket, live] : live_) {
        if (live.topics.contains("pairing")) socket->send(text);
      }
    }
  }
  if (!events.empty()) {
    const std::string message = dump({{"type", "log"}, {"events", std::move(events)}});
    for (auto& [socket, live] : live_) {
      if (live.topics.contains("log")) socket->send(message);
    }
  }
  tell_states();
  answer_waiting();
  if (live_.empty() || refresh_->due) return;
  refresh_->due = true;
  refresh_->timer.expires_after(refresh_every);
  refresh_->timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    refresh_->due = false;
    refresh_topics();
  });
}

void Api::watch_deadline() {
  if (waiting_.empty()) return;
  const Duration left = waiting_.front().deadline - now().tick;
  refresh_->deadline.expires_after(std::chrono::microseconds(std::max<std::int64_t>(left.us, 0) + 1000));
  refresh_->deadline.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    answer_waiting();
    watch_deadline();
  });
}

void Api::tell_states() {
  for (auto& [socket, live] : live_) {
    for (auto& [document, session] : live.documents) {
      Json state = save_state_json(daemon_.pod(), document);
      std::string told = dump(state);
      if (told == session.last_state) continue;
      session.last_state = std::move(told);
      state.update({{"type", "state"}, {"doc", document.hex()}});
      socket->send(dump(state));
    }
  }
}

std::string Api::topic(const std::string& name) {
  Json message = {{"type", name}};
  if (name == "status") {
    message.update(status_json(daemon_));
  } else if (name == "devices") {
    message.update(devices_json(daemon_));
  } else if (name == "documents") {
    message.update(documents_json(daemon_));
  } else {
    return {};
  }
  return dump(message);
}

// What a page shows as a whole is sent again when it changed, at most a few times a second.
void Api::refresh_topics() {
  std::map<std::string, std::string> made;
  for (auto& [socket, live] : live_) {
    for (const std::string& name : live.topics) {
      if (!made.contains(name)) made[name] = topic(name);
      if (made[name].empty() || live.last_sent[name] == made[name]) continue;
      live.last_sent[name] = made[name];
      socket->send(made[name]);
    }
  }
}

}  // namespace rz::host
