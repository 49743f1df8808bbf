// POST /v1/embeddings: body to typed, vectors to JSON.
#pragma once
#include <string>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve::openai {

struct EmbeddingCall {
  ModelCall call;
  EmbedRequest request;
  bool is_base64 = false;  // vectors as little-endian f32, which the official clients ask for
};

/// `input` is a text, a list of texts, of ids, or of lists of ids. An input longer than the context
/// is an error, as OpenAI's is, unless `truncate` is true. Errors: FieldError.
EmbeddingCall read_embedding_request(const Json& body);

/// The answer as JSON text. Errors: corrupt_data (a vector that is not finite).
std::string embeddings_text(const Embeddings& embeddings, const std::string& model, bool is_base64);

}  // namespace hearth::serve::openai
