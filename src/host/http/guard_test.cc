#include "host/http/guard.h"

#include <gtest/gtest.h>

namespace rz::host {
namespace {

TEST(Guard, answers_to_loopback_names_with_its_own_port_only) {
  EXPECT_TRUE(host_is_ours("127.0.0.1:4848", 4848));
  EXPECT_TRUE(host_is_ours("localhost:4848", 4848));
  EXPECT_TRUE(host_is_ours("[::1]:4848", 4848));
  for (const char* other : {"", "127.0.0.1", "127.0.0.1:4849", "evil.example:4848", "127.0.0.1:4848.evil.example",
                            "localhost:4848 ", "127.0.0.1:48480"}) {
    EXPECT_FALSE(host_is_ours(other, 4848)) << other;
  }
}

TEST(Guard, refuses_requests_of_other_sites) {
  EXPECT_TRUE(origin_is_ours("", 4848));
  EXPECT_TRUE(origin_is_ours("http://localhost:4848", 4848));
  for (const char* other : {"null", "https://127.0.0.1:4848", "http://127.0.0.1:4849", "http://evil.example",
                            "http://127.0.0.1:4848@evil.example"}) {
    EXPECT_FALSE(origin_is_ours(other, 4848)) << other;
  }
}

TEST(Guard, takes_a_cookie_that_is_there_exactly_once) {
  EXPECT_EQ(cookie_value("a=1; rhizome_4848=tok; b=2", "rhizome_4848"), "tok");
  EXPECT_FALSE(cookie_value("rhizome_48480=tok", "rhizome_4848").has_value());
  EXPECT_FALSE(cookie_value("rhizome_4848=x; rhizome_4848=y", "rhizome_4848").has_value());
  EXPECT_FALSE(cookie_value("", "rhizome_4848").has_value());
}

TEST(Guard, decodes_addresses_and_refuses_broken_ones) {
  EXPECT_EQ(percent_decode("a%20b+c", false), "a b+c");
  EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
  EXPECT_FALSE(percent_decode("%", false).has_value());
  EXPECT_FALSE(percent_decode("%4", false).has_value());
  EXPECT_FALSE(percent_decode("%zz", false).has_value());
  EXPECT_FALSE(percent_decode("%00", false).has_value());
  const auto query = parse_query("wait=local&x=%26&y");
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->at("wait"), "local");
  EXPECT_EQ(query->at("x"), "&");
  EXPECT_EQ(query->at("y"), "");
  std::string many;
  for (int i = 0; i < 65; ++i) many += "k" + std::to_string(i) + "=v&";
  EXPECT_FALSE(parse_query(many).has_value());
}

TEST(Guard, serves_no_file_outside_the_page) {
  EXPECT_TRUE(static_path_is_safe("/index.html"));
  EXPECT_TRUE(static_path_is_safe("/assets/index-B_1.js"));
  for (const char* path : {"", "index.html", "/../etc/passwd", "/.git/config", "/a//b", "/a/./b", "/a b", "/a\\b"}) {
    EXPECT_FALSE(static_path_is_safe(path)) << path;
  }
}

}  // namespace
}  // namespace rz::host
