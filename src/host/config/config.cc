// The one translation unit that includes toml++: it is heavy.
#include "host/config/config.h"

#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "host/daemon/files.h"
#include "identity/pairing_messages.h"
#include "ipld/multiaddr.h"

namespace rz::host {

namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;
constexpr std::size_t addresses_max = 16;
constexpr std::uint64_t idle_probe_seconds_max = 7200;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" ,"), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::unexpected<Error> refused(const SettingKey& key, std::string_view why) {
  return fail(ErrorCode::bad_argument, words(key.name, ": ", why));
}

Result<SettingValue> number(const SettingKey& key, const std::string& text, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) {
    return refused(key, words("\"", text, "\" is no number from 0 to ", max));
  }
  return value;
}

Result<SettingValue> boolean(const SettingKey& key, const std::string& text) {
  for (const std::string_view yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  return refused(key, words("\"", text, "\" is neither true nor false"));
}

Result<SettingValue> addresses(const SettingKey& key, const std::vector<std::string>& typed) {
  std::vector<std::string> list;
  for (const std::string& each : typed) {
    for (std::string& part : split(each)) list.push_back(std::move(part));
  }
  if (list.size() > addresses_max) return refused(key, words("at most ", addresses_max, " addresses"));
  for (const std::string& each : list) {
    const auto address = ipld::Multiaddr::parse(each);
    const auto parts = address ? address->parts() : std::vector<ipld::Multiaddr::Part>();
    const bool good = parts.size() == 2 && address->tcp_port().has_value() &&
                      (parts[0].protocol == ipld::Protocol::ip4 || parts[0].protocol == ipld::Protocol::ip6);
    if (!good) {
      return refused(key, words("\"", each, "\" is no address such as /ip4/192.168.1.20/tcp/4868 or /ip6/::/tcp/4868"));
    }
  }
  return list;
}

std::string toml_text(const SettingValue& value) {
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  };
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    std::string out = "[";
    for (const std::string& each : *list) out += words(out.size() > 1 ? ", " : "", quoted(each));
    return out + "]";
  }
  return setting_text(value);
}

// What a TOML value is as a person would type it; nothing for a kind that no setting has.
std::optional<std::vector<std::string>> typed_form(const toml::node& node) {
  if (const auto* list = node.as_array()) {
    std::vector<std::string> texts;
    for (const toml::node& each : *list) {
      if (!each.is_string()) return std::nullopt;
      texts.push_back(each.as_string()->get());
    }
    return texts;
  }
  if (const auto* text = node.as_string()) return std::vector{text->get()};
  if (const auto* integer = node.as_integer()) return std::vector{std::to_string(integer->get())};
  if (const auto* truth = node.as_boolean()) return std::vector<std::string>{truth->get() ? "true" : "false"};
  return std::nullopt;
}

bool kind_fits(SettingKind kind, const toml::node& node) {
  switch (kind) {
    case SettingKind::boolean:
      return node.is_boolean();
    case SettingKind::port:
    case SettingKind::seconds:
      return node.is_integer();
    case SettingKind::text:
    case SettingKind::choice:
      return node.is_string();
    case SettingKind::addresses:
      return node.is_array() || node.is_string();
  }
  return false;
}

std::string_view kind_text(SettingKind kind) {
  switch (kind) {
    case SettingKind::boolean:
      return "true or false";
    case SettingKind::port:
    case SettingKind::seconds:
      return "a number";
    case SettingKind::text:
    case SettingKind::choice:
      return "a text in quotes";
    case SettingKind::addresses:
      return "a list of texts in quotes";
  }
  return "";
}

std::unexpected<Error> invalid(const std::string& path, std::uint32_t line, std::string_view why) {
  return fail(ErrorCode::bad_argument, words(path, ", line ", line, ": ", why));
}

std::string known_keys() {
  std::string known;
  for (const SettingKey& each : setting_keys()) known += words(known.empty() ? "" : ", ", each.name);
  return known;
}

Result<FileSetting> file_setting(const toml::key& name, const toml::node& node, const std::string& path) {
  const SettingKey* key = setting_key(name.str());
  const std::uint32_t line = name.source().begin.line;
  if (key == nullptr) {
    return invalid(path, line, words("there is no setting \"", name.str(), "\"; there are: ", known_keys()));
  }
  const auto typed = typed_form(node);
  if (!typed || !kind_fits(key->kind, node)) {
    return invalid(path, line, words(key->name, " is ", kind_text(key->kind)));
  }
  auto value = parse_setting(*key, *typed);
  if (!value) return invalid(path, line, value.error().message);
  return FileSetting{*std::move(value), line};
}

// [begin, end) of the lines on which a key's value stands: a list may span several.
Result<std::optional<std::pair<std::size_t, std::size_t>>> lines_of(std::string_view text, const SettingKey& key,
                                                                    const std::string& path) {
  RZ_CHECK(parse_config(text, path));
  const toml::table table = toml::parse(text);  // It was read a moment ago.
  for (const auto& [name, node] : table) {
    if (name.str() != key.name) continue;
    return std::pair<std::size_t, std::size_t>(name.source().begin.line - 1, node.source().end.line);
  }
  return std::nullopt;
}

std::vector<std::string> lines_in(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& each : lines) text += each + "\n";
  return text;
}

}  // namespace

const std::vector<SettingKey>& setting_keys() {
  static const std::vector<SettingKey> keys = {
      {"name", SettingKind::text, "", "RHIZOME_NAME", "--name", "",
       "what this device is called when it makes or joins a pod (empty: the machine's name)"},
      {"listen", SettingKind::addresses, "", "RHIZOME_LISTEN", "--listen", "",
       "where other devices reach this one (empty: this machine only, all interfaces once the pod has a second "
       "device)"},
      {"port", SettingKind::port, "4868", "RHIZOME_PORT", "--port", "",
       "the port for other devices where listen is empty (another if it is taken)"},
      {"discover", SettingKind::boolean, "false", "RHIZOME_DISCOVER", "--discover", "",
       "find the pod's devices on this network, and be found by them (mDNS)"},
      {"http", SettingKind::port, "4848", "RHIZOME_HTTP", "--http", "", "the page's port on 127.0.0.1 (0: any)"},
      {"page", SettingKind::text, "", "RHIZOME_PAGE", "--page", "",
       "the folder of the built page (empty: beside the program)"},
      {"idle_probe", SettingKind::seconds, "120", "RHIZOME_IDLE_PROBE", "--idle-probe", "",
       "seconds of silence after which a connection is checked (0: never)"},
      {"log_level", SettingKind::choice, "info", "RHIZOME_LOG", "--log-level", "error warn info debug trace",
       "how much is logged"},
      {"log_format", SettingKind::choice, "auto", "RHIZOME_LOG_FORMAT", "--log-format", "auto text json",
       "auto: text on a terminal, JSON lines elsewhere"},
  };
  return keys;
}

const SettingKey* setting_key(std::string_view name) {
  for (const SettingKey& each : setting_keys()) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

Result<SettingValue> parse_setting(const SettingKey& key, const std::vector<std::string>& typed) {
  if (key.kind == SettingKind::addresses) return addresses(key, typed);
  if (typed.size() != 1) return refused(key, "takes one value");
  const std::string& text = typed[0];
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return refused(key, "holds a control character");
  }
  switch (key.kind) {
    case SettingKind::boolean:
      return boolean(key, text);
    case SettingKind::port:
      return number(key, text, 65535);
    case SettingKind::seconds:
      return number(key, text, idle_probe_seconds_max);
    case SettingKind::choice: {
      const auto choices = split(key.choices);
      if (std::ranges::find(choices, text) == choices.end()) {
        return refused(key, words("\"", text, "\" is none of: ", key.choices));
      }
      return text;
    }
    case SettingKind::text:
    case SettingKind::addresses:
      break;
  }
  if (key.name == "name" && !text.empty()) {
    if (const auto good = identity::check_device_name(text); !good) return refused(key, good.error().message);
  }
  return text;
}

std::string setting_text(const SettingValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* count = std::get_if<std::uint64_t>(&value)) return std::to_string(*count);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  std::string all;
  for (const std::string& each : std::get<std::vector<std::string>>(value)) all += words(all.empty() ? "" : " ", each);
  return all;
}

std::string Setting::why() const {
  switch (source) {
    case SettingSource::command_line:
      return std::string(key->option);
    case SettingSource::environment:
      return std::string(key->environment);
    case SettingSource::file:
      return words("config.toml, line ", line);
    case SettingSource::fallback:
      break;
  }
  return "the default";
}

Result<std::map<std::string, FileSetting>> parse_config(std::string_view text, const std::string& path) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return invalid(path, error.source().begin.line, error.description());
  }
  std::map<std::string, FileSetting> settings;
  for (const auto& [name, node] : table) {
    RZ_TRY(FileSetting setting, file_setting(name, node, path));
    settings.emplace(name.str(), std::move(setting));
  }
  return settings;
}

Result<std::vector<Setting>> resolve_settings(const std::map<std::string, FileSetting>& file,
                                              const Environment& environment, const CommandLine& command_line) {
  std::vector<Setting> settings;
  for (const SettingKey& key : setting_keys()) {
    Setting setting{&key, {}, SettingSource::fallback, 0};
    const auto fallback =
        key.kind == SettingKind::addresses ? split(key.fallback) : std::vector{std::string(key.fallback)};
    RZ_TRY(setting.value, parse_setting(key, fallback));
    if (const auto found = file.find(std::string(key.name)); found != file.end()) {
      setting.value = found->second.value;
      setting.source = SettingSource::file;
      setting.line = found->second.line;
    }
    if (const auto text = environment(key.environment)) {
      auto value = parse_setting(key, {*text});
      if (!value) return fail(ErrorCode::bad_argument, words(key.environment, ": ", value.error().message));
      setting.value = *std::move(value);
      setting.source = SettingSource::environment;
    }
    if (const auto given = command_line.find(std::string(key.name)); given != command_line.end()) {
      auto value = parse_setting(key, given->second);
      if (!value) return fail(ErrorCode::bad_argument, words(key.option, ": ", value.error().message));
      setting.value = *std::move(value);
      setting.source = SettingSource::command_line;
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

Result<std::vector<Setting>> read_settings(const std::string& folder, const CommandLine& command_line) {
  const std::string path = folder + "/config.toml";
  const auto text = read_file(path, file_bytes_max);
  if (!text && text.error().code != ErrorCode::not_found) return std::unexpected(text.error());
  RZ_TRY(const auto file, parse_config(text ? *text : std::string(), path));
  return resolve_settings(
      file,
      [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
      },
      command_line);
}

Result<std::string> config_with(std::string_view text, const SettingKey& key, const SettingValue& value,
                                const std::string& path) {
  RZ_TRY(const auto place, lines_of(text, key, path));
  auto lines = lines_in(text);
  const std::string line = words(key.name, " = ", toml_text(value));
  if (place) {
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(place->first) + 1,
                lines.begin() + static_cast<std::ptrdiff_t>(place->second));
    lines[place->first] = line;
  } else {
    lines.push_back(line);
  }
  std::string changed = joined(lines);
  RZ_CHECK(parse_config(changed, path));
  return changed;
}

Result<std::string> config_without(std::string_view text, const SettingKey& key, const std::string& path) {
  RZ_TRY(const auto place, lines_of(text, key, path));
  if (!place) return std::string(text);
  auto lines = lines_in(text);
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(place->first),
              lines.begin() + static_cast<std::ptrdiff_t>(place->second));
  std::string changed = joined(lines);
  RZ_CHECK(parse_config(changed, path));
  return changed;
}

}  // namespace rz::host
