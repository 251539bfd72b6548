// One event is one line, whatever its values hold.
#include "host/log/logger.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

namespace rz::host {
namespace {

TEST(Logger, TextIsForPeopleAndJsonForPrograms) {
  EXPECT_EQ(log_line_text("link up", {{"device", "ab12"}, {"addresses", std::uint64_t{3}}}),
            "link up  device=ab12  addresses=3");
  EXPECT_EQ(log_line_json("link up", {{"device", "ab12"}, {"addresses", std::uint64_t{3}}}),
            R"({"event":"link up","device":"ab12","addresses":3})");
  EXPECT_EQ(log_line_text("x", {{"why", "two words"}, {"none", ""}}), "x  why=\"two words\"  none=\"\"");
}

TEST(Logger, OfAnErrorOnlyItsCodeIsTold) {
  const Error error{ErrorCode::not_found, "no document is called \"My diary\""};
  EXPECT_EQ(log_line_text("refused", {{"code", error}}), "refused  code=not_found");
}

TEST(Logger, OfADeviceOnlyTheBeginningIsTold) {
  const auto key = crypto::PublicKey::from(Bytes(32, 0xab)).value();
  EXPECT_EQ(log_line_text("x", {{"device", key}}), "x  device=abababababab");
}

RC_GTEST_PROP(Logger, AnyValueStaysOnOneLineAndIsReadBack, (const std::string& value)) {
  const std::string line = log_line_json("x", {{"value", value}});
  RC_ASSERT(line.find('\n') == std::string::npos);
  const auto json = nlohmann::json::parse(line);
  std::string bytes;  // Each byte beyond ASCII is a code point of its own.
  for (const unsigned char byte : value) {
    if (byte < 0x80) {
      bytes += static_cast<char>(byte);
    } else {
      bytes += static_cast<char>(0xc0 | byte >> 6);
      bytes += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  RC_ASSERT(json.at("value").get<std::string>() == bytes);
  RC_ASSERT(log_line_text("x", {{"value", value}}).find('\n') == std::string::npos);
}

TEST(Logger, LevelsHaveNames) {
  for (const auto* name : {"error", "warn", "info", "debug", "trace"}) EXPECT_TRUE(log_level_named(name)) << name;
  EXPECT_FALSE(log_level_named("loud"));
  EXPECT_FALSE(log_enabled(LogLevel::error)) << "nothing is logged before it was started";
}

}  // namespace
}  // namespace rz::host
