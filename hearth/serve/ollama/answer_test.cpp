// POST /api/generate and /api/chat through a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/ollama/ollama_for_test.h"

namespace hearth::serve::ollama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kJson = "application/json; charset=utf-8";
const std::string kAsk = R"({"model":"Tiny","prompt":"Hi"})";
const std::string kChat = R"({"model":"Tiny","messages":[{"role":"user","content":"Hi"}]})";
const std::string kStart = R"({"model":"Tiny","created_at":"T",)";
const std::string kMetrics =
    R"("total_duration":9,"load_duration":250,"prompt_eval_count":5,"eval_count":2})";

TEST(OllamaAnswer, GenerateStreamsALinePerPieceInOrder) {
  OllamaForTest test("generate");
  const Seen seen = test.post("/api/generate", kAsk);
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.type, "application/x-ndjson");
  EXPECT_EQ(seen.body, kStart + R"("response":"Hel","done":false})" + "\n" + kStart +
                           R"("response":"lo","done":false})" + "\n" + kStart +
                           R"("response":"","done":true,"done_reason":"stop",)" + kMetrics + "\n");
  ASSERT_EQ(test.models.calls().size(), 1u);
  EXPECT_EQ(test.models.calls()[0].model, "Tiny");
  EXPECT_EQ(test.models.answers().at(0).defaults, (store::ModelParameters{{"top_k", int64_t{3}}}));
}

TEST(OllamaAnswer, ChatStreamsMessages) {
  OllamaForTest test("chat");
  const std::string lines = test.post("/api/chat", kChat).body;
  EXPECT_THAT(lines,
              HasSubstr(kStart + R"("message":{"role":"assistant","content":"Hel"},"done":false})"
                                 "\n"));
  EXPECT_THAT(lines, HasSubstr(R"("message":{"role":"assistant","content":""},"done":true,)"
                               R"("done_reason":"stop",)" +
                               kMetrics));
}

TEST(OllamaAnswer, WithoutStreamingTheWholeAnswerIsOneObject) {
  OllamaForTest test("whole");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.chunks.front().delta.thinking = "hm";
    answer.chunks.back().delta.tool_calls = {{.id = "a", .name = "f"}, {.id = "b", .name = "g"}};
    answer.end.ids = {1, 2};
    return answer;
  };
  const Seen seen = test.post("/api/generate", R"({"model":"Tiny","prompt":"Hi","stream":false})");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.type, kJson);
  EXPECT_EQ(seen.body, kStart + R"("response":"Hello","thinking":"hm","tool_calls":[)" +
                           R"({"id":"a","function":{"index":0,"name":"f","arguments":{}}},)" +
                           R"({"id":"b","function":{"index":1,"name":"g","arguments":{}}}],)" +
                           R"("done":true,"done_reason":"stop","context":[1,2],)" + kMetrics);
  EXPECT_TRUE(test.models.answers().at(0).wants_ids);
}

TEST(OllamaAnswer, EmptyPromptsLoadAndUnload) {
  OllamaForTest test("load");
  test.models.loaded_models = {{.name = "Tiny"}};
  const Seen loaded = test.post("/api/generate", R"({"model":"Tiny","keep_alive":"5m"})");
  EXPECT_EQ(loaded.status, 200);
  EXPECT_EQ(loaded.type, kJson);
  EXPECT_EQ(loaded.body, kStart + R"("response":"","done":true,"done_reason":"load"})");
  ASSERT_EQ(test.models.calls().size(), 1u);
  EXPECT_EQ(test.models.calls()[0].keep_alive, std::chrono::minutes(5));
  EXPECT_THAT(test.models.answers(), IsEmpty());
  EXPECT_EQ(test.post("/api/chat", R"({"model":"Tiny","messages":[],"keep_alive":0})").body,
            kStart + R"("message":{"role":"assistant","content":""},"done":true,)"
                     R"("done_reason":"unload"})");
  EXPECT_THAT(test.models.unloads(), ElementsAre("Tiny"));
  const Seen missing = test.post("/api/chat", R"({"model":"Nope","keep_alive":0})");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, R"({"error":"model 'Nope' not found"})");
}

TEST(OllamaAnswer, ErrorsOfRequestsAre400) {
  OllamaForTest test("bad");
  const std::pair<std::string, std::string> cases[] = {
      {"", "missing request body"},
      {"{}", "model is required"},
      {R"({"model":"m","options":{"seed":"x"}})", R"(option \"seed\" must be of type integer)"}};
  for (const auto& [body, text] : cases) {
    const Seen seen = test.post("/api/chat", body);
    EXPECT_EQ(seen.status, 400);
    EXPECT_EQ(seen.type, kJson);
    EXPECT_EQ(seen.body, "{\"error\":\"" + text + "\"}");
  }
  const Seen broken = test.post("/api/generate", "{\"model\":");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(broken.body, HasSubstr("{\"error\":\""));
  EXPECT_THAT(test.models.calls(), IsEmpty());
}

TEST(OllamaAnswer, WhatTheModelCannotDoIsSaidInOllamasWords) {
  OllamaForTest test("cannot");
  Capabilities& can = test.models.engine.engine_facts.capabilities;
  can = {.completion = true};
  const auto error = [&](const std::string& path, const std::string& body) {
    const Seen seen = test.post(path, body);
    EXPECT_EQ(seen.status, 400);
    return seen.body;
  };
  EXPECT_EQ(error("/api/chat", R"({"model":"Tiny","messages":[{"role":"user"}],)"
                               R"("tools":[{"function":{"name":"f"}}]})"),
            R"({"error":"\"Tiny\" does not support tools"})");
  EXPECT_EQ(error("/api/generate", R"({"model":"Tiny","prompt":"x","think":true})"),
            R"({"error":"\"Tiny\" does not support thinking"})");
  EXPECT_EQ(error("/api/generate", R"({"model":"Tiny","prompt":"x","suffix":"y"})"),
            R"({"error":"\"Tiny\" does not support insert"})");
  EXPECT_EQ(test.post("/api/generate", R"({"model":"Tiny","prompt":"x","think":false})").status,
            200);
  can = {.embedding = true};
  EXPECT_EQ(error("/api/generate", kAsk), R"({"error":"\"Tiny\" does not support generate"})");
  EXPECT_EQ(error("/api/chat", kChat), R"({"error":"\"Tiny\" does not support chat"})");
}

TEST(OllamaAnswer, RefusalsSayWhenToComeBack) {
  OllamaForTest test("busy");
  int status = 503;
  test.models.on_submit = [&](const ModelCall&) {
    throw Refusal(std::chrono::seconds(7), status, "quota used up");
  };
  const Seen busy = test.post("/api/chat", kChat);
  EXPECT_EQ(busy.status, 503);
  EXPECT_THAT(busy.head, HasSubstr("retry-after: 7\r\n"));
  EXPECT_EQ(busy.body,
            R"({"error":"server busy, please try again.  maximum pending requests exceeded"})");
  status = 429;
  const Seen quota = test.post("/api/chat", kChat);
  EXPECT_EQ(quota.status, 429);
  EXPECT_EQ(quota.body, R"({"error":"quota used up"})");
}

TEST(OllamaAnswer, ErrorsBeforeTheFirstLineHaveAStatus) {
  OllamaForTest test("early");
  Error thrown(Errc::not_found, "nowhere");
  test.models.on_submit = [&](const ModelCall&) { throw Error(thrown); };
  const Seen missing = test.post("/api/chat", kChat);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, R"({"error":"model 'Tiny' not found"})");
  test.add("tiny");
  EXPECT_EQ(test.post("/api/chat", kChat).body, R"({"error":"nowhere"})") << "it is another thing";
  thrown = Error(Errc::resource_exhausted, "needs 9 GiB");
  EXPECT_EQ(test.post("/api/chat", kChat).status, 500);
  thrown = Error(Errc::unavailable, "the engine has gone");
  EXPECT_EQ(test.post("/api/chat", kChat).status, 503);
  test.models.on_submit = nullptr;
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer;
    answer.refusal = Error(Errc::too_long, "longer than the context");
    return answer;
  };
  const Seen long_one = test.post("/api/generate", kAsk);
  EXPECT_EQ(long_one.status, 400);
  EXPECT_EQ(long_one.body, R"({"error":"longer than the context"})");
}

TEST(OllamaAnswer, ErrorsAfterTheFirstLineAreTheLastLine) {
  OllamaForTest test("late");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.failure = Error(Errc::unavailable, "the engine has gone");
    return answer;
  };
  const Seen seen = test.post("/api/chat", kChat);
  EXPECT_EQ(seen.status, 200);
  EXPECT_TRUE(seen.body.ends_with("\n{\"error\":\"the engine has gone\"}\n")) << seen.body;
  EXPECT_THAT(seen.body, Not(HasSubstr("\"done\":true")));
  const Seen whole = test.post("/api/chat", R"({"model":"Tiny","stream":false,)"
                                            R"("messages":[{"role":"user","content":"Hi"}]})");
  EXPECT_EQ(whole.status, 503);
  EXPECT_EQ(whole.body, R"({"error":"the engine has gone"})");
}

TEST(OllamaAnswer, AClientThatLeavesCancels) {
  OllamaForTest test("leave");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.waits = true;
    return answer;
  };
  for (const std::string& body : {kChat, R"({"model":"Tiny","stream":false,)" + kChat.substr(16)}) {
    http::RawClient client(test.port());
    client.send(request_text("POST", "/api/chat", body));
    if (body == kChat) client.read_until("\"lo\"");
    client.reset();
  }
  // The second may have left before its turn came.
  EXPECT_TRUE(test.models.wait_for_cancelled(1));
}

TEST(OllamaAnswer, UnknownOptionsReachTheLogWithoutTheirValues) {
  OllamaForTest test("warn");
  test.post("/api/generate", R"({"model":"Tiny","prompt":"x","options":{"odd":"secret"}})");
  EXPECT_THAT(test.warnings(), ElementsAre("unknown option \"odd\" is ignored"));
}

}  // namespace
}  // namespace hearth::serve::ollama
