// Messages, tools and the wish to think as templates in Go's language see them.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/go_template.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/output/answer_style.h"

namespace hearth::serve {

/// gpt-oss knows three levels and always thinks: "low" (also for off), "medium" or "high".
std::string_view effort_of(Thinking level);

/// `prompt` gives everything but messages and tools. A model that can think is told whether to, as
/// Ollama does: it does where nothing is said. The prompt's template_arguments are more fields, and
/// win.
llm::GoConversation go_conversation(const ChatPrompt& prompt, const std::vector<Message>& messages,
                                    const std::vector<Tool>& tools, ThinkingStyle style);

}  // namespace hearth::serve
