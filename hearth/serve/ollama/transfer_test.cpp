// POST /api/pull and /api/push through a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "hearth/serve/ollama/limits.h"
#include "hearth/serve/ollama/ollama_for_test.h"

namespace hearth::serve::ollama {
namespace {

const std::string kHex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(OllamaTransfer, ProgressIsALineEach) {
  OllamaForTest test("pull");
  test.pull = [](const std::string& name, bool insecure, const TransferProgressFn& progress,
                 std::stop_token) {
    EXPECT_EQ(name, "me/m:v1");
    EXPECT_TRUE(insecure);
    const store::Digest digest = store::parse_digest("sha256:" + kHex);
    progress({.status = "pulling manifest", .digest = {}});
    progress({.status = "pulling " + kHex.substr(0, 12), .digest = digest, .total_bytes = 3});
    progress({.status = "pulling " + kHex.substr(0, 12),
              .digest = digest,
              .done_bytes = 3,
              .total_bytes = 3});
  };
  const std::string layer =
      R"({"status":"pulling ba7816bf8f01","digest":"sha256:)" + kHex + R"(","total":3)";
  const Seen seen = test.post("/api/pull", R"({"name":"me/m:v1","insecure":true})");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.type, "application/x-ndjson");
  EXPECT_EQ(seen.body, "{\"status\":\"pulling manifest\"}\n" + layer + "}\n" + layer +
                           ",\"completed\":3}\n{\"status\":\"success\"}\n");
  const Seen quiet =
      test.post("/api/pull", R"({"model":"me/m:v1","insecure":true,"stream":false})");
  EXPECT_EQ(quiet.type, "application/json; charset=utf-8");
  EXPECT_EQ(quiet.body, R"({"status":"success"})");
}

TEST(OllamaTransfer, ErrorsBeforeAndAfterTheFirstLine) {
  OllamaForTest test("push");
  bool says_something = false;
  test.push = [&](const std::string&, bool, const TransferProgressFn& progress, std::stop_token) {
    if (says_something) progress({.status = "retrieving manifest", .digest = {}});
    throw Error(Errc::not_found, "no such repository");
  };
  const Seen early = test.post("/api/push", R"({"model":"m"})");
  EXPECT_EQ(early.status, 404);
  EXPECT_EQ(early.body, R"({"error":"no such repository"})");
  says_something = true;
  const Seen late = test.post("/api/push", R"({"model":"m"})");
  EXPECT_EQ(late.status, 200);
  EXPECT_EQ(late.body,
            "{\"status\":\"retrieving manifest\"}\n{\"error\":\"no such repository\"}\n");
  EXPECT_EQ(test.post("/api/push", "{}").body, R"({"error":"model is required"})");
  EXPECT_EQ(test.post("/api/push", R"({"model":"a b"})").status, 400);
}

TEST(OllamaTransfer, AClientThatLeavesStopsIt) {
  OllamaForTest test("leave");
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;
  test.pull = [&](const std::string&, bool, const TransferProgressFn& progress,
                  std::stop_token stop) {
    progress({.status = "pulling manifest", .digest = {}});
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, stop, [] { return false; });
    stopped = true;
    changed.notify_all();
    throw Error(Errc::unavailable, "stopped");
  };
  {
    http::RawClient client(test.port());
    client.send(request_text("POST", "/api/pull", R"({"model":"m"})"));
    client.read_until("pulling manifest");
    client.reset();
  }
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return stopped; }));
  lock.unlock();
  test.server.stop(std::chrono::seconds(0));  // before what the pull uses goes
}

TEST(OllamaTransfer, ManyOfThemLeaveRoomForOthers) {
  OllamaForTest test("many");
  std::mutex mutex;
  std::condition_variable changed;
  bool may_end = false;
  test.pull = [&](const std::string&, bool, const TransferProgressFn& progress, std::stop_token) {
    progress({.status = "pulling manifest", .digest = {}});
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(30), [&] { return may_end; });
  };
  std::vector<std::unique_ptr<http::RawClient>> clients;
  for (int i = 0; i < kLongWorkMax; ++i) {
    clients.push_back(std::make_unique<http::RawClient>(test.port()));
    clients.back()->send(request_text("POST", "/api/pull", R"({"model":"m"})"));
    EXPECT_THAT(clients.back()->read_until("pulling manifest"), testing::HasSubstr("200 OK"));
  }
  const Seen refused = test.post("/api/push", R"({"model":"m"})");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.head, testing::HasSubstr("retry-after: 1\r\n"));
  EXPECT_EQ(refused.body,
            R"({"error":"8 pulls, pushes and creations are under way, the limit is 8"})");
  EXPECT_EQ(test.get("/api/version").status, 200);
  {
    std::lock_guard lock(mutex);
    may_end = true;
  }
  changed.notify_all();
  for (auto& client : clients)
    EXPECT_THAT(client->read_to_end(), testing::HasSubstr(R"({"status":"success"})"));
  // Places are given back just after the last line.
  int status = 503;
  for (int i = 0; i < 3000 && status != 200; ++i) {
    status = test.post("/api/pull", R"({"model":"m"})").status;
    if (status != 200) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(status, 200);
  test.server.stop(std::chrono::seconds(0));  // before what the pulls use goes
}

}  // namespace
}  // namespace hearth::serve::ollama
