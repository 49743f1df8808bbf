#include "hearth/serve/anthropic/messages_call.h"

#include <gtest/gtest.h>

#include "hearth/serve/anthropic/tools.h"

namespace hearth::serve::anthropic {
namespace {

// A request with one message and `more` fields.
MessagesCall read(const std::string& more, Endpoint endpoint = Endpoint::messages) {
  const Json body =
      parse_body(R"({"model":"m","messages":[{"role":"user","content":"Hi"}])" + more + "}");
  return read_messages_call(Fields(body), endpoint);
}

const ChatPrompt& prompt_of(const MessagesCall& call) {
  return std::get<ChatPrompt>(call.request.prompt);
}

std::string error_of(const std::string& more, Endpoint endpoint = Endpoint::messages) {
  try {
    read(more, endpoint);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    return error.what();
  }
  return "no error";
}

const std::string kMax = R"(,"max_tokens":10)";

TEST(AnthropicCall, ReadsEveryOption) {
  const MessagesCall call = read(kMax + R"(,"temperature":0.5,"top_p":0.25,"top_k":7,
      "stop_sequences":["a","b"],"stream":true,"metadata":{"user_id":"u"},"service_tier":"auto")");
  const store::ModelParameters expected = {
      {"num_predict", int64_t{10}},
      {"temperature", 0.5},
      {"top_p", 0.25},
      {"top_k", int64_t{7}},
      {"stop", std::vector<std::string>{"a", "b"}},
  };
  EXPECT_EQ(call.request.options, expected);
  EXPECT_EQ(call.call.options, expected);
  EXPECT_EQ(call.call.model, "m");
  EXPECT_TRUE(call.is_streamed);
  EXPECT_EQ(call.request.overflow, Overflow::error);
  EXPECT_FALSE(call.request.shifts);
}

TEST(AnthropicCall, AsksForLittleWhenItIsSilent) {
  const MessagesCall call = read(kMax);
  EXPECT_FALSE(call.is_streamed);
  EXPECT_EQ(call.request.options, (store::ModelParameters{{"num_predict", int64_t{10}}}));
  EXPECT_EQ(call.request.defaults, (store::ModelParameters{{"temperature", 1.0}, {"top_p", 1.0}}));
  EXPECT_EQ(call.request.format.kind, AnswerFormat::Kind::free);
  EXPECT_EQ(prompt_of(call).thinking, Thinking::off);
  EXPECT_FALSE(prompt_of(call).continues_last);
  EXPECT_TRUE(prompt_of(call).tools.empty());
  EXPECT_EQ(prompt_of(call).tool_choice.kind, ToolChoice::Kind::automatic);
}

TEST(AnthropicCall, CountingNeedsNoMaxTokens) {
  EXPECT_EQ(error_of(""), "max_tokens is required");
  EXPECT_EQ(error_of("", Endpoint::count_tokens), "no error");
}

TEST(AnthropicCall, AnAssistantsTurnAtTheEndIsGoneOnWith) {
  const Json body = parse_body(R"({"model":"m","max_tokens":1,"messages":[
      {"role":"user","content":"Hi"},{"role":"assistant","content":"He"}]})");
  EXPECT_TRUE(prompt_of(read_messages_call(Fields(body), Endpoint::messages)).continues_last);
}

TEST(AnthropicCall, ThinkingIsALevel) {
  struct Row {
    const char* fields;
    Thinking level;
  };
  const Row rows[] = {
      {R"(,"thinking":{"type":"disabled"})", Thinking::off},
      {R"(,"thinking":{"type":"enabled"})", Thinking::on},
      {R"(,"thinking":{"type":"enabled","budget_tokens":1024})", Thinking::low},
      {R"(,"thinking":{"type":"enabled","budget_tokens":4096})", Thinking::low},
      {R"(,"thinking":{"type":"enabled","budget_tokens":4097})", Thinking::medium},
      {R"(,"thinking":{"type":"enabled","budget_tokens":16384})", Thinking::medium},
      {R"(,"thinking":{"type":"enabled","budget_tokens":32768})", Thinking::high},
      {R"(,"thinking":{"type":"enabled","budget_tokens":32769})", Thinking::max},
      {R"(,"thinking":{"type":"adaptive"})", Thinking::on},
      {R"(,"thinking":{"type":"adaptive"},"output_config":{"effort":"low"})", Thinking::low},
      {R"(,"thinking":{"type":"adaptive"},"output_config":{"effort":"xhigh"})", Thinking::max},
      {R"(,"output_config":{"effort":"high"})", Thinking::off},
  };
  for (const Row& row : rows)
    EXPECT_EQ(prompt_of(read(kMax + row.fields)).thinking, row.level) << row.fields;
}

const std::string kTools = R"(,"tools":[
    {"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{}}}},
    {"type":"custom","name":"g","input_schema":{}}])";

TEST(AnthropicCall, ReadsTools) {
  const std::vector<Tool> tools = prompt_of(read(kMax + kTools)).tools;
  ASSERT_EQ(tools.size(), 2u);
  EXPECT_EQ(tools[0].name, "f");
  EXPECT_EQ(tools[0].description, "d");
  EXPECT_EQ(tools[0].parameter_names(), std::vector<std::string>{"a"});
  EXPECT_EQ(tools[1].name, "g");
}

TEST(AnthropicCall, ReadsHowToolsAreChosen) {
  using Kind = ToolChoice::Kind;
  const auto choice = [](const std::string& text) {
    return prompt_of(read(kMax + kTools + R"(,"tool_choice":)" + text)).tool_choice;
  };
  EXPECT_EQ(choice(R"({"type":"auto"})").kind, Kind::automatic);
  EXPECT_EQ(choice(R"({"type":"any"})").kind, Kind::required);
  EXPECT_EQ(choice(R"({"type":"none"})").kind, Kind::none);
  EXPECT_EQ(choice(R"({"type":"tool","name":"g"})").kind, Kind::named);
  EXPECT_EQ(choice(R"({"type":"tool","name":"g"})").name, "g");
  EXPECT_TRUE(choice(R"({"type":"auto"})").allows_parallel);
  EXPECT_FALSE(choice(R"({"type":"auto","disable_parallel_tool_use":true})").allows_parallel);
}

TEST(AnthropicCall, ReadsTheFormOfTheAnswer) {
  const std::string format = R"({"type":"json_schema","schema":{"type":"object"}})";
  for (const std::string& field :
       {R"(,"output_config":{"format":)" + format + "}", R"(,"output_format":)" + format}) {
    const AnswerFormat read_format = read(kMax + field).request.format;
    EXPECT_EQ(read_format.kind, AnswerFormat::Kind::schema);
    EXPECT_EQ(read_format.text, R"({"type":"object"})");
  }
}

TEST(AnthropicCall, SaysWhichFieldIsWrong) {
  struct Row {
    const char* fields;
    const char* expected;
  };
  const Row rows[] = {
      {R"(,"temperature":3)", "temperature must be between 0 and 2"},
      {R"(,"top_p":-0.1)", "top_p must be between 0 and 1"},
      {R"(,"top_k":-1)", "top_k must be between 0 and 1073741824"},
      {R"(,"top_k":1.5)", "top_k must be an integer"},
      {R"(,"stream":"yes")", "stream must be true or false"},
      {R"(,"stop_sequences":"x")", "stop_sequences must be a list"},
      {R"(,"stop_sequences":[""])", "stop_sequences must not hold an empty text"},
      {R"(,"stop_sequences":[1])", "stop_sequences[0] must be a string"},
      {R"(,"thinking":{"type":"maybe"})", "thinking.type must be enabled, adaptive or disabled"},
      {R"(,"thinking":{"type":"enabled","budget_tokens":0})",
       "thinking.budget_tokens must be at least 1"},
      {R"(,"output_config":{"effort":"huge"})",
       "output_config.effort must be low, medium, high, xhigh or max"},
      {R"(,"output_config":{"format":{"type":"xml"}})",
       "output_config.format.type must be json_schema"},
      {R"(,"output_format":{"type":"json_schema"})", "output_format.schema must be an object"},
      {R"(,"tools":[{"type":"web_search_20250305","name":"web_search"}])",
       "tools[0].type is 'web_search_20250305', but only tools of the client's own are known here, "
       "which have a name and an input_schema"},
      {R"(,"tools":[{"name":"f"}])", "tools[0].input_schema is required"},
      {R"(,"tools":[{"name":"f","input_schema":1}])", "tools[0].input_schema must be an object"},
      {R"(,"tools":[{"input_schema":{}}])", "tools[0].name is required"},
      {R"(,"tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}])",
       "tools[1].name 'f' stands twice"},
      {R"(,"tool_choice":{"type":"some"})", "tool_choice.type must be auto, any, tool or none"},
      {R"(,"tool_choice":{"type":"any"})",
       "tool_choice: a call is required, but there are no tools"},
      {R"(,"tool_choice":{"type":"tool","name":"x"})", "tool_choice: 'x' is none of the 0 tools"},
      {R"(,"tool_choice":{"type":"tool"})", "tool_choice.name is required"},
  };
  for (const Row& row : rows) EXPECT_EQ(error_of(kMax + row.fields), row.expected);
  EXPECT_EQ(error_of(R"(,"max_tokens":0)"), "max_tokens must be between 1 and 1073741824");
  EXPECT_EQ(error_of(R"(,"max_tokens":"x")"), "max_tokens must be an integer");
}

}  // namespace
}  // namespace hearth::serve::anthropic
