// init, join, status, log, version.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "cli/command.h"
#include "host/config/config.h"
#include "host/daemon/copy.h"
#include "host/daemon/join.h"
#include "identity/paper.h"

namespace rz::cli {
namespace {

// --- init ------------------------------------------------------------------------------------------------------------

// What was given, else the configuration's, else the machine's.
Result<std::string> device_name(const Context& context, const std::string& given) {
  if (!given.empty()) return given;
  RZ_TRY(const auto settings, host::read_settings(context.folder, {}));
  std::string name = host::setting<std::string>(settings, "name");
  return name.empty() ? this_host() : name;
}

int init(const Context& context, const std::string& given) {
  const auto named = device_name(context, given);
  if (!named) return fail_with(context, named.error());
  const std::string& name = *named;
  const host::DeviceFiles files{context.folder};
  const auto begun = host::begin_pod(files, name);
  if (!begun) return fail_with(context, begun.error());
  if (context.json) {
    print_json(
        {{"did", begun->did}, {"peer_id", begun->peer_id}, {"data", context.folder}, {"paper", begun->paper_words}});
    return 0;
  }
  const Style& style = context.style;
  std::printf("%s\n\n", style.bold("Your pod is made.").c_str());
  std::printf("%s", identity::format_paper_sheet({begun->paper_words, begun->did, {}}).c_str());
  std::printf(
      "\nThis is your %s: write it down and keep it where you keep your passport. With it\n"
      "you get your pod back if every device is lost; whoever finds it can do the same.\n\n",
      style.bold("paper key").c_str());
  std::printf(
      "Next:  %s\n",
      style.bold(words("rhizome up", context.folder == host::default_folder() ? "" : " --data " + context.folder))
          .c_str());
  return 0;
}

int init_from(const Context& context, const std::string& file, const std::string& wanted) {
  const auto name = device_name(context, wanted);
  if (!name) return fail_with(context, name.error());
  const host::DeviceFiles files{context.folder};
  const auto copied = host::begin_copy(files, file, *name);
  if (!copied) return fail_with(context, copied.error());
  if (context.json) {
    print_json({{"did", copied->did},
                {"data", context.folder},
                {"read_only", true},
                {"sealed", copied->sealed},
                {"events", copied->events},
                {"documents", copied->documents}});
    return 0;
  }
  std::printf("%s  %llu changes", context.style.bold("A copy of your pod is here, to read.").c_str(),
              static_cast<unsigned long long>(copied->events));
  if (copied->sealed) {
    std::printf(". It is sealed: your paper key opens it (`rhizome recover`).\n");
  } else {
    std::printf(", %llu document%s.\n", static_cast<unsigned long long>(copied->documents),
                copied->documents == 1 ? "" : "s");
  }
  std::printf(
      "To write here, make it a device: rhizome join CODE, with a code from one of your devices, or rhizome "
      "recover, with the paper key.\n");
  const std::string data = context.folder == host::default_folder() ? "" : " --data " + context.folder;
  std::printf("Next:  %s\n", context.style.bold(words("rhizome up", data)).c_str());
  return 0;
}

// --- join ------------------------------------------------------------------------------------------------------------

int join(const Context& context, host::JoinOptions options) {
  auto named = device_name(context, options.name);
  if (!named) return fail_with(context, named.error());
  options.name = *std::move(named);
  const host::DeviceFiles files{context.folder};
  options.progress = [&context](const identity::Newcomer::Progress& progress) {
    if (progress.stage != identity::Newcomer::Stage::asking) return;
    if (context.json) {
      print_json({{"state", "asking"}, {"fingerprint", progress.fingerprint}});
    } else {
      std::printf("The code is right. On the other device, check that it shows\n\n    %s\n\nand say yes there.\n",
                  context.style.bold(progress.fingerprint).c_str());
    }
    std::fflush(stdout);
  };
  const auto begun = host::join_pod(files, options);
  if (!begun) return fail_with(context, begun.error());
  if (context.json) {
    print_json({{"state", "joined"}, {"did", begun->did}, {"peer_id", begun->peer_id}, {"data", context.folder}});
    return 0;
  }
  std::printf("This device belongs to your pod now.\nNext:  %s\n",
              context.style.bold(words("rhizome up --data ", context.folder)).c_str());
  return 0;
}

// --- status ----------------------------------------------------------------------------------------------------------

int status(const Context& context) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  const auto json = remote->call("GET", "/api/status");
  if (!json) return fail_with(context, json.error());
  if (context.json) {
    print_json(*json);
    return 0;
  }
  const Style& style = context.style;
  const Json& s = *json;
  const std::string role = s["role"];
  std::printf("%s, %s\n", style.bold(s["name"].get<std::string>()).c_str(),
              role == "alone"       ? "the only device of your pod"
              : role == "leader"    ? "which puts changes in order at the moment"
              : role == "follower"  ? "in step with the others"
              : role == "learner"   ? "catching up, or keeping a copy"
              : role == "read-only" ? "a copy of your pod that can only be read"
                                    : "looking for the others");
  const bool read_only = s["read_only"];
  const bool ok = s["quorum"]["ok"];
  if (read_only) std::printf("To write here, make it a device: rhizome join CODE, or rhizome recover\n");
  if (!read_only)
    std::printf("%s  %s devices in reach that decide on the order (%llu of %llu)\n",
                ok ? style.green("●").c_str() : style.yellow("◑").c_str(), ok ? "enough" : "too few",
                s["quorum"]["reachable"].get<unsigned long long>(), s["quorum"]["voters"].get<unsigned long long>());
  std::printf("%llu documents, %llu devices, %s on disk\n", s["documents"].get<unsigned long long>(),
              s["devices"].get<unsigned long long>(), bytes_text(s["storage_bytes"]).c_str());
  const Json& p = s["pending"];
  if (p["visible"].get<std::uint64_t>() + p["local"].get<std::uint64_t>() + p["pod"].get<std::uint64_t>() > 0) {
    std::printf("on the way: ○ %llu  ◔ %llu  ◑ %llu\n", p["visible"].get<unsigned long long>(),
                p["local"].get<unsigned long long>(), p["pod"].get<unsigned long long>());
  }
  const auto only_here = s.value("only_here", std::uint64_t{0});
  if (only_here > 0 && s["devices"].get<std::uint64_t>() > 1)
    std::printf("%s\n", style
                            .yellow(words(only_here, only_here == 1 ? " document has" : " documents have",
                                          " changes that no other device is known to store yet"))
                            .c_str());
  if (!s["paper_confirmed"].get<bool>() && !read_only)
    std::printf("%s\n", style.yellow("Your paper key is not confirmed yet: open the page.").c_str());
  if (s.value("requests", 0) > 0)
    std::printf("%s\n", style.yellow("Something waits for a yes: rhizome device requests").c_str());
  if (s.value("contested", false))
    std::printf("%s\n", style.red("Two changes to your devices contradict each other: rhizome device decide").c_str());
  std::printf("page: %s\n", remote->url().c_str());
  if (context.verbose) {
    for (const char* field : {"did", "peer_id", "device_id", "term", "generation", "commit_index", "addresses"}) {
      std::printf("  %-13s %s\n", field,
                  s[field].is_string() ? s[field].get<std::string>().c_str() : s[field].dump().c_str());
    }
  }
  return 0;
}

// --- log -------------------------------------------------------------------------------------------------------------

void print_event(const Context& context, const Json& event, std::uint64_t now_ms) {
  if (context.json) return print_json(event);
  const std::string title = event["title"].is_string() ? event["title"].get<std::string>() : "(unreadable here)";
  const std::string what = event["operation"].is_string() ? event["operation"].get<std::string>() : "edit";
  std::printf("%s  %-16s  %-12s  %-10s  %s", dot(event["state"].get<std::string>()).c_str(),
              ago(event["time_ms"], now_ms).c_str(), event["device"].get<std::string>().c_str(), what.c_str(),
              title.c_str());
  if (context.verbose) std::printf("  %s", context.style.dim(event["cid"].get<std::string>()).c_str());
  std::printf("\n");
}

int log(const Context& context, std::size_t limit, bool follow) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  std::set<std::string> seen;
  for (bool first = true;; first = false) {
    // Between two looks a burst may have come: more is asked for than was to be shown at first.
    const auto json = remote->call("GET", words("/api/log?limit=", first ? limit : std::max<std::size_t>(limit, 5000)));
    if (!json) return fail_with(context, json.error());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    std::set<std::string> shown;
    bool known = first || seen.empty();  // What is older than the first that was shown stays unshown.
    for (const Json& event : (*json)["events"]) {
      const std::string cid = event["cid"];
      known = known || seen.contains(cid);
      shown.insert(cid);
      if (known && !seen.contains(cid)) print_event(context, event, now_ms);
    }
    seen = std::move(shown);
    std::fflush(stdout);
    if (!follow) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
}

}  // namespace

void add_pod_commands(CLI::App& app, Context& context) {
  static std::string name;
  static std::string from;
  static host::JoinOptions join_options;
  static std::size_t limit = 20;
  static bool follow = false;

  auto* begin = app.add_subcommand("init", "Make a new pod on this device");
  begin->add_option("--name", name, "What this device is called (default: the machine's name)")->type_name("NAME");
  begin->add_option("--from", from, "Instead: open what `rhizome export` wrote, to read")->type_name("FILE");
  begin->footer("Examples:\n  rhizome init --name laptop\n  rhizome init --from pod.car --data ~/copy");
  begin->callback([&context] {
    context.chosen = [&context] { return from.empty() ? init(context, name) : init_from(context, from, name); };
  });

  auto* enter = app.add_subcommand("join", "Make this device part of a pod");
  enter->add_option("code", join_options.invitation, "The code, or the link, that `rhizome device add` shows")
      ->required();
  enter->add_option("--at", join_options.at, "Where the other device listens (a link says so itself)")
      ->type_name("MULTIADDR");
  enter->add_option("--name", join_options.name, "What this device is called (default: the machine's name)")
      ->type_name("NAME");
  enter->footer("Example:\n  rhizome join 7KQ2-M0XR-… --at /ip4/192.168.1.20/tcp/4868 --name phone");
  enter->callback([&context] { context.chosen = [&context] { return join(context, join_options); }; });

  auto* state = app.add_subcommand("status", "How this device and its pod are");
  state->footer("Examples:\n  rhizome status\n  rhizome status --json | jq .role");
  state->callback([&context] { context.chosen = [&context] { return status(context); }; });

  auto* events = app.add_subcommand("log", "What happened, newest last");
  events->add_option("-n,--limit", limit, "How many events")->check(CLI::Range(1, 10000))->capture_default_str();
  events->add_flag("-f,--follow", follow, "Go on as events come");
  events->footer("Example:\n  rhizome log --follow");
  events->callback([&context] { context.chosen = [&context] { return log(context, limit, follow); }; });

  auto* version = app.add_subcommand("version", "What this is");
  version->footer("Example:\n  rhizome version --json");
  version->callback([&context] {
    context.chosen = [&context] {
      if (context.json)
        print_json({{"version", "0.1.0"}});
      else
        std::printf("rhizome 0.1.0\n");
      return 0;
    };
  });
}

}  // namespace rz::cli
