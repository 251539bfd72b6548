#include "cli/app.h"

#include <qrencode.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cli/command.h"
#include "host/daemon/car_file.h"
#include "host/daemon/files.h"
#include "host/http/http_client.h"

namespace rz::cli {

Result<Remote> Remote::of(const Context& context) {
  const host::DeviceFiles files{context.folder};
  const auto about = host::read_file(files.path("daemon.json"), 64 * 1024);
  if (!about) {
    return fail(ErrorCode::not_reachable, words("no daemon runs on ", context.folder,
                                                ": start it with `rhizome up --data ", context.folder, "`"));
  }
  const Json json = Json::parse(*about, nullptr, false);
  const std::string http = json.is_object() ? json.value("http", "") : "";
  const std::size_t colon = http.rfind(':');
  auto token = host::read_file(files.path("api.token"), 1024);
  if (colon == std::string::npos || !token) return fail(ErrorCode::not_reachable, "the daemon's files can't be read");
  Remote remote;
  remote.port_ = static_cast<std::uint16_t>(std::strtoul(http.c_str() + colon + 1, nullptr, 10));
  while (!token->empty() && token->back() == '\n') token->pop_back();
  remote.token_ = *std::move(token);
  return remote;
}

std::string this_host() {
  char buffer[65] = {};
  if (::gethostname(buffer, sizeof buffer - 1) != 0 || buffer[0] == '\0') return "this device";
  return buffer;
}

std::string Remote::url() const { return host::page_url(port_, token_); }

namespace {

ErrorCode code_named(std::string_view name) {
#define RZ_CODE_BY_NAME(code, number, text) \
  if (name == #code) return ErrorCode::code;
  RZ_ERROR_CODES(RZ_CODE_BY_NAME)
#undef RZ_CODE_BY_NAME
  return ErrorCode::internal;
}

std::unexpected<Error> refusal_of(const host::HttpReply& reply) {
  const Json json = Json::parse(reply.body, nullptr, false);
  if (json.is_object() && json.contains("error")) {
    const Json& error = json["error"];
    return fail(code_named(error.value("code", "internal")), error.value("message", "refused"));
  }
  return fail(ErrorCode::internal, words("the daemon answered ", reply.status));
}

}  // namespace

Result<Json> Remote::call(const std::string& method, const std::string& path, const Json& body) const {
  RZ_TRY(const host::HttpReply reply,
         host::http_call(port_, token_, method, path,
                         body.is_null() ? "" : body.dump(-1, ' ', false, Json::error_handler_t::replace)));
  Json json = Json::parse(reply.body, nullptr, false);
  if (reply.status / 100 == 2 && !json.is_discarded()) return json;
  return refusal_of(reply);
}

Status Remote::download(const std::string& path, const std::string& file, unsigned mode) const {
  RZ_TRY(host::CarFile car, host::CarFile::create(file, mode));
  RZ_TRY(const host::HttpReply reply,
         host::http_download(port_, token_, path, [&car](std::string_view piece) { return car.append(piece); }));
  if (reply.status / 100 == 2) return car.finish(nullptr);
  return refusal_of(reply);
}

int fail_with(const Context& context, const Error& error) {
  if (context.json) {
    print_json({{"error", {{"code", std::string(name_of(error.code))}, {"message", error.message}}}});
  } else {
    std::string place = error.offset == Error::offset_none ? "" : words(" (at byte ", error.offset, ")");
    std::fprintf(stderr, "rhizome: %s%s\n",
                 error.message.empty() ? std::string(meaning_of(error.code)).c_str() : error.message.c_str(),
                 place.c_str());
  }
  return static_cast<int>(exit_of(error));
}

void print_json(const Json& json) {
  std::printf("%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

std::string qr_text(const std::string& text) {
  QRcode* code = QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1);
  if (code == nullptr) return {};
  const int size = code->width;
  const auto dark = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < size && y < size && (code->data[y * size + x] & 1) != 0;
  };
  std::string out;
  for (int y = -2; y < size + 2; y += 2) {
    for (int x = -2; x < size + 2; ++x) {
      // Light on dark terminals too: the light modules are drawn.
      const bool top = !dark(x, y);
      const bool bottom = !dark(x, y + 1);
      out += top && bottom ? "█" : top ? "▀" : bottom ? "▄" : " ";
    }
    out += "\n";
  }
  QRcode_free(code);
  return out;
}

void add_completion_command(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("completion", "Print a completion script for your shell");
  static std::string shell;
  command->add_option("shell", shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("Example:\n  source <(rhizome completion bash)");
  command->callback([&app, &context] {
    context.chosen = [&app] {
      std::string top;
      std::string cases;
      for (const CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
        top += sub->get_name() + " ";
        std::string below;
        for (const CLI::App* each : sub->get_subcommands([](const CLI::App*) { return true; }))
          below += each->get_name() + " ";
        if (below.empty()) continue;
        if (shell == "fish") {
          cases +=
              "complete -c rhizome -f -n '__fish_seen_subcommand_from " + sub->get_name() + "' -a '" + below + "'\n";
        } else {
          cases += "    " + sub->get_name() + ") words='" + below + "';;\n";
        }
      }
      if (shell == "fish") {
        std::printf("complete -c rhizome -f -n __fish_use_subcommand -a '%s'\n%s", top.c_str(), cases.c_str());
        return 0;
      }
      if (shell == "zsh") std::printf("autoload -U +X bashcompinit && bashcompinit\n");
      std::printf(
          "_rhizome() {\n  local words='%s'\n  if [ \"$COMP_CWORD\" -gt 1 ]; then\n    words=''\n    case "
          "${COMP_WORDS[1]} in\n%s    esac\n  fi\n  COMPREPLY=($(compgen -W \"$words\" -- "
          "\"${COMP_WORDS[COMP_CWORD]}\"))\n"
          "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
          "complete -F _rhizome rhizome\n",
          top.c_str(), cases.c_str());
      return 0;
    };
  });
}

int run(int argc, char** argv) {
  Context context;
  context.folder = host::default_folder();
  CLI::App app{"Your data on your own devices: one pod, replicated, encrypted, yours.", "rhizome"};
  app.require_subcommand(1);
  app.fallthrough();
  auto* data = app.add_option("--data", context.folder, "The pod's folder on this device")->type_name("DIR");
  app.add_flag("--json", context.json, "Answer in JSON, one value, for programs");
  app.add_flag("--verbose", context.verbose, "Say more: ids, keys, terms");
  app.footer(
      "A first pod:  rhizome init --name laptop && rhizome up\n"
      "A second device:  rhizome device add   there:  rhizome join CODE --at MULTIADDR\n"
      "Exit codes: 0 done, 1 failed, 2 usage, 3 input refused, 4 not reachable, 5 outcome unknown.");
  add_up_command(app, context);
  add_pod_commands(app, context);
  add_config_commands(app, context);
  add_doctor_command(app, context);
  add_recover_command(app, context);
  add_device_commands(app, context);
  add_cluster_commands(app, context);
  add_document_commands(app, context);
  add_leaving_commands(app, context);
  add_ipld_commands(app, context);
  add_completion_command(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  context.style = Style::for_stdout();
  const char* xdg = std::getenv("XDG_DATA_HOME");
  context.folder_from = data->count() > 0 ? "--data" : xdg != nullptr && *xdg == '/' ? "XDG_DATA_HOME" : "the default";
  if (context.folder.empty()) {
    return fail_with(context, Error{ErrorCode::bad_argument, "--data names no folder"});
  }
  while (context.folder.size() > 1 && context.folder.back() == '/') context.folder.pop_back();
  if (!context.chosen) return static_cast<int>(Exit::usage);
  try {
    const int code = context.chosen();
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    std::fprintf(stderr, "rhizome: the answer could not be written: %s\n", std::strerror(errno));
    return code == 0 ? static_cast<int>(Exit::failed) : code;
  } catch (const std::exception& error) {
    // A library's exception that nobody expected: a bug of ours, but no crash.
    return fail_with(context, Error{ErrorCode::internal, words("this is a bug of ours: ", error.what())});
  }
}

}  // namespace rz::cli
