// A model loaded into this process.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/llm/batch_engine.h"
#include "hearth/serve/engine/answer_options.h"
#include "hearth/serve/engine/engine.h"
#include "hearth/serve/engine/loaded_adapters.h"
#include "hearth/serve/engine/model_load.h"
#include "hearth/serve/engine/prompt_builder.h"

namespace hearth::serve {

/// What is read of a model's file.
struct ModelParts {
  formats::Gguf file;
  std::shared_ptr<const llm::Tokenizer> tokenizer;
  std::unique_ptr<const llm::Model> model;
  LoadedAdapters adapters;
  std::string template_text;  // the file's, Jinja; empty: none
  std::optional<FillInMiddle> fill_in_middle;
};

/// `file` is that of `load`. Errors: those of its tokenizer, its model and its adapters.
ModelParts read_model(const ModelLoad& load, formats::Gguf file);

class ModelEngine final : public Engine {
 public:
  /// Errors: those of opening the file, of read_model(), of the template and of llm::BatchEngine. A
  /// num_ctx beyond what the model was trained for is cut to that, which facts() tell.
  explicit ModelEngine(const ModelLoad& load);
  /// The same with parts that were read, or made, elsewhere.
  ModelEngine(ModelParts parts, const ModelLoad& load);
  /// Answers under way end with Errc::unavailable; their streams may outlive the engine.
  ~ModelEngine() override;

  const EngineFacts& facts() const override;
  EngineStatus status() const override;
  bool is_alive() const override;
  std::unique_ptr<AnswerStream> answer(const AnswerRequest& request) override;
  Embeddings embed(const EmbedRequest& request, std::stop_token cancelled) override;
  Relevance rerank(const RerankRequest& request, std::stop_token cancelled) override;
  std::string render(const ChatPrompt& prompt) override;
  int count_tokens(const AnswerRequest& request) override;
  std::vector<int32_t> tokenize(const std::string& text, bool add_special,
                                bool parse_special) override;
  std::string detokenize(std::span<const int32_t> ids) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::serve
