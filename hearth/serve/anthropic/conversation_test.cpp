#include "hearth/serve/anthropic/conversation.h"

#include <gtest/gtest.h>

#include "hearth/serve/anthropic/limits.h"

namespace hearth::serve::anthropic {
namespace {

std::vector<Message> read(const std::string& text) {
  const Json body = parse_body(text);
  return read_conversation(Fields(body));
}

// One line a message: "role: content <thinking> name(arguments)#id ->id name".
std::string shown(const std::vector<Message>& messages) {
  std::string text;
  for (const Message& message : messages) {
    text += fmt::format("{}: {}", name(message.role), message.content);
    if (!message.thinking.empty()) text += fmt::format(" <{}>", message.thinking);
    for (const ToolCall& call : message.tool_calls)
      text += fmt::format(" {}({})#{}", call.name, call.arguments.dump(), call.id);
    if (!message.tool_call_id.empty())
      text += fmt::format(" ->{} {}", message.tool_call_id, message.tool_name);
    text += "\n";
  }
  return text;
}

struct Row {
  const char* body;
  const char* expected;
};

TEST(AnthropicConversation, ReadsStringsAndBlocks) {
  const Row rows[] = {
      {R"({"messages":[{"role":"user","content":"Hi"}]})", "user: Hi\n"},
      {R"({"system":"Be brief","messages":[{"role":"user","content":"Hi"}]})",
       "system: Be brief\nuser: Hi\n"},
      {R"({"system":[{"type":"text","text":"A","cache_control":{"type":"ephemeral"}},
                     {"type":"text","text":"B"}],
           "messages":[{"role":"user","content":[{"type":"text","text":"C"},
                                                 {"type":"text","text":"D"}]}]})",
       "system: A\n\nB\nuser: C\n\nD\n"},
      {R"({"system":"","messages":[{"role":"user","content":[]}]})", "user: \n"},
      {R"({"messages":[{"role":"user","content":"Hi"},
                       {"role":"assistant","content":[{"type":"thinking","thinking":"hm",
                                                       "signature":"x"},
                                                      {"type":"redacted_thinking","data":"y"},
                                                      {"type":"text","text":"Hel"},
                                                      {"type":"text","text":"lo"}]}]})",
       "user: Hi\nassistant: Hello <hm>\n"},
  };
  for (const Row& row : rows) EXPECT_EQ(shown(read(row.body)), row.expected) << row.body;
}

TEST(AnthropicConversation, TurnsOfOneRoleInARowAreOne) {
  EXPECT_EQ(shown(read(R"({"messages":[{"role":"user","content":"A"},{"role":"user","content":"B"},
                                       {"role":"assistant","content":"C"},
                                       {"role":"assistant","content":"D"}]})")),
            "user: A\n\nB\nassistant: CD\n");
}

constexpr const char* kWeather = R"({"messages":[
  {"role":"user","content":"Weather?"},
  {"role":"assistant","content":[
    {"type":"text","text":"Looking"},
    {"type":"tool_use","id":"t1","name":"weather","input":{"city":"Ulm","unit":"C"}},
    {"type":"tool_use","id":"t2","name":"time","input":{}}]},
  {"role":"user","content":[
    {"type":"tool_result","tool_use_id":"t1","content":"sunny"},
    {"type":"tool_result","tool_use_id":"t2","is_error":true,
     "content":[{"type":"text","text":"no"},{"type":"text","text":"clock"}]},
    {"type":"text","text":"And?"}]}]})";

TEST(AnthropicConversation, ResultsBecomeMessagesOfTheirOwn) {
  EXPECT_EQ(shown(read(kWeather)),
            "user: Weather?\n"
            R"(assistant: Looking weather({"city":"Ulm","unit":"C"})#t1 time({})#t2)"
            "\n"
            "tool: sunny ->t1 weather\n"
            "tool: Error: no\n\nclock ->t2 time\n"
            "user: And?\n");
}

TEST(AnthropicConversation, ResultsAloneMakeNoEmptyTurn) {
  EXPECT_EQ(shown(read(R"({"messages":[
      {"role":"user","content":"Q"},
      {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]})")),
            "user: Q\nassistant:  f({})#t\ntool:  ->t f\n");
}

TEST(AnthropicConversation, SearchesOfAnotherServerAreCallsWithResults) {
  EXPECT_EQ(shown(read(R"({"messages":[
      {"role":"user","content":"Q"},
      {"role":"assistant","content":[
        {"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}},
        {"type":"web_search_tool_result","tool_use_id":"s","content":[{"url":"u"}]},
        {"type":"text","text":"A"}]},
      {"role":"user","content":"Thanks"}]})")),
            "user: Q\nassistant:  web_search({\"query\":\"q\"})#s\n"
            "tool: [{\"url\":\"u\"}] ->s web_search\nassistant: A\nuser: Thanks\n");
}

TEST(AnthropicConversation, SaysWhichFieldIsWrong) {
  const Row rows[] = {
      {R"({})", "messages is required"},
      {R"({"messages":[]})", "messages must hold at least one message"},
      {R"({"messages":"x"})", "messages must be a list"},
      {R"({"messages":[1]})", "messages[0] must be an object"},
      {R"({"messages":[{"content":"x"}]})", "messages[0].role is required"},
      {R"({"messages":[{"role":"system","content":"x"}]})",
       "messages[0].role must be user or assistant"},
      {R"({"messages":[{"role":"user"}]})", "messages[0].content is required"},
      {R"({"messages":[{"role":"user","content":1}]})",
       "messages[0].content must be a string or a list of blocks"},
      {R"({"messages":[{"role":"user","content":[{"text":"x"}]}]})",
       "messages[0].content[0].type is required"},
      {R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})",
       "messages[0].content[0].text is required"},
      {R"({"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image"}]}]})",
       "messages[0].content[1].type is 'image', and no model of this server can look at pictures"},
      {R"({"messages":[{"role":"user","content":[{"type":"document"}]}]})",
       "messages[0].content[0].type is 'document', and this server reads plain text only"},
      {R"({"messages":[{"role":"user","content":[{"type":"tool_use"}]}]})",
       "messages[0].content[0].type 'tool_use' is not a block that may stand here"},
      {R"({"messages":[{"role":"assistant","content":[{"type":"tool_result"}]}]})",
       "messages[0].content[0].type 'tool_result' is not a block that may stand here"},
      {R"({"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f",
                                                       "input":[]}]}]})",
       "messages[0].content[0].input must be an object"},
      {R"({"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]})",
       "messages[0].content[0].tool_use_id 't' answers no call before it"},
      {R"({"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f",
                                                       "input":{}}]}]})",
       "messages end with calls, whose tool_result blocks must follow"},
      {R"({"system":[{"type":"image"}],"messages":[{"role":"user","content":"x"}]})",
       "system[0].type is 'image', and no model of this server can look at pictures"},
      {R"({"system":5,"messages":[{"role":"user","content":"x"}]})",
       "system must be a string or a list of blocks"},
  };
  for (const Row& row : rows) {
    try {
      read(row.body);
      ADD_FAILURE() << "no error; expected: " << row.expected;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), row.expected);
      EXPECT_EQ(error.code(), Errc::invalid_argument);
    }
  }
}

TEST(AnthropicConversation, PicturesInResultsAreRefusedToo) {
  std::string body = kWeather;
  const std::string text = R"({"type":"text","text":"clock"})";
  body.replace(body.find(text), text.size(), R"({"type":"image"})");
  EXPECT_THROW(read(body), FieldError);
}

TEST(AnthropicConversation, HoldsItsLimits) {
  Json body = {{"messages", Json::array()}};
  for (size_t i = 0; i <= kMessagesMax; ++i)
    body["messages"].push_back({{"role", "user"}, {"content", "x"}});
  EXPECT_THROW(read_conversation(Fields(body)), FieldError);
  body["messages"].erase(0);
  EXPECT_EQ(read_conversation(Fields(body)).size(), 1u);
}

}  // namespace
}  // namespace hearth::serve::anthropic
