// What requests and live connections mean (docs/guides/api.md). One instance a daemon; everything on its thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/api/text_session.h"
#include "host/http/http_server.h"
#include "identity/pairing.h"
#include "pod/pod.h"

namespace rz::host {

class Daemon;
class Downloads;

class Api {
 public:
  explicit Api(Daemon& daemon);
  ~Api();

  HttpHandlers handlers();
  // After each output of the pod: passes on what changed, answers those who wait for a state.
  void notify(const std::vector<pod::Notice>& notices);

 private:
  using Answer = std::function<void(HttpResponse)>;
  struct Live {
    std::set<std::string> topics;
    std::map<log::StreamId, TextSession> documents;
    std::map<std::string, std::string> last_sent;  // By topic: what the page shows.
  };
  struct Waiting {
    log::StreamId document;
    pod::WriteState target = pod::WriteState::local;
    Tick deadline;
    std::string body;
    Answer answer;
  };
  struct Refresh;

  // --- requests.cc ---
  void request(const HttpRequest& request, const Answer& answer);
  Result<std::string> get(const HttpRequest& request);
  void change(const HttpRequest& request, const Answer& answer);
  Result<std::string> change_devices(const HttpRequest& request);
  Result<std::string> change_cluster(const HttpRequest& request);

  // --- consent.cc ---
  Result<std::string> change_standing(const crypto::PublicKey& device, const std::string& what,
                                      const HttpRequest& request);
  Result<std::string> change_requests(const HttpRequest& request, const std::vector<std::string>& path);
  Result<std::string> rotate_key(const HttpRequest& request);
  Result<std::string> undo_recovery();
  Result<std::string> decide_contest(const HttpRequest& request);

  // --- requests.cc ---
  void change_documents(const HttpRequest& request, const Answer& answer);
  void answer_when(const HttpRequest& request, const log::StreamId& document, std::string body, const Answer& answer);
  void answer_waiting();
  Status writable() const;

  // --- live.cc ---
  void live_message(const std::shared_ptr<LiveSocket>& socket, const std::string& text);
  Status live_edit(const std::shared_ptr<LiveSocket>& socket, Live& live, const log::StreamId& document,
                   std::uint64_t revision, const std::vector<TextChange>& changes);
  void pass_on(const log::StreamId& document, const TextDelta& delta, const std::string& device,
               const LiveSocket* except);
  static std::vector<pod::TextEdit> edits_of(const std::vector<TextChange>& changes);
  // What patches mean for the document's text.
  static Result<TextDelta> text_delta(const document::Patches& patches);
  void document_changed(const pod::DocumentChanged& change);
  void cursors_changed(const log::StreamId& document);
  void tell_states();
  void watch_deadline();  // Answers those who waited too long even when nothing else happens.
  void refresh_topics();
  std::string topic(const std::string& name);

  Daemon& daemon_;
  std::map<std::shared_ptr<LiveSocket>, Live> live_;
  std::vector<Waiting> waiting_;
  identity::Inviter::Progress pairing_;
  std::optional<identity::JoinSecret> invitation_;
  std::unique_ptr<Refresh> refresh_;
  std::unique_ptr<Downloads> downloads_;
};

}  // namespace rz::host
