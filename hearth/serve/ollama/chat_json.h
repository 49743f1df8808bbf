// POST /api/chat: its body, typed.
#pragma once
#include <string_view>

#include "hearth/serve/ollama/request_fields.h"

namespace hearth::serve::ollama {

/// An assistant's message at the end is gone on with. Errors: invalid_argument.
AnswerCall parse_chat(std::string_view body, const store::ModelParameters& defaults);

}  // namespace hearth::serve::ollama
