// Messages and tools as the plain values that chat templates read.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/serve/output/answer_style.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// Equal in kind; an integer above 2^63 - 1 becomes a double.
llm::TemplateValue to_template_value(const Json& json);

/// The list for a template's global `tools`: {"type": "function", "function": {"name",
/// "description", "parameters"}}.
llm::TemplateValue tools_value(const std::vector<Tool>& tools);

/// The list for a template's global `messages`. Keys that say nothing are absent, since templates
/// ask for their presence ("tool_calls", "tool_call_id", "name"). Thoughts are given under both
/// names in use, "reasoning_content" and "thinking". For CallStyle::mistral, ids that its templates
/// refuse become nine letters and digits, the same for a call and its result.
llm::TemplateValue messages_value(const std::vector<Message>& messages, CallStyle style);

/// For a model whose template knows no tools (CallStyle::generic): the same conversation in plain
/// messages. The first user message begins with the declaration of `tools` and the form of a call;
/// calls become JSON in the assistant's content; results become user messages, consecutive ones in
/// one. With no tools and no calls, what was given.
std::vector<Message> spell_out_tools(const std::vector<Message>& messages,
                                     const std::vector<Tool>& tools);

}  // namespace hearth::serve
