#include "host/daemon/set_up.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>

#include "crypto/initialise.h"
#include "crypto/secret.h"
#include "host/api/json.h"
#include "host/daemon/files.h"
#include "host/daemon/join.h"
#include "host/daemon/recover.h"
#include "host/entropy.h"
#include "host/log/logger.h"
#include "identity/paper_sheet.h"

namespace rz::host {
namespace {

namespace asio = boost::asio;

constexpr std::size_t body_bytes_max = 64 * 1024;

HttpResponse answer(int status, const Json& json) { return {status, "application/json", dump(json)}; }

HttpResponse refusal(int status, ErrorCode code, std::string message) {
  return answer(status, error_json(Error{code, std::move(message)}));
}

// What a field holds, or nothing: an empty one counts as not given.
std::string text_of(const Json& json, const char* name) {
  const auto field = json.find(name);
  return field != json.end() && field->is_string() ? field->get<std::string>() : std::string();
}

bool is_set(const Json& json, const char* name) {
  const auto field = json.find(name);
  return field != json.end() && field->is_boolean() && field->get<bool>();
}

std::vector<std::string> place_of(const Json& json) {
  std::string at = text_of(json, "at");
  return at.empty() ? std::vector<std::string>() : std::vector{std::move(at)};
}

Result<Json> make_new(const DeviceFiles& files, const std::string& name) {
  RZ_TRY(const Begun begun, begin_pod(files, name));
  return Json{{"did", begun.did}};
}

}  // namespace

// What is being done, by a thread of its own: pairing and recovery wait for people and networks.
struct SetUp::Work {
  std::string doing;
  std::thread thread;
  std::mutex mutex;
  Json state;  // Under the mutex: what the page is told beside "doing".

  void tell(Json now) {
    const std::lock_guard lock(mutex);
    state = std::move(now);
  }
};

struct SetUp::Impl {
  Impl(asio::io_context& context, SetUpOptions wanted, std::function<void(std::string)> when_done)
      : io(context), options(std::move(wanted)), done(std::move(when_done)) {}
  ~Impl() {
    if (work && work->thread.joinable()) work->thread.join();
  }

  asio::io_context& io;
  SetUpOptions options;
  std::function<void(std::string)> done;
  std::string token;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<Work> work;
  Json failed = Json::object();  // How the last attempt ended: {"doing", "error"}.

  Json state() const;
  void request(const HttpRequest& request, const std::function<void(HttpResponse)>& answer_with);
  HttpResponse begin(const std::string& what, const Json& asked);
  void run(std::string what, std::function<Result<Json>()> act);
  void ended(Result<Json> result);
};

Json SetUp::Impl::state() const {
  Json json = {{"state", work ? "working" : "choose"}, {"name", options.name}, {"folder", options.folder}};
  if (work) {
    json["doing"] = work->doing;
    const std::lock_guard lock(work->mutex);
    json.update(work->state);
  } else {
    json.update(failed);
  }
  return json;
}

void SetUp::Impl::request(const HttpRequest& request, const std::function<void(HttpResponse)>& answer_with) {
  constexpr std::string_view prefix = "/api/set-up";
  if (!request.path.starts_with(prefix)) {
    return answer_with(refusal(404, ErrorCode::not_found,
                               words("there is no pod in ", options.folder,
                                     " yet: the page makes one, joins one, or "
                                     "brings yours back")));
  }
  const std::string what = request.path.substr(std::min(prefix.size() + 1, request.path.size()));
  if (request.method == "GET" && what.empty()) return answer_with(answer(200, state()));
  if (request.method != "POST") return answer_with(refusal(404, ErrorCode::not_found, "no such request"));
  if (request.body.size() > body_bytes_max)
    return answer_with(refusal(413, ErrorCode::limit_exceeded, "the request is too large"));
  const auto asked = parse_object(request.body);
  if (!asked) return answer_with(refusal(400, ErrorCode::bad_argument, "the request is no JSON object"));
  answer_with(begin(what, *asked));
}

HttpResponse SetUp::Impl::begin(const std::string& what, const Json& asked) {
  if (work) return refusal(409, ErrorCode::bad_argument, "one thing at a time: this device is being set up already");
  const DeviceFiles files{options.folder};
  std::string name = text_of(asked, "name");
  if (name.empty()) name = options.name;
  if (what == "new") {
    run(what, [files, name] { return make_new(files, name); });
  } else if (what == "join") {
    run(what, [this, files, name, invitation = text_of(asked, "invitation"), at = place_of(asked)]() -> Result<Json> {
      JoinOptions joining;
      joining.invitation = invitation;
      joining.at = at;
      joining.name = name;
      joining.progress = [this](const identity::Newcomer::Progress& progress) {
        if (progress.stage == identity::Newcomer::Stage::asking)
          work->tell({{"step", "asking"}, {"fingerprint", progress.fingerprint}});
      };
      RZ_TRY(const Begun begun, join_pod(files, joining));
      return Json{{"did", begun.did}};
    });
  } else if (what == "recover") {
    // Read here: what is wrong with the words is said at once.
    std::string text = text_of(asked, "paper");
    auto paper = identity::parse_paper_sheet(text);
    crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (!paper) return answer(400, error_json(paper.error()));
    const auto kept = std::make_shared<identity::PaperReading>(*std::move(paper));
    RecoverOptions recovering;
    recovering.at = place_of(asked);
    recovering.name = name;
    recovering.others_live = is_set(asked, "others_live");
    recovering.partial = is_set(asked, "partial");
    recovering.dialling = [this](const std::string& address) {
      work->tell({{"step", "dialling"}, {"address", address}});
    };
    recovering.progress = [this](const pod::RecoveryProgress& progress) {
      work->tell({{"step", "copying"}, {"events", progress.events}, {"events_missing", progress.events_missing}});
    };
    run(what, [files, kept, recovering]() -> Result<Json> {
      RZ_TRY(const Recovered back, recover_pod(files, *kept, recovering));
      Json json = recovered_json(back);
      json.erase("paper");  // The page shows the next paper where it always does, until it is confirmed.
      return Json{{"recovered", std::move(json)}};
    });
  } else {
    return refusal(404, ErrorCode::not_found, "no such request");
  }
  return answer(200, state());
}

void SetUp::Impl::run(std::string what, std::function<Result<Json>()> act) {
  failed = Json::object();
  work = std::make_unique<Work>();
  work->doing = std::move(what);
  work->state = Json::object();
  work->thread = std::thread([this, act = std::move(act)] {
    auto result = std::make_shared<Result<Json>>(act());
    asio::post(io, [this, result] { ended(std::move(*result)); });
  });
}

void SetUp::Impl::ended(Result<Json> result) {
  work->thread.join();
  const std::string doing = std::exchange(work, nullptr)->doing;
  if (!result) {
    log_event(LogLevel::info, "not set up", {{"doing", doing}, {"code", result.error()}});
    failed = error_json(result.error());
    failed["doing"] = doing;
    return;
  }
  (*result)["doing"] = doing;
  http->stop();
  std::exchange(done, {})(dump(*result));
}

bool SetUp::is_due(const std::string& folder) {
  std::error_code error;
  const auto holds = [&](std::string_view name) {
    return std::filesystem::exists(DeviceFiles{folder}.path(name), error) || error;
  };
  // A store without a key is that of a removed device; with recover.key, of a recovery that goes on.
  return !holds("device.key") && (!holds("store.db") || holds("recover.key"));
}

SetUp::SetUp(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

SetUp::~SetUp() { stop(); }

Result<std::unique_ptr<SetUp>> SetUp::start(asio::io_context& io, SetUpOptions options,
                                            std::function<void(std::string arrival)> done) {
  RZ_CHECK(crypto::initialise());
  const DeviceFiles files{options.folder};
  RZ_CHECK(files.prepare());
  SystemEntropy entropy;
  auto impl = std::make_unique<Impl>(io, std::move(options), std::move(done));
  RZ_TRY(impl->token, files.api_token(entropy));
  HttpOptions http;
  http.port = impl->options.http_port;
  http.token = impl->token;
  http.static_root = impl->options.static_root;
  HttpHandlers handlers;
  handlers.request = [serving = impl.get()](const HttpRequest& request, std::function<void(HttpResponse)> answer_with) {
    serving->request(request, answer_with);
  };
  handlers.live_opened = [](const std::shared_ptr<LiveSocket>& socket) { socket->close(); };
  handlers.live_message = [](const std::shared_ptr<LiveSocket>&, const std::string&) {};
  handlers.live_closed = [](const std::shared_ptr<LiveSocket>&) {};
  RZ_TRY(impl->http, HttpServer::start(io, std::move(http), std::move(handlers)));
  RZ_CHECK(files.tell_where(impl->http->port()));
  return std::unique_ptr<SetUp>(new SetUp(std::move(impl)));
}

std::string SetUp::url() const { return page_url(impl_->http->port(), impl_->token); }

std::uint16_t SetUp::http_port() const { return impl_->http->port(); }

bool SetUp::is_working() const { return impl_->work != nullptr; }

void SetUp::stop() {
  if (impl_->done) impl_->http->stop();
  DeviceFiles{impl_->options.folder}.forget_where();
}

}  // namespace rz::host
