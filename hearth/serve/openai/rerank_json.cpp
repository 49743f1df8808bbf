#include "hearth/serve/openai/rerank_json.h"

#include <algorithm>
#include <numeric>

#include "hearth/base/error.h"
#include "hearth/serve/openai/limits.h"

namespace hearth::serve::openai {
namespace {

std::string read_document(const Json& json, const std::string& where) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_object()) throw FieldError(where, "must be a text or an object with a text");
  const Fields document(json, where);
  const auto text = document.try_string("text");
  if (!text) document.wrong("text", "is required");
  return *text;
}

std::vector<size_t> best_first(const std::vector<float>& scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  return order;
}

}  // namespace

RerankCall read_rerank_request(const Json& json) {
  const Fields body(json);
  RerankCall call;
  call.request.query = body.string("query");
  call.is_tei = body.has("texts");
  const std::string key = call.is_tei ? "texts" : "documents";
  const auto documents = body.try_list(key, kDocumentsMax);
  if (!documents) body.wrong(key, "is required");
  if (documents->empty()) body.wrong(key, "must not be empty");
  for (const Json* document : *documents)
    call.request.documents.push_back(
        read_document(*document, fmt::format("{}[{}]", key, call.request.documents.size())));
  const auto top_n = body.try_integer("top_n");
  if (top_n && *top_n < 1) body.wrong("top_n", "must be at least 1");
  call.top_n = std::min<size_t>(top_n.value_or(INT64_MAX), documents->size());
  call.returns_documents =
      body.try_bool(call.is_tei ? "return_text" : "return_documents").value_or(false);
  return call;
}

Json rerank_json(const Relevance& relevance, const RerankCall& call, const std::string& model) {
  HEARTH_CHECK(relevance.scores.size() == call.request.documents.size());
  std::vector<size_t> order = best_first(relevance.scores);
  order.resize(call.top_n);
  Json results = Json::array();
  for (const size_t i : order) {
    Json result = {{"index", i}};
    result[call.is_tei ? "score" : "relevance_score"] = relevance.scores[i];
    if (call.returns_documents && call.is_tei) result["text"] = call.request.documents[i];
    if (call.returns_documents && !call.is_tei)
      result["document"]["text"] = call.request.documents[i];
    results.push_back(std::move(result));
  }
  if (call.is_tei) return results;
  return {{"model", model},
          {"object", "list"},
          {"usage",
           {{"prompt_tokens", relevance.prompt_tokens}, {"total_tokens", relevance.prompt_tokens}}},
          {"results", std::move(results)}};
}

}  // namespace hearth::serve::openai
