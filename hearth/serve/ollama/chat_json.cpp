#include "hearth/serve/ollama/chat_json.h"

#include <utility>

#include "hearth/serve/ollama/limits.h"

namespace hearth::serve::ollama {
namespace {

using Elements = std::vector<const Json*>;

// Calls `read` with each object of the list `key`, named as errors name it.
template <class Read>
void for_each_object(const Fields& object, std::string_view key, size_t count_max, Read read) {
  const Elements elements = object.try_list(key, count_max).value_or(Elements{});
  for (size_t i = 0; i < elements.size(); ++i)
    read(Fields(*elements[i], fmt::format("{}[{}]", object.path(key), i)));
}

Fields read_function(const Fields& object) {
  std::optional<Fields> function = object.try_object("function");
  if (!function) object.wrong("function", "is required");
  return *std::move(function);
}

Json read_object(const Fields& object, std::string_view key) {
  const Json* value = object.find(key);
  if (!value) return Json::object();
  if (!value->is_object()) object.wrong(key, "must be an object");
  return *value;
}

ToolCall read_call(const Fields& object) {
  const Fields function = read_function(object);
  return {.id = object.try_string("id").value_or(""),
          .name = function.string("name"),
          .arguments = read_object(function, "arguments")};
}

Tool read_tool(const Fields& object) {
  if (const auto type = object.try_string("type"); type && *type != "function" && !type->empty())
    object.wrong("type", "must be \"function\"");
  const Fields function = read_function(object);
  return {.name = function.string("name"),
          .description = function.try_string("description").value_or(""),
          .parameters = read_object(function, "parameters")};
}

Role read_role(const Fields& object) {
  std::string word = object.string("role");
  for (char& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const std::optional<Role> role = find_role(word);
  if (!role) object.wrong("role", "must be one of [\"system\", \"user\", \"assistant\", \"tool\"]");
  return *role;
}

Message read_message(const Fields& object) {
  refuse_images(object);
  Message message{.role = read_role(object),
                  .content = object.try_string("content").value_or(""),
                  .thinking = object.try_string("thinking").value_or(""),
                  .tool_calls = {},
                  .tool_call_id = object.try_string("tool_call_id").value_or(""),
                  .tool_name = object.try_string("tool_name").value_or("")};
  for_each_object(object, "tool_calls", kCallsMax,
                  [&](const Fields& call) { message.tool_calls.push_back(read_call(call)); });
  return message;
}

}  // namespace

AnswerCall parse_chat(std::string_view text, const store::ModelParameters& defaults) {
  const Json json = parse_body(text);
  const Fields body(json);
  AnswerCall call = read_answer_call(body, defaults);
  ChatPrompt chat;
  for_each_object(body, "messages", kMessagesMax,
                  [&](const Fields& message) { chat.messages.push_back(read_message(message)); });
  for_each_object(body, "tools", kToolsMax,
                  [&](const Fields& tool) { chat.tools.push_back(read_tool(tool)); });
  chat.thinking = read_think(body);
  if (chat.messages.empty()) {
    call.purpose = purpose_of_nothing(call);
  } else {
    const Message& last = chat.messages.back();
    chat.continues_last = last.role == Role::assistant && last.tool_calls.empty();
  }
  call.request.prompt = std::move(chat);
  return call;
}

}  // namespace hearth::serve::ollama
