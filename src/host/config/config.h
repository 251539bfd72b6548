// The settings of a device: what is in force, and why. Command line beats environment beats `config.toml` in the data
// folder beats the default (docs/guides/running.md).
//
// The file is TOML with the keys of `setting_keys` at its top level, nothing else: an unknown key or a wrong value is
// an error that names the line, never something quietly ignored. toml++ is behind this: one translation unit includes
// it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace rz::host {

enum class SettingKind : std::uint8_t { boolean, port, seconds, text, choice, addresses };

struct SettingKey {
  std::string_view name;
  SettingKind kind;
  std::string_view fallback;     // As `set` takes it; addresses: separated by spaces.
  std::string_view environment;  // The variable.
  std::string_view option;       // Of `rhizome up`.
  std::string_view choices;      // Of a choice, separated by spaces.
  std::string_view meaning;
};

// All of them, in the order in which they are shown.
const std::vector<SettingKey>& setting_keys();
const SettingKey* setting_key(std::string_view name);

using SettingValue = std::variant<bool, std::uint64_t, std::string, std::vector<std::string>>;

// Reads a value as a person types it ("yes", "4848", one or more addresses). Errors: bad_argument, saying what would
// do.
Result<SettingValue> parse_setting(const SettingKey& key, const std::vector<std::string>& typed);
// "true", "4848", addresses separated by spaces.
std::string setting_text(const SettingValue& value);

enum class SettingSource : std::uint8_t { fallback, file, environment, command_line };

struct Setting {
  const SettingKey* key = nullptr;
  SettingValue value;
  SettingSource source = SettingSource::fallback;
  std::uint32_t line = 0;  // Of the file.
  // "the default", "config.toml, line 3", "RHIZOME_LOG", "--http".
  std::string why() const;
};

struct FileSetting {
  SettingValue value;
  std::uint32_t line = 0;
};
// The text of a config.toml. `path` is for the messages. Errors: bad_argument, naming path and line.
Result<std::map<std::string, FileSetting>> parse_config(std::string_view text, const std::string& path);

// By key; what `rhizome up` was given.
using CommandLine = std::map<std::string, std::vector<std::string>>;
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// Every setting, in the order of the keys. Errors: bad_argument, naming the variable or the option.
Result<std::vector<Setting>> resolve_settings(const std::map<std::string, FileSetting>& file,
                                              const Environment& environment, const CommandLine& command_line);
// The same for a folder, with this process's environment. A file that is not there is an empty one.
Result<std::vector<Setting>> read_settings(const std::string& folder, const CommandLine& command_line);

// The file's text with the key set, or removed; all else, comments too, stays as it is. Errors: bad_argument where the
// text was no configuration before.
Result<std::string> config_with(std::string_view text, const SettingKey& key, const SettingValue& value,
                                const std::string& path);
Result<std::string> config_without(std::string_view text, const SettingKey& key, const std::string& path);

template <class Value>
Value setting(const std::vector<Setting>& settings, std::string_view name) {
  for (const Setting& each : settings) {
    if (each.key->name == name) return std::get<Value>(each.value);
  }
  return {};
}

}  // namespace rz::host
