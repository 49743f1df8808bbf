// Tokens of a template in Go's language to its tree.
#pragma once
#include <string_view>

#include "hearth/llm/tokenizer/gotemplate/syntax.h"

namespace hearth::llm::gotemplate {

/// Errors: corrupt_data with line and column; unsupported (functions of Go that Hearth has not);
/// resource_exhausted past a limit.
Tree parse(std::string_view source, const ChatTemplateLimits& limits);

}  // namespace hearth::llm::gotemplate
