// The answers of /api/generate and /api/chat as JSON, piece by piece or whole.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "hearth/serve/api/answer_writer.h"

namespace hearth::serve::ollama {

enum class AnswerForm { generate, chat };

/// Writes the lines of one answer. Each is a JSON object without a line break.
class AnswerLines {
 public:
  using Time = std::chrono::system_clock::time_point;

  /// `model` as the client wrote it.
  AnswerLines(AnswerForm form, std::string model) : form_(form), model_(std::move(model)) {}

  std::string chunk(const AnswerChunk& chunk, Time created);
  /// The last line, with what is in `text`: nothing after chunks, else the whole answer. Metrics
  /// that are zero are left out.
  std::string end(const AnswerEnd& end, const AnswerTimes& times, const AnswerChunk& text,
                  Time created);
  /// The answer to an empty prompt; `reason` is "load" or "unload".
  std::string nothing(std::string_view reason, Time created);

 private:
  Json begin(const AnswerDelta& delta, Time created);
  Json calls(const std::vector<ToolCall>& calls);

  AnswerForm form_;
  std::string model_;
  int calls_count_ = 0;  // in the lines so far
};

}  // namespace hearth::serve::ollama
