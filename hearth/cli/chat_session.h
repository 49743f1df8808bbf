// A model file loaded in this process, and the conversation with it. No terminal and no JSON in
// here.
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
#include "hearth/cli/conversation.h"
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

class ChatSession final : public Conversation {
 public:
  /// Loads the model. Errors: those of the file, the tokenizer, the model and the template.
  explicit ChatSession(const SessionOptions& options);

  bool is_chat() const override { return chat_template_.has_value(); }
  Answer answer(const std::string& prompt, const GenerateSettings& settings,
                std::stop_token cancelled, FunctionRef<void(std::string_view)> on_text) override;
  void clear() override;
  void set_system(std::string text) override;
  const std::string& system() const override { return system_; }
  /// The next answer starts with an empty cache.
  void set_context(int positions) override;
  int context() const override { return engine_->context(); }

  std::string summary() const override;
  std::string description() const override;
  std::string info_text() const override;
  const std::string& template_source() const override { return template_source_; }
  std::string licence() const override;

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
