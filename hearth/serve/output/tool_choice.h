// What a request says about calling tools, and whether a finished answer keeps to it.
#pragma once
#include <string>
#include <vector>

#include "hearth/serve/output/answer.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// OpenAI's and Anthropic's tool_choice ("any" is required).
struct ToolChoice {
  enum class Kind { automatic, none, required, named };

  Kind kind = Kind::automatic;
  std::string name;             // of the one tool, when named
  bool allows_parallel = true;  // parallel_tool_calls, or not disable_parallel_tool_use
};

/// The tools that the model is shown: none of them, the named one, or all. Errors:
/// invalid_argument (a choice that these tools cannot meet).
std::vector<Tool> offered_tools(std::vector<Tool> tools, const ToolChoice& choice);

/// What is wrong with the calls of a finished answer, a sentence each: a call where none was
/// allowed, none where one was required, another tool than the named one, several where one was
/// allowed, a tool that `tools` does not declare, an argument whose name its schema does not
/// declare (unless it declares no names or allows others by "additionalProperties"), a required
/// argument that is absent. Values are not looked at. Empty when all is well.
std::vector<std::string> violations(const AnswerDelta& answer, const std::vector<Tool>& tools,
                                    const ToolChoice& choice);

}  // namespace hearth::serve
