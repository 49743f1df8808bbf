#include "hearth/serve/output/tool_choice.h"

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/serve/output/call_json.h"

namespace hearth::serve {
namespace {

using Kind = ToolChoice::Kind;
using Sentences = std::vector<std::string>;

// JSON Schema's default allows other names; models that invent arguments are what this looks for,
// so that only a schema that says so counts.
bool allows_other_names(const Json& schema) {
  const auto found = schema.find("additionalProperties");
  return found != schema.end() && *found != Json(false);
}

void check_arguments(const ToolCall& call, const Tool& tool, Sentences& wrong) {
  if (!tool.parameters.is_object()) return;
  if (!tool.parameter_names().empty() && !allows_other_names(tool.parameters))
    for (const auto& [key, value] : call.arguments.items())
      if (!tool.parameter(key))
        wrong.push_back(fmt::format("'{}' has no parameter '{}'", call.name, key));
  const auto required = tool.parameters.find("required");
  if (required == tool.parameters.end() || !required->is_array()) return;
  for (const Json& key : *required)
    if (key.is_string() && !call.arguments.contains(key.get<std::string>()))
      wrong.push_back(
          fmt::format("'{}' lacks its argument '{}'", call.name, key.get<std::string>()));
}

void check_choice(const std::vector<ToolCall>& calls, const ToolChoice& choice, Sentences& wrong) {
  const bool wants_call = choice.kind == Kind::required || choice.kind == Kind::named;
  if (wants_call && calls.empty()) wrong.emplace_back("no tool was called, but a call is required");
  if (choice.kind == Kind::none && !calls.empty())
    wrong.push_back(fmt::format("'{}' was called, but no call is allowed", calls[0].name));
  if (!choice.allows_parallel && calls.size() > 1)
    wrong.push_back(fmt::format("{} calls, but only one is allowed", calls.size()));
  if (choice.kind != Kind::named) return;
  for (const ToolCall& call : calls)
    if (call.name != choice.name)
      wrong.push_back(fmt::format("'{}' was called instead of '{}'", call.name, choice.name));
}

}  // namespace

std::vector<Tool> offered_tools(std::vector<Tool> tools, const ToolChoice& choice) {
  if (choice.kind == Kind::none) return {};
  if (choice.kind == Kind::required && tools.empty())
    throw Error(Errc::invalid_argument, "tool_choice: a call is required, but there are no tools");
  if (choice.kind != Kind::named) return tools;
  const Tool* tool = find_tool(tools, choice.name);
  if (!tool)
    throw Error(Errc::invalid_argument, "tool_choice: '{}' is none of the {} tools", choice.name,
                tools.size());
  return {*tool};
}

std::vector<std::string> violations(const AnswerDelta& answer, const std::vector<Tool>& tools,
                                    const ToolChoice& choice) {
  Sentences wrong;
  check_choice(answer.tool_calls, choice, wrong);
  for (const ToolCall& call : answer.tool_calls) {
    if (const Tool* tool = find_tool(tools, call.name))
      check_arguments(call, *tool, wrong);
    else
      wrong.push_back(fmt::format("there is no tool '{}'", call.name));
  }
  return wrong;
}

}  // namespace hearth::serve
