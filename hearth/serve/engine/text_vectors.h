// Requests for vectors and scores to the ids that an embedder reads, and its results to replies.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "hearth/llm/embedder.h"
#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/engine/loaded_adapters.h"

namespace hearth::serve {

/// Thread-safe.
class TextVectors {
 public:
  using Open = std::function<std::unique_ptr<llm::Embedder>()>;

  /// `open` is called for the first request, so that a model which is never asked for vectors keeps
  /// no memory for them. `tokenizer` must outlive this.
  TextVectors(const llm::Tokenizer& tokenizer, Open open);
  TextVectors(const llm::Tokenizer& tokenizer, std::unique_ptr<llm::Embedder> embedder);

  /// Texts get the special tokens that the model asks for; ids are taken as they are. What is
  /// longer than the context is refused or, with Overflow::truncate, loses its end, but not the
  /// token that closes it. `chosen` is an adapter of the embedder's model. Errors: those of
  /// llm::Embedder and llm::shape_embedding().
  Embeddings embed(const EmbedRequest& request, const ChosenAdapter& chosen,
                   std::stop_token cancelled);
  /// Pairs as BERT reads them, [CLS] query [SEP] document [SEP]. One that is too long loses the end
  /// of its document, and that of its query as far as it takes more than half of the context.
  /// Errors: as embed().
  Relevance rerank(const RerankRequest& request, std::stop_token cancelled);

 private:
  llm::Embedder& embedder();
  std::vector<int32_t> ids_of(const std::variant<std::string, std::vector<int32_t>>& input) const;
  std::vector<int32_t> closed_ids(const std::string& text) const;
  void cut(std::vector<int32_t>& ids, size_t count) const;

  const llm::Tokenizer* tokenizer_;
  Open open_;
  std::mutex mutex_;  // of embedder_ while it is made
  std::unique_ptr<llm::Embedder> embedder_;
};

}  // namespace hearth::serve
