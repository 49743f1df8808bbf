// The conversation of a request to /v1/messages: system text, turns, blocks.
#pragma once
#include <vector>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve::anthropic {

/// `system` and `messages` in order, every content as a string or as blocks:
///   text                      of a user's blocks and of system's joined by empty lines
///   thinking                  the assistant's; redacted_thinking holds nothing and is passed over
///   tool_use, server_tool_use  calls of the assistant
///   tool_result, web_search_tool_result  a message of role tool; is_error is said in words
/// Turns of one role in a row become one, as Anthropic reads them. Errors: FieldError (fields of a
/// wrong type, pictures and other blocks that cannot be read, a result without its call, calls
/// without results at the end).
std::vector<Message> read_conversation(const Fields& body);

}  // namespace hearth::serve::anthropic
