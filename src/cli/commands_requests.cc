// device requests, approve, decline, withdraw, lift, leave, undo-recovery, decide: what needs more than one device's
// yes.
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "cli/command.h"

namespace rz::cli {

// The words, or, for "-", what the person types: unseen on a terminal, and in no shell's history.
Result<std::string> paper_words(const std::string& given) {
  if (given != "-") return given;
  const bool terminal = stdin_is_terminal();
  termios before{};
  if (terminal && ::tcgetattr(STDIN_FILENO, &before) == 0) {
    std::fprintf(stderr, "The 24 words of your paper key (they are not shown): ");
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fprintf(stderr, "\n");
  }
  if (line.empty()) return fail(ErrorCode::bad_argument, "no words were given");
  return line;
}

// What still has to happen, where the other devices are asked.
void print_asked(const Json& outcome) {
  std::printf("Not yet: this %s.\nYour other devices are asked. There:  rhizome device approve %s\n",
              outcome["missing"].get<std::string>().c_str(),
              outcome["request"].get<std::string>().substr(0, 12).c_str());
}

// The body of a request that the paper key may sign.
Result<Json> with_paper(const std::string& paper) {
  Json body = Json::object();
  if (!paper.empty()) {
    RZ_TRY(body["paper"], paper_words(paper));
  }
  return body;
}

// Done, which `done` says in words, or asked of the other devices. `answer`: what the JSON begins with.
int say_outcome(const Context& context, Json answer, const Json& outcome, const std::string& what,
                const std::string& done) {
  const bool asked = !outcome.value("done", true);
  if (context.json) {
    answer["done"] = asked ? Json(nullptr) : Json(what);
    if (asked) answer["request"] = outcome["request"];
    if (asked) answer["missing"] = outcome["missing"];
    print_json(answer);
  } else if (asked) {
    print_asked(outcome);
  } else {
    std::printf("%s\n", done.c_str());
  }
  return asked ? static_cast<int>(Exit::unknown) : 0;
}

// A removal or a lift, by name or id: done, or asked of the other devices.
int change_standing(const Context& context, const std::string& wanted, const std::string& what,
                    const std::string& paper) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto device = find_device(*remote, wanted);
  if (!device) return fail_with(context, device.error());
  const auto body = with_paper(paper);
  if (!body) return fail_with(context, body.error());
  const auto done = remote->call("POST", words("/api/devices/", (*device)["id"].get<std::string>(), "/", what), *body);
  if (!done) return fail_with(context, done.error());
  const std::string name = (*device)["name"];
  return say_outcome(context, {{"device", (*device)["id"]}}, *done, what,
                     words(name, what == "remove" ? " is removed." : " belongs to your pod again."));
}

// This device's key: the process begins anew with another one, on the same port and with the same token.
int rotate_key(const Context& context, const std::string& paper) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto body = with_paper(paper);
  if (!body) return fail_with(context, body.error());
  const auto done = remote->call("POST", "/api/devices/self/rotate", *body);
  if (!done) return fail_with(context, done.error());
  return say_outcome(context, Json::object(), *done, "rotate",
                     "This device has a new key: the old one is of no use to anybody any more.");
}

namespace {

std::string joined(const Json& list) {
  std::string text;
  for (const Json& each : list) text += (text.empty() ? "" : ", ") + each.get<std::string>();
  return text.empty() ? "nobody" : text;
}

// A request by the beginning of its id, or by the name of the device that it is about or that asks.
Result<Json> find_request(const Remote& remote, const std::string& wanted, bool mine) {
  RZ_TRY(const Json all, remote.call("GET", "/api/devices/requests"));
  std::vector<Json> found;
  for (const Json& request : all["requests"]) {
    if (request["mine"].get<bool>() != mine) continue;
    const bool named = request["device_name"] == wanted || request["by_name"] == wanted;
    if (named || (wanted.size() >= 6 && request["id"].get<std::string>().starts_with(wanted))) found.push_back(request);
  }
  if (found.empty()) {
    return fail(ErrorCode::not_found,
                words(mine ? "this device asks for nothing about \"" : "no other device asks for anything about \"",
                      wanted, "\": see `rhizome device requests`"));
  }
  if (found.size() > 1) {
    return fail(ErrorCode::bad_argument,
                words("there are several requests about \"", wanted, "\": say the id, see `rhizome device requests`"));
  }
  return found[0];
}

int requests(const Context& context) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto json = remote->call("GET", "/api/devices/requests");
  if (!json) return fail_with(context, json.error());
  if (context.json) {
    print_json(*json);
    return 0;
  }
  if ((*json)["requests"].empty()) {
    std::printf("Nothing waits for a yes.\n");
    return 0;
  }
  for (const Json& request : (*json)["requests"]) {
    const std::string id = request["id"].get<std::string>().substr(0, 12);
    std::printf("%s  %s\n", context.style.bold(request["text"].get<std::string>()).c_str(),
                context.style.dim(ago(request["since_ms"], wall_ms())).c_str());
    std::printf("    yes: %s   no: %s   not said yet: %s   (%llu must say yes)\n", joined(request["yes"]).c_str(),
                joined(request["no"]).c_str(), joined(request["waiting_for"]).c_str(),
                static_cast<unsigned long long>(request["needed"].get<std::uint64_t>()));
    if (request["left_out"].is_number() && request["left_out"].get<std::uint64_t>() > 0) {
      std::printf("    %llu changes of %s that are here would no longer count.\n",
                  static_cast<unsigned long long>(request["left_out"].get<std::uint64_t>()),
                  request["device_name"].get<std::string>().c_str());
    }
    if (request["mine"].get<bool>()) std::printf("    rhizome device withdraw %s\n", id.c_str());
    if (request["may_answer"].get<bool>()) {
      std::printf("    rhizome device approve %s      rhizome device decline %s\n", id.c_str(), id.c_str());
    }
  }
  return 0;
}

int answer(const Context& context, const std::string& wanted, const std::string& what) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto request = find_request(*remote, wanted, what == "withdraw");
  if (!request) return fail_with(context, request.error());
  const std::string place = words("/api/devices/requests/", (*request)["id"].get<std::string>());
  const auto done = what == "withdraw" ? remote->call("DELETE", place)
                                       : remote->call("POST", words(place, "/", what), Json::object());
  if (!done) return fail_with(context, done.error());
  const std::string text = (*request)["text"];
  if (context.json) {
    print_json({{"request", (*request)["id"]}, {"done", what}});
  } else if (what == "approve") {
    std::printf("You said yes: %s.\n", text.c_str());
  } else {
    std::printf(what == "decline" ? "You said no: %s.\n" : "Withdrawn: %s.\n", text.c_str());
  }
  return 0;
}

int leave(const Context& context, const std::string& paper) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto status = remote->call("GET", "/api/status");
  if (!status) return fail_with(context, status.error());
  return change_standing(context, (*status)["device_id"], "remove", paper);
}

int undo_recovery(const Context& context) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto done = remote->call("POST", "/api/devices/undo-recovery", Json::object());
  if (!done) return fail_with(context, done.error());
  const bool asked = !done->value("done", true);
  if (context.json) {
    print_json(*done);
  } else if (asked) {
    print_asked(*done);
  } else {
    std::printf("The recovery is undone.\n");
  }
  return asked ? static_cast<int>(Exit::unknown) : 0;
}

int decide(const Context& context, const std::string& keep, const std::string& paper) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto devices = remote->call("GET", "/api/devices");
  if (!devices) return fail_with(context, devices.error());
  const Json& rivals = (*devices)["rivals"];
  if (keep.empty()) {
    if (context.json) {
      print_json({{"rivals", rivals}});
      return 0;
    }
    if (rivals.empty()) std::printf("No changes to your devices contradict each other.\n");
    for (const Json& rival : rivals) {
      std::printf("%s  %s%s\n    %s\n", context.style.bold(rival["text"].get<std::string>()).c_str(),
                  context.style.dim(ago(rival["time_ms"], wall_ms())).c_str(),
                  rival["followed_here"].get<bool>() ? "  (this device follows it)" : "",
                  rival["id"].get<std::string>().c_str());
    }
    if (!rivals.empty()) std::printf("\nYour paper key decides:  rhizome device decide ID --paper -    or: none\n");
    return 0;
  }
  Json chosen = nullptr;
  std::size_t matches = 0;
  for (const Json& rival : rivals) {
    const std::string id = rival["id"];
    if (keep != id && !(keep.size() >= 12 && id.starts_with(keep))) continue;
    chosen = id;
    ++matches;
  }
  if (keep != "none" && matches != 1) {
    return fail_with(context, Error{ErrorCode::bad_argument,
                                    words("\"", keep, "\" is none of the changes: see `rhizome device decide`")});
  }
  auto typed = paper_words(paper.empty() ? "-" : paper);
  if (!typed) return fail_with(context, typed.error());
  const auto done = remote->call("POST", "/api/devices/decide", {{"keep", chosen}, {"paper", *std::move(typed)}});
  if (!done) return fail_with(context, done.error());
  if (context.json) {
    print_json({{"kept", chosen}});
  } else {
    std::printf(chosen.is_null() ? "Decided: none of them holds.\n" : "Decided.\n");
  }
  return 0;
}

}  // namespace

void add_request_commands(CLI::App& device, Context& context) {
  static std::string wanted;
  static std::string paper;
  const auto add_paper = [](CLI::App* command) {
    command->add_option("--paper", paper, "The 24 words of the paper key; - asks for them, and shows them nowhere")
        ->type_name("WORDS");
  };

  auto* listed = device.add_subcommand("requests", "What your devices ask of each other");
  listed->footer("Example:\n  rhizome device requests");
  listed->callback([&context] { context.chosen = [&context] { return requests(context); }; });

  const auto add_answer = [&](const char* name, const char* help) {
    auto* command = device.add_subcommand(name, help);
    command->add_option("request", wanted, "The beginning of its id, or a device's name")->required();
    command->footer(words("Example:\n  rhizome device ", name, " phone"));
    command->callback(
        [&context, name] { context.chosen = [&context, name] { return answer(context, wanted, name); }; });
  };
  add_answer("approve", "Say yes to what another device of yours asks");
  add_answer("decline", "Say no to what another device of yours asks");
  add_answer("withdraw", "Take back what this device asks");

  auto* lifted = device.add_subcommand("lift", "Lift a suspension: it syncs again");
  lifted->add_option("device", wanted, "Its name, or the beginning of its id")->required();
  add_paper(lifted);
  lifted->footer("Example:\n  rhizome device lift phone\nExit code 5: your other devices are asked.");
  lifted->callback(
      [&context] { context.chosen = [&context] { return change_standing(context, wanted, "lift", paper); }; });

  auto* leaving = device.add_subcommand("leave", "Take this device out of the pod for good; its key is deleted");
  add_paper(leaving);
  leaving->footer("Example:\n  rhizome device leave\nExit code 5: your other devices are asked.");
  leaving->callback([&context] { context.chosen = [&context] { return leave(context, paper); }; });

  auto* undo = device.add_subcommand("undo-recovery", "Somebody else got this pod back with the paper key: undo that");
  undo->footer("Example:\n  rhizome device undo-recovery\nExit code 5: your other devices are asked.");
  undo->callback([&context] { context.chosen = [&context] { return undo_recovery(context); }; });

  auto* decided = device.add_subcommand("decide", "Where two changes contradict each other: see them, keep one");
  decided->add_option("keep", wanted, "The beginning of its id, or none; without it they are listed");
  add_paper(decided);
  decided->footer("Examples:\n  rhizome device decide\n  rhizome device decide bafyrei… --paper -");
  decided->callback([&context] { context.chosen = [&context] { return decide(context, wanted, paper); }; });
}

}  // namespace rz::cli
