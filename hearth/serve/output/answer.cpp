#include "hearth/serve/output/answer.h"

#include <utility>

namespace hearth::serve {

void DeltaList::add_content(std::string_view text) {
  if (text.empty()) return;
  if (deltas_.empty() || !deltas_.back().tool_calls.empty()) deltas_.emplace_back();
  deltas_.back().content += text;
}

void DeltaList::add_thinking(std::string_view text) {
  if (text.empty()) return;
  if (deltas_.empty() || !deltas_.back().tool_calls.empty() || !deltas_.back().content.empty())
    deltas_.emplace_back();
  deltas_.back().thinking += text;
}

void DeltaList::add_call(ToolCall call) {
  if (deltas_.empty()) deltas_.emplace_back();
  deltas_.back().tool_calls.push_back(std::move(call));
}

std::vector<AnswerDelta> DeltaList::take() { return std::exchange(deltas_, {}); }

AnswerDelta join(const std::vector<AnswerDelta>& deltas) {
  AnswerDelta whole;
  for (const AnswerDelta& delta : deltas) {
    whole.content += delta.content;
    whole.thinking += delta.thinking;
    whole.tool_calls.insert(whole.tool_calls.end(), delta.tool_calls.begin(),
                            delta.tool_calls.end());
  }
  return whole;
}

}  // namespace hearth::serve
