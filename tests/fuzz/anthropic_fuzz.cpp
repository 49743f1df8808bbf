// Any bytes as the body of a request to /v1/messages: only hearth::Error may come out, always with
// the fault named as the client's, and what was read keeps to what the engine is promised.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "hearth/base/error.h"
#include "hearth/serve/anthropic/limits.h"
#include "hearth/serve/anthropic/messages_call.h"

namespace {

using namespace hearth::serve;

void check_prompt(const ChatPrompt& prompt) {
  HEARTH_CHECK(!prompt.messages.empty());
  HEARTH_CHECK(prompt.messages.back().tool_calls.empty());
  HEARTH_CHECK(prompt.continues_last == (prompt.messages.back().role == Role::assistant));
  for (const Message& message : prompt.messages) {
    HEARTH_CHECK((message.role == Role::tool) == !message.tool_call_id.empty());
    HEARTH_CHECK((message.role == Role::tool) == !message.tool_name.empty());
    for (const ToolCall& call : message.tool_calls)
      HEARTH_CHECK(!call.id.empty() && !call.name.empty() && call.arguments.is_object());
  }
  for (const Tool& tool : prompt.tools)
    HEARTH_CHECK(!tool.name.empty() && tool.parameters.is_object());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto endpoint : {anthropic::Endpoint::messages, anthropic::Endpoint::count_tokens}) {
    try {
      const Json body = parse_body(text);
      const anthropic::MessagesCall call = anthropic::read_messages_call(Fields(body), endpoint);
      HEARTH_CHECK(!call.call.model.empty());
      check_prompt(std::get<ChatPrompt>(call.request.prompt));
    } catch (const hearth::Error& error) {
      HEARTH_CHECK(error.code() == hearth::Errc::invalid_argument);
    }
  }
  return 0;
}
