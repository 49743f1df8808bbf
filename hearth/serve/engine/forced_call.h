// A call that must be made (tool_choice "required" or a tool's name): written for the model up to
// its arguments, which a schema then holds.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/output/answer_style.h"

namespace hearth::serve {

struct ForcedCall {
  std::string opening;  // stands behind the prompt, as if the model had begun so
  AnswerFormat format;  // of what the model then says
  std::string closing;  // what the model would say behind it
};

inline bool is_call_forced(const ToolChoice& choice) {
  return choice.kind == ToolChoice::Kind::required || choice.kind == ToolChoice::Kind::named;
}

/// How a model of this style makes one call of `offered` (offered_tools(), at least one). Nothing
/// where no schema can hold it: calls that are not JSON, and in a style that writes the name
/// outside of the JSON several tools, or a name with white space or signs that tags are made of.
std::optional<ForcedCall> forced_call(const std::vector<Tool>& offered, CallStyle style);

}  // namespace hearth::serve
