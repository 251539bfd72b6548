// snapshot, export: what a pod is, as a file.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command.h"

namespace rz::cli {
namespace {

int snapshot(const Context& context, const std::string& file) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  auto made = remote->call("POST", "/api/snapshot");
  if (!made) return fail_with(context, made.error());
  if (!file.empty()) {
    if (const Status fetched = remote->download((*made)["car"].get<std::string>(), file, 0600); !fetched) {
      return fail_with(context, fetched.error());
    }
    (*made)["file"] = file;
  }
  made->erase("car");
  if (context.json) {
    print_json(*made);
    return 0;
  }
  const Json& s = *made;
  std::printf("%s\n", context.style.bold(s["root"].get<std::string>()).c_str());
  const auto documents = s["documents"].get<unsigned long long>();
  std::printf("%llu document%s as of change %llu in order: %llu blocks, %s\n", documents, documents == 1 ? "" : "s",
              s["cut_index"].get<unsigned long long>(), s["blocks"].get<unsigned long long>(),
              bytes_text(s["bytes"]).c_str());
  if (!file.empty()) {
    std::printf("Written to %s. Its documents are sealed with your pod's key; the list of your devices is not.\n",
                file.c_str());
  }
  if (context.verbose) std::printf("  cut  %s\n", s["cut"].get<std::string>().c_str());
  return 0;
}

// The file is written by this process, so it is where the person said; the daemon only makes what is in it.
int export_pod(const Context& context, const std::string& file, bool sealed) {
  const auto remote = Remote::of(context);
  if (!remote) return fail_with(context, remote.error());
  auto made = remote->call("POST", "/api/export", {{"sealed", sealed}});
  if (!made) return fail_with(context, made.error());
  if (const Status fetched = remote->download((*made)["car"].get<std::string>(), file, 0600); !fetched) {
    return fail_with(context, fetched.error());
  }
  made->erase("car");
  (*made)["file"] = file;
  if (context.json) {
    print_json(*made);
    return 0;
  }
  const Json& e = *made;
  std::printf("Your pod is in %s: %llu changes in %llu streams, %s.\n", file.c_str(),
              e["events"].get<unsigned long long>(), e["streams"].get<unsigned long long>(),
              bytes_text(e["car_bytes"]).c_str());
  if (sealed) {
    std::printf("It is sealed: nobody can read it without your paper key, nor can you.\n");
  } else {
    std::printf("%s\n", context.style
                            .yellow("Whoever has this file can read everything in it. Keep it as you keep your "
                                    "paper key, or use --sealed.")
                            .c_str());
  }
  std::printf("On another machine:  rhizome init --from %s\n", file.c_str());
  return 0;
}

}  // namespace

void add_leaving_commands(CLI::App& app, Context& context) {
  static std::string snapshot_file;
  static std::string export_file;
  static bool sealed = false;

  auto* state = app.add_subcommand("snapshot", "Name your pod's state by one hash, and write it as a CAR file");
  state->add_option("file", snapshot_file, "Where to write it (default: only say its name)")->type_name("FILE.car");
  state->footer(
      "Devices of one pod that have the same changes in order say the same name.\n"
      "Examples:\n  rhizome snapshot\n  rhizome snapshot pod.car && rhizome car verify pod.car\n"
      "  rhizome snapshot --json | jq -r .root");
  state->callback([&context] { context.chosen = [&context] { return snapshot(context, snapshot_file); }; });

  auto* whole = app.add_subcommand("export", "Write your whole pod, with all its history, as one file");
  whole->add_option("file", export_file, "Where to write it")->type_name("FILE")->required();
  whole->add_flag("--sealed", sealed, "Leave the keys out: then only your paper key opens it");
  whole->footer(
      "Whoever has the file can read everything in it, unless it is sealed. It opens read-only; a join code or the\n"
      "paper key makes it a device. Your notes as plain files: rhizome doc export --all DIR\n"
      "Examples:\n  rhizome export pod.car\n  rhizome init --from pod.car --data ~/copy && rhizome up --data ~/copy");
  whole->callback([&context] { context.chosen = [&context] { return export_pod(context, export_file, sealed); }; });
}

}  // namespace rz::cli
