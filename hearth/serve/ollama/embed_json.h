// POST /api/embed and the older /api/embeddings: their bodies, typed, and their answers.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/api/answer_writer.h"
#include "hearth/serve/ollama/request_fields.h"

namespace hearth::serve::ollama {

struct EmbedCall {
  ModelCall call;
  EmbedRequest request;  // no inputs: the model is only loaded
  std::vector<std::string> warnings;
};

/// Errors: invalid_argument.
EmbedCall parse_embed(std::string_view body);
EmbedCall parse_embeddings(std::string_view body);

/// Errors: corrupt_data (a vector that is not finite).
std::string embed_answer(const std::string& model, const Embeddings& embeddings,
                         const AnswerTimes& times);
std::string embeddings_answer(const Embeddings& embeddings);

}  // namespace hearth::serve::ollama
