#include "hearth/serve/output/template_values.h"

#include <algorithm>

#include "hearth/serve/output/call_json.h"

namespace hearth::serve {
namespace {

using llm::TemplateValue;

constexpr size_t kMistralIdBytes = 9;

bool is_mistral_id(std::string_view id) {
  return id.size() == kMistralIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
         });
}

// FNV-1a, then base 36: 36^9 ids, of which a conversation uses a handful.
std::string mistral_id(std::string_view id) {
  if (is_mistral_id(id)) return std::string(id);
  uint64_t hash = 0xCBF29CE484222325;
  for (const char byte : id) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  std::string short_id;
  for (; short_id.size() < kMistralIdBytes; hash /= 36)
    short_id += "0123456789abcdefghijklmnopqrstuvwxyz"[hash % 36];
  return short_id;
}

std::string id_for(std::string_view id, CallStyle style) {
  return style == CallStyle::mistral ? mistral_id(id) : std::string(id);
}

TemplateValue call_value(const ToolCall& call, CallStyle style) {
  TemplateValue::Dict function = {{"name", call.name},
                                  {"arguments", to_template_value(call.arguments)}};
  return TemplateValue::Dict{
      {"id", id_for(call.id, style)}, {"type", "function"}, {"function", std::move(function)}};
}

TemplateValue message_value(const Message& message, CallStyle style) {
  TemplateValue::Dict dict = {{"role", std::string(name(message.role))},
                              {"content", message.content}};
  if (!message.thinking.empty()) {
    dict.emplace_back("reasoning_content", message.thinking);
    dict.emplace_back("thinking", message.thinking);
  }
  TemplateValue::List calls;
  for (const ToolCall& call : message.tool_calls) calls.push_back(call_value(call, style));
  if (!calls.empty()) dict.emplace_back("tool_calls", std::move(calls));
  if (message.role == Role::tool) {
    if (!message.tool_call_id.empty() || style == CallStyle::mistral)
      dict.emplace_back("tool_call_id", id_for(message.tool_call_id, style));
    if (!message.tool_name.empty()) dict.emplace_back("name", message.tool_name);
  }
  return dict;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string declaration(const std::vector<Tool>& tools) {
  std::string text = "You can call these functions:\n";
  for (const Tool& tool : tools)
    text += dump({{"name", tool.name},
                  {"description", tool.description},
                  {"parameters", tool.parameters}}) +
            "\n";
  text +=
      "To call one, answer with nothing but this JSON: {\"name\": the function's name, "
      "\"arguments\": an object with its arguments}. To call several, answer with a list of such "
      "objects. When no call is needed, answer in plain words.\n\n";
  return text;
}

std::string written_calls(const std::vector<ToolCall>& calls) {
  Json list = Json::array();
  for (const ToolCall& call : calls)
    list.push_back({{"name", call.name}, {"arguments", call.arguments}});
  return dump(list.size() == 1 ? list[0] : list);
}

}  // namespace

TemplateValue to_template_value(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{INT64_MAX})
    return json.get<double>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_array()) {
    TemplateValue::List list;
    for (const Json& item : json) list.push_back(to_template_value(item));
    return list;
  }
  if (!json.is_object()) return {};
  TemplateValue::Dict dict;
  for (const auto& [key, value] : json.items()) dict.emplace_back(key, to_template_value(value));
  return dict;
}

TemplateValue tools_value(const std::vector<Tool>& tools) {
  TemplateValue::List list;
  for (const Tool& tool : tools) {
    TemplateValue::Dict function = {{"name", tool.name},
                                    {"description", tool.description},
                                    {"parameters", to_template_value(tool.parameters)}};
    list.push_back(TemplateValue::Dict{{"type", "function"}, {"function", std::move(function)}});
  }
  return list;
}

TemplateValue messages_value(const std::vector<Message>& messages, CallStyle style) {
  TemplateValue::List list;
  for (const Message& message : messages) list.push_back(message_value(message, style));
  return list;
}

std::vector<Message> spell_out_tools(const std::vector<Message>& messages,
                                     const std::vector<Tool>& tools) {
  std::vector<Message> plain;
  bool is_declared = tools.empty();
  bool is_result_last = false;
  for (const Message& message : messages) {
    Message copy = {.role = message.role, .content = message.content, .thinking = message.thinking};
    if (message.role == Role::user && !is_declared) {
      copy.content = declaration(tools) + copy.content;
      is_declared = true;
    }
    if (!message.tool_calls.empty())
      copy.content += (copy.content.empty() ? "" : "\n") + written_calls(message.tool_calls);
    const bool is_result = message.role == Role::tool;
    if (is_result) {
      copy.role = Role::user;
      copy.content =
          (message.tool_name.empty() ? "Result: " : "Result of " + message.tool_name + ": ") +
          message.content;
    }
    if (is_result && is_result_last)
      plain.back().content += "\n" + copy.content;
    else
      plain.push_back(std::move(copy));
    is_result_last = is_result;
  }
  return plain;
}

}  // namespace hearth::serve
