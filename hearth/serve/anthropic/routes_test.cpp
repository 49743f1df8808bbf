// The endpoints as a client meets them: a real server before models that say what a test wrote.
#include "hearth/serve/anthropic/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "hearth/serve/anthropic/error_json.h"
#include "hearth/serve/api/fake_models_for_test.h"
#include "hearth/serve/http/client_for_test.h"
#include "hearth/serve/http/server.h"

namespace hearth::serve::anthropic {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

http::Router routes_of(ModelService& models) {
  http::Router router;
  add_routes(router, models);
  return router;
}

http::ServerOptions server_options() {
  http::ServerOptions options{.listen = {{"127.0.0.1", 0}}};
  options.policy.admit = [](http::Request& request) -> std::optional<http::Response> {
    request.caller = "anna";
    return std::nullopt;
  };
  return options;
}

struct Fixture {
  Fixture() { server.start(); }
  ~Fixture() { server.stop(std::chrono::seconds(0)); }

  // The answer to one request; HTTP/1.0, so that its body comes as it is.
  std::string post(std::string_view path, std::string_view body) {
    http::RawClient client(server.addresses().at(0).port);
    client.send(head(path, body.size()));
    client.send(body);
    return client.read_to_end();
  }
  static std::string head(std::string_view path, size_t body_bytes) {
    return fmt::format(
        "POST {} HTTP/1.0\r\nHost: localhost\r\nX-Request-Id: r1\r\nContent-Length: {}\r\n\r\n",
        path, body_bytes);
  }
  void say(FakeAnswer answer) {
    models.engine.on_answer = [answer = std::move(answer)](const AnswerRequest&) { return answer; };
  }

  FakeModels models;
  http::Server server{routes_of(models), server_options()};
};

// Random ids as "msg_*".
std::string without_ids(const std::string& text) {
  return std::regex_replace(text, std::regex("msg_[0-9a-f]{32}"), "msg_*");
}

std::string request_body(const std::string& more = "") {
  return R"({"model":"tiny","max_tokens":9,"messages":[{"role":"user","content":"Hi"}])" + more +
         "}";
}

// Thinks, speaks, calls twice.
FakeAnswer long_answer() {
  FakeAnswer answer;
  answer.chunks = {
      {.delta = {.thinking = "hm"}},
      {.delta = {.content = "Let", .thinking = "m"}},
      {.delta = {.content = " me"}},
      {.delta = {.tool_calls = {{.id = "c1", .name = "f", .arguments = {{"a", 1}, {"b", "x"}}},
                                {.id = "c2", .name = "g"}}}},
  };
  answer.end = {.prompt_tokens = 50, .prompt_tokens_cached = 30, .generated_tokens = 12};
  return answer;
}

TEST(AnthropicRoutes, AWholeMessage) {
  Fixture f;
  const std::string answer = f.post("/v1/messages", request_body());
  EXPECT_EQ(http::status_in(answer), 200);
  EXPECT_EQ(http::header_in(answer, "content-type"), "application/json; charset=utf-8");
  EXPECT_EQ(http::header_in(answer, "request-id"), "r1");
  EXPECT_EQ(
      without_ids(http::body_in(answer)),
      R"({"id":"msg_*","type":"message","role":"assistant","model":"tiny:latest",)"
      R"("content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,)"
      R"("usage":{"input_tokens":5,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,)"
      R"("output_tokens":2}})");
  ASSERT_EQ(f.models.calls().size(), 1u);
  EXPECT_EQ(f.models.calls()[0].model, "tiny");
  EXPECT_EQ(f.models.calls()[0].caller, "anna");
  const auto prompt = std::get<ChatPrompt>(f.models.answers().at(0).prompt);
  EXPECT_EQ(prompt.messages.at(0).content, "Hi");
}

TEST(AnthropicRoutes, AWholeMessageOfEveryBlock) {
  Fixture f;
  f.say(long_answer());
  const std::string body = http::body_in(f.post("/v1/messages?beta=true", request_body()));
  EXPECT_THAT(body, HasSubstr(R"("content":[{"type":"thinking","thinking":"hmm","signature":""},)"
                              R"({"type":"text","text":"Let me"},)"
                              R"({"type":"tool_use","id":"c1","name":"f","input":{"a":1,"b":"x"}},)"
                              R"({"type":"tool_use","id":"c2","name":"g","input":{}}],)"
                              R"("stop_reason":"tool_use","stop_sequence":null)"));
  EXPECT_THAT(body, HasSubstr(R"("input_tokens":20,"cache_creation_input_tokens":0,)"
                              R"("cache_read_input_tokens":30,"output_tokens":12)"));
}

// Written by hand after https://docs.claude.com/en/docs/build-with-claude/streaming.
constexpr std::string_view kEvents =
    R"(event: message_start
data: {"type":"message_start","message":{"id":"msg_*","type":"message",)"
    R"("role":"assistant","model":"tiny:latest","content":[],"stop_reason":null,)"
    R"("stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,)"
    R"("cache_read_input_tokens":0,"output_tokens":0}}}

event: ping
data: {"type":"ping"}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking",)"
    R"("thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta",)"
    R"("thinking":"hm"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta",)"
    R"("thinking":"m"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta",)"
    R"("signature":""}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Let"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" me"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use",)"
    R"("id":"c1","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta",)"
    R"("partial_json":"{\"a\":1,\"b\":\"x\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use",)"
    R"("id":"c2","name":"g","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta",)"
    R"("partial_json":"{}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},)"
    R"("usage":{"input_tokens":20,"cache_creation_input_tokens":0,)"
    R"("cache_read_input_tokens":30,"output_tokens":12}}

event: message_stop
data: {"type":"message_stop"}

)";

TEST(AnthropicRoutes, EveryEventOfAStream) {
  Fixture f;
  f.say(long_answer());
  const std::string answer = f.post("/v1/messages", request_body(R"(,"stream":true)"));
  EXPECT_EQ(http::status_in(answer), 200);
  EXPECT_EQ(http::header_in(answer, "content-type"), "text/event-stream");
  EXPECT_EQ(http::header_in(answer, "request-id"), "r1");
  EXPECT_EQ(without_ids(http::body_in(answer)), kEvents);
}

TEST(AnthropicRoutes, TextBehindACallIsABlockOfItsOwn) {
  Fixture f;
  FakeAnswer answer = long_answer();
  answer.chunks = {{.delta = {.content = "a", .tool_calls = {{.id = "c", .name = "f"}}}},
                   {.delta = {.content = "b"}}};
  f.say(answer);
  const std::string whole = http::body_in(f.post("/v1/messages", request_body()));
  EXPECT_THAT(whole, HasSubstr(R"([{"type":"text","text":"a"},{"type":"tool_use","id":"c",)"
                               R"("name":"f","input":{}},{"type":"text","text":"b"}])"));
  const std::string events =
      http::body_in(f.post("/v1/messages", request_body(R"(,"stream":true)")));
  EXPECT_THAT(events, HasSubstr(R"("index":2,"content_block":{"type":"text","text":""})"));
}

TEST(AnthropicRoutes, SaysWhatEndedTheAnswer) {
  struct Row {
    AnswerEnd end;
    const char* expected;
  };
  const Row rows[] = {
      {{.reason = AnswerReason::length}, R"("stop_reason":"max_tokens","stop_sequence":null)"},
      {{.reason = AnswerReason::stop, .stop_string = "END"},
       R"("stop_reason":"stop_sequence","stop_sequence":"END")"},
      // One that the model brings is not the client's business.
      {{.reason = AnswerReason::stop, .stop_string = "<|im_end|>"},
       R"("stop_reason":"end_turn","stop_sequence":null)"},
  };
  Fixture f;
  for (const Row& row : rows)
    for (const char* stream : {R"(,"stream":true)", R"(,"stream":false)"}) {
      FakeAnswer answer = hello_answer();
      answer.end = row.end;
      f.say(answer);
      const std::string body =
          request_body(R"(,"stop_sequences":["x","END"])" + std::string(stream));
      EXPECT_THAT(f.post("/v1/messages", body), HasSubstr(row.expected));
    }
}

TEST(AnthropicRoutes, AnAnswerThatWasCutOffBehindACallIsNotWhole) {
  Fixture f;
  FakeAnswer answer;
  answer.chunks.push_back(
      {.delta = {.content = {}, .thinking = {}, .tool_calls = {{.id = "c", .name = "f"}}},
       .logprobs = {}});
  answer.end.reason = AnswerReason::length;
  f.say(answer);
  for (const char* stream : {R"(,"stream":true)", R"(,"stream":false)"})
    EXPECT_THAT(f.post("/v1/messages", request_body(stream)),
                HasSubstr(R"("stop_reason":"max_tokens","stop_sequence":null)"));
}

TEST(AnthropicRoutes, AnAnswerOfNothingHasNoBlocks) {
  Fixture f;
  f.say({});
  EXPECT_THAT(f.post("/v1/messages", request_body()), HasSubstr(R"("content":[],)"));
  EXPECT_THAT(f.post("/v1/messages", request_body(R"(,"stream":true)")),
              testing::Not(HasSubstr("content_block")));
}

TEST(AnthropicRoutes, ErrorsOfTheRequestTakeTheFormOfTheApi) {
  Fixture f;
  struct Row {
    std::string body;
    const char* message;
  };
  const Row rows[] = {
      {"", "missing request body"},
      {"[]", "the request body must be an object"},
      {R"({"max_tokens":1})", "model is required"},
      {R"({"model":"m"})", "max_tokens is required"},
  };
  for (const Row& row : rows) {
    const std::string answer = f.post("/v1/messages", row.body);
    EXPECT_EQ(http::status_in(answer), 400);
    EXPECT_EQ(http::body_in(answer),
              fmt::format(R"({{"type":"error","error":{{"type":"invalid_request_error",)"
                          R"("message":"{}"}},"request_id":"r1"}})",
                          row.message));
    EXPECT_EQ(http::header_in(answer, "request-id"), "r1");
  }
  EXPECT_TRUE(f.models.calls().empty());
}

TEST(AnthropicRoutes, ErrorsBeforeTheFirstByteHaveTheirStatus) {
  struct Row {
    Errc code;
    int status;
    const char* type;
  };
  const Row rows[] = {
      {Errc::invalid_argument, 400, "invalid_request_error"},
      {Errc::too_long, 400, "invalid_request_error"},
      {Errc::not_found, 404, "not_found_error"},
      {Errc::resource_exhausted, 413, "request_too_large"},
      {Errc::unavailable, 503, "overloaded_error"},
      {Errc::unsupported, 501, "api_error"},
      {Errc::io_failure, 500, "api_error"},
  };
  Fixture f;
  for (const Row& row : rows)
    for (const char* stream : {R"(,"stream":true)", R"(,"stream":false)"}) {
      FakeAnswer answer;
      answer.refusal = Error(row.code, "no \"such\" thing");
      f.say(answer);
      const std::string got = f.post("/v1/messages", request_body(stream));
      EXPECT_EQ(http::status_in(got), row.status);
      EXPECT_EQ(http::header_in(got, "content-type"), "application/json; charset=utf-8");
      EXPECT_EQ(http::body_in(got),
                fmt::format(R"({{"type":"error","error":{{"type":"{}",)"
                            R"("message":"no \"such\" thing"}},"request_id":"r1"}})",
                            row.type));
    }
}

TEST(AnthropicRoutes, ARefusalSaysWhenToComeBack) {
  Fixture f;
  f.models.on_submit = [](const ModelCall&) {
    throw Refusal(std::chrono::seconds(7), 429, "the queue is full");
  };
  for (const char* path : {"/v1/messages", "/v1/messages/count_tokens"}) {
    const std::string answer = f.post(path, request_body());
    EXPECT_EQ(http::status_in(answer), 429);
    EXPECT_EQ(http::header_in(answer, "retry-after"), "7");
    EXPECT_THAT(answer, HasSubstr(R"("type":"rate_limit_error","message":"the queue is full")"));
  }
}

TEST(AnthropicRoutes, AnErrorInTheMiddleIsAnEvent) {
  Fixture f;
  FakeAnswer answer = hello_answer();
  answer.failure = Error(Errc::unavailable, "the engine has gone");
  f.say(answer);
  const std::string streamed = f.post("/v1/messages", request_body(R"(,"stream":true)"));
  EXPECT_EQ(http::status_in(streamed), 200);
  EXPECT_TRUE(streamed.ends_with(
      "\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n"
      "event: error\n"
      "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":"
      "\"the engine has gone\"},\"request_id\":\"r1\"}\n\n"))
      << streamed;
  const std::string whole = f.post("/v1/messages", request_body());
  EXPECT_EQ(http::status_in(whole), 503);
  EXPECT_EQ(http::header_in(whole, "retry-after"), "1");
  EXPECT_THAT(whole, testing::Not(HasSubstr("Hel")));
}

TEST(AnthropicRoutes, AClientThatLeavesCancelsTheAnswer) {
  Fixture f;
  FakeAnswer answer = hello_answer();
  answer.waits = true;
  f.say(answer);
  const std::string body = request_body(R"(,"stream":true)");
  {
    http::RawClient client(f.server.addresses().at(0).port);
    client.send(Fixture::head("/v1/messages", body.size()) + body);
    EXPECT_THAT(client.read_until("\"lo\""), HasSubstr("\"lo\""));
  }
  EXPECT_TRUE(f.models.wait_for_cancelled(1));
}

TEST(AnthropicRoutes, CountsTokens) {
  Fixture f;
  const std::string body =
      R"({"model":"tiny","system":"S","messages":[{"role":"user","content":"Hi"}]})";
  const std::string answer = f.post("/v1/messages/count_tokens", body);
  EXPECT_EQ(http::status_in(answer), 200);
  EXPECT_EQ(http::header_in(answer, "request-id"), "r1");
  EXPECT_EQ(http::body_in(answer), R"({"input_tokens":19})");  // "system: S\nuser: Hi\n"
  EXPECT_EQ(http::status_in(f.post("/v1/messages/count_tokens", "{}")), 400);
  EXPECT_TRUE(f.models.answers().empty());
}

TEST(AnthropicErrors, WhatTheServerRefusesHasTheSameForm) {
  const http::Response response = error_response(404, "no such path");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            R"({"type":"error","error":{"type":"not_found_error","message":"no such path"}})");
  EXPECT_EQ(error_type(401), "authentication_error");
  EXPECT_EQ(error_type(403), "permission_error");
  EXPECT_EQ(error_type(529), "overloaded_error");
  EXPECT_EQ(error_type(418), "api_error");
}

}  // namespace
}  // namespace hearth::serve::anthropic
