// For tests: is a document valid? Written from the specification (draft 2020-12), to hold the
// grammars against something that shares nothing with them.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace hearth::serve {

/// Empty when `document` is valid under `schema`; else where and why not. Formats are checked.
/// Objects without additionalProperties are open, as the specification has it.
std::string violation(const nlohmann::ordered_json& schema, const nlohmann::ordered_json& document);

}  // namespace hearth::serve
