#include "hearth/serve/engine/forced_call.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace hearth::serve {
namespace {

enum class Form {
  object,     // {"name": NAME, KEY: ARGUMENTS}
  list,       // the same in a list
  arguments,  // ARGUMENTS alone: the name stands in the opening, at "{}"
};

struct CallForm {
  CallStyle style;
  Form form;
  const char* key;  // of the arguments
  std::string_view opening, closing;
};

// CallStyle says whose forms these are.
constexpr CallForm kForms[] = {
    {CallStyle::generic, Form::object, "arguments", "", ""},
    {CallStyle::llama, Form::object, "parameters", "", ""},
    {CallStyle::hermes, Form::object, "arguments", "<tool_call>\n", "\n</tool_call>"},
    {CallStyle::granite, Form::list, "arguments", "<|tool_call|>", ""},
    {CallStyle::mistral, Form::list, "arguments", "[TOOL_CALLS]", ""},
    {CallStyle::deepseek, Form::arguments, "",
     "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>{}<｜tool▁sep｜>",
     "<｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
    {CallStyle::kimi, Form::arguments, "",
     "<|tool_calls_section_begin|><|tool_call_begin|>functions.{}:0<|tool_call_argument_begin|>",
     "<|tool_call_end|><|tool_calls_section_end|>"},
    {CallStyle::harmony, Form::arguments, "",
     "<|channel|>commentary to=functions.{} <|constrain|>json<|message|>", "<|call|>"},
};

// References are written from a schema's root, which is now `root`.
void move_references(Json& schema, const std::string& root) {
  if (schema.is_object()) {
    const auto reference = schema.find("$ref");
    if (reference != schema.end() && reference->is_string())
      if (std::string& text = reference->get_ref<std::string&>(); text.starts_with('#'))
        text = root + text.substr(1);
  }
  if (schema.is_structured())
    for (Json& part : schema) move_references(part, root);
}

// As a place "#/$defs/INDEX": tools may have any names, and references in them.
Json parameters_at(const Tool& tool, size_t index) {
  Json schema = tool.parameters;
  if (!schema.is_object() || schema.empty()) schema = {{"type", "object"}};
  if (!schema.contains("type")) schema["type"] = "object";
  move_references(schema, fmt::format("#/$defs/{}", index));
  return schema;
}

Json schema_of(const std::vector<Tool>& tools, const CallForm& form) {
  Json definitions = Json::object(), calls = Json::array();
  for (size_t i = 0; i < tools.size(); ++i) {
    definitions[std::to_string(i)] = parameters_at(tools[i], i);
    const Json arguments = {{"$ref", fmt::format("#/$defs/{}", i)}};
    if (form.form == Form::arguments)
      calls.push_back(arguments);
    else
      calls.push_back(
          {{"type", "object"},
           {"properties", {{"name", {{"const", tools[i].name}}}, {form.key, arguments}}},
           {"required", {"name", form.key}},
           {"additionalProperties", false}});
  }
  Json schema = {{"anyOf", calls}};
  if (form.form == Form::list)
    schema = {{"type", "array"}, {"items", schema}, {"minItems", 1}, {"maxItems", 1}};
  schema["$defs"] = definitions;
  return schema;
}

// Where the name stands among tags of the model's, it must not spell or break one.
bool is_plain(std::string_view name) {
  return name.find_first_of("<>[]{}|: \t\r\n") == std::string_view::npos;
}

std::string with_name(std::string_view opening, const std::string& name) {
  std::string text(opening);
  const size_t place = text.find("{}");
  return place == std::string::npos ? text : text.replace(place, 2, name);
}

}  // namespace

std::optional<ForcedCall> forced_call(const std::vector<Tool>& offered, CallStyle style) {
  for (const CallForm& form : kForms) {
    if (form.style != style) continue;
    if (form.form == Form::arguments && (offered.size() != 1 || !is_plain(offered.front().name)))
      return std::nullopt;
    const Json schema = schema_of(offered, form);
    return ForcedCall{.opening = with_name(form.opening, offered.front().name),
                      .format = {AnswerFormat::Kind::schema,
                                 schema.dump(-1, ' ', false, Json::error_handler_t::replace)},
                      .closing = std::string(form.closing)};
  }
  return std::nullopt;
}

}  // namespace hearth::serve
