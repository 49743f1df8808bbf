// Requests to the ids that the model reads.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/engine/chat_renderer.h"
#include "hearth/serve/engine/control_fences.h"
#include "hearth/serve/engine/fill_in_middle.h"
#include "hearth/serve/engine/forced_call.h"

namespace hearth::serve {

/// A prompt ready to compute, and what must be known to read the answer.
struct BuiltPrompt {
  std::vector<int32_t> ids;
  int messages_forgotten = 0;  // to make room
  bool ids_forgotten = false;  // of a text, or of the ids that a conversation follows
  bool is_chat = false;        // otherwise the answer is text as it comes
  AnswerStyle style;           // of a chat's answer
  std::vector<Tool> tools;     // that were offered
  bool thinking_is_open = false;
  std::optional<ForcedCall> forced;  // written behind the prompt by the engine
};

/// What a model brings to its prompts.
struct PromptTexts {
  std::string template_text;  // Jinja or Go's language; empty: it answers no chats
  std::string system;         // where a conversation brings none
  std::vector<Message> messages;
};

/// Immutable; any thread.
class PromptBuilder {
 public:
  /// `tokenizer` must outlive it; prompts have at most `context` ids. Errors: those of
  /// ChatRenderer.
  PromptBuilder(const llm::Tokenizer& tokenizer, PromptTexts texts,
                std::optional<FillInMiddle> fill_in_middle, int context);

  /// A prompt longer than the context is refused or, with Overflow::truncate, forgets its oldest
  /// part until a quarter of the context is free: so that it does not happen again with the next
  /// message, and what is left keeps its place in the cache meanwhile. A conversation forgets whole
  /// turns (a question and all that followed), never system texts nor the last question; a text,
  /// all but its first id and its end.
  /// Errors: invalid_argument (the template's, tools that do not fit the choice, an empty prompt,
  /// an id that the vocabulary does not have), unsupported (chat, thinking, suffix: what the model
  /// cannot do), too_long (for the context, naming both).
  BuiltPrompt build(const AnswerRequest& request) const;
  /// The ids of the whole prompt, also of one that does not fit.
  int count(const AnswerRequest& request) const;
  /// The text of the whole conversation.
  std::string render(const ChatPrompt& prompt) const;

  /// Of the model's own template; nothing without one.
  std::optional<AnswerStyle> style() const;
  /// Whether it takes a suffix: by tokens of the file or by the template.
  bool can_fill_in() const;

 private:
  struct Conversation;
  Conversation open(const ChatPrompt& prompt) const;
  std::vector<int32_t> chat_ids(const Conversation& conversation,
                                const std::vector<Message>& messages, BuiltPrompt& built) const;
  void forget_turns(const Conversation& conversation, BuiltPrompt& built) const;
  BuiltPrompt build_chat(const ChatPrompt& prompt, bool is_cut) const;
  BuiltPrompt build_text(const TextPrompt& prompt, bool is_cut) const;
  BuiltPrompt build_fill_in(const TextPrompt& prompt, bool is_cut) const;
  std::vector<int32_t> with_bos(std::vector<int32_t> ids) const;
  std::vector<int32_t> ids_of_text(const TextPrompt& prompt) const;
  std::vector<int32_t> fill_in_ids(const std::vector<int32_t>& before,
                                   const std::vector<int32_t>& after) const;
  int room() const { return context_ - context_ / 4; }

  const llm::Tokenizer* tokenizer_;
  PromptTexts texts_;
  std::optional<FillInMiddle> fill_in_middle_;
  int context_;
  ControlFences fences_;
  std::optional<ChatRenderer> renderer_;
};

}  // namespace hearth::serve
