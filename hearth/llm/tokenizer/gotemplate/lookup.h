// Keys and fields of objects.
#pragma once
#include <string_view>

#include "hearth/llm/tokenizer/gotemplate/function.h"

namespace hearth::llm::gotemplate {

/// The value under exactly this key; nil without.
Value find_key(Rendering& r, const TemplateValue::Dict& dict, std::string_view key);

/// The value of a field as Go's structs name it (ToolCalls) in an object as JSON does (tool_calls):
/// under exactly this key or, without, under the first that is equal but for case and underscores.
/// nil without. Errors: invalid_argument (a value that has no fields).
Value find_field(Rendering& r, Value value, std::string_view field);

}  // namespace hearth::llm::gotemplate
