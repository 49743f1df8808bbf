#include "hearth/serve/openai/messages.h"

#include "hearth/serve/openai/limits.h"
#include "hearth/serve/output/json_scanner.h"

namespace hearth::serve::openai {
namespace {

struct PartRow {
  std::string_view type;
  std::string_view text_field;  // empty: refused
  std::string_view refusal = {};
};

constexpr std::string_view kNoPictures = "holds a picture, but no loaded model can see";
constexpr std::string_view kNoSound = "holds sound, but no loaded model can hear";
constexpr std::string_view kNoFiles = "holds a file; give its text instead";

constexpr PartRow kParts[] = {
    {"text", "text"},
    {"input_text", "text"},
    {"output_text", "text"},
    {"summary_text", "text"},
    {"reasoning_text", "text"},
    {"refusal", "refusal"},
    {"image_url", "", kNoPictures},
    {"input_image", "", kNoPictures},
    {"input_audio", "", kNoSound},
    {"file", "", kNoFiles},
    {"input_file", "", kNoFiles},
};

std::string read_part(const Json& json, const std::string& where) {
  const Fields part(json, where);
  const std::string type = part.string("type");
  for (const PartRow& row : kParts) {
    if (row.type != type) continue;
    if (!row.refusal.empty()) throw FieldError(where, row.refusal);
    return part.try_string(row.text_field).value_or("");
  }
  part.wrong("type", fmt::format("'{}' is no known part of a content", type));
}

ToolCall read_call_made(const Json& json, const std::string& where) {
  const Fields fields(json, where);
  const auto function = fields.try_object("function");
  if (!function) fields.wrong("function", "is required");
  return {.id = fields.try_string("id").value_or(""),
          .name = function->string("name"),
          .arguments = read_arguments(*function, "arguments")};
}

Message read_message(const Json& json, const std::string& where) {
  const Fields fields(json, where);
  const std::string role_name = fields.string("role");
  const auto role = find_role(role_name);
  if (!role) fields.wrong("role", "must be system, developer, user, assistant or tool");
  Message message;
  message.role = *role;
  message.content = read_content(fields, "content");
  for (const std::string_view key : {"reasoning_content", "reasoning"})
    if (auto thinking = fields.try_string(key)) message.thinking = *std::move(thinking);
  if (const auto calls = fields.try_list("tool_calls", kCallsMax))
    for (const Json* call : *calls)
      message.tool_calls.push_back(read_call_made(
          *call, fmt::format("{}[{}]", fields.path("tool_calls"), message.tool_calls.size())));
  message.tool_call_id = fields.try_string("tool_call_id").value_or("");
  if (role == Role::tool) message.tool_name = fields.try_string("name").value_or("");
  return message;
}

ToolChoice named(const Fields& body, const std::string& name, const std::vector<Tool>& tools) {
  const ToolChoice choice{.kind = ToolChoice::Kind::named, .name = name};
  try {
    offered_tools(tools, choice);
  } catch (const Error&) {
    body.wrong("tool_choice", fmt::format("'{}' is none of the {} tools", name, tools.size()));
  }
  return choice;
}

ToolChoice read_choice(const Fields& body, const std::vector<Tool>& tools) {
  const Json* field = body.find("tool_choice");
  if (!field || *field == "auto") return {};
  if (*field == "none") return {.kind = ToolChoice::Kind::none, .name = {}};
  if (*field == "required" || *field == "any") {
    if (tools.empty()) body.wrong("tool_choice", "requires a call, but there are no tools");
    return {.kind = ToolChoice::Kind::required, .name = {}};
  }
  if (!field->is_object())
    body.wrong("tool_choice", "must be none, auto, required or name a function");
  const Fields choice(*field, body.path("tool_choice"));
  if (choice.try_string("type").value_or("function") != "function")
    choice.wrong("type", "must be function");
  const auto function = choice.try_object("function");
  return named(body, (function ? *function : choice).string("name"), tools);
}

}  // namespace

std::string read_content(const Fields& message, std::string_view key) {
  const Json* content = message.find(key);
  if (!content) return {};
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) message.wrong(key, "must be a string or a list of parts");
  std::string text;
  size_t count = 0;
  const auto parts = message.try_list(key, kPartsMax);
  for (const Json* part : *parts) {
    if (count > 0) text += '\n';
    text += read_part(*part, fmt::format("{}[{}]", message.path(key), count++));
  }
  return text;
}

Json read_arguments(const Fields& function, std::string_view key) {
  const Json* field = function.find(key);
  if (!field) return Json::object();
  if (field->is_object()) return *field;
  if (!field->is_string()) function.wrong(key, "must be the text of a JSON object");
  const std::string text = field->get<std::string>();
  if (trim_space(text).empty()) return Json::object();
  std::optional<Json> arguments = parse_json(text);
  if (!arguments || !arguments->is_object())
    function.wrong(key, "must be the text of a JSON object");
  return *std::move(arguments);
}

std::vector<Message> read_messages(const Fields& body) {
  const auto list = body.try_list("messages", kMessagesMax);
  if (!list) body.wrong("messages", "is required");
  if (list->empty()) body.wrong("messages", "must not be empty");
  std::vector<Message> messages;
  for (const Json* message : *list)
    messages.push_back(
        read_message(*message, fmt::format("{}[{}]", body.path("messages"), messages.size())));
  return messages;
}

Tool read_function(const Fields& function) {
  Tool tool{.name = function.string("name"),
            .description = function.try_string("description").value_or("")};
  if (const Json* parameters = function.find("parameters")) {
    if (!parameters->is_object()) function.wrong("parameters", "must be an object");
    tool.parameters = *parameters;
  }
  return tool;
}

std::vector<Tool> read_tools(const Fields& body) {
  std::vector<Tool> tools;
  const auto list = body.try_list("tools", kToolsMax);
  if (!list) return tools;
  for (const Json* json : *list) {
    const Fields fields(*json, fmt::format("{}[{}]", body.path("tools"), tools.size()));
    if (fields.try_string("type").value_or("function") != "function")
      fields.wrong("type", "must be function");
    const auto function = fields.try_object("function");
    if (!function) fields.wrong("function", "is required");
    tools.push_back(read_function(*function));
  }
  return tools;
}

ToolChoice read_tool_choice(const Fields& body, const std::vector<Tool>& tools) {
  ToolChoice choice = read_choice(body, tools);
  choice.allows_parallel = body.try_bool("parallel_tool_calls").value_or(true);
  return choice;
}

}  // namespace hearth::serve::openai
