// POST /v1/completions on a real server, before scripted models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/openai/completion_request.h"
#include "hearth/serve/openai/server_with_fakes_for_test.h"

namespace hearth::serve::openai {
namespace {

using testing::ElementsAre;

constexpr const char* kPath = "/v1/completions";

CompletionCall read(const std::string& fields) {
  return read_completion_request(Json::parse("{\"model\": \"m\", " + fields + "}"));
}

TEST(CompletionRequest, TakesPromptsInFourShapes) {
  using Ids = std::vector<int32_t>;
  const auto texts = read(R"("prompt": ["a", ""])").prompts;
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(std::get<std::string>(texts[0].text), "a");
  EXPECT_EQ(std::get<std::string>(texts[1].text), "");
  EXPECT_EQ(std::get<std::string>(read(R"("prompt": "a")").prompts.at(0).text), "a");
  EXPECT_EQ(std::get<Ids>(read(R"("prompt": [1, 2])").prompts.at(0).text), (Ids{1, 2}));
  const auto lists = read(R"("prompt": [[1], [2, 3]], "suffix": "z")").prompts;
  ASSERT_EQ(lists.size(), 2u);
  EXPECT_EQ(std::get<Ids>(lists[1].text), (Ids{2, 3}));
  EXPECT_EQ(lists[1].suffix, "z");
}

TEST(CompletionRequest, SaysWhatIsWrong) {
  struct Row {
    const char* fields;
    const char* message;
  };
  const Row rows[] = {
      {R"("n": 1)", "prompt is required"},
      {R"("prompt": [])",
       "prompt must be a text, or a list of texts or token ids that is not empty"},
      {R"("prompt": 5)",
       "prompt must be a text, or a list of texts or token ids that is not empty"},
      {R"("prompt": [1, -1])", "prompt[1] must be a token id"},
      {R"("prompt": [[]])", "prompt must not be an empty list"},
      {R"("prompt": [[1], [1.5]])", "prompt[1][0] must be a token id"},
      {R"("prompt": ["a", {}])", "prompt[1] must be a text or a list of token ids"},
      {R"("prompt": ["a", "b", "c"], "n": 6)",
       "n asks for 6 answers to each of 3 prompts, at most 16 in all"},
      {R"("prompt": "a", "best_of": 3)", "best_of is not supported"},
      {R"("prompt": "a", "logprobs": 21)", "logprobs must be from 0 to 20"},
      {R"("prompt": [1], "echo": true)", "echo needs a prompt of text, not of token ids"},
      {R"("prompt": "a", "echo": true, "logprobs": 0)",
       "echo cannot stand beside logprobs: those of a prompt are not computed"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(error_of([&] { read(row.fields); }), row.message) << row.fields;
}

TEST(Completions, AnswerEachPromptInItsPlace) {
  ServerWithFakes test("completions");
  test.models.engine.on_answer = [](const AnswerRequest& request) {
    const auto& prompt = std::get<TextPrompt>(request.prompt);
    return FakeAnswer{.chunks = content_chunks({std::get<std::string>(prompt.text), "!"}),
                      .end = {.prompt_tokens = 1, .generated_tokens = 2}};
  };
  const Json body =
      test.post_json(kPath, R"({"model": "tiny", "prompt": ["a", "b"], "n": 2, "echo": true})");
  EXPECT_EQ(without_ids(body.dump()),
            R"({"id":"cmpl-ID","object":"text_completion","created":0,"model":"tiny:latest",)"
            R"("system_fingerprint":"fp_hearth","choices":[)"
            R"({"text":"aa!","index":0,"logprobs":null,"finish_reason":"stop"},)"
            R"({"text":"aa!","index":1,"logprobs":null,"finish_reason":"stop"},)"
            R"({"text":"bb!","index":2,"logprobs":null,"finish_reason":"stop"},)"
            R"({"text":"bb!","index":3,"logprobs":null,"finish_reason":"stop"}],)"
            R"("usage":{"prompt_tokens":2,"completion_tokens":8,"total_tokens":10,)"
            R"("prompt_tokens_details":{"cached_tokens":0}}})");
}

TEST(Completions, Stream) {
  ServerWithFakes test("completions-stream");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.end.reason = AnswerReason::length;
    return answer;
  };
  const std::string head =
      R"({"id":"cmpl-ID","object":"text_completion","created":0,"model":"tiny:latest",)"
      R"("system_fingerprint":"fp_hearth","choices":[)";
  const auto choice = [&](const std::string& text, const std::string& reason) {
    return head + R"({"text":")" + text + R"(","index":0,"logprobs":null,"finish_reason":)" +
           reason + "}]}";
  };
  EXPECT_THAT(data_of(test.post_stream(
                  kPath, R"({"model": "tiny", "prompt": "A: ", "echo": true, "stream": true})")),
              ElementsAre(choice("A: ", "null"), choice("Hel", "null"), choice("lo", "null"),
                          choice("", "\"length\""), "[DONE]"));
}

TEST(Completions, GiveProbabilitiesInTheOldForm) {
  ServerWithFakes test("completions-logprobs");
  test.models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer;
    answer.chunks = content_chunks({"\u00E9", "lo"});
    answer.chunks[0].logprobs = {{.chosen = {"\u00E9", -1}, .top = {{"\u00E9", -1}, {"e", -2}}}};
    answer.chunks[1].logprobs = {{.chosen = {"lo", -0.25f}, .top = {}}};
    return answer;
  };
  const Json body = test.post_json(kPath, R"({"model": "tiny", "prompt": "A", "logprobs": 2})");
  EXPECT_EQ(body["choices"][0]["logprobs"].dump(),
            "{\"tokens\":[\"\u00E9\",\"lo\"],\"token_logprobs\":[-1.0,-0.25],"
            "\"top_logprobs\":[{\"\u00E9\":-1.0,\"e\":-2.0},{}],\"text_offset\":[0,1]}");
  const auto events =
      test.post_stream(kPath, R"({"model": "tiny", "prompt": "A", "logprobs": 2, "stream": true})");
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(Json::parse(events[1].data)["choices"][0]["logprobs"].dump(),
            R"({"tokens":["lo"],"token_logprobs":[-0.25],"top_logprobs":[{}],"text_offset":[1]})");
}

}  // namespace
}  // namespace hearth::serve::openai
