// One loaded model and the conversation with it, as `hearth run` needs them. No terminal and no
// JSON in here.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/base/function_ref.h"
#include "hearth/cli/parameters.h"
#include "hearth/formats/gguf.h"
#include "hearth/llm/batch_engine.h"
#include "hearth/llm/models/model.h"
#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::cli {

struct SessionOptions {
  fs::path file;
  llm::EngineOptions engine;
  std::optional<std::string> template_source;  // instead of the model's own
  bool raw = false;                            // no template: the prompt is continued as it is
};

struct Answer {
  std::string text;
  llm::GenerateResult result;
  std::chrono::nanoseconds load_time{};   // of the model, counted to the first answer; then 0
  std::chrono::nanoseconds total_time{};  // from the prompt to the last piece
  uint64_t seed = 0;
  int messages_forgotten = 0;  // of the conversation, to make room in the context
};

class ChatSession {
 public:
  /// Loads the model. Errors: those of the file, the tokenizer, the model and the template.
  explicit ChatSession(const SessionOptions& options);

  /// True when prompts are turns of a conversation; otherwise each prompt is a text to continue.
  bool is_chat() const { return chat_template_.has_value(); }
  /// Answers, handing over each piece of text as it comes. In a conversation the prompt and the
  /// answer become its next turns, also when the answer was cut short; an error leaves the
  /// conversation as it was. Errors: resource_exhausted (longer than the context), invalid_argument
  /// (a parameter, the template).
  Answer answer(const std::string& prompt, const GenerateSettings& settings,
                std::stop_token cancelled, FunctionRef<void(std::string_view)> on_text);

  /// Forgets the conversation; the system text stays.
  void clear();
  void set_system(std::string text);
  const std::string& system() const { return system_; }
  /// Another context length, 0 for the model's own: the next answer starts with an empty cache, the
  /// conversation stays. Errors: invalid_argument, resource_exhausted; the former length then
  /// stays.
  void set_context(int positions);

  const formats::Gguf& file() const { return file_; }
  const llm::Model& model() const { return *model_; }
  const llm::Tokenizer& tokenizer() const { return *tokenizer_; }
  /// The Jinja source in use; empty when there is none.
  const std::string& template_source() const { return template_source_; }
  int context() const { return engine_->context(); }

 private:
  void open_engine(int positions);
  std::vector<int32_t> tokens_of(const std::string& text) const;
  std::vector<int32_t> chat_tokens(const std::vector<llm::ChatMessage>& turns) const;
  std::vector<int32_t> tokens_that_fit(std::vector<llm::ChatMessage>& turns,
                                       const GenerateSettings& settings, int& forgotten) const;

  formats::Gguf file_;
  std::unique_ptr<llm::Tokenizer> tokenizer_;
  std::unique_ptr<llm::Model> model_;
  std::string template_source_;
  std::optional<llm::ChatTemplate> chat_template_;
  llm::EngineOptions engine_options_;
  std::unique_ptr<llm::BatchEngine> engine_;
  std::string system_;
  std::vector<llm::ChatMessage> turns_;   // user and assistant in turn, without the system text
  std::chrono::nanoseconds load_time_{};  // until an answer has counted it
};

}  // namespace hearth::cli
