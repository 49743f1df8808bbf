// A conversation to the prompt text that a model was trained on, by its chat template.
#pragma once
#include <ctime>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/engine/control_fences.h"
#include "hearth/serve/output/answer_style.h"

namespace hearth::serve {

/// True for a template in Go's language (`{{ .Prompt }}`), as Ollama's models carry them, rather
/// than in Jinja.
bool is_go_template(std::string_view source);

/// Immutable; any thread.
class ChatRenderer {
 public:
  /// Errors: those of llm::ChatTemplate; unsupported (a template in Go's language). `tokenizer`
  /// must outlive it.
  ChatRenderer(std::string_view source, const llm::Tokenizer& tokenizer);

  const AnswerStyle& style() const { return style_; }
  /// What the conversation `messages` looks like to the model, with the marks of ControlFences in
  /// it: take_marks(). `prompt` gives everything but the messages. The template is given
  ///   messages, tools, add_generation_prompt, bos_token, eos_token; as transformers does
  ///   enable_thinking (Qwen, GLM, SmolLM), thinking (DeepSeek, Granite), reasoning_effort
  ///   (gpt-oss) and the prompt's template_arguments, which win
  /// Where it knows no tools, they are told in words; where it knows no system text, that stands in
  /// front of the first user's. Errors: invalid_argument (the template refuses, with its words),
  /// resource_exhausted, unsupported (thoughts of a model that has none; a last message that
  /// cannot be gone on with).
  std::string render(const ChatPrompt& prompt, std::vector<Message> messages,
                     std::time_t now) const;

 private:
  bool can_write_system() const;
  std::string run(const ChatPrompt& prompt, const std::vector<Message>& messages,
                  const std::vector<Tool>& tools, bool opens_answer, std::time_t now) const;
  std::string continue_last(const ChatPrompt& prompt, std::vector<Message> messages,
                            const std::vector<Tool>& tools, std::time_t now) const;

  llm::ChatTemplate template_;
  AnswerStyle style_;
  std::string bos_, eos_;
  bool writes_system_;
};

}  // namespace hearth::serve
