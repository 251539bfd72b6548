// cluster status, restart, transfer, promote, demote; device sleep: who decides on the order, and the owner's say in
// it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "cli/command.h"

namespace rz::cli {
namespace {

int status(const Context& context) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto cluster = remote->call("GET", "/api/cluster");
  if (!cluster) return fail_with(context, cluster.error());
  const Json& c = *cluster;
  if (context.json) {
    print_json(c);
    return 0;
  }
  const Style& style = context.style;
  const auto voters = c["quorum"]["voters"].get<std::uint64_t>();
  const auto reachable = c["quorum"]["reachable"].get<std::uint64_t>();
  const bool ok = c["quorum"]["ok"];
  std::printf("%s  %s: %llu of %llu devices that decide on it are in reach\n",
              ok ? style.green("●").c_str() : style.yellow("◑").c_str(), ok ? "the order goes on" : "the order waits",
              static_cast<unsigned long long>(reachable), static_cast<unsigned long long>(voters));
  std::vector<std::vector<std::string>> rows;
  for (const Json& member : c["members"]) {
    const bool online = member["online"];
    std::string name = member["name"];
    if (member["this"].get<bool>()) name += " (this one)";
    rows.push_back({online ? style.green("●") : style.dim("○"), name,
                    member["leader"].get<bool>()  ? "leads"
                    : member["voter"].get<bool>() ? "decides"
                                                  : "keeps a copy",
                    online ? "in reach" : "not in reach"});
  }
  std::printf("%s", table({"", "device", "", ""}, rows, style).c_str());
  if (!ok) {
    std::printf("Reading, writing and syncing go on. If the others are lost for good: `rhizome cluster restart`.\n");
  } else if (c["depends_on_one"].get<bool>()) {
    std::printf("%s\n", style
                            .yellow("One device alone decides on the order: it survives the loss of any other, not of "
                                    "that one.")
                            .c_str());
  }
  if (context.verbose) {
    std::printf("  generation %s, term %s, entry %s\n", c["generation"].dump().c_str(), c["term"].dump().c_str(),
                c["commit_index"].dump().c_str());
  }
  return 0;
}

bool confirmed() {
  std::printf(
      "This starts the order of your pod anew, with this device alone deciding on it.\n"
      "Do it only if the devices that decided are lost for good. Nothing that was written is lost; what only they had\n"
      "put in order is put in order again. Devices that come back after all rejoin by themselves.\n"
      "Start anew? [y/N] ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int restart(const Context& context, bool yes, bool force) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  if (!yes && context.json) {
    return fail_with(context, Error{ErrorCode::bad_argument, "with --json nobody can be asked: say --yes"});
  }
  if (!yes && !confirmed()) {
    std::printf("Nothing was changed.\n");
    return 1;
  }
  const auto done = remote->call("POST", "/api/cluster/restart", {{"force", force}});
  if (!done) return fail_with(context, done.error());
  if (context.json) {
    print_json(*done);
  } else {
    std::printf("Generation %s has begun. This device decides on the order; others join in as they catch up.\n",
                (*done)["generation"].dump().c_str());
  }
  return 0;
}

// `name` empty: no device is meant.
int act(const Context& context, const std::string& what, const std::string& name, const std::string& said) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  Json body = Json::object();
  std::string who = "This device";
  if (!name.empty()) {
    const auto device = find_device(*remote, name);
    if (!device) return fail_with(context, device.error());
    body["device"] = (*device)["id"];
    who = (*device)["name"];
  }
  const auto done = remote->call("POST", "/api/cluster/" + what, body);
  if (!done) return fail_with(context, done.error());
  if (context.json) {
    Json told{{"done", what}};
    if (!name.empty()) told["device"] = body["device"];
    print_json(told);
  } else {
    std::printf("%s %s\n", who.c_str(), said.c_str());
  }
  return 0;
}

}  // namespace

void add_cluster_commands(CLI::App& app, Context& context) {
  static std::string wanted;
  static bool yes = false;
  static bool force = false;
  auto* cluster =
      app.add_subcommand("cluster", "Which devices decide on the order")->require_subcommand(1)->fallthrough();
  cluster->footer("Examples:\n  rhizome cluster status\n  rhizome cluster transfer phone");

  auto* shown = cluster->add_subcommand("status", "Who decides, who leads, and who is in reach");
  shown->footer("Example:\n  rhizome cluster status");
  shown->callback([&context] { context.chosen = [&context] { return status(context); }; });

  auto* restarted =
      cluster->add_subcommand("restart", "The devices that decided are lost for good: begin anew with this one");
  restarted->add_flag("--yes", yes, "Do not ask");
  restarted->add_flag("--force", force, "Even though a majority of those that decide is in reach");
  restarted->footer("Example:\n  rhizome cluster restart");
  restarted->callback([&context] { context.chosen = [&context] { return restart(context, yes, force); }; });

  auto* moved =
      cluster->add_subcommand("transfer", "Let another device lead: the named one, or the one that is furthest");
  moved->add_option("device", wanted, "Its name, or the beginning of its id");
  moved->footer("Example:\n  rhizome cluster transfer cloud");
  moved->callback([&context] {
    context.chosen = [&context] {
      return act(context, "transfer", wanted, wanted.empty() ? "hands over." : "is asked to lead.");
    };
  });

  auto* promoted = cluster->add_subcommand("promote", "Let a device decide on the order");
  promoted->add_option("device", wanted, "Its name, or the beginning of its id")->required();
  promoted->footer("Example:\n  rhizome cluster promote tablet");
  promoted->callback([&context] {
    context.chosen = [&context] { return act(context, "promote", wanted, "decides on the order from now on."); };
  });

  auto* demoted =
      cluster->add_subcommand("demote", "Let a device keep a copy for now; if it stays in reach it is promoted again");
  demoted->add_option("device", wanted, "Its name, or the beginning of its id")->required();
  demoted->footer("Example:\n  rhizome cluster demote tablet");
  demoted->callback([&context] {
    context.chosen = [&context] { return act(context, "demote", wanted, "keeps a copy from now on."); };
  });

  auto* asleep = app.get_subcommand("device")->add_subcommand(
      "sleep", "Before this device sleeps or travels: it hands over, and the others do without its vote");
  asleep->footer("Example:\n  rhizome device sleep");
  asleep->callback([&context] {
    context.chosen = [&context] { return act(context, "sleep", "", "may sleep: the others go on without its vote."); };
  });
}

}  // namespace rz::cli
