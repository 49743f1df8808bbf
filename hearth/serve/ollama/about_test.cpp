#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/ollama/ollama_for_test.h"

namespace hearth::serve::ollama {
namespace {

const std::string kJson = "application/json; charset=utf-8";

TEST(OllamaAbout, ProbesFindOllama) {
  OllamaForTest test("about");
  EXPECT_EQ(test.get("/").body, "Ollama is running");
  EXPECT_EQ(test.get("/").type, "text/plain; charset=utf-8");
  const Seen head = test.ask("HEAD", "/", "");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  const Seen version = test.get("/api/version");
  EXPECT_EQ(version.status, 200);
  EXPECT_EQ(version.type, kJson);
  EXPECT_EQ(version.body, R"({"version":"0.33.7"})");
  EXPECT_EQ(test.ask("HEAD", "/api/version", "").status, 200);
  EXPECT_EQ(test.get("/api/status").body, R"({"cloud":{"disabled":true,"source":"none"}})");
}

TEST(OllamaAbout, AccountsAndCloudAreAbsentAndSayWhy) {
  OllamaForTest test("cloud");
  for (const auto& [method, path] : {std::pair{"POST", "/api/me"},
                                     {"POST", "/api/signout"},
                                     {"DELETE", "/api/user/keys/k"},
                                     {"POST", "/api/experimental/web_search"},
                                     {"POST", "/api/experimental/web_fetch"},
                                     {"GET", "/api/experimental/model-recommendations"}}) {
    const Seen seen = test.ask(method, path, "{}");
    EXPECT_EQ(seen.status, 404) << path;
    EXPECT_EQ(seen.type, kJson) << path;
    EXPECT_EQ(
        seen.body,
        R"({"error":"Hearth has no accounts and no cloud: models run on this machine only"})");
  }
}

TEST(OllamaAbout, OtherMethodsAreRefused) {
  OllamaForTest test("methods");
  const Seen seen = test.get("/api/chat");
  EXPECT_EQ(seen.status, 405);
  EXPECT_THAT(seen.head, testing::HasSubstr("allow: OPTIONS, POST"));
  EXPECT_EQ(test.ask("OPTIONS", "/api/chat", "").status, 204);
}

}  // namespace
}  // namespace hearth::serve::ollama
