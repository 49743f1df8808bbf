// Template source to syntax tree.
#pragma once
#include <string_view>

#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/jinja/syntax.h"

namespace hearth::llm::jinja {

/// Errors: corrupt_data with line and column; unsupported for tags, filters and tests outside the
/// subset (a filter or test inside an `if` only when it is reached, as Jinja has it);
/// resource_exhausted past a limit.
Template parse_template(std::string_view source, const ChatTemplateLimits& limits);

}  // namespace hearth::llm::jinja
