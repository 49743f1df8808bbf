// POST /api/generate: its body, typed.
#pragma once
#include <string_view>

#include "hearth/serve/ollama/request_fields.h"

namespace hearth::serve::ollama {

/// A prompt goes through the model's template as one message of the user, or, with "raw", as it is;
/// with "suffix" the model fills in the middle. Errors: invalid_argument.
AnswerCall parse_generate(std::string_view body, const store::ModelParameters& defaults);

}  // namespace hearth::serve::ollama
