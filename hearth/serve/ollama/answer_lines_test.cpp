#include "hearth/serve/ollama/answer_lines.h"

#include <gtest/gtest.h>

#include <cmath>
#include <regex>

namespace hearth::serve::ollama {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::system_clock::time_point kTime{1136239445s};
const std::string kHead = R"({"model":"M","created_at":"2006-01-02T22:04:05.000000000Z",)";

AnswerChunk chunk_of(AnswerDelta delta) { return {.delta = std::move(delta), .logprobs = {}}; }

TEST(OllamaAnswerLines, ChunksHaveTheFormOfTheirEndpoint) {
  AnswerLines generate(AnswerForm::generate, "M"), chat(AnswerForm::chat, "M");
  const AnswerChunk text = chunk_of({.content = "Hi\n", .thinking = "hm", .tool_calls = {}});
  EXPECT_EQ(generate.chunk(text, kTime),
            kHead + R"("response":"Hi\n","thinking":"hm","done":false})");
  EXPECT_EQ(
      chat.chunk(text, kTime),
      kHead + R"("message":{"role":"assistant","content":"Hi\n","thinking":"hm"},"done":false})");
}

TEST(OllamaAnswerLines, CallsAreCountedAndKeepTheOrderOfTheirArguments) {
  AnswerLines chat(AnswerForm::chat, "M");
  const ToolCall named{.id = "c", .name = "f", .arguments = Json::parse(R"({"z":1,"a":[2]})")};
  EXPECT_EQ(
      chat.chunk(chunk_of({.content = {}, .thinking = {}, .tool_calls = {named}}), kTime),
      kHead + R"("message":{"role":"assistant","content":"","tool_calls":[{"id":"c",)" +
          R"("function":{"index":0,"name":"f","arguments":{"z":1,"a":[2]}}}]},"done":false})");
  const ToolCall nameless{.id = "", .name = "g"};
  const std::string line =
      chat.chunk(chunk_of({.content = {}, .thinking = {}, .tool_calls = {nameless}}), kTime);
  const std::regex expected(R"re("id":"call_[a-z0-9]{8}","function":\{"index":1,"name":"g")re");
  EXPECT_TRUE(std::regex_search(line, expected)) << line;
}

TEST(OllamaAnswerLines, TheEndHasTheMetricsThatAreNotZero) {
  AnswerLines generate(AnswerForm::generate, "M"), chat(AnswerForm::chat, "M");
  const AnswerEnd end{.reason = AnswerReason::length,
                      .prompt_tokens = 5,
                      .generated_tokens = 2,
                      .prompt_time = 30ns,
                      .decode_time = 40ns,
                      .ids = {7, 8}};
  EXPECT_EQ(generate.end(end, {.total = 100ns, .load = 20ns}, {}, kTime),
            kHead + R"("response":"","done":true,"done_reason":"length","context":[7,8],)" +
                R"("total_duration":100,"load_duration":20,"prompt_eval_count":5,)" +
                R"("prompt_eval_duration":30,"eval_count":2,"eval_duration":40})");
  EXPECT_EQ(
      chat.end({}, {}, chunk_of({.content = "all", .thinking = {}, .tool_calls = {}}), kTime),
      kHead +
          R"("message":{"role":"assistant","content":"all"},"done":true,"done_reason":"stop"})");
  const AnswerEnd forgetful{.messages_forgotten = 2, .context_shifts = 1};
  EXPECT_EQ(generate.end(forgetful, {}, {}, kTime),
            kHead + R"("response":"","done":true,"done_reason":"stop",)" +
                R"("messages_forgotten":2,"context_shifts":1})");
}

TEST(OllamaAnswerLines, LogprobsShowBytesAlsoOfHalfCharacters) {
  AnswerLines generate(AnswerForm::generate, "M");
  AnswerChunk chunk = chunk_of({.content = "a", .thinking = {}, .tool_calls = {}});
  chunk.logprobs = {{.chosen = {"a", -0.5f}, .top = {{"a", -0.5f}, {"\xC3", -1.5f}}},
                    {.chosen = {"b", -2.f}, .top = {}},
                    {.chosen = {"c", 0.f}, .top = {{"d", -INFINITY}}}};
  EXPECT_EQ(generate.chunk(chunk, kTime),
            kHead + R"("response":"a","done":false,"logprobs":[)" +
                R"({"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[)" +
                R"({"token":"a","logprob":-0.5,"bytes":[97]},)" +
                "{\"token\":\"\uFFFD\",\"logprob\":-1.5,\"bytes\":[195]}]}," +
                R"({"token":"b","logprob":-2.0,"bytes":[98]},)" +
                R"({"token":"c","logprob":0.0,"bytes":[99],"top_logprobs":[)" +
                R"({"token":"d","logprob":-9999.0,"bytes":[100]}]}]})");
}

TEST(OllamaAnswerLines, NothingIsAnsweredWithItsReason) {
  AnswerLines generate(AnswerForm::generate, "M"), chat(AnswerForm::chat, "M");
  EXPECT_EQ(generate.nothing("load", kTime),
            kHead + R"("response":"","done":true,"done_reason":"load"})");
  EXPECT_EQ(
      chat.nothing("unload", kTime),
      kHead + R"("message":{"role":"assistant","content":""},"done":true,"done_reason":"unload"})");
}

}  // namespace
}  // namespace hearth::serve::ollama
