#include "hearth/serve/anthropic/tools.h"

#include <algorithm>

#include "hearth/serve/anthropic/limits.h"

namespace hearth::serve::anthropic {
namespace {

Tool read_tool(const Fields& fields) {
  const std::string type = fields.try_string("type").value_or("custom");
  if (type != "custom")
    fields.wrong("type", fmt::format("is '{}', but only tools of the client's own are known here, "
                                     "which have a name and an input_schema",
                                     type));
  Tool tool = {.name = fields.string("name"),
               .description = fields.try_string("description").value_or("")};
  const Json* schema = fields.find("input_schema");
  if (!schema) fields.wrong("input_schema", "is required");
  if (!schema->is_object()) fields.wrong("input_schema", "must be an object");
  tool.parameters = *schema;
  return tool;
}

struct ChoiceRow {
  std::string_view type;
  ToolChoice::Kind kind;
};

constexpr ChoiceRow kChoices[] = {
    {"auto", ToolChoice::Kind::automatic},
    {"any", ToolChoice::Kind::required},
    {"tool", ToolChoice::Kind::named},
    {"none", ToolChoice::Kind::none},
};

}  // namespace

std::vector<Tool> read_tools(const Fields& body) {
  std::vector<Tool> tools;
  const auto list = body.try_list("tools", kToolsMax);
  if (!list) return tools;
  for (const Json* element : *list) {
    const Fields fields(*element, fmt::format("tools[{}]", tools.size()));
    Tool tool = read_tool(fields);
    if (std::any_of(tools.begin(), tools.end(),
                    [&](const Tool& earlier) { return earlier.name == tool.name; }))
      fields.wrong("name", fmt::format("'{}' stands twice", tool.name));
    tools.push_back(std::move(tool));
  }
  return tools;
}

ToolChoice read_tool_choice(const Fields& body, const std::vector<Tool>& tools) {
  ToolChoice choice;
  const auto fields = body.try_object("tool_choice");
  if (!fields) return choice;
  const std::string type = fields->string("type");
  const auto* row = std::find_if(std::begin(kChoices), std::end(kChoices),
                                 [&](const ChoiceRow& known) { return known.type == type; });
  if (row == std::end(kChoices)) fields->wrong("type", "must be auto, any, tool or none");
  choice.kind = row->kind;
  if (choice.kind == ToolChoice::Kind::named) choice.name = fields->string("name");
  choice.allows_parallel = !fields->try_bool("disable_parallel_tool_use").value_or(false);
  offered_tools(tools, choice);  // for its errors
  return choice;
}

}  // namespace hearth::serve::anthropic
