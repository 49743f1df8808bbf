#include "hearth/serve/openai/responses_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/openai/server_with_fakes_for_test.h"

namespace hearth::serve::openai {
namespace {

using testing::ElementsAre;

ResponsesCall read(const std::string& fields) {
  return read_responses_request(Json::parse("{\"model\": \"m\", " + fields + "}"));
}

// A line for each message: role, thoughts, content, calls, which call it answers.
std::vector<std::string> messages_of(const ResponsesCall& call) {
  std::vector<std::string> lines;
  for (const Message& message : std::get<ChatPrompt>(call.answer.request.prompt).messages) {
    std::string line =
        fmt::format("{}|{}|{}|", name(message.role), message.thinking, message.content);
    for (const ToolCall& made : message.tool_calls)
      line += fmt::format("{} {}{} ", made.id, made.name, made.arguments.dump());
    lines.push_back(line + "|" + message.tool_call_id);
  }
  return lines;
}

TEST(ResponsesRequest, TakesATextOrItems) {
  EXPECT_THAT(messages_of(read(R"("input": "hi", "instructions": "be brief")")),
              ElementsAre("system||be brief||", "user||hi||"));
  EXPECT_THAT(
      messages_of(read(R"("input": [
        {"role": "developer", "content": "rules"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"},
                                                        {"type": "input_text", "text": "b"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
         "encrypted_content": "x"},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
         "content": [{"type": "output_text", "text": "wait", "annotations": []}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "c2",
         "output": [{"type": "input_text", "text": "2"}]},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "so"}]},
        {"type": "function_call", "call_id": "c3", "name": "f"}])")),
      ElementsAre("system||rules||", "user||a\nb||", R"(assistant|hm|wait|c1 f{"a":1} c2 g{} |)",
                  "tool||1||c1", "tool||2||c2", "assistant|so||c3 f{} |"));
}

TEST(ResponsesRequest, ReadsWhatShapesTheAnswer) {
  const ResponsesCall call = read(R"("input": "a", "max_output_tokens": 5, "stream": true,
      "reasoning": {"effort": "high"}, "truncation": "auto",
      "include": ["message.output_text.logprobs"],
      "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "null"}}}, )"
                                  R"("tools": [{"type": "function", "name": "f", "description": "d",
      "parameters": {"type": "object"}, "strict": true}],
      "tool_choice": {"type": "function", "name": "f"})");
  EXPECT_TRUE(call.answer.is_streamed);
  const AnswerRequest& request = call.answer.request;
  EXPECT_EQ(std::get<int64_t>(request.options.at("num_predict")), 5);
  EXPECT_EQ(request.overflow, Overflow::truncate);
  EXPECT_EQ(request.logprobs, 0);
  EXPECT_EQ(request.format.text, R"({"type":"null"})");
  const auto& prompt = std::get<ChatPrompt>(request.prompt);
  EXPECT_EQ(prompt.thinking, Thinking::high);
  EXPECT_EQ(prompt.tools.at(0).description, "d");
  EXPECT_EQ(prompt.tool_choice.name, "f");
  EXPECT_EQ(read(R"("input": "a")").answer.request.overflow, Overflow::error);
}

TEST(ResponsesRequest, PassesOverToolsThatAreNoFunctions) {
  const ResponsesCall call =
      read(R"("input": "a", "tools": [{"type": "web_search"}, {"type": "function", "name": "f"}])");
  EXPECT_EQ(std::get<ChatPrompt>(call.answer.request.prompt).tools.size(), 1u);
  EXPECT_THAT(call.warnings, ElementsAre("tools[0] was left out: there is no 'web_search' here"));
}

TEST(ResponsesRequest, SaysWhatIsWrong) {
  struct Row {
    const char* fields;
    const char* message;
  };
  const Row rows[] = {
      {R"("n": 1)", "input is required"},
      {R"("input": [])", "input must not be empty"},
      {R"("input": 5)", "input must be a text or a list of items"},
      {R"("input": "a", "previous_response_id": "resp_1")",
       "previous_response_id needs kept responses, but none are kept: send the whole "
       "conversation as input"},
      {R"("input": "a", "conversation": "conv_1")", "conversation is not supported"},
      {R"("input": "a", "background": true)", "background needs kept responses, but none are kept"},
      {R"("input": "a", "prompt": {"id": "p"})", "prompt names a kept prompt, but none are kept"},
      {R"("input": "a", "truncation": "some")", "truncation must be auto or disabled"},
      {R"("input": "a", "top_logprobs": 30)", "top_logprobs must be from 0 to 20"},
      {R"("input": "a", "n": 2)", "n must be 1: a response has one answer"},
      {R"("input": "a", "reasoning": {"effort": "so"})",
       "reasoning.effort must be one of none, minimal, low, medium, high, xhigh, ultra, max"},
      {R"("input": "a", "text": {"format": {"type": "x"}})",
       "text.format.type must be text, json_object or json_schema"},
      {R"("input": [{"type": "item_reference", "id": "i"}])",
       "input[0].type 'item_reference' needs kept responses, but none are kept: send the item"},
      {R"("input": [{"type": "computer_call"}])", "input[0].type 'computer_call' is not supported"},
      {R"("input": [{"role": "tool", "content": "a"}])",
       "input[0].role must be system, developer, user or assistant"},
      {R"("input": [{"role": "user", "content": [{"type": "input_image"}]}])",
       "input[0].content[0] holds a picture, but no loaded model can see"},
      {R"("input": [{"type": "function_call", "name": "f"}])", "input[0].call_id is required"},
      {R"("input": "a", "tools": [{"type": "function"}])", "tools[0].name is required"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(error_of([&] { read(row.fields); }), row.message) << row.fields;
}

}  // namespace
}  // namespace hearth::serve::openai
