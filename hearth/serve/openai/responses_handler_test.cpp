// POST /v1/responses on a real server, before scripted models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/openai/server_with_fakes_for_test.h"

namespace hearth::serve::openai {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPath = "/v1/responses";

// What a response repeats of a request that says nothing.
constexpr const char* kShown =
    R"("background":false,"max_tool_calls":null,"previous_response_id":null,)"
    R"("service_tier":"default","store":false,"instructions":null,"max_output_tokens":null,)"
    R"("metadata":{},"parallel_tool_calls":true,"temperature":null,"tool_choice":"auto",)"
    R"("tools":[],"top_logprobs":0,"top_p":null,"truncation":"disabled","user":null,)"
    R"("reasoning":{"effort":null,"summary":null},"text":{"format":{"type":"text"}})";

std::string response(const std::string& completed, const std::string& status,
                     const std::string& output, const std::string& usage) {
  return R"({"id":"resp_ID","object":"response","created_at":0,"completed_at":)" + completed +
         R"(,"status":")" + status +
         R"(","error":null,"incomplete_details":null,"model":"tiny:latest","output":)" + output +
         R"(,"usage":)" + usage + "," + kShown + "}";
}

constexpr const char* kHelloPart =
    R"({"type":"output_text","text":"Hello","annotations":[],"logprobs":[]})";
const std::string kHelloItem =
    std::string(R"({"id":"msg_ID00","type":"message","status":"completed","role":"assistant",)") +
    R"("content":[)" + kHelloPart + "]}";
const std::string kHelloResponse =
    response("0", "completed", "[" + kHelloItem + "]",
             R"({"input_tokens":5,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,)"
             R"("output_tokens_details":{"reasoning_tokens":0},"total_tokens":7})");

TEST(Responses, AnswerWithOneObject) {
  ServerWithFakes test("responses-whole");
  const Json body = test.post_json(kPath, R"({"model": "tiny", "input": "hi"})");
  EXPECT_EQ(without_ids(body.dump()), kHelloResponse);
  EXPECT_EQ(test.models.calls().at(0).model, "tiny");
}

TEST(Responses, StreamTheWholeSequenceOfEvents) {
  ServerWithFakes test("responses-stream");
  const auto events =
      test.post_stream(kPath, R"({"model": "tiny", "input": "hi", "stream": true})");
  const std::string begun = response("null", "in_progress", "[]", "null");
  const std::string place = R"("item_id":"msg_ID00","output_index":0,"content_index":0)";
  int number = 0;
  const auto event = [&](const std::string& type, const std::string& fields) {
    return fmt::format(R"({{"type":"{}","sequence_number":{},{}}})", type, number++, fields);
  };
  // In braces, as events are numbered in the order of their evaluation.
  const std::vector<std::string> expected = {
      event("response.created", R"("response":)" + begun),
      event("response.in_progress", R"("response":)" + begun),
      event("response.output_item.added",
            R"("output_index":0,"item":{"id":"msg_ID00","type":"message",)"
            R"("status":"in_progress","role":"assistant","content":[]})"),
      event("response.content_part.added",
            place + R"(,"part":{"type":"output_text","text":"","annotations":[],)"
                    R"("logprobs":[]})"),
      event("response.output_text.delta", place + R"(,"delta":"Hel","logprobs":[])"),
      event("response.output_text.delta", place + R"(,"delta":"lo","logprobs":[])"),
      event("response.output_text.done", place + R"(,"text":"Hello","logprobs":[])"),
      event("response.content_part.done", place + R"(,"part":)" + kHelloPart),
      event("response.output_item.done", R"("output_index":0,"item":)" + kHelloItem),
      event("response.completed", R"("response":)" + kHelloResponse)};
  EXPECT_EQ(data_of(events), expected);
  for (const SentEvent& sent : events)
    EXPECT_EQ(Json::parse(sent.data)["type"], sent.name) << sent.data;
}

FakeAnswer mixed_answer() {
  FakeAnswer answer;
  answer.chunks.resize(4);
  answer.chunks[0].delta.thinking = "h";
  answer.chunks[1].delta.thinking = "m";
  answer.chunks[2].delta.content = "ok";
  answer.chunks[3].delta.tool_calls = {
      {.id = "call_1", .name = "f", .arguments = Json::parse(R"({"a": 1})")}};
  answer.end = {.prompt_tokens = 3, .generated_tokens = 12};
  return answer;
}

constexpr const char* kWithTool = R"({"model": "tiny", "input": "hi", "tools": [
  {"type": "function", "name": "f", "parameters": {"properties": {"a": {}}}}])";

TEST(Responses, HaveAnItemForThoughtsTextAndEveryCall) {
  ServerWithFakes test("responses-items");
  test.models.engine.on_answer = [](const AnswerRequest&) { return mixed_answer(); };
  const Json body = test.post_json(kPath, std::string(kWithTool) + "}");
  EXPECT_EQ(without_ids(body["output"].dump()),
            R"([{"id":"rs_ID00","type":"reasoning","summary":[{"type":"summary_text",)"
            R"("text":"hm"}]},{"id":"msg_ID01","type":"message","status":"completed",)"
            R"("role":"assistant","content":[{"type":"output_text","text":"ok",)"
            R"("annotations":[],"logprobs":[]}]},{"id":"fc_ID02","type":"function_call",)"
            R"("status":"completed","call_id":"call_1","name":"f","arguments":"{\"a\":1}"}])");
  // 2 bytes of thoughts, 2 of text, 8 of f and {"a":1}: 12 * 2 / 12.
  EXPECT_EQ(body["usage"]["output_tokens_details"]["reasoning_tokens"], 2);
  EXPECT_FALSE(body.contains("warnings"));

  std::vector<std::string> names;
  const auto events = test.post_stream(kPath, std::string(kWithTool) + R"(, "stream": true})");
  for (const SentEvent& event : events) names.push_back(event.name.substr(9));
  EXPECT_THAT(names, ElementsAre("created", "in_progress", "output_item.added",
                                 "reasoning_summary_part.added", "reasoning_summary_text.delta",
                                 "reasoning_summary_text.delta", "reasoning_summary_text.done",
                                 "reasoning_summary_part.done", "output_item.done",
                                 "output_item.added", "content_part.added", "output_text.delta",
                                 "output_text.done", "content_part.done", "output_item.done",
                                 "output_item.added", "function_call_arguments.delta",
                                 "function_call_arguments.done", "output_item.done", "completed"));
  EXPECT_EQ(without_ids(events[4].data),
            R"({"type":"response.reasoning_summary_text.delta","sequence_number":4,)"
            R"("item_id":"rs_ID00","output_index":0,"summary_index":0,"delta":"h"})");
  EXPECT_EQ(without_ids(events[17].data),
            R"({"type":"response.function_call_arguments.done","sequence_number":17,)"
            R"("item_id":"fc_ID02","output_index":2,"name":"f","arguments":"{\"a\":1}"})");
}

// What the official client's accumulator asks of a stream: an item and a part are added before a
// delta names them.
TEST(Responses, AddWhatTheyNameBeforeTheyNameIt) {
  ServerWithFakes test("responses-order");
  test.models.engine.on_answer = [](const AnswerRequest&) { return mixed_answer(); };
  const auto events = test.post_stream(kPath, std::string(kWithTool) + R"(, "stream": true})");
  std::vector<std::string> items;  // ids in the order they were added
  std::vector<int> parts;
  int number = 0;
  for (const SentEvent& sent : events) {
    const Json event = Json::parse(sent.data);
    EXPECT_EQ(event["sequence_number"], number++);
    if (sent.name == "response.output_item.added") {
      EXPECT_EQ(event["output_index"], items.size());
      items.push_back(event["item"]["id"]);
      parts.push_back(0);
    } else if (event.contains("output_index")) {
      ASSERT_LT(event["output_index"].get<size_t>(), items.size()) << sent.data;
      if (event.contains("item_id")) {
        EXPECT_EQ(event["item_id"], items[event["output_index"]]);
      }
      if (sent.name.ends_with("part.added")) ++parts[event["output_index"]];
      if (event.contains("content_index") || event.contains("summary_index")) {
        EXPECT_EQ(parts[event["output_index"]], 1);
      }
    }
  }
  EXPECT_EQ(items.size(), 3u);
}

TEST(Responses, AreIncompleteWhenTheLimitCutThem) {
  ServerWithFakes test("responses-cut");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.end.reason = AnswerReason::length;
    return answer;
  };
  const Json body =
      test.post_json(kPath, R"({"model": "tiny", "input": "hi", "max_output_tokens": 2})");
  EXPECT_EQ(body["status"], "incomplete");
  EXPECT_EQ(body["incomplete_details"].dump(), R"({"reason":"max_output_tokens"})");
  EXPECT_EQ(body["output"][0]["status"], "incomplete");
  EXPECT_EQ(body["completed_at"], nullptr);
  EXPECT_EQ(body["max_output_tokens"], 2);
  const auto events =
      test.post_stream(kPath, R"({"model": "tiny", "input": "hi", "stream": true})");
  EXPECT_EQ(events.back().name, "response.incomplete");
}

TEST(Responses, HoldAMessageEvenWhenNothingWasSaid) {
  ServerWithFakes test("responses-empty");
  test.models.engine.on_answer = [](const AnswerRequest&) { return FakeAnswer(); };
  const Json body = test.post_json(kPath, R"({"model": "tiny", "input": "hi"})");
  ASSERT_EQ(body["output"].size(), 1u);
  EXPECT_EQ(body["output"][0]["content"][0]["text"], "");
}

TEST(Responses, PassOnOneCallWhereOneIsAllowedAndSaySo) {
  ServerWithFakes test("responses-one-call");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = mixed_answer();
    answer.chunks.push_back(answer.chunks.back());
    return answer;
  };
  const Json body =
      test.post_json(kPath, std::string(kWithTool) + R"(, "parallel_tool_calls": false})");
  EXPECT_EQ(body["output"].size(), 3u);
  EXPECT_EQ(body["parallel_tool_calls"], false);
  EXPECT_EQ(body["warnings"].dump(), R"(["tool_choice: 2 calls, but only one is allowed"])");
}

TEST(Responses, GiveProbabilitiesWithTheTextTheyMade) {
  ServerWithFakes test("responses-logprobs");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer;
    answer.chunks.resize(2);
    answer.chunks[0].logprobs = {{.chosen = {"H", -1}, .top = {}}};
    answer.chunks[1].delta.content = "Hi";
    answer.chunks[1].logprobs = {{.chosen = {"i", -2}, .top = {}}};
    return answer;
  };
  const std::string tokens = R"([{"token":"H","logprob":-1.0,"bytes":[72],"top_logprobs":[]},)"
                             R"({"token":"i","logprob":-2.0,"bytes":[105],"top_logprobs":[]}])";
  const std::string body =
      R"({"model": "tiny", "input": "hi", "include": ["message.output_text.logprobs"])";
  EXPECT_EQ(test.post_json(kPath, body + "}")["output"][0]["content"][0]["logprobs"].dump(),
            tokens);
  const auto events = test.post_stream(kPath, body + R"(, "stream": true})");
  EXPECT_EQ(Json::parse(events.at(4).data)["logprobs"].dump(), tokens);
}

TEST(Responses, SayErrorsWithAStatusOrInTheStream) {
  ServerWithFakes test("responses-errors");
  EXPECT_EQ(test.post_json(kPath, R"({"model": "tiny"})", 400)["error"]["param"], "input");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.failure = Error(Errc::unavailable, "the engine has gone");
    return answer;
  };
  EXPECT_EQ(test.post_json(kPath, R"({"model": "tiny", "input": "hi"})", 503)["error"]["message"],
            "the engine has gone");
  const auto events =
      test.post_stream(kPath, R"({"model": "tiny", "input": "hi", "stream": true})");
  ASSERT_EQ(events.size(), 8u);
  EXPECT_EQ(events[6].name, "response.failed");
  const Json failed = Json::parse(events[6].data)["response"];
  EXPECT_EQ(failed["status"], "failed");
  EXPECT_EQ(failed["error"].dump(), R"({"code":"server_error","message":"the engine has gone"})");
  EXPECT_EQ(events[7].name, "error");
  EXPECT_EQ(events[7].data, R"({"type":"error","sequence_number":7,"code":"unavailable",)"
                            R"("message":"the engine has gone","param":null,"error":{"message":)"
                            R"("the engine has gone","type":"unavailable_error","param":null,)"
                            R"("code":"unavailable"}})");
}

TEST(Responses, AreNotKept) {
  ServerWithFakes test("responses-kept");
  EXPECT_EQ(test.get_json("/v1/responses/resp_1", 404)["error"]["message"],
            "response 'resp_1' not found: responses are not kept");
  EXPECT_THAT(test.post("/v1/responses/resp_1/cancel", ""), HasSubstr("are not kept"));
}

}  // namespace
}  // namespace hearth::serve::openai
