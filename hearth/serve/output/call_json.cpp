#include "hearth/serve/output/call_json.h"

#include <algorithm>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

constexpr std::string_view kCallKeys[] = {"name", "arguments", "parameters",
                                          "type", "function",  "id"};

const Json* find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string text_or_empty(const Json* json) {
  return json && json->is_string() && json->get_ref<const std::string&>().size() <= kNameBytesMax
             ? json->get<std::string>()
             : std::string();
}

std::optional<Json> read_arguments(const Json& function, const JsonLimits& limits) {
  const Json* arguments = find(function, "arguments");
  if (!arguments) arguments = find(function, "parameters");
  if (!arguments || arguments->is_null()) return Json::object();
  if (arguments->is_object()) return *arguments;
  if (!arguments->is_string()) return std::nullopt;
  std::optional<Json> inner = parse_json(arguments->get_ref<const std::string&>(), limits);
  return inner && inner->is_object() ? inner : std::nullopt;
}

std::optional<ToolCall> read_call(const Json& json, const JsonLimits& limits) {
  if (!json.is_object()) return std::nullopt;
  const Json* function = find(json, "function");
  if (!function || !function->is_object()) function = &json;
  ToolCall call = {.id = text_or_empty(find(json, "id")),
                   .name = text_or_empty(find(*function, "name"))};
  std::optional<Json> arguments = read_arguments(*function, limits);
  if (call.name.empty() || !arguments) return std::nullopt;
  call.arguments = std::move(*arguments);
  return call;
}

// The types that a schema names; empty when it names none.
std::vector<std::string> types_of(const Json* schema) {
  std::vector<std::string> types;
  const Json* type = schema && schema->is_object() ? find(*schema, "type") : nullptr;
  if (type && type->is_string()) types.push_back(type->get<std::string>());
  if (type && type->is_array())
    for (const Json& item : *type)
      if (item.is_string()) types.push_back(item.get<std::string>());
  return types;
}

// The templates print scalars as Python does.
std::optional<Json> read_scalar(std::string_view text, const JsonLimits& limits) {
  if (text == "True") return true;
  if (text == "False") return false;
  if (text == "None") return Json();
  std::optional<Json> list = parse_json("[" + std::string(text) + "]", limits);
  return list && list->size() == 1 ? std::optional<Json>((*list)[0]) : std::nullopt;
}

}  // namespace

std::vector<ToolCall> read_calls(const Json& json, const JsonLimits& limits) {
  std::vector<ToolCall> calls;
  const Json single = json.is_array() ? Json() : Json::array({json});
  for (const Json& item : json.is_array() ? json : single) {
    std::optional<ToolCall> call = read_call(item, limits);
    if (!call) return {};
    calls.push_back(std::move(*call));
  }
  return calls;
}

void refuse_past_limit(JsonScanner::Verdict verdict, const JsonLimits& limits) {
  if (verdict == JsonScanner::Verdict::too_deep)
    throw Error(Errc::resource_exhausted, "tool call: nested deeper than {}", limits.nesting_max);
  if (verdict == JsonScanner::Verdict::too_many_values)
    throw Error(Errc::resource_exhausted, "tool call: more than {} values", limits.values_max);
}

std::optional<Json> parse_promised_object(std::string_view text, const JsonLimits& limits) {
  JsonScanner::Verdict ended = JsonScanner::Verdict::invalid;
  std::optional<Json> json = parse_json(text, limits, &ended);
  refuse_past_limit(ended, limits);
  return json && json->is_object() ? json : std::nullopt;
}

bool may_be_call(std::string_view text) {
  const size_t quote = text.find('"');
  const std::string_view before = trim_space(text.substr(0, quote));
  // Only "{" or "[{", perhaps with space between, may stand before the first key.
  const std::string_view inner =
      before.starts_with('[') ? trim_space_left(before.substr(1)) : before;
  if (!inner.empty() && inner != "{") return false;
  if (quote == std::string_view::npos) return true;
  if (inner.empty()) return false;
  const std::string_view key = text.substr(quote + 1);
  const size_t end = key.find('"');
  return std::any_of(std::begin(kCallKeys), std::end(kCallKeys), [&](std::string_view known) {
    return end == std::string_view::npos ? known.starts_with(key) : known == key.substr(0, end);
  });
}

const Tool* find_tool(const std::vector<Tool>& tools, std::string_view name) {
  const auto found =
      std::find_if(tools.begin(), tools.end(), [&](const Tool& tool) { return tool.name == name; });
  return found == tools.end() ? nullptr : &*found;
}

Json read_bare_value(const Tool* tool, std::string_view key, std::string_view text,
                     const JsonLimits& limits) {
  const std::vector<std::string> types = types_of(tool ? tool->parameter(key) : nullptr);
  const std::string_view trimmed = trim_space(text);
  const bool is_string = std::find(types.begin(), types.end(), "string") != types.end();
  const bool is_container = trimmed.starts_with('{') || trimmed.starts_with('[');
  if (!is_string && (!types.empty() || is_container)) {
    std::optional<Json> json =
        is_container ? parse_json(trimmed, limits) : read_scalar(trimmed, limits);
    if (json) return *std::move(json);
  }
  return std::string(text);
}

}  // namespace hearth::serve
