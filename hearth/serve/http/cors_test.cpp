#include "hearth/serve/http/cors.h"

#include <gtest/gtest.h>

#include "hearth/serve/http/host_check.h"

namespace hearth::http {
namespace {

TEST(HttpCors, LetsInThisMachinesPagesAndApplications) {
  for (const char* origin : {"http://localhost", "https://localhost:3000", "http://127.0.0.1:8080",
                             "http://0.0.0.0", "HTTP://LocalHost:1", "app://obsidian.md", "file://",
                             "tauri://localhost", "vscode-webview://1abc"})
    EXPECT_TRUE(is_allowed_origin(origin, "localhost:11434", {})) << origin;
}

TEST(HttpCors, KeepsOthersOut) {
  for (const char* origin :
       {"http://evil.example", "http://localhost.evil.example", "https://127.0.0.1.evil.example",
        "http://localhost:", "http://localhost:80x", "http://localhost:123456", "null", "",
        "ftp://localhost", "http://127.0.0.10", "http://user@localhost.evil.example"})
    EXPECT_FALSE(is_allowed_origin(origin, "localhost:11434", {})) << origin;
}

TEST(HttpCors, LetsInTheServersOwnPagesAndConfiguredOnes) {
  EXPECT_TRUE(is_allowed_origin("https://box.lan:11434", "box.lan:11434", {}));
  const Origins configured = {"https://chat.example", "https://*.team.example"};
  EXPECT_TRUE(is_allowed_origin("https://chat.example", "h", configured));
  EXPECT_TRUE(is_allowed_origin("https://a.team.example", "h", configured));
  EXPECT_FALSE(is_allowed_origin("https://chat.example.evil", "h", configured));
  EXPECT_FALSE(is_allowed_origin("http://a.team.example", "h", configured));
  EXPECT_TRUE(is_allowed_origin("https://anything", "h", {"*"}));
}

TEST(HttpCors, APreflightGrantsOnlyKnownHeaders) {
  const Headers headers =
      preflight_headers("GET, POST", "content-type, X-Stainless-Lang,x-evil, Authorization");
  EXPECT_EQ(headers.get("access-control-allow-methods"), "GET, POST");
  EXPECT_EQ(headers.get("access-control-allow-headers"),
            "content-type, X-Stainless-Lang, Authorization");
  EXPECT_FALSE(preflight_headers("GET", "").find("access-control-allow-headers"));
}

TEST(HttpHostCheck, KnowsNamesThatCanMeanThisMachine) {
  for (const char* host : {"localhost", "localhost:11434", "LOCALHOST.", "127.0.0.1:1", "[::1]:80",
                           "[::1]", "192.168.1.2", "a.local", "b.c.internal:1", "x.localhost",
                           "mybox", "mybox:11434", "ai.example:443"})
    EXPECT_TRUE(is_allowed_host(host, "mybox", {"ai.example"})) << host;
}

TEST(HttpHostCheck, RefusesForeignAndBrokenNames) {
  for (const char* host :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ".local", "[::1",
        "[evil]", "localhost:80x", "localhost:1:2", "mybox2", "1.2.3", "::1", "user@localhost"})
    EXPECT_FALSE(is_allowed_host(host, "mybox", {})) << host;
}

TEST(HttpHostCheck, AMachineWithoutANameAllowsNoEmptyOne) {
  EXPECT_FALSE(is_allowed_host(":80", "", {}));
}

}  // namespace
}  // namespace hearth::http
