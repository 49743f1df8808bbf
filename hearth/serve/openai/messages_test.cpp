#include "hearth/serve/openai/messages.h"

#include <gtest/gtest.h>

#include "hearth/serve/openai/chat_request.h"
#include "hearth/serve/openai/server_with_fakes_for_test.h"

namespace hearth::serve::openai {
namespace {

std::vector<Message> read(const std::string& messages) {
  const Json body = Json::parse("{\"messages\": " + messages + "}");
  return read_messages(Fields(body));
}

TEST(OpenaiMessages, HaveRolesAndContentsOfBothKinds) {
  const auto messages = read(R"([
    {"role": "developer", "content": "be brief"},
    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    {"role": "assistant", "content": null, "reasoning": "hm"},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}],
     "reasoning_content": "so"}])");
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[0].role, Role::system);
  EXPECT_EQ(messages[0].content, "be brief");
  EXPECT_EQ(messages[1].role, Role::user);
  EXPECT_EQ(messages[1].content, "a\nb");
  EXPECT_EQ(messages[2].content, "");
  EXPECT_EQ(messages[2].thinking, "hm");
  EXPECT_EQ(messages[3].content, "no");
  EXPECT_EQ(messages[3].thinking, "so");
}

TEST(OpenaiMessages, KeepCallsAndTheirResultsTogether) {
  const auto messages = read(R"([
    {"role": "assistant", "tool_calls": [
      {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"b\":1,\"a\":2}"}},
      {"id": "c2", "function": {"name": "g", "arguments": ""}},
      {"id": "c3", "function": {"name": "h", "arguments": {"x": []}}}]},
    {"role": "tool", "tool_call_id": "c1", "name": "f", "content": "42"}])");
  ASSERT_EQ(messages.size(), 2u);
  const std::vector<ToolCall> calls = {{"c1", "f", Json::parse(R"({"b": 1, "a": 2})")},
                                       {"c2", "g", Json::object()},
                                       {"c3", "h", Json::parse(R"({"x": []})")}};
  EXPECT_EQ(messages[0].tool_calls, calls);
  EXPECT_EQ(messages[0].tool_calls[0].arguments.dump(), R"({"b":1,"a":2})");
  EXPECT_EQ(messages[1].role, Role::tool);
  EXPECT_EQ(messages[1].tool_call_id, "c1");
  EXPECT_EQ(messages[1].tool_name, "f");
}

TEST(OpenaiMessages, SayWhatIsWrongWhere) {
  struct Row {
    const char* messages;
    const char* message;
  };
  const Row rows[] = {
      {"[]", "messages must not be empty"},
      {"{}", "messages must be a list"},
      {"null", "messages is required"},
      {R"([1])", "messages[0] must be an object"},
      {R"([{"content": "a"}])", "messages[0].role is required"},
      {R"([{"role": "king"}])",
       "messages[0].role must be system, developer, user, assistant or tool"},
      {R"([{"role": "user", "content": 5}])",
       "messages[0].content must be a string or a list of parts"},
      {R"([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}])",
       "messages[0].content[0] holds a picture, but no loaded model can see"},
      {R"([{"role": "user", "content": [{"type": "text", "text": "a"},
                                        {"type": "input_audio", "input_audio": {}}]}])",
       "messages[0].content[1] holds sound, but no loaded model can hear"},
      {R"([{"role": "user", "content": [{"type": "file"}]}])",
       "messages[0].content[0] holds a file; give its text instead"},
      {R"([{"role": "user", "content": [{"type": "video"}]}])",
       "messages[0].content[0].type 'video' is no known part of a content"},
      {R"([{"role": "assistant", "tool_calls": [{}]}])",
       "messages[0].tool_calls[0].function is required"},
      {R"([{"role": "assistant",
            "tool_calls": [{"function": {"name": "f", "arguments": "[1]"}}]}])",
       "messages[0].tool_calls[0].function.arguments must be the text of a JSON object"},
      {R"([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}])",
       "messages[0].tool_calls[0].function.arguments must be the text of a JSON object"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(error_of([&] { read(row.messages); }), row.message) << row.messages;
}

TEST(OpenaiMessages, AreCounted) {
  std::string many = "[";
  for (int i = 0; i < 10'001; ++i) many += R"({"role":"user","content":"a"},)";
  many.back() = ']';
  EXPECT_EQ(error_of([&] { read(many); }), "messages has 10001 elements, at most 10000 are taken");
}

// `fields` beside one message.
ChatPrompt prompt(const std::string& fields) {
  const Json body =
      Json::parse(R"({"messages": [{"role": "user", "content": "a"}], )" + fields + "}");
  return read_chat_prompt(Fields(body));
}

const char* const kTools = R"("tools": [
  {"type": "function", "function": {"name": "f", "description": "does", "strict": true,
                                    "parameters": {"type": "object"}}},
  {"function": {"name": "g"}}])";

TEST(OpenaiTools, AreFunctions) {
  const std::vector<Tool> tools = prompt(kTools).tools;
  ASSERT_EQ(tools.size(), 2u);
  EXPECT_EQ(tools[0].name, "f");
  EXPECT_EQ(tools[0].description, "does");
  EXPECT_EQ(tools[0].parameters.dump(), R"({"type":"object"})");
  EXPECT_EQ(tools[1].name, "g");
  EXPECT_EQ(error_of([] { prompt(R"("tools": [{"type": "web_search"}])"); }),
            "tools[0].type must be function");
  EXPECT_EQ(error_of([] { prompt(R"("tools": [{"type": "function"}])"); }),
            "tools[0].function is required");
  EXPECT_EQ(error_of([] { prompt(R"("tools": [{"function": {"name": ""}}])"); }),
            "tools[0].function.name is required");
}

TEST(OpenaiTools, MayBeChosen) {
  using Kind = ToolChoice::Kind;
  struct Row {
    const char* choice;
    Kind kind;
    const char* name;
  };
  const Row rows[] = {
      {"null", Kind::automatic, ""},
      {R"("auto")", Kind::automatic, ""},
      {R"("none")", Kind::none, ""},
      {R"("required")", Kind::required, ""},
      {R"({"type": "function", "function": {"name": "g"}})", Kind::named, "g"},
      {R"({"type": "function", "name": "g"})", Kind::named, "g"},
  };
  for (const Row& row : rows) {
    const ToolChoice choice =
        prompt(std::string(kTools) + ", \"tool_choice\": " + row.choice).tool_choice;
    EXPECT_EQ(choice.kind, row.kind) << row.choice;
    EXPECT_EQ(choice.name, row.name) << row.choice;
    EXPECT_TRUE(choice.allows_parallel);
  }
  EXPECT_FALSE(prompt(std::string(kTools) + R"(, "parallel_tool_calls": false)")
                   .tool_choice.allows_parallel);
}

TEST(OpenaiTools, CannotBeChosenWhenTheyAreNotThere) {
  const auto wrong = [](const std::string& choice) {
    return error_of([&] { prompt(std::string(kTools) + ", \"tool_choice\": " + choice); });
  };
  EXPECT_EQ(wrong(R"({"function": {"name": "x"}})"), "tool_choice 'x' is none of the 2 tools");
  EXPECT_EQ(wrong(R"({"type": "allowed_tools"})"), "tool_choice.type must be function");
  EXPECT_EQ(wrong("5"), "tool_choice must be none, auto, required or name a function");
  EXPECT_EQ(error_of([] { prompt(R"("tool_choice": "required")"); }),
            "tool_choice requires a call, but there are no tools");
}

TEST(ChatPromptOfOpenai, ThinksAsMuchAsItIsTold) {
  EXPECT_EQ(prompt(R"("n": 1)").thinking, std::nullopt);
  EXPECT_EQ(prompt(R"("reasoning_effort": "none")").thinking, Thinking::off);
  EXPECT_EQ(prompt(R"("reasoning": {"effort": "high"})").thinking, Thinking::high);
  const ChatPrompt given = prompt(R"("chat_template_kwargs": {"enable_thinking": false, "x": 1})");
  EXPECT_EQ(given.thinking, Thinking::off);
  EXPECT_EQ(given.template_arguments.dump(), R"({"enable_thinking":false,"x":1})");
}

TEST(ChatPromptOfOpenai, MayGoOnWithTheAssistantsWords) {
  const Json body = Json::parse(R"({"model": "m", "continue_final_message": true, "messages": [
    {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})");
  EXPECT_TRUE(read_chat_prompt(Fields(body)).continues_last);
  EXPECT_EQ(error_of([] { prompt(R"("continue_final_message": true)"); }),
            "continue_final_message needs a last message of the assistant");
  EXPECT_EQ(error_of([] { prompt(R"("add_generation_prompt": false)"); }),
            "add_generation_prompt may be false only with continue_final_message");
}

int logprobs(const std::string& fields) {
  return read_chat_request(
             Json::parse(R"({"model": "m", "messages": [{"role": "user"}], )" + fields + "}"))
      .request.logprobs;
}

TEST(ChatRequestOfOpenai, AsksForProbabilities) {
  EXPECT_EQ(logprobs(R"("n": 1)"), -1);
  EXPECT_EQ(logprobs(R"("logprobs": false)"), -1);
  EXPECT_EQ(logprobs(R"("logprobs": true)"), 0);
  EXPECT_EQ(logprobs(R"("logprobs": true, "top_logprobs": 20)"), 20);
  EXPECT_EQ(logprobs(R"("n_probs": 3)"), 3);
  EXPECT_EQ(error_of([] { logprobs(R"("logprobs": true, "top_logprobs": 21)"); }),
            "top_logprobs must be from 0 to 20");
  EXPECT_EQ(error_of([] { logprobs(R"("top_logprobs": 2)"); }),
            "top_logprobs needs logprobs to be true");
}

TEST(ChatRequestOfOpenai, RefusesOtherFormsOfAnswers) {
  EXPECT_EQ(error_of([] { logprobs(R"("modalities": ["text", "audio"])"); }),
            "modalities may hold nothing but 'text'");
  EXPECT_EQ(error_of([] { logprobs(R"("reasoning_format": "none")"); }),
            "reasoning_format 'none' is not supported: thoughts are always apart");
}

}  // namespace
}  // namespace hearth::serve::openai
