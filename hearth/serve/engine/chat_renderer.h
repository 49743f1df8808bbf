// A conversation to the prompt text that a model was trained on, by its chat template.
#pragma once
#include <ctime>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/go_template.h"
#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/engine/control_fences.h"
#include "hearth/serve/output/answer_style.h"

namespace hearth::serve {

/// What a template says of its model without a conversation.
struct TemplateTraits {
  AnswerStyle style;
  bool can_fill_in = false;  // in Go's language, it can ask for what stands between two texts
};

/// Errors: as ChatRenderer's of `source`.
TemplateTraits template_traits(std::string_view source);

/// Immutable; any thread.
class ChatRenderer {
 public:
  /// `source` is Jinja or Go's language: llm::is_go_template() tells. Errors: those of
  /// llm::ChatTemplate and llm::GoTemplate. `tokenizer` must outlive it.
  ChatRenderer(std::string_view source, const llm::Tokenizer& tokenizer);

  const AnswerStyle& style() const { return traits_.style; }
  /// What the conversation `messages` looks like to the model, with the marks of ControlFences in
  /// it: take_marks(). `prompt` gives everything but the messages. The template is given
  ///   messages, tools, add_generation_prompt, bos_token, eos_token; as transformers does
  ///   enable_thinking (Qwen, GLM, SmolLM), thinking (DeepSeek, Granite), reasoning_effort
  ///   (gpt-oss) and the prompt's template_arguments, which win
  /// in Go's language, what llm::GoConversation says.
  /// Where it knows no tools, they are told in words; where it knows no system text, that stands in
  /// front of the first user's. Errors: invalid_argument (the template refuses, with its words),
  /// resource_exhausted, unsupported (thoughts of a model that has none; a last message that
  /// cannot be gone on with).
  std::string render(const ChatPrompt& prompt, std::vector<Message> messages,
                     std::time_t now) const;

  bool can_fill_in() const { return traits_.can_fill_in; }
  /// The prompt for what stands between two texts, for a template that can. Errors: as render().
  std::string fill_in(std::string_view before, std::string_view after, std::time_t now) const;

 private:
  bool can_write_system() const;
  std::string run(const ChatPrompt& prompt, const std::vector<Message>& messages,
                  const std::vector<Tool>& tools, bool opens_answer, std::time_t now) const;
  std::string continue_last(const ChatPrompt& prompt, std::vector<Message> messages,
                            const std::vector<Tool>& tools, std::time_t now) const;

  /// nullptr: the template is in Jinja.
  const llm::GoTemplate* go() const { return std::get_if<llm::GoTemplate>(&template_); }

  std::variant<llm::ChatTemplate, llm::GoTemplate> template_;
  TemplateTraits traits_;
  std::string bos_, eos_;
  bool writes_system_;
};

}  // namespace hearth::serve
