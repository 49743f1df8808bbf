// POST /v1/rerank and its other paths: the shape of Jina and Cohere, and that of TEI.
#pragma once
#include <string>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve::openai {

struct RerankCall {
  RerankRequest request;
  bool is_tei = false;  // the body has `texts` instead of `documents`
  size_t top_n = 0;     // best results that are answered
  bool returns_documents = false;
};

/// All but the model. Errors: FieldError.
RerankCall read_rerank_request(const Json& body);

/// Best first; equal scores keep the order of the documents. An object with `results` of index and
/// relevance_score, or TEI's list of index and score.
Json rerank_json(const Relevance& relevance, const RerankCall& call, const std::string& model);

}  // namespace hearth::serve::openai
