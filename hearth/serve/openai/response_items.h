// The items of a Responses input as messages.
#pragma once
#include <string>
#include <vector>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve::openai {

/// Items of one turn of the assistant (reasoning, message, function_calls) become one message.
/// Errors: FieldError.
std::vector<Message> read_input(const Fields& body);

}  // namespace hearth::serve::openai
