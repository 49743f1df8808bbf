// Calls written as JSON, and values that are written as plain text between tags.
#pragma once
#include <string_view>
#include <vector>

#include "hearth/serve/output/json_scanner.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// Longest name of a function, a parameter or an id that is read.
inline constexpr size_t kNameBytesMax = 256;

/// One call, or a list of at least one: objects with a "name" and an object "arguments" or
/// "parameters" (or its text, as OpenAI's API writes it; absent means no arguments), as they stand
/// or under "function". An "id" is kept, else it stays empty. Empty when anything is malformed.
std::vector<ToolCall> read_calls(const Json& json, const JsonLimits& limits);

/// The object that a tag has promised, as parse_json(). Errors: resource_exhausted past a limit.
std::optional<Json> parse_promised_object(std::string_view text, const JsonLimits& limits);

/// Throws where `verdict` is a limit passed: resource_exhausted, naming it.
void refuse_past_limit(JsonScanner::Verdict verdict, const JsonLimits& limits);

/// False as soon as `text`, the beginning of a JSON value, cannot be that of a call: its first key
/// is none that read_calls() knows.
bool may_be_call(std::string_view text);

/// The tool of this name; nullptr when none is declared.
const Tool* find_tool(const std::vector<Tool>& tools, std::string_view name);

/// A value that the model wrote as bare text. It stays text where the tool declares a string, and
/// becomes JSON where it declares another type and the text is that JSON; where nothing is
/// declared, objects and arrays only. `tool` may be nullptr.
Json read_bare_value(const Tool* tool, std::string_view key, std::string_view text,
                     const JsonLimits& limits);

}  // namespace hearth::serve
