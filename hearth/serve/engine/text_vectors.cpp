#include "hearth/serve/engine/text_vectors.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/engine_limits.h"

namespace hearth::serve {

TextVectors::TextVectors(const llm::Tokenizer& tokenizer, Open open)
    : tokenizer_(&tokenizer), open_(std::move(open)) {}

TextVectors::TextVectors(const llm::Tokenizer& tokenizer, std::unique_ptr<llm::Embedder> embedder)
    : tokenizer_(&tokenizer), embedder_(std::move(embedder)) {}

llm::Embedder& TextVectors::embedder() {
  const std::lock_guard lock(mutex_);
  if (!embedder_) embedder_ = open_();
  return *embedder_;
}

std::vector<int32_t> TextVectors::closed_ids(const std::string& text) const {
  return tokenizer_->encode(text, {.add_special = true, .parse_special = false});
}

std::vector<int32_t> TextVectors::ids_of(
    const std::variant<std::string, std::vector<int32_t>>& input) const {
  if (const auto* text = std::get_if<std::string>(&input)) return closed_ids(*text);
  const auto& ids = std::get<std::vector<int32_t>>(input);
  llm::check_ids("input", ids, tokenizer_->vocab_size());
  return ids;
}

void TextVectors::cut(std::vector<int32_t>& ids, size_t count) const {
  if (ids.size() <= count) return;
  const int32_t last = ids.back();
  ids.resize(count);
  if (count > 0 && tokenizer_->kind(last) == llm::TokenKind::control) ids.back() = last;
}

Embeddings TextVectors::embed(const EmbedRequest& request, const ChosenAdapter& chosen,
                              std::stop_token cancelled) {
  llm::Embedder& model = embedder();
  std::vector<std::vector<int32_t>> texts;
  Embeddings out;
  for (const auto& input : request.inputs) {
    texts.push_back(ids_of(input));
    if (request.overflow == Overflow::truncate)
      cut(texts.back(), static_cast<size_t>(model.context()));
    out.prompt_tokens += static_cast<int>(texts.back().size());
  }
  out.vectors = model.embed(texts, std::move(cancelled), {chosen.adapter.get(), chosen.scale});
  for (std::vector<float>& vector : out.vectors)
    llm::shape_embedding(vector, request.dimensions, request.normalise);
  return out;
}

Relevance TextVectors::rerank(const RerankRequest& request, std::stop_token cancelled) {
  llm::Embedder& model = embedder();
  const auto context = static_cast<size_t>(model.context());
  const std::vector<int32_t> query = closed_ids(request.query);
  std::vector<llm::TextPair> pairs;
  Relevance out;
  for (const std::string& text : request.documents) {
    std::vector<int32_t> first = query, document = closed_ids(text);
    document.erase(document.begin());  // only one [CLS]
    if (request.overflow == Overflow::truncate) {
      const size_t left = document.size() < context ? context - document.size() : 0;
      cut(first, std::max(left, context / 2));
      cut(document, context - first.size());
    }
    llm::TextPair pair{.ids = std::move(first)};
    pair.second_from = static_cast<int>(pair.ids.size());
    pair.ids.insert(pair.ids.end(), document.begin(), document.end());
    out.prompt_tokens += static_cast<int>(pair.ids.size());
    pairs.push_back(std::move(pair));
  }
  out.scores = model.score(pairs, std::move(cancelled));
  return out;
}

}  // namespace hearth::serve
