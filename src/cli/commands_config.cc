// config, config set, config unset; and the options of `rhizome up`, which are the same settings.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "cli/command.h"
#include "host/daemon/files.h"

namespace rz::cli {
namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;

Json json_of(const host::SettingValue& value) {
  return std::visit([](const auto& each) { return Json(each); }, value);
}

int show(const Context& context) {
  const auto settings = host::read_settings(context.folder, {});
  if (!settings) return fail_with(context, settings.error());
  if (context.json) {
    Json json = {{"data", {{"value", context.folder}, {"from", context.folder_from}}}};
    for (const host::Setting& each : *settings) {
      json[std::string(each.key->name)] = {{"value", json_of(each.value)}, {"from", each.why()}};
    }
    print_json(json);
    return 0;
  }
  std::vector<std::vector<std::string>> rows = {{"data", context.folder, context.folder_from}};
  for (const host::Setting& each : *settings) {
    const std::string text = host::setting_text(each.value);
    const bool chosen = each.source != host::SettingSource::fallback;
    rows.push_back({std::string(each.key->name),
                    text.empty() ? "-"
                    : chosen     ? context.style.bold(text)
                                 : text,
                    context.style.dim(each.why())});
    if (context.verbose) rows.push_back({"", context.style.dim(each.key->meaning), ""});
  }
  std::printf("%s", table({"setting", "value", "from"}, rows, context.style).c_str());
  return 0;
}

Result<const host::SettingKey*> key_named(const std::string& name) {
  const host::SettingKey* key = host::setting_key(name);
  if (key != nullptr) return key;
  std::string known;
  for (const host::SettingKey& each : host::setting_keys()) known += words(known.empty() ? "" : ", ", each.name);
  return fail(ErrorCode::bad_argument, words("there is no setting \"", name, "\"; there are: ", known));
}

Result<std::string> read_config(const std::string& path) {
  auto text = host::read_file(path, file_bytes_max);
  if (!text && text.error().code == ErrorCode::not_found) return std::string();
  return text;
}

Status set(const Context& context, const std::string& name, const std::vector<std::string>& typed) {
  const std::string path = context.folder + "/config.toml";
  RZ_TRY(const host::SettingKey* key, key_named(name));
  RZ_TRY(const host::SettingValue value, host::parse_setting(*key, typed));
  RZ_TRY(const std::string before, read_config(path));
  RZ_TRY(const std::string after, host::config_with(before, *key, value, path));
  RZ_CHECK(host::DeviceFiles{context.folder}.prepare());
  return host::write_file(path, after, 0600);
}

Status unset(const Context& context, const std::string& name) {
  const std::string path = context.folder + "/config.toml";
  RZ_TRY(const host::SettingKey* key, key_named(name));
  RZ_TRY(const std::string before, read_config(path));
  RZ_TRY(const std::string after, host::config_without(before, *key, path));
  if (after == before) return {};
  return host::write_file(path, after, 0600);
}

// What came of it, and from when on it holds.
int report(const Context& context, const std::string& name, const Status& done) {
  if (!done) return fail_with(context, done.error());
  const auto settings = host::read_settings(context.folder, {});
  if (!settings) return fail_with(context, settings.error());
  for (const host::Setting& each : *settings) {
    if (each.key->name != name) continue;
    if (context.json) {
      print_json({{name, {{"value", json_of(each.value)}, {"from", each.why()}}}});
      continue;
    }
    const std::string text = host::setting_text(each.value);
    std::printf("%s is %s (%s)\n", name.c_str(), text.empty() ? "not set" : text.c_str(), each.why().c_str());
    if (Remote::of(context)) std::printf("This device runs: it takes effect with the next `rhizome up`.\n");
  }
  return 0;
}

std::string keys_text() {
  std::string text = "Settings:\n";
  for (const host::SettingKey& each : host::setting_keys()) {
    text +=
        words("  ", each.name, std::string(12 - std::min<std::size_t>(each.name.size(), 11), ' '), each.meaning, "\n");
  }
  return text;
}

}  // namespace

void add_setting_options(CLI::App& command, host::CommandLine& given) {
  for (const host::SettingKey& key : host::setting_keys()) {
    if (key.name == "name") continue;  // Of `init` and `join`; afterwards `rhizome device rename`.
    const std::string name(key.name);
    const std::string meaning(key.meaning);
    if (key.kind == host::SettingKind::boolean) {
      const std::string option = words(key.option, ",!--no-", key.option.substr(2));
      command.add_flag_function(
          option, [&given, name](std::int64_t count) { given[name] = {count > 0 ? "true" : "false"}; }, meaning);
      continue;
    }
    auto* option = command.add_option_function<std::vector<std::string>>(
        std::string(key.option), [&given, name](const std::vector<std::string>& typed) { given[name] = typed; },
        meaning);
    option->type_name(key.kind == host::SettingKind::addresses ? "MULTIADDR" : key.name == "page" ? "DIR" : "VALUE");
    option->expected(1, key.kind == host::SettingKind::addresses ? 16 : 1);
    option->check(CLI::Validator(
        [&key](std::string& typed) {
          const auto value = host::parse_setting(key, {typed});
          return value ? std::string() : value.error().message;
        },
        ""));
    if (key.kind != host::SettingKind::addresses) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

void add_config_commands(CLI::App& app, Context& context) {
  static std::string name;
  static std::vector<std::string> typed;
  auto* settings = app.add_subcommand("config", "What is in force, and why; change it")->fallthrough();
  settings->require_subcommand(0, 1);
  settings->footer(
      "Examples:\n  rhizome config\n  rhizome config set discover true\n"
      "  rhizome config set listen /ip4/192.168.1.20/tcp/4868\n  rhizome config unset listen\n"
      "The command line beats the environment, which beats config.toml in the pod's folder, which beats the "
      "default.\n\n" +
      keys_text());
  settings->callback([&context] {
    if (!context.chosen) context.chosen = [&context] { return show(context); };
  });

  auto* change = settings->add_subcommand("set", "Keep a setting in config.toml");
  change->add_option("key", name, "Which")->required();
  change->add_option("value", typed, "Its value; of listen also several")->required();
  change->footer("Examples:\n  rhizome config set http 4900\n  rhizome config set log_level debug\n\n" + keys_text());
  change->callback(
      [&context] { context.chosen = [&context] { return report(context, name, set(context, name, typed)); }; });

  auto* forget = settings->add_subcommand("unset", "Take a setting out of config.toml");
  forget->add_option("key", name, "Which")->required();
  forget->footer("Example:\n  rhizome config unset listen");
  forget->callback([&context] { context.chosen = [&context] { return report(context, name, unset(context, name)); }; });
}

}  // namespace rz::cli
