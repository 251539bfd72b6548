// device add, list, rename, suspend, remove; the rest is in commands_requests.cc.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

#include "cli/command.h"

namespace rz::cli {
std::uint64_t wall_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

// A device by its name, or by the beginning of its id.
Result<Json> find_device(const Remote& remote, const std::string& wanted) {
  RZ_TRY(const Json devices, remote.call("GET", "/api/devices"));
  std::vector<Json> found;
  for (const Json& device : devices["devices"]) {
    if (device["name"] == wanted || (wanted.size() >= 6 && device["id"].get<std::string>().starts_with(wanted)))
      found.push_back(device);
  }
  if (found.empty())
    return fail(ErrorCode::not_found, words("no device is called \"", wanted, "\": see `rhizome device list`"));
  if (found.size() > 1)
    return fail(ErrorCode::bad_argument, words("several devices are called \"", wanted, "\": say its id"));
  return found[0];
}

namespace {

int list(const Context& context) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto json = remote->call("GET", "/api/devices");
  if (!json) return fail_with(context, json.error());
  if (context.json) {
    print_json(*json);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Json& device : (*json)["devices"]) {
    const bool online = device["online"];
    const std::string seen = online                               ? "in reach"
                             : device["last_seen_ms"].is_number() ? ago(device["last_seen_ms"], wall_ms())
                                                                  : "not seen yet";
    std::string name = device["name"];
    if (device["this"].get<bool>()) name += " (this one)";
    if (device["suspended"].get<bool>()) name += " (suspended)";
    rows.push_back({online ? context.style.green("●") : context.style.dim("○"), name, device["kind"], seen,
                    device["voter"].get<bool>() ? "decides on the order" : "keeps a copy",
                    words(device["lag_events"].get<std::uint64_t>()),
                    context.style.dim(device["id"].get<std::string>().substr(0, 12))});
  }
  std::printf("%s", table({"", "device", "kind", "", "", "behind", "id"}, rows, context.style).c_str());
  return 0;
}

int add(const Context& context, const std::string& kind, bool yes) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto invite = remote->call("POST", "/api/devices/invite", {{"kind", kind}});
  if (!invite) return fail_with(context, invite.error());
  if (context.json) {
    print_json(*invite);
  } else {
    const std::string link = (*invite)["link"];
    std::printf("%s\nOn the new device:\n\n    rhizome join %s", qr_text(link).c_str(),
                context.style.bold((*invite)["code"].get<std::string>()).c_str());
    for (const Json& address : (*invite)["addresses"]) std::printf(" --at %s", address.get<std::string>().c_str());
    std::printf("\n\nThe code is good for ten minutes, once. Waiting …\n");
  }
  std::fflush(stdout);
  std::string before;
  for (;;) {
    const auto state = remote->call("GET", "/api/devices/invite");
    if (!state) return fail_with(context, state.error());
    const std::string stage = (*state)["state"];
    if (stage != before && context.json) print_json(*state);
    if (stage == "asking" && before != "asking") {
      bool accept = yes;
      if (!yes) {
        std::printf("\n%s wants to join. It shows %s: is it the same there, and is it yours? [y/N] ",
                    context.style.bold((*state)["name"].get<std::string>()).c_str(),
                    context.style.bold((*state)["fingerprint"].get<std::string>()).c_str());
        std::fflush(stdout);
        std::string answer;
        std::getline(std::cin, answer);
        accept = answer == "y" || answer == "Y" || answer == "yes";
      }
      const auto confirmed = remote->call("POST", "/api/devices/invite/confirm", {{"accept", accept}});
      if (!confirmed) return fail_with(context, confirmed.error());
    }
    if (stage == "done") {
      if (!context.json) std::printf("%s belongs to your pod now.\n", (*state).value("name", "The device").c_str());
      return 0;
    }
    if (stage == "failed" || stage == "idle") {
      return fail_with(context, Error{ErrorCode::not_found, (*state).value("message", "the code is no longer open")});
    }
    before = stage;
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
  }
}

int suspend(const Context& context, const std::string& wanted) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto device = find_device(*remote, wanted);
  if (!device) return fail_with(context, device.error());
  const auto done = remote->call("POST", words("/api/devices/", (*device)["id"].get<std::string>(), "/suspend"));
  if (!done) return fail_with(context, done.error());
  if (context.json)
    print_json({{"device", (*device)["id"]}, {"done", "suspend"}});
  else
    std::printf("%s was suspended.\n", (*device)["name"].get<std::string>().c_str());
  return 0;
}

int rename(const Context& context, const std::string& wanted, const std::string& name) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto device = find_device(*remote, wanted);
  if (!device) return fail_with(context, device.error());
  const auto done = remote->call("PUT", words("/api/devices/", (*device)["id"].get<std::string>()), {{"name", name}});
  if (!done) return fail_with(context, done.error());
  if (context.json)
    print_json({{"device", (*device)["id"]}, {"name", name}});
  else
    std::printf("%s is called %s now.\n", (*device)["name"].get<std::string>().c_str(), name.c_str());
  return 0;
}

}  // namespace

void add_device_commands(CLI::App& app, Context& context) {
  static std::string kind = "personal";
  static std::string wanted;
  static std::string paper;
  static std::string name;
  static bool yes = false;
  auto* device = app.add_subcommand("device", "Your devices")->require_subcommand(1)->fallthrough();

  auto* added = device->add_subcommand("add", "Let a new device in");
  added->add_option("--kind", kind, "personal, or cloud: always on, can't read")
      ->check(CLI::IsMember({"personal", "cloud"}))
      ->capture_default_str();
  added->add_flag("--yes", yes, "Say yes to whoever proves the code, without looking at its fingerprint");
  added->footer("Example:\n  rhizome device add");
  added->callback([&context] { context.chosen = [&context] { return add(context, kind, yes); }; });

  auto* listed = device->add_subcommand("list", "Which devices there are, and how they are");
  listed->footer("Example:\n  rhizome device list");
  listed->callback([&context] { context.chosen = [&context] { return list(context); }; });

  auto* renamed = device->add_subcommand("rename", "Call it something else, on all your devices");
  renamed->add_option("device", wanted, "Its name, or the beginning of its id")->required();
  renamed->add_option("name", name, "What it is called from now on")->required();
  renamed->footer("Example:\n  rhizome device rename phone \"old phone\"");
  renamed->callback([&context] { context.chosen = [&context] { return rename(context, wanted, name); }; });

  auto* suspended = device->add_subcommand("suspend", "Lost it? It gets nothing new from now on; can be lifted");
  suspended->add_option("device", wanted, "Its name, or the beginning of its id")->required();
  suspended->footer("Example:\n  rhizome device suspend phone");
  suspended->callback([&context] { context.chosen = [&context] { return suspend(context, wanted); }; });

  auto* removed = device->add_subcommand("remove", "Remove it for good; it can't come back with the same key");
  removed->add_option("device", wanted, "Its name, or the beginning of its id")->required();
  removed->add_option("--paper", paper, "The 24 words of the paper key; - asks for them, and shows them nowhere")
      ->type_name("WORDS");
  removed->footer(
      "Examples:\n  rhizome device remove phone\n  rhizome device remove phone --paper -\n"
      "Where one device's word is not enough the others are asked: exit code 5, see `rhizome device requests`.");
  removed->callback(
      [&context] { context.chosen = [&context] { return change_standing(context, wanted, "remove", paper); }; });

  auto* rotated = device->add_subcommand("rotate", "Give this device a new key: somebody may have copied the old one");
  rotated->add_option("--paper", paper, "The 24 words of the paper key; - asks for them, and shows them nowhere")
      ->type_name("WORDS");
  rotated->footer(
      "Examples:\n  rhizome device rotate\n  rhizome device rotate --paper -\n"
      "The device stays what it is, with all that it holds. Where its own word is not enough the others are asked: "
      "exit "
      "code 5, see `rhizome device requests`.");
  rotated->callback([&context] { context.chosen = [&context] { return rotate_key(context, paper); }; });

  add_request_commands(*device, context);
}

}  // namespace rz::cli
