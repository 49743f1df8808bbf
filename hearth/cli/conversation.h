// A conversation with one model, wherever the model is loaded: in this process (ChatSession) or
// behind the API (ApiSession).
#pragma once
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "hearth/base/function_ref.h"
#include "hearth/cli/parameters.h"
#include "hearth/llm/batch_engine.h"

namespace hearth::cli {

struct Answer {
  std::string text;
  llm::GenerateResult result;
  std::chrono::nanoseconds load_time{};   // of the model, counted to the first answer; then 0
  std::chrono::nanoseconds total_time{};  // from the prompt to the last piece
  uint64_t seed = 0;
  int messages_forgotten = 0;  // of the conversation, to make room in the context
};

class Conversation {
 public:
  virtual ~Conversation() = default;

  /// True when prompts are turns of a conversation; otherwise each prompt is a text to continue.
  virtual bool is_chat() const = 0;
  /// Answers, handing over each piece of text as it comes. In a conversation the prompt and the
  /// answer become its next turns, also when the answer was cut short; an error leaves the
  /// conversation as it was. Errors: too_long (for the context), resource_exhausted (the
  /// context is full, where that is to be an error), invalid_argument (a parameter, the template),
  /// unavailable (a daemon that has gone).
  virtual Answer answer(const std::string& prompt, const GenerateSettings& settings,
                        std::stop_token cancelled, FunctionRef<void(std::string_view)> on_text) = 0;
  /// Forgets the conversation; the system text stays.
  virtual void clear() = 0;
  virtual void set_system(std::string text) = 0;
  virtual const std::string& system() const = 0;
  /// Another context length, 0 for the model's own; the conversation stays. Errors:
  /// invalid_argument, resource_exhausted; the former length then stays.
  virtual void set_context(int positions) = 0;
  /// Positions; 0 while nobody has told yet.
  virtual int context() const = 0;

  /// "1.1 B parameters, Q4_K, context 8192".
  virtual std::string summary() const = 0;
  /// What the model says of itself in a sentence; may be empty.
  virtual std::string description() const = 0;
  /// What /show info, /show template and /show licence print; empty where there is none.
  virtual std::string info_text() const = 0;
  virtual const std::string& template_source() const = 0;
  virtual std::string licence() const = 0;
};

}  // namespace hearth::cli
