// What a conversation with tools is made of, typed: the handlers of every API translate to this and
// from it.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::serve {

/// JSON whose objects keep the order of their keys, as clients expect of arguments.
using Json = nlohmann::ordered_json;

/// A function that the model may call.
struct Tool {
  std::string name;
  std::string description;
  Json parameters = Json::object();  // JSON Schema of the arguments' object

  /// The names under "properties" of the schema, in order; none where the schema says nothing.
  std::vector<std::string> parameter_names() const;
  /// The schema of one parameter; nullptr when it is not declared.
  const Json* parameter(std::string_view key) const;
};

/// A call that a model made, or that a client gives back as part of the conversation.
struct ToolCall {
  std::string id;
  std::string name;
  Json arguments = Json::object();  // always an object

  bool operator==(const ToolCall&) const = default;
};

enum class Role { system, user, assistant, tool };

/// "system", "user", "assistant" or "tool".
std::string_view name(Role role);
/// By name; "developer" is OpenAI's newer word for system. Nothing for another word.
std::optional<Role> find_role(std::string_view name);

struct Message {
  Role role = Role::user;
  std::string content;
  std::string thinking;              // of an assistant
  std::vector<ToolCall> tool_calls;  // of an assistant
  std::string tool_call_id;          // of a tool's result: the call it answers
  std::string tool_name;             // of a tool's result, where the client says it
};

}  // namespace hearth::serve
