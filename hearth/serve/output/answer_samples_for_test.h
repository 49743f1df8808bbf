// Answers in every style and what they mean, derived by hand from the chat templates that the
// models publish and from what the models are known to get wrong.
#pragma once
#include <string>
#include <vector>

#include "hearth/serve/output/answer_parser.h"

namespace hearth::serve {

struct AnswerSample {
  std::string title;
  AnswerStyle style;
  std::string text;
  std::string content;
  std::string thinking;
  std::string calls;  // [["name", {arguments}], …]
  bool thinking_is_open = false;
};

/// weather(city: string, days: integer, wide: boolean, tags: array), clock().
std::vector<Tool> sample_tools();

std::vector<AnswerSample> answer_samples();

/// The whole of an answer that is fed in these pieces.
AnswerDelta parse_pieces(const AnswerSample& sample, const std::vector<std::string_view>& pieces);

/// [["name", {arguments}], …] of the calls.
std::string calls_text(const AnswerDelta& answer);

}  // namespace hearth::serve
