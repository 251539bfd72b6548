// Settings: where they come from, what is refused, and a file that is edited keeps the rest.
#include "host/config/config.h"

#include <gtest/gtest.h>

namespace rz::host {
namespace {

std::optional<std::string> no_environment(std::string_view) { return std::nullopt; }

const Setting& find(const std::vector<Setting>& settings, std::string_view name) {
  for (const Setting& each : settings) {
    if (each.key->name == name) return each;
  }
  ADD_FAILURE() << "no setting " << name;
  return settings.front();
}

std::string error_of(std::string_view text) {
  const auto parsed = parse_config(text, "config.toml");
  if (parsed) return "";
  EXPECT_EQ(parsed.error().code, ErrorCode::bad_argument);
  return parsed.error().message;
}

TEST(Config, CommandLineBeatsEnvironmentBeatsFileBeatsDefault) {
  const auto file =
      parse_config("# mine\nhttp = 5000\nlog_level = \"debug\"\n\ndiscover = true\n", "config.toml").value();
  const auto environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "RHIZOME_LOG") return "trace";
    if (name == "RHIZOME_DISCOVER") return "no";
    return std::nullopt;
  };
  const auto settings = resolve_settings(file, environment, {{"discover", {"true"}}}).value();
  EXPECT_EQ(find(settings, "port").why(), "the default");
  EXPECT_EQ(setting<std::uint64_t>(settings, "port"), 4868u);
  EXPECT_EQ(find(settings, "http").why(), "config.toml, line 2");
  EXPECT_EQ(setting<std::uint64_t>(settings, "http"), 5000u);
  EXPECT_EQ(find(settings, "log_level").why(), "RHIZOME_LOG");
  EXPECT_EQ(setting<std::string>(settings, "log_level"), "trace");
  EXPECT_EQ(find(settings, "discover").why(), "--discover");
  EXPECT_TRUE(setting<bool>(settings, "discover"));
}

TEST(Config, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_NE(error_of("\nhtpp = 1\n").find("config.toml, line 2: there is no setting \"htpp\""), std::string::npos);
  EXPECT_NE(error_of("http = \"4848\"\n").find("line 1: http is a number"), std::string::npos);
  EXPECT_NE(error_of("http = 70000\n").find("line 1: http: \"70000\" is no number from 0 to 65535"), std::string::npos);
  EXPECT_NE(error_of("http = -1\n").find("line 1"), std::string::npos);
  EXPECT_NE(error_of("http = 1\nhttp = 2\n").find("line 2"), std::string::npos);
  EXPECT_NE(error_of("log_level = \"loud\"\n").find("error warn info debug trace"), std::string::npos);
  EXPECT_NE(error_of("listen = [\"/ip4/1.2.3.4/udp/1\"]\n").find("is no address such as"), std::string::npos);
  EXPECT_NE(error_of("listen = [1]\n").find("listen is a list of texts"), std::string::npos);
  EXPECT_NE(error_of("[http]\nport = 1\n").find("line 1: http is a number"), std::string::npos);
  EXPECT_NE(error_of("discover = maybe\n").find("line 1"), std::string::npos);
  EXPECT_NE(error_of("http = 1979-05-27\n").find("line 1"), std::string::npos);
  EXPECT_NE(error_of(std::string("\xff\xfe\0", 3)).find("line 1"), std::string::npos);
  EXPECT_NE(error_of(std::string(40000, '[')).find("line 1"), std::string::npos);
}

TEST(Config, AWrongVariableOrOptionIsNamed) {
  const auto wrong = [](std::string_view name) -> std::optional<std::string> {
    if (name == "RHIZOME_HTTP") return "many";
    return std::nullopt;
  };
  EXPECT_NE(resolve_settings({}, wrong, {}).error().message.find("RHIZOME_HTTP"), std::string::npos);
  EXPECT_NE(resolve_settings({}, no_environment, {{"http", {"-3"}}}).error().message.find("--http"), std::string::npos);
}

TEST(Config, SettingAKeyLeavesTheRestAlone) {
  const std::string text = "# Mine.\nhttp = 5000  # the page\nlisten = [\n  \"/ip4/10.0.0.1/tcp/1\",\n]\n# End.\n";
  const SettingKey& http = *setting_key("http");
  const SettingKey& listen = *setting_key("listen");
  EXPECT_EQ(config_with(text, http, std::uint64_t{6000}, "c").value(),
            "# Mine.\nhttp = 6000\nlisten = [\n  \"/ip4/10.0.0.1/tcp/1\",\n]\n# End.\n");
  EXPECT_EQ(config_with(text, listen, std::vector<std::string>{"/ip6/::/tcp/2", "/ip4/0.0.0.0/tcp/2"}, "c").value(),
            "# Mine.\nhttp = 5000  # the page\nlisten = [\"/ip6/::/tcp/2\", \"/ip4/0.0.0.0/tcp/2\"]\n# End.\n");
  EXPECT_EQ(config_without(text, listen, "c").value(), "# Mine.\nhttp = 5000  # the page\n# End.\n");
  EXPECT_EQ(config_without(text, *setting_key("page"), "c").value(), text);
  EXPECT_EQ(config_with("", *setting_key("discover"), true, "c").value(), "discover = true\n");
  EXPECT_EQ(config_with("http = 1", *setting_key("name"), std::string("a \"b\" \\"), "c").value(),
            "http = 1\nname = \"a \\\"b\\\" \\\\\"\n");
  EXPECT_FALSE(config_with("nonsense", http, std::uint64_t{1}, "c"));
}

TEST(Config, EveryKeyTakesItsOwnTextBack) {
  const auto settings = resolve_settings({}, no_environment, {}).value();
  ASSERT_EQ(settings.size(), setting_keys().size());
  std::string text;
  for (const Setting& each : settings) text = config_with(text, *each.key, each.value, "c").value();
  const auto again = resolve_settings(parse_config(text, "c").value(), no_environment, {}).value();
  for (std::size_t i = 0; i < settings.size(); ++i) {
    EXPECT_EQ(settings[i].value, again[i].value) << settings[i].key->name;
    EXPECT_EQ(again[i].source, SettingSource::file);
  }
}

}  // namespace
}  // namespace rz::host
