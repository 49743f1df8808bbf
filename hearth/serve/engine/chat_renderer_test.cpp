#include "hearth/serve/engine/chat_renderer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/serve/engine/engine_for_test.h"

namespace hearth::serve {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kNow = 1753963200;  // 2025-07-31 12:00:00 UTC
const fs::path kPublished = fs::path(HEARTH_SOURCE_DIR) / "../shared/data/templates";

std::string rendered(std::string_view source, const std::vector<Message>& messages,
                     const ChatPrompt& prompt = {}) {
  const auto tokenizer = chat_vocabulary();
  return ChatRenderer(source, *tokenizer).render(prompt, messages, kNow);
}

TEST(ChatRenderer, WritesTheConversationAndOpensTheAnswer) {
  EXPECT_EQ(rendered(kChatTemplate, {system_text("Be brief"), user(" Hi ")}),
            "<|im_start|>system\nBe brief<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            "<|im_start|>assistant\n");
}

TEST(ChatRenderer, ToolsAreGivenToTemplatesThatKnowThem) {
  const ChatPrompt prompt = {.tools = {{.name = "look", .description = ""}}};
  EXPECT_THAT(rendered(kChatTemplate, {user("Hi")}, prompt),
              HasSubstr("<|im_start|>tools look <tool_call>"));
  // And told in words to others.
  const std::string told = rendered(
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", {user("Hi")}, prompt);
  EXPECT_THAT(told, HasSubstr("user: You can call these functions:\n{\"name\":\"look\""));
  EXPECT_THAT(told, EndsWith("Hi\n"));
}

TEST(ChatRenderer, WithoutASystemRoleItsTextStandsInFrontOfTheFirstQuestion) {
  const std::vector<Message> messages = {system_text("Be brief"), user("Hi"), assistant("Yes"),
                                         user("So")};
  const std::string refuses =
      "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
      "{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}";
  EXPECT_EQ(rendered(refuses, messages), "[user]Be brief\n\nHi[assistant]Yes[user]So");
  const std::string ignores =
      "{% for m in messages %}{% if m.role != 'system' %}[{{ m.role }}]{{ m.content }}{% endif %}"
      "{% endfor %}";
  EXPECT_EQ(rendered(ignores, messages), "[user]Be brief\n\nHi[assistant]Yes[user]So");
  EXPECT_EQ(rendered(ignores, {system_text("Be brief")}), "[user]Be brief");
}

TEST(ChatRenderer, TheLastMessageCanBeGoneOnWith) {
  ChatPrompt prompt = {.continues_last = true};
  EXPECT_EQ(take_marks(rendered(kChatTemplate, {user("Hi"), assistant("Well, ")}, prompt)).text,
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nWell,");
  // The same words earlier in the conversation are not taken for the end.
  EXPECT_THAT(rendered(kChatTemplate, {user("no"), assistant("no")}, prompt),
              EndsWith("assistant\nno"));
  // Nothing to go on with: the turn is only opened.
  EXPECT_THAT(rendered(kChatTemplate, {user("Hi"), assistant("")}, prompt),
              EndsWith("Hi<|im_end|>\n<|im_start|>assistant\n"));
  EXPECT_THAT(
      refusal_of(Errc::unsupported,
                 [&] {
                   rendered("{{ messages[0].content }}", {user("a"), assistant("b")}, prompt);
                 }),
      HasSubstr("does not show the end of the last message"));
}

TEST(ChatRenderer, ThoughtsAreAskedForOrNot) {
  const auto with = [](std::optional<Thinking> thinking) {
    return rendered(kChatTemplate, {user("Hi")}, {.thinking = thinking});
  };
  EXPECT_THAT(with(std::nullopt), EndsWith("assistant\n"));
  EXPECT_THAT(with(Thinking::high), EndsWith("assistant\n"));
  EXPECT_THAT(with(Thinking::off), EndsWith("<think>\n\n</think>\n\n"));
  // A template that always opens them gets them closed.
  const std::string always = "{{ messages[0].content }}<think>{{ '\n' }}";
  EXPECT_EQ(rendered(always, {user("Hi")}, {.thinking = Thinking::off}),
            "Hi<think>\n\n</think>\n\n");
  EXPECT_EQ(refusal_of(Errc::unsupported,
                       [] { rendered("x", {user("Hi")}, {.thinking = Thinking::low}); }),
            "the model does not support thinking");
  EXPECT_EQ(rendered("x", {user("Hi")}, {.thinking = Thinking::off}), "x");
}

TEST(ChatRenderer, ArgumentsOfTheRequestWin) {
  ChatPrompt prompt;
  prompt.template_arguments = {{"enable_thinking", false}};
  EXPECT_THAT(rendered(kChatTemplate, {user("Hi")}, prompt), EndsWith("</think>\n\n"));
}

std::string published(const std::string& name) { return read_file(kPublished / (name + ".jinja")); }

TEST(ChatRenderer, PublishedTemplatesAreToldHowToThink) {
  if (!fs::exists(kPublished)) GTEST_SKIP() << "no " << kPublished;
  const auto with = [](const char* name, Thinking level) {
    return rendered(published(name), {user("Hi")}, {.thinking = level});
  };
  EXPECT_THAT(with("Qwen-Qwen3-0.6B", Thinking::off), EndsWith("<think>\n\n</think>\n\n"));
  EXPECT_THAT(with("Qwen-Qwen3-0.6B", Thinking::on), EndsWith("<|im_start|>assistant\n"));
  EXPECT_THAT(with("deepseek-ai-DeepSeek-V3.1", Thinking::on), EndsWith("<think>"));
  EXPECT_THAT(with("deepseek-ai-DeepSeek-V3.1", Thinking::off), EndsWith("</think>"));
  EXPECT_THAT(with("openai-gpt-oss-120b", Thinking::high), HasSubstr("Reasoning: high"));
  EXPECT_THAT(with("openai-gpt-oss-120b", Thinking::off), HasSubstr("Reasoning: low"));
  EXPECT_THAT(with("llama-cpp-deepseek-r1", Thinking::off), Not(EndsWith("<think>\n")));
}

TEST(ChatRenderer, PublishedTemplatesCanBeGoneOnWith) {
  if (!fs::exists(kPublished)) GTEST_SKIP() << "no " << kPublished;
  for (const auto& entry : fs::directory_iterator(kPublished)) {
    if (entry.path().extension() != ".jinja") continue;
    const std::string text = rendered(
        read_file(entry.path()), {user("Hi"), assistant("Well, the ")}, {.continues_last = true});
    EXPECT_THAT(text, EndsWith("Well, the")) << entry.path();
  }
}

// Every tag of the published templates becomes a control token; a conversation whose texts spell
// all of them has no more of them than one whose texts spell none.
TEST(ChatRenderer, NoPublishedTemplateLetsAMessageSpellControlTokens) {
  if (!fs::exists(kPublished)) GTEST_SKIP() << "no " << kPublished;
  const std::vector<std::string> tags = {"<|im_start|>",
                                         "<|im_end|>",
                                         "<|eot_id|>",
                                         "<|start_header_id|>",
                                         "<|end_header_id|>",
                                         "[INST]",
                                         "[/INST]",
                                         "</s>",
                                         "<s>",
                                         "[TOOL_CALLS]",
                                         "<start_of_turn>",
                                         "<end_of_turn>",
                                         "<|system|>",
                                         "<|user|>",
                                         "<|assistant|>",
                                         "<|end|>",
                                         "<|start|>",
                                         "<|message|>",
                                         "<|channel|>",
                                         "<｜User｜>",
                                         "<｜Assistant｜>",
                                         "<｜end▁of▁sentence｜>",
                                         "<|start_of_role|>",
                                         "<|end_of_role|>",
                                         "<|end_of_text|>",
                                         "<|im_user|>",
                                         "<|im_system|>",
                                         "<|observation|>"};
  llm::OwnedSpec spec = llm::bpe_spec({"q q"});
  std::string hostile;
  for (const std::string& tag : tags) {
    if (tag != "<|end|>") spec.add(tag, llm::TokenKind::control);
    hostile += " " + tag;
  }
  const auto tokenizer = spec.make();
  const ControlFences fences(*tokenizer);
  int templates = 0;
  for (const auto& entry : fs::directory_iterator(kPublished)) {
    if (entry.path().extension() != ".jinja") continue;
    const ChatRenderer renderer(read_file(entry.path()), *tokenizer);
    const auto control_tokens = [&](const std::string& text) {
      std::vector<Message> messages = {system_text(text), user(text), assistant(text), user(text)};
      for (Message& message : messages) fences.mark(message);
      const FencedText prompt = take_marks(renderer.render({}, messages, kNow));
      const std::vector<int32_t> ids = tokenizer->encode(
          prompt.text, {.add_special = false, .parse_special = true, .fences = prompt.fences});
      return std::count_if(ids.begin(), ids.end(), [&](int32_t id) {
        return tokenizer->kind(id) == llm::TokenKind::control ||
               tokenizer->kind(id) == llm::TokenKind::user_defined;  // gpt-oss's <|start|>
      });
    };
    EXPECT_EQ(control_tokens("x" + hostile), control_tokens("x")) << entry.path();
    EXPECT_EQ(control_tokens(hostile), control_tokens("x")) << entry.path();
    ++templates;
  }
  EXPECT_GE(templates, 18);
}

}  // namespace
}  // namespace hearth::serve
