// POST /v1/chat/completions: its body, typed.
#pragma once
#include "hearth/serve/openai/answer_call.h"

namespace hearth::serve::openai {

/// Errors: FieldError.
AnswerCall read_chat_request(const Json& body);

/// Messages, tools, tool_choice, thinking and template arguments: what the prompt is rendered from.
/// Errors: FieldError.
ChatPrompt read_chat_prompt(const Fields& body);

}  // namespace hearth::serve::openai
