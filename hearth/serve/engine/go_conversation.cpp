#include "hearth/serve/engine/go_conversation.h"

#include <string>
#include <utility>

#include "hearth/serve/output/template_values.h"

namespace hearth::serve {
namespace {

using llm::TemplateValue;

TemplateValue call_value(const ToolCall& call) {
  TemplateValue::Dict value;
  if (!call.id.empty()) value.emplace_back("id", call.id);
  value.emplace_back(
      "function",
      TemplateValue::Dict{{"name", call.name}, {"arguments", to_template_value(call.arguments)}});
  return value;
}

// Every key always, as a struct of Go has its fields.
TemplateValue message_value(const Message& message) {
  TemplateValue::List calls;
  for (const ToolCall& call : message.tool_calls) calls.push_back(call_value(call));
  return TemplateValue::Dict{{"role", std::string(name(message.role))},
                             {"content", message.content},
                             {"thinking", message.thinking},
                             {"tool_calls", std::move(calls)},
                             {"tool_name", message.tool_name},
                             {"tool_call_id", message.tool_call_id}};
}

}  // namespace

std::string_view effort_of(Thinking level) {
  switch (level) {
    case Thinking::off:
    case Thinking::low:
      return "low";
    case Thinking::high:
    case Thinking::max:
      return "high";
    default:
      return "medium";
  }
}

llm::GoConversation go_conversation(const ChatPrompt& prompt, const std::vector<Message>& messages,
                                    const std::vector<Tool>& tools, ThinkingStyle style) {
  llm::GoConversation conversation;
  for (const Message& message : messages) conversation.messages.push_back(message_value(message));
  if (!tools.empty()) conversation.tools = std::get<TemplateValue::List>(tools_value(tools).data);
  const bool can_think = style != ThinkingStyle::none;
  const Thinking level = prompt.thinking.value_or(can_think ? Thinking::on : Thinking::off);
  conversation.thinks = level != Thinking::off;
  conversation.is_think_set = can_think || prompt.thinking.has_value();
  if (conversation.thinks) conversation.think_level = effort_of(level);
  for (const auto& [key, value] : prompt.template_arguments.items())
    conversation.arguments.emplace_back(key, to_template_value(value));
  return conversation;
}

}  // namespace hearth::serve
