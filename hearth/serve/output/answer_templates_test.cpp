// Published chat templates: the style each one shows, and that a call which a template writes is
// read back as the same call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/serve/output/answer_samples_for_test.h"
#include "hearth/serve/output/template_values.h"

namespace hearth::serve {
namespace {

constexpr int64_t kNow = 1753963200;  // 2025-07-31 12:00:00 UTC
const fs::path kPublished = fs::path(HEARTH_SOURCE_DIR) / "../shared/data/templates";

struct Published {
  const char* file;
  AnswerStyle style;
  bool writes_calls;  // false: the template cannot render a call, or not in a form that we read
};

const Published kTemplates[] = {
    {"GLM-4.6", {CallStyle::glm, ThinkingStyle::think_tags}, true},
    {"HuggingFaceTB-SmolLM3-3B", {CallStyle::generic, ThinkingStyle::think_tags}, false},
    {"Kimi-K2-Instruct", {CallStyle::kimi, ThinkingStyle::none}, true},
    {"Mistral-Small-3.2-24B-Instruct-2506", {CallStyle::mistral, ThinkingStyle::none}, true},
    {"NousResearch-Hermes-3-Llama-3.1-8B-tool_use", {CallStyle::hermes, ThinkingStyle::none}, true},
    {"Qwen-Qwen2.5-7B-Instruct", {CallStyle::hermes, ThinkingStyle::none}, true},
    {"Qwen-Qwen3-0.6B", {CallStyle::hermes, ThinkingStyle::think_tags}, true},
    {"Qwen3-Coder", {CallStyle::qwen_coder, ThinkingStyle::none}, true},
    {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
     {CallStyle::deepseek, ThinkingStyle::think_tags},
     false},
    {"deepseek-ai-DeepSeek-V3.1", {CallStyle::deepseek, ThinkingStyle::think_tags}, true},
    {"google-gemma-2-2b-it", {CallStyle::generic, ThinkingStyle::none}, false},
    {"ibm-granite-granite-3.3-2B-Instruct", {CallStyle::granite, ThinkingStyle::think_tags}, false},
    {"llama-cpp-deepseek-r1", {CallStyle::deepseek, ThinkingStyle::think_tags}, false},
    {"meetkai-functionary-medium-v3.2", {CallStyle::generic, ThinkingStyle::none}, false},
    {"meta-llama-Llama-3.1-8B-Instruct", {CallStyle::llama, ThinkingStyle::none}, true},
    {"microsoft-Phi-3.5-mini-instruct", {CallStyle::generic, ThinkingStyle::none}, false},
    {"mistralai-Mistral-Nemo-Instruct-2407", {CallStyle::mistral, ThinkingStyle::none}, true},
    {"openai-gpt-oss-120b", {CallStyle::harmony, ThinkingStyle::harmony}, true},
};

std::string source_of(const Published& row) {
  return read_file(kPublished / (std::string(row.file) + ".jinja"));
}

// Of flat types only: Hermes 3's template never ends on a union with null.
Tool flat_tool() {
  return {.name = "weather",
          .description = "Looks at the sky",
          .parameters = Json::parse(R"({"type": "object", "properties": {
              "city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]})")};
}

std::string render(const Published& row, const std::vector<Message>& messages, bool opens_answer) {
  return llm::ChatTemplate(source_of(row))
      .render({{"messages", messages_value(messages, row.style.calls)},
               {"tools", tools_value({flat_tool()})},
               {"add_generation_prompt", opens_answer},
               {"bos_token", "<s>"},
               {"eos_token", "</s>"}},
              kNow);
}

// The engine's text ends before the token that ends the answer.
void cut_end(std::string& text) {
  for (const std::string_view end :
       {"<|im_end|>", "<|eot_id|>", "</s>", "<|call|>", "<｜end▁of▁sentence｜>", "<|end_of_text|>"})
    if (const size_t at = text.find(end); at != std::string::npos) text.resize(at);
}

TEST(AnswerTemplates, EveryPublishedTemplateShowsItsStyle) {
  for (const Published& row : kTemplates)
    EXPECT_EQ(detect_style(source_of(row)), row.style)
        << row.file << ": " << name(detect_style(source_of(row)).calls);
}

TEST(AnswerTemplates, ACallThatATemplateWritesIsReadBack) {
  const ToolCall call = {.id = "call_1234abcd",
                         .name = "weather",
                         .arguments = Json::parse(R"({"city": "Köln \"am\" Rhein", "days": 3})")};
  const Message question = {.role = Role::user, .content = "How is it?"};
  const Message answer = {.role = Role::assistant, .tool_calls = {call}};
  for (const Published& row : kTemplates) {
    if (!row.writes_calls) continue;
    SCOPED_TRACE(row.file);
    const std::string prompt = render(row, {question}, true);
    std::string text = render(row, {question, answer}, false);
    // Where both part, the model's own text begins; some templates open thoughts for the prompt.
    const size_t same =
        std::mismatch(prompt.begin(), prompt.end(), text.begin(), text.end()).first -
        prompt.begin();
    text.erase(0, same);
    cut_end(text);
    const AnswerSample sample = {.style = row.style, .text = text};
    const AnswerDelta read = parse_pieces(sample, {text});
    EXPECT_EQ(read.content, "");
    ASSERT_EQ(read.tool_calls.size(), 1u) << text;
    EXPECT_EQ(read.tool_calls[0].name, call.name);
    EXPECT_EQ(read.tool_calls[0].arguments, call.arguments);
  }
}

TEST(AnswerTemplates, AResultGoesBackUnderTheSameId) {
  const Published& mistral = kTemplates[3];
  const ToolCall call = {.id = "call_1234abcd", .name = "clock"};
  const std::string text =
      render(mistral,
             {{.role = Role::user, .content = "Time?"},
              {.role = Role::assistant, .tool_calls = {call}},
              {.role = Role::tool, .content = "noon", .tool_call_id = call.id}},
             true);
  const size_t made = text.find("[CALL_ID]") + 9;
  const std::string id = text.substr(made, 9);
  EXPECT_THAT(id, testing::MatchesRegex("[0-9a-z]{9}"));
  EXPECT_THAT(text, testing::HasSubstr("[TOOL_RESULTS]" + id + "[TOOL_CONTENT]noon"));
}

TEST(AnswerTemplates, ThePromptThatOpensThoughtsIsSeen) {
  EXPECT_TRUE(prompt_opens_thinking("<｜Assistant｜><think>\n"));
  EXPECT_FALSE(prompt_opens_thinking("<|im_start|>assistant\n<think>\n\n</think>\n\n"));
  EXPECT_FALSE(prompt_opens_thinking("<think> what?<|im_end|>\n<|im_start|>assistant\n"));
}

TEST(AnswerTemplates, AModelWithoutToolsIsToldInWords) {
  const std::vector<Message> plain = spell_out_tools(
      {{.role = Role::user, .content = "Time?"},
       {.role = Role::assistant,
        .tool_calls = {{.id = "1", .name = "clock"}, {.id = "2", .name = "clock"}}},
       {.role = Role::tool, .content = "noon", .tool_call_id = "1", .tool_name = "clock"},
       {.role = Role::tool, .content = "one", .tool_call_id = "2"},
       {.role = Role::assistant, .content = "Noon."}},
      sample_tools());
  ASSERT_EQ(plain.size(), 4u);
  EXPECT_THAT(plain[0].content, testing::HasSubstr("{\"name\":\"clock\",\"description\":\"Tells"));
  EXPECT_TRUE(plain[0].content.ends_with("\n\nTime?"));
  const std::string once = R"({"name":"clock","arguments":{}})";
  EXPECT_EQ(plain[1].content, "[" + once + "," + once + "]");
  EXPECT_EQ(plain[2].role, Role::user);
  EXPECT_EQ(plain[2].content, "Result of clock: noon\nResult: one");
  EXPECT_EQ(plain[3].content, "Noon.");
  // What the model is shown as its own earlier call is what its answer is read as.
  const AnswerSample sample = {.style = {}, .text = plain[1].content};
  EXPECT_EQ(calls_text(parse_pieces(sample, {sample.text})), R"([["clock",{}],["clock",{}]])");
}

TEST(AnswerTemplates, WithoutToolsAConversationStaysAsItIs) {
  const std::vector<Message> plain =
      spell_out_tools({{.role = Role::user, .content = "Hi", .thinking = "t"}}, {});
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].content, "Hi");
}

TEST(AnswerTemplates, JsonBecomesPlainValues) {
  using llm::TemplateValue;
  const TemplateValue value = to_template_value(
      Json::parse(R"({"z": null, "a": [true, -1, 18446744073709551615, 0.5, "x"]})"));
  const auto& dict = std::get<TemplateValue::Dict>(value.data);
  ASSERT_EQ(dict.size(), 2u);
  EXPECT_EQ(dict[0].first, "z");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(dict[0].second.data));
  const auto& list = std::get<TemplateValue::List>(dict[1].second.data);
  EXPECT_EQ(std::get<bool>(list[0].data), true);
  EXPECT_EQ(std::get<int64_t>(list[1].data), -1);
  EXPECT_EQ(std::get<double>(list[2].data), 18446744073709551616.0);
  EXPECT_EQ(std::get<double>(list[3].data), 0.5);
  EXPECT_EQ(std::get<std::string>(list[4].data), "x");
}

TEST(AnswerTemplates, RolesHaveNames) {
  for (const Role role : {Role::system, Role::user, Role::assistant, Role::tool})
    EXPECT_EQ(find_role(name(role)), role);
  EXPECT_EQ(find_role("developer"), Role::system);
  EXPECT_EQ(find_role("robot"), std::nullopt);
}

}  // namespace
}  // namespace hearth::serve
