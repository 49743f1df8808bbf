// How a model writes thoughts and calls, recognised from its chat template.
#pragma once
#include <string_view>

namespace hearth::serve {

/// How calls are written. NAME is a name, ARGS a JSON object; sources are published templates.
enum class CallStyle {
  none,        // calls are not read: everything is content
  hermes,      // <tool_call>{"name": "NAME", "arguments": ARGS}</tool_call>; Qwen 2.5 and 3, Hermes
  qwen_coder,  // <tool_call><function=NAME><parameter=KEY>VALUE</parameter></function></tool_call>
  glm,         // <tool_call>NAME <arg_key>KEY</arg_key><arg_value>VALUE</arg_value> </tool_call>
  llama,       // {"name": "NAME", "parameters": ARGS} as the whole answer, or behind <|python_tag|>
  mistral,     // [TOOL_CALLS][{"name": …, "arguments": …}] and [TOOL_CALLS]NAME[ARGS]ARGS
  granite,     // <|tool_call|>[{"name": …, "arguments": …}]
  deepseek,  // <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>NAME<｜tool▁sep｜>ARGS<｜tool▁call▁end｜>…
  kimi,      // the same with <|tool_calls_section_begin|>, <|tool_call_begin|> and so on
  harmony,   // <|channel|>commentary to=functions.NAME<|message|>ARGS<|call|>; gpt-oss
  generic,  // {"name": …, "arguments": …}, alone or fenced: what a model without own form is told
};

/// How thoughts are written.
enum class ThinkingStyle {
  none,
  think_tags,  // <think>…</think> before the answer
  harmony,     // the channel "analysis"
};

struct AnswerStyle {
  CallStyle calls = CallStyle::generic;
  ThinkingStyle thinking = ThinkingStyle::none;

  bool operator==(const AnswerStyle&) const = default;
};

/// The style of a model with this chat template (Jinja or Go), by the tags it spells. A template
/// that knows no calls, or spells them in a form not listed above, gives `generic`.
AnswerStyle detect_style(std::string_view template_text);

/// True when the prompt's end has opened the thoughts already, so that the answer begins in them.
bool prompt_opens_thinking(std::string_view prompt);

/// Stable lower_snake names, for `show` and logs.
std::string_view name(CallStyle style);
std::string_view name(ThinkingStyle style);

}  // namespace hearth::serve
