// What a model's answer means, as far as it has come: text, thoughts and calls.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// A step of an answer: first its thinking, then its content, then its calls; never all empty.
/// Texts are whole UTF-8 characters where the model wrote UTF-8.
struct AnswerDelta {
  std::string content;
  std::string thinking;
  std::vector<ToolCall> tool_calls;

  bool operator==(const AnswerDelta&) const = default;
};

/// Collects deltas in the order of the answer. A new one begins where content follows a call, or
/// thinking follows either.
class DeltaList {
 public:
  void add_content(std::string_view text);
  void add_thinking(std::string_view text);
  void add_call(ToolCall call);
  /// What has come since the last take().
  std::vector<AnswerDelta> take();

 private:
  std::vector<AnswerDelta> deltas_;
};

/// All deltas as one: the whole answer.
AnswerDelta join(const std::vector<AnswerDelta>& deltas);

}  // namespace hearth::serve
