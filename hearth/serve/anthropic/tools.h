// Tools, and how a request wants them used.
#pragma once
#include <vector>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/output/tool_choice.h"

namespace hearth::serve::anthropic {

/// The list `tools`. Errors: FieldError, also for tools that only Anthropic runs, and for a name
/// that stands twice.
std::vector<Tool> read_tools(const Fields& body);

/// `tool_choice`: auto, any, tool or none, and disable_parallel_tool_use. Errors: FieldError;
/// invalid_argument for a choice that `tools` cannot meet.
ToolChoice read_tool_choice(const Fields& body, const std::vector<Tool>& tools);

}  // namespace hearth::serve::anthropic
