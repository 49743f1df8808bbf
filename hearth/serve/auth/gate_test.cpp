#include "hearth/serve/auth/gate.h"

#include <gtest/gtest.h>

#include "hearth/serve/auth/folder_for_test.h"
#include "hearth/serve/http/server_for_test.h"

namespace hearth::serve {
namespace {

using std::chrono::seconds;

struct Fixture {
  explicit Fixture(std::string_view name)
      : folder(name),
        file(folder / "keys.json"),
        usage(folder / "usage.json", {}, std::chrono::hours(1)) {}

  Gate open_gate() { return Gate(file.read(), usage, {}); }
  // The status that turns a request away; 200 for one that is let in.
  int status(Gate& gate, std::string_view secret, std::string_view path = "/api/chat") {
    http::Request request;
    request.target.path = path;
    if (!secret.empty()) request.headers.add("Authorization", "Bearer " + std::string(secret));
    last = gate.admit(request, now);
    caller = request.caller;
    return last ? last->status : 200;
  }

  FolderForTest folder;
  KeyFile file;
  UsageLedger usage;
  Now now{.steady = {}, .wall = kNoon};
  std::optional<http::Response> last;
  std::string caller;
};

TEST(Gate, WithoutKeysEverybodyIsLetIn) {
  Fixture f("open");
  Gate gate = f.open_gate();
  EXPECT_TRUE(gate.is_open());
  EXPECT_EQ(f.status(gate, ""), 200);
  EXPECT_EQ(f.status(gate, "hearth-whatever"), 200);
  EXPECT_EQ(f.caller, "");
  EXPECT_TRUE(f.usage.report().empty());
}

TEST(Gate, AKeyNamesItsCaller) {
  Fixture f("named");
  const std::string secret = f.file.add("anna", {}, kNoon);
  Gate gate = f.open_gate();
  EXPECT_EQ(f.status(gate, secret), 200);
  EXPECT_EQ(f.caller, "anna");
  EXPECT_EQ(f.usage.report(), (std::vector<UsageRow>{{"2026-11-21", "anna", {.requests = 1}}}));
}

TEST(Gate, TurnsAwayWhoHasNoKey) {
  Fixture f("unknown");
  const std::string secret = f.file.add("anna", {}, kNoon);
  const std::string removed = f.file.add("bob", {}, kNoon);
  f.file.remove("bob", kNoon);
  Gate gate = f.open_gate();
  EXPECT_EQ(f.status(gate, ""), 401);
  EXPECT_EQ(f.last->body,
            "an API key is needed, as \"Authorization: Bearer KEY\" or \"x-api-key: KEY\"\n");
  EXPECT_EQ(f.last->headers.get("www-authenticate"), "Bearer");
  std::string other = secret;
  other.back() = other.back() == '0' ? '1' : '0';
  EXPECT_EQ(f.status(gate, other), 401);
  EXPECT_EQ(f.last->body, "this server does not know the given API key\n");
  EXPECT_EQ(f.status(gate, removed), 401);
  EXPECT_EQ(f.last->body, "the API key 'bob' was removed at 2026-11-21T15:20:48Z\n");
  EXPECT_EQ(f.caller, "");
}

TEST(Gate, TakesEitherHeader) {
  Fixture f("headers");
  const std::string secret = f.file.add("anna", {}, kNoon);
  Gate gate = f.open_gate();
  const std::vector<http::Headers> good = {
      {{"x-api-key", secret}},
      {{"authorization", "bearer  " + secret}},
      {{"authorization", "Bearer of-another-server"}, {"x-api-key", secret}},
      {{"x-api-key", "placeholder"}, {"authorization", "Bearer " + secret}}};
  for (const http::Headers& headers : good) {
    http::Request request;
    request.target.path = "/api/chat";
    request.headers = headers;
    EXPECT_FALSE(gate.admit(request, f.now));
    EXPECT_EQ(request.caller, "anna");
  }
  for (const std::string& value : {secret, "Basic " + secret, std::string("Bearer")}) {
    http::Request request;
    request.target.path = "/api/chat";
    request.headers = {{"authorization", value}};
    EXPECT_EQ(gate.admit(request, f.now)->status, 401) << value.substr(0, 6);
  }
}

TEST(Gate, SomePathsArePublic) {
  Fixture f("public");
  f.file.add("anna", {}, kNoon);
  Gate gate = f.open_gate();
  for (const char* path : {"/", "/health", "/v1/health", "/api/version"})
    EXPECT_EQ(f.status(gate, "", path), 200) << path;
  for (const char* path : {"/metrics", "/health/", "/api/tags"})
    EXPECT_EQ(f.status(gate, "", path), 401) << path;
  Gate other(f.file.read(), f.usage, {.public_paths = {"/metrics"}});
  EXPECT_EQ(f.status(other, "", "/metrics"), 200);
  EXPECT_EQ(f.status(other, "", "/health"), 401);
}

TEST(Gate, HoldsTheRateAndSaysWhenToComeBack) {
  Fixture f("rate");
  const std::string slow = f.file.add("slow", {.requests_per_minute = 3}, kNoon);
  const std::string free = f.file.add("free", {}, kNoon);
  Gate gate = f.open_gate();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(f.status(gate, slow), 200) << i;
  EXPECT_EQ(f.status(gate, slow), 429);
  EXPECT_EQ(f.last->headers.get("retry-after"), "20");  // three a minute: one in 20 s
  EXPECT_EQ(f.last->body, "the key 'slow' may begin 3 requests a minute\n");
  EXPECT_EQ(f.status(gate, free), 200);
  f.now.steady += std::chrono::milliseconds(18'500);
  EXPECT_EQ(f.status(gate, slow), 429);
  EXPECT_EQ(f.last->headers.get("retry-after"), "2");  // 1.5 s, rounded up
  f.now.steady += seconds(2);
  EXPECT_EQ(f.status(gate, slow), 200);
  f.now.steady += std::chrono::hours(5);  // fills up to three, not more
  for (int i = 0; i < 3; ++i) EXPECT_EQ(f.status(gate, slow), 200) << i;
  EXPECT_EQ(f.status(gate, slow), 429);
  EXPECT_EQ(f.usage.report()[1], (UsageRow{"2026-11-21", "slow", {.requests = 7}}));
}

TEST(Gate, HoldsTheQuotaUntilTheNextDay) {
  Fixture f("quota");
  const std::string secret = f.file.add("anna", {.tokens_per_day = 100}, kNoon);
  Gate gate = f.open_gate();
  f.usage.add("anna", {.prompt_tokens = 90, .generated_tokens = 9}, kNoon);
  EXPECT_EQ(f.status(gate, secret), 200);
  f.usage.add("anna", {.generated_tokens = 1}, kNoon);
  EXPECT_EQ(f.status(gate, secret), 429);
  EXPECT_EQ(f.last->headers.get("retry-after"), "31152");  // 8:39:12
  EXPECT_EQ(f.last->body, "the key 'anna' has used 100 of its 100 tokens of this day (UTC)\n");
  f.now.wall = kDayAfter;
  EXPECT_EQ(f.status(gate, secret), 200);
}

TEST(Gate, NewKeysCountAfterAReloadAndUsageStays) {
  Fixture f("reload");
  const std::string anna = f.file.add("anna", {.requests_per_minute = 2}, kNoon);
  Gate gate = f.open_gate();
  EXPECT_EQ(f.status(gate, anna), 200);
  EXPECT_EQ(f.status(gate, anna), 200);
  const std::string bob = f.file.add("bob", {}, kNoon);
  EXPECT_EQ(f.status(gate, bob), 401);
  gate.reload(f.file.read(), f.now);
  EXPECT_EQ(f.status(gate, bob), 200);
  EXPECT_EQ(f.status(gate, anna), 429);

  KeySet more = f.file.read();
  more.keys[0].limits.requests_per_minute = 4;  // two of them are used
  gate.reload(more, f.now);
  EXPECT_EQ(f.status(gate, anna), 200);
  EXPECT_EQ(f.status(gate, anna), 200);
  EXPECT_EQ(f.status(gate, anna), 429);
  more.keys[0].limits = {};
  gate.reload(more, f.now);
  EXPECT_EQ(f.status(gate, anna), 200);
}

TEST(Gate, RemovingTheLastKeyDoesNotOpenIt) {
  Fixture f("last");
  Gate gate = f.open_gate();
  const std::string secret = f.file.add("anna", {}, kNoon);
  gate.reload(f.file.read());
  EXPECT_EQ(f.status(gate, ""), 401);
  f.file.remove("anna", kNoon);
  gate.reload(f.file.read());
  EXPECT_EQ(f.status(gate, ""), 401);
  EXPECT_EQ(f.status(gate, secret), 401);
  gate.reload({});
  EXPECT_EQ(f.status(gate, ""), 401);
  EXPECT_FALSE(gate.is_open());
}

TEST(Gate, StandsBeforeARealServer) {
  Fixture f("server");
  const std::string secret = f.file.add("anna", {.requests_per_minute = 1}, kNoon);
  const auto form = [](std::string_view path, int status, std::string_view text) {
    return http::Response::json(status, fmt::format("{}: {}", path, text));
  };
  Gate gate(f.file.read(), f.usage, {.error_form = form});
  http::ServerForTest server({.policy = {.admit = gate.hook()}});
  const auto ask = [&](const std::string& headers) {
    http::RawClient client(server.port());
    client.send(http::get("/hello", headers));
    return client.read_answer();
  };
  EXPECT_EQ(http::status_in(ask("")), 401);
  const std::string key = "x-api-key: " + secret + "\r\n";
  EXPECT_EQ(http::body_in(ask(key)), "hello");
  const std::string later = ask(key);
  EXPECT_EQ(http::status_in(later), 429);
  EXPECT_EQ(http::body_in(later), "/hello: the key 'anna' may begin 1 requests a minute");
  EXPECT_NE(http::header_in(later, "retry-after"), "");
  EXPECT_EQ(server.wait_for_lines(3).at(1).caller, "anna");
}

}  // namespace
}  // namespace hearth::serve
