#include "hearth/serve/output/answer_style.h"

#include <algorithm>
#include <initializer_list>

#include "hearth/serve/output/json_scanner.h"

namespace hearth::serve {
namespace {

struct StyleMarks {
  CallStyle style;
  std::initializer_list<std::string_view> all_of;
};

// The first row whose marks all stand in the template wins: special forms of <tool_call> come
// before the plain one. Llama 3.2 has no <|python_tag|> in its template; its result role is the
// mark.
const StyleMarks kMarks[] = {
    {CallStyle::harmony, {"<|channel|>", "<|message|>"}},
    {CallStyle::mistral, {"[TOOL_CALLS]"}},
    {CallStyle::qwen_coder, {"<function=", "<parameter="}},
    {CallStyle::glm, {"<tool_call>", "<arg_key>"}},
    {CallStyle::hermes, {"<tool_call>"}},
    {CallStyle::granite, {"<|tool_call|>"}},
    {CallStyle::deepseek, {"<｜tool▁calls▁begin｜>", "<｜tool▁sep｜>"}},
    {CallStyle::kimi, {"<|tool_calls_section_begin|>", "<|tool_call_argument_begin|>"}},
    {CallStyle::llama, {"<|start_header_id|>", "ipython", "\"parameters\": "}},
};

bool contains(std::string_view text, std::string_view mark) {
  return text.find(mark) != std::string_view::npos;
}

CallStyle detect_calls(std::string_view text) {
  for (const StyleMarks& row : kMarks)
    if (std::all_of(row.all_of.begin(), row.all_of.end(),
                    [&](std::string_view mark) { return contains(text, mark); }))
      return row.style;
  return CallStyle::generic;
}

}  // namespace

AnswerStyle detect_style(std::string_view template_text) {
  AnswerStyle style = {.calls = detect_calls(template_text), .thinking = ThinkingStyle::none};
  if (style.calls == CallStyle::harmony)
    style.thinking = ThinkingStyle::harmony;
  else if (contains(template_text, "<think>") || contains(template_text, "</think>"))
    style.thinking = ThinkingStyle::think_tags;
  return style;
}

bool prompt_opens_thinking(std::string_view prompt) {
  return trim_space(prompt).ends_with("<think>");
}

std::string_view name(CallStyle style) {
  constexpr std::string_view kNames[] = {"none",  "hermes",  "qwen_coder", "glm",
                                         "llama", "mistral", "granite",    "deepseek",
                                         "kimi",  "harmony", "generic"};
  return kNames[static_cast<size_t>(style)];
}

std::string_view name(ThinkingStyle style) {
  constexpr std::string_view kNames[] = {"none", "think_tags", "harmony"};
  return kNames[static_cast<size_t>(style)];
}

}  // namespace hearth::serve
