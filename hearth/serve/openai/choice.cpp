#include "hearth/serve/openai/choice.h"

#include <fmt/format.h>

#include "hearth/serve/api/json_text.h"

namespace hearth::serve::openai {

int estimate_thinking_tokens(const AnswerDelta& answer, int generated_tokens) {
  if (answer.thinking.empty()) return 0;
  size_t bytes = answer.thinking.size() + answer.content.size();
  for (const ToolCall& call : answer.tool_calls)
    bytes += call.name.size() + json_text(call.arguments).size();
  return static_cast<int>(static_cast<uint64_t>(generated_tokens) * answer.thinking.size() / bytes);
}

std::vector<std::string> context_warnings(const AnswerEnd& end) {
  std::vector<std::string> warnings;
  if (end.messages_forgotten > 0)
    warnings.push_back(
        fmt::format("the conversation is longer than the context: its {} oldest "
                    "messages were left out",
                    end.messages_forgotten));
  if (end.context_shifts > 0)
    warnings.push_back(fmt::format("the context was full: its older half was forgotten {} times",
                                   end.context_shifts));
  return warnings;
}

}  // namespace hearth::serve::openai
