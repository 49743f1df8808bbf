// Conversations and tools in the form of chat completions.
#pragma once
#include <string>
#include <vector>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/output/message.h"
#include "hearth/serve/output/tool_choice.h"

namespace hearth::serve::openai {

/// The list `messages`: roles system, developer, user, assistant and tool; content as a string or
/// as parts of text; thoughts of the assistant as `reasoning` or `reasoning_content`; `tool_calls`
/// with arguments as a string or an object. Errors: FieldError, also for pictures, sound and files.
std::vector<Message> read_messages(const Fields& body);

/// A content: a string, or a list of parts whose texts are joined by line breaks. Parts of type
/// text, input_text, output_text, refusal and of summaries are text; others are a FieldError that
/// says why. Empty when it is absent.
std::string read_content(const Fields& message, std::string_view key);

/// Arguments of a call: an object, or its text; empty text means none. Errors: FieldError.
Json read_arguments(const Fields& function, std::string_view key);

/// The list `tools` of functions, each under "function". Errors: FieldError.
std::vector<Tool> read_tools(const Fields& body);
/// A function's name, description and parameters. Errors: FieldError.
Tool read_function(const Fields& function);

/// `tool_choice`: none, auto, required, {"function": {"name"}} or {"name"}; and
/// `parallel_tool_calls`. Errors: FieldError, also for a choice that `tools` cannot meet.
ToolChoice read_tool_choice(const Fields& body, const std::vector<Tool>& tools);

}  // namespace hearth::serve::openai
