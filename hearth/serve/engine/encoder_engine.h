// An encoder loaded into this process: vectors and scores, no answers.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/serve/engine/engine.h"
#include "hearth/serve/engine/model_load.h"

namespace hearth::serve {

class EncoderEngine final : public Engine {
 public:
  /// `file` is that of `load`. Errors: those of its tokenizer and of llm::make_encoder_embedder();
  /// unsupported (adapters). A num_ctx beyond what the model was trained for is cut to that. Beside
  /// a tokenizer other than BERT's a scoring head goes unused: how such models read a pair differs.
  EncoderEngine(formats::Gguf file, const ModelLoad& load);
  ~EncoderEngine() override;

  const EngineFacts& facts() const override;
  EngineStatus status() const override { return {}; }
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

/// The engine for a file: EncoderEngine or ModelEngine, by its architecture. Errors: theirs, and
/// those of opening the file.
std::unique_ptr<Engine> open_model(const ModelLoad& load);

}  // namespace hearth::serve
