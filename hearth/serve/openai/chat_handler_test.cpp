// POST /v1/chat/completions on a real server, before scripted models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hearth/serve/openai/server_with_fakes_for_test.h"

namespace hearth::serve::openai {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kChat = "/v1/chat/completions";

// `fields` beside the model and one message.
std::string chat(const std::string& fields = "") {
  return R"({"model": "tiny", "messages": [{"role": "user", "content": "hi"}])" +
         (fields.empty() ? "" : ", " + fields) + "}";
}

AnswerChunk thinking_chunk(const std::string& text) {
  return {.delta = {.content = {}, .thinking = text, .tool_calls = {}}, .logprobs = {}};
}

AnswerChunk call_chunk(const std::string& id, const std::string& name, const char* arguments) {
  return {.delta = {.content = {},
                    .thinking = {},
                    .tool_calls = {{.id = id, .name = name, .arguments = Json::parse(arguments)}}},
          .logprobs = {}};
}

const char* const kTool = R"("tools": [{"type": "function", "function": {"name": "f",
  "parameters": {"type": "object", "properties": {"b": {}, "a": {}}}}}])";

TEST(ChatCompletions, AnswersWithOneObject) {
  ServerWithFakes test("chat-whole");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.end.prompt_tokens_cached = 1;
    answer.end.prompt_time = 8ms;
    answer.end.decode_time = 4ms;
    return answer;
  };
  const std::string answer = test.post(kChat, chat());
  EXPECT_EQ(http::status_in(answer), 200);
  EXPECT_FALSE(http::header_in(answer, "x-request-id").empty());
  EXPECT_EQ(without_ids(http::body_in(answer)),
            R"({"id":"chatcmpl-ID","object":"chat.completion","created":0,"model":"tiny:latest",)"
            R"("system_fingerprint":"fp_hearth","choices":[{"index":0,"message":{)"
            R"("role":"assistant","content":"Hello","refusal":null},"logprobs":null,)"
            R"("finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,)"
            R"("total_tokens":7,"prompt_tokens_details":{"cached_tokens":1}},)"
            R"("timings":{"cache_n":1,"prompt_n":4,"prompt_ms":8.0,"prompt_per_second":500.0,)"
            R"("predicted_n":2,"predicted_ms":4.0,"predicted_per_second":500.0}})");
}

TEST(ChatCompletions, StreamsInTheOrderThatClientsRelyOn) {
  ServerWithFakes test("chat-stream");
  const auto events =
      test.post_stream(kChat, chat(R"("stream": true, "stream_options": {"include_usage": true})"));
  const std::string head = R"({"id":"chatcmpl-ID","object":"chat.completion.chunk","created":0,)"
                           R"("model":"tiny:latest","system_fingerprint":"fp_hearth","choices":[)";
  const auto choice = [&](const std::string& delta, const std::string& reason) {
    return head + R"({"index":0,"delta":)" + delta + R"(,"logprobs":null,"finish_reason":)" +
           reason + R"(}],"usage":null})";
  };
  EXPECT_THAT(
      data_of(events),
      ElementsAre(choice(R"({"role":"assistant","content":""})", "null"),
                  choice(R"({"content":"Hel"})", "null"), choice(R"({"content":"lo"})", "null"),
                  choice("{}", R"("stop")"),
                  head + R"(],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,)"
                         R"("prompt_tokens_details":{"cached_tokens":0}},)"
                         R"("timings":{"cache_n":0,"prompt_n":5,"prompt_ms":0.0,)"
                         R"("predicted_n":2,"predicted_ms":0.0}})",
                  "[DONE]"));
  for (size_t i = 1; i + 1 < events.size(); ++i)
    EXPECT_EQ(Json::parse(events[i].data)["id"], Json::parse(events[0].data)["id"]);
}

TEST(ChatCompletions, SaysNoUsageThatNobodyAskedFor) {
  ServerWithFakes test("chat-no-usage");
  const auto events = test.post_stream(kChat, chat(R"("stream": true)"));
  ASSERT_EQ(events.size(), 5u);
  for (const SentEvent& event : events) EXPECT_THAT(event.data, Not(HasSubstr("usage")));
  EXPECT_EQ(events.back().data, "[DONE]");
}

FakeAnswer thoughtful_answer() {
  FakeAnswer answer;
  answer.chunks = {thinking_chunk("hmm"), call_chunk("call_1", "f", R"({"b": 1, "a": [2]})"),
                   call_chunk("call_2", "f", "{}")};
  answer.end = {.prompt_tokens = 5, .generated_tokens = 17};
  return answer;
}

TEST(ChatCompletions, PartsThoughtsAndCallsFromContent) {
  ServerWithFakes test("chat-calls");
  test.models.engine.on_answer = [](const AnswerRequest&) { return thoughtful_answer(); };
  const Json body = test.post_json(kChat, chat(kTool));
  EXPECT_EQ(body["choices"][0].dump(),
            R"({"index":0,"message":{"role":"assistant","content":null,"refusal":null,)"
            R"("reasoning":"hmm","reasoning_content":"hmm","tool_calls":[)"
            R"({"index":0,"id":"call_1","type":"function","function":)"
            R"({"name":"f","arguments":"{\"b\":1,\"a\":[2]}"}},)"
            R"({"index":1,"id":"call_2","type":"function","function":)"
            R"({"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"})");
  // 3 bytes of thoughts, f and {"b":1,"a":[2]} are 16, f and {} are 3: 17 * 3 / 22 = 2.3.
  EXPECT_EQ(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 2);

  const auto events = test.post_stream(kChat, chat(std::string(kTool) + R"(, "stream": true)"));
  ASSERT_EQ(events.size(), 6u);
  const auto delta = [&](size_t i) {
    return Json::parse(events[i].data)["choices"][0]["delta"].dump();
  };
  EXPECT_EQ(delta(1), R"({"reasoning":"hmm","reasoning_content":"hmm"})");
  EXPECT_EQ(delta(2), R"({"tool_calls":[{"index":0,"id":"call_1","type":"function","function":)"
                      R"({"name":"f","arguments":"{\"b\":1,\"a\":[2]}"}}]})");
  EXPECT_EQ(delta(3), R"({"tool_calls":[{"index":1,"id":"call_2","type":"function","function":)"
                      R"({"name":"f","arguments":"{}"}}]})");
  EXPECT_EQ(Json::parse(events[4].data)["choices"][0]["finish_reason"], "tool_calls");
}

TEST(ChatCompletions, PassOnOneCallWhereOneIsAllowed) {
  ServerWithFakes test("chat-one-call");
  test.models.engine.on_answer = [](const AnswerRequest&) { return thoughtful_answer(); };
  const std::string fields = std::string(kTool) + R"(, "parallel_tool_calls": false)";
  const Json body = test.post_json(kChat, chat(fields));
  EXPECT_EQ(body["choices"][0]["message"]["tool_calls"].size(), 1u);
  EXPECT_EQ(body["warnings"].dump(), R"(["tool_choice: 2 calls, but only one is allowed"])");
  const auto events = test.post_stream(kChat, chat(fields + R"(, "stream": true)"));
  EXPECT_EQ(events.size(), 5u);
  EXPECT_EQ(Json::parse(events[3].data)["warnings"].size(), 1u);
}

TEST(ChatCompletions, TellWhatWasNotAsWasAskedFor) {
  ServerWithFakes test("chat-warnings");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.end.reason = AnswerReason::length;
    answer.end.messages_forgotten = 3;
    return answer;
  };
  const Json body =
      test.post_json(kChat, chat(std::string(kTool) + R"(, "tool_choice": "required")"));
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(body["warnings"].dump(),
            R"(["the conversation is longer than the context: its 3 oldest messages were left )"
            R"(out","tool_choice: no tool was called, but a call is required"])");
}

TEST(ChatCompletions, WritesProbabilitiesWithTheirBytes) {
  ServerWithFakes test("chat-logprobs");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer;
    // The first half of "é", whose text comes with the second.
    answer.chunks = {
        {.delta = {},
         .logprobs = {{.chosen = {"\xC3", -0.5f}, .top = {{"\xC3", -0.5f}, {"e", -INFINITY}}}}},
        {.delta = {.content = "\u00E9", .thinking = {}, .tool_calls = {}},
         .logprobs = {{.chosen = {"\xA9", 0}, .top = {}}}}};
    return answer;
  };
  const std::string fields = R"("logprobs": true, "top_logprobs": 2)";
  const std::string first =
      "{\"token\":\"\uFFFD\",\"logprob\":-0.5,\"bytes\":[195],\"top_logprobs\":["
      "{\"token\":\"\uFFFD\",\"logprob\":-0.5,\"bytes\":[195]},"
      "{\"token\":\"e\",\"logprob\":-9999.0,\"bytes\":[101]}]}";
  const std::string second =
      "{\"token\":\"\uFFFD\",\"logprob\":0.0,\"bytes\":[169],\"top_logprobs\":[]}";
  const Json body = test.post_json(kChat, chat(fields));
  EXPECT_EQ(body["choices"][0]["logprobs"].dump(),
            "{\"content\":[" + first + "," + second + "],\"refusal\":null}");
  const auto events = test.post_stream(kChat, chat(fields + R"(, "stream": true)"));
  ASSERT_EQ(events.size(), 5u);
  const Json piece = Json::parse(events[1].data)["choices"][0];
  EXPECT_EQ(piece["delta"].dump(), "{}");
  EXPECT_EQ(piece["logprobs"]["content"].dump(), "[" + first + "]");
  EXPECT_EQ(Json::parse(events[2].data)["choices"][0]["logprobs"]["content"].dump(),
            "[" + second + "]");
}

TEST(ChatCompletions, GiveSeveralChoices) {
  ServerWithFakes test("chat-n");
  test.models.engine.on_answer = [](const AnswerRequest& request) {
    FakeAnswer answer = hello_answer();
    const auto seed = std::get<int64_t>(request.options.at("seed"));
    answer.chunks = content_chunks({"seed ", std::to_string(seed)});
    return answer;
  };
  const Json body = test.post_json(kChat, chat(R"("n": 3, "seed": 40)"));
  ASSERT_EQ(body["choices"].size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(body["choices"][i]["index"], i);
    EXPECT_EQ(body["choices"][i]["message"]["content"], "seed " + std::to_string(40 + i));
  }
  // The prompt counts once.
  EXPECT_EQ(body["usage"]["prompt_tokens"], 5);
  EXPECT_EQ(body["usage"]["completion_tokens"], 6);

  const auto events = test.post_stream(kChat, chat(R"("n": 3, "seed": 40, "stream": true)"));
  ASSERT_EQ(events.size(), 13u);
  std::vector<std::string> texts(3);
  for (size_t i = 0; i < 12; ++i) {
    const Json choice = Json::parse(events[i].data)["choices"][0];
    texts.at(choice["index"]) += choice["delta"].value("content", "");
    if (choice["finish_reason"] == "stop") texts.at(choice["index"]) += ".";
  }
  EXPECT_THAT(texts, ElementsAre("seed 40.", "seed 41.", "seed 42."));
  EXPECT_EQ(events.back().data, "[DONE]");
}

TEST(ChatCompletions, HandTheQueueAndTheEngineWhatWasAsked) {
  ServerWithFakes test("chat-asked");
  test.post_json(kChat, chat(R"("max_completion_tokens": 3, "keep_alive": 60, "priority": 1,
      "response_format": {"type": "json_object"}, "reasoning_effort": "low")"));
  const ModelCall call = test.models.calls().at(0);
  EXPECT_EQ(call.model, "tiny");
  EXPECT_EQ(call.priority, Priority::batch);
  EXPECT_EQ(call.keep_alive, 60s);
  EXPECT_EQ(std::get<int64_t>(call.options.at("num_predict")), 3);
  const AnswerRequest request = test.models.answers().at(0);
  EXPECT_EQ(request.format.kind, AnswerFormat::Kind::json);
  const auto& prompt = std::get<ChatPrompt>(request.prompt);
  EXPECT_EQ(prompt.messages.at(0).content, "hi");
  EXPECT_EQ(prompt.thinking, Thinking::low);
}

TEST(ChatCompletions, RefuseWithAStatusBeforeTheFirstByte) {
  ServerWithFakes test("chat-refuse");
  EXPECT_EQ(test.post_json(kChat, chat(R"("temperature": "hot")"), 400).dump(),
            R"({"error":{"message":"temperature must be a number",)"
            R"("type":"invalid_request_error","param":"temperature","code":null}})");
  EXPECT_EQ(test.post_json(kChat, "", 400).dump(),
            R"({"error":{"message":"missing request body","type":"invalid_request_error",)"
            R"("param":null,"code":null}})");
  EXPECT_THAT(test.post(kChat, "{"), HasSubstr("invalid_request_error"));
  EXPECT_EQ(http::header_in(test.post(kChat, "{"), "x-should-retry"), "false");

  test.models.on_submit = [](const ModelCall& call) {
    throw Error(Errc::not_found, "model '{}' not found", call.model);
  };
  EXPECT_EQ(test.post_json(kChat, chat(R"("stream": true)"), 404).dump(),
            R"({"error":{"message":"model 'tiny' not found","type":"not_found_error",)"
            R"("param":null,"code":"model_not_found"}})");
  test.models.on_submit = [](const ModelCall&) { throw Refusal(7s, 429, "quota used up"); };
  const std::string answer = test.post(kChat, chat());
  EXPECT_EQ(http::status_in(answer), 429);
  EXPECT_EQ(http::header_in(answer, "retry-after"), "7");
  EXPECT_EQ(http::header_in(answer, "x-should-retry"), "true");
  EXPECT_EQ(http::body_in(answer), R"({"error":{"message":"quota used up",)"
                                   R"("type":"rate_limit_error","param":null,)"
                                   R"("code":"unavailable"}})");
}

TEST(ChatCompletions, RefuseWhatTheEngineRefuses) {
  ServerWithFakes test("chat-engine-refuses");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer;
    answer.refusal = Error(Errc::unsupported, "'tiny' does not think");
    return answer;
  };
  for (const char* fields : {R"("stream": true)", R"("stream": true, "n": 3)", R"("n": 3)"})
    EXPECT_EQ(test.post_json(kChat, chat(fields), 501)["error"]["message"],
              "'tiny' does not think");
}

TEST(ChatCompletions, SayWhenAConversationIsTooLong) {
  ServerWithFakes test("chat-too-long");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer;
    answer.refusal = Error(Errc::too_long, "prompt is too long: 9 tokens > 8 maximum");
    return answer;
  };
  for (const char* fields : {R"("stream": true)", R"("stream": false)"})
    EXPECT_EQ(test.post_json(kChat, chat(fields), 400).dump(),
              R"({"error":{"message":"prompt is too long: 9 tokens > 8 maximum",)"
              R"("type":"invalid_request_error","param":null,"code":"context_length_exceeded"}})");
}

TEST(ChatCompletions, SayInTheStreamWhatGoesWrongInIt) {
  ServerWithFakes test("chat-fails");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer{.chunks = content_chunks({"Hel"}), .end = {}};
    answer.failure = Error(Errc::unavailable, "the engine has gone");
    return answer;
  };
  const auto events = test.post_stream(kChat, chat(R"("stream": true)"));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2].data, R"({"error":{"message":"the engine has gone",)"
                            R"("type":"unavailable_error","param":null,"code":"unavailable"}})");
  const std::string whole = test.post(kChat, chat());
  EXPECT_EQ(http::status_in(whole), 503);
  EXPECT_EQ(http::header_in(whole, "retry-after"), "1");
  EXPECT_THAT(http::body_in(whole), HasSubstr("the engine has gone"));
}

TEST(ChatCompletions, OneFailedChoiceEndsTheOthers) {
  ServerWithFakes test("chat-n-fails");
  test.models.engine.on_answer = [](const AnswerRequest& request) {
    FakeAnswer answer{.chunks = content_chunks({"x"}), .end = {}};
    if (std::get<int64_t>(request.options.at("seed")) == 1)
      answer.failure = Error(Errc::unavailable, "gone");
    else
      answer.waits = true;
    return answer;
  };
  const auto events = test.post_stream(kChat, chat(R"("n": 3, "seed": 0, "stream": true)"));
  EXPECT_THAT(events.back().data, HasSubstr(R"("message":"gone")"));
  // Those that began are cancelled; others may have been given up before.
  for (const SentEvent& event : events) EXPECT_NE(event.data, "[DONE]");
}

TEST(ChatCompletions, StopWhenTheClientLeaves) {
  ServerWithFakes test("chat-leave");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.waits = true;
    return answer;
  };
  for (const std::string fields : {R"("stream": true)", R"("stream": true, "n": 2)"}) {
    http::RawClient client(test.port());
    const std::string body = chat(fields);
    client.send(fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                            kChat, body.size(), body));
    EXPECT_THAT(client.read_until(R"("content":"lo")"), HasSubstr("Hel"));
    client.reset();
  }
  EXPECT_TRUE(test.models.wait_for_cancelled(3));
}

}  // namespace
}  // namespace hearth::serve::openai
