#include "hearth/serve/anthropic/content_blocks.h"

#include <fmt/format.h>

#include <utility>

#include "hearth/serve/api/json_text.h"

namespace hearth::serve::anthropic {
namespace {

constexpr const char* kText = "text";
constexpr const char* kThinking = "thinking";

// The block's text stands in a field of its type's name, and must be there even when it is empty:
// clients append to it. A thought's signature proves to Anthropic that a thought is its own; here
// there is nobody to prove it to.
Json text_block(const char* type, std::string_view text) {
  Json block = {{"type", type}, {type, text}};
  if (type == kThinking) block["signature"] = "";
  return block;
}

Json call_block(const ToolCall& call, Json input) {
  return {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", std::move(input)}};
}

}  // namespace

void BlockList::add(const AnswerDelta& delta) {
  add_text(kThinking, delta.thinking);
  add_text(kText, delta.content);
  for (const ToolCall& call : delta.tool_calls) blocks_.push_back(call_block(call, call.arguments));
}

void BlockList::add_text(const char* type, std::string_view text) {
  if (text.empty()) return;
  if (blocks_.empty() || blocks_.back()["type"] != type)
    return blocks_.push_back(text_block(type, text));
  blocks_.back()[type].get_ref<std::string&>() += text;
}

bool BlockEvents::add(const AnswerDelta& delta) {
  if (!add_text(kThinking, delta.thinking) || !add_text(kText, delta.content)) return false;
  for (const ToolCall& call : delta.tool_calls)
    if (!add_call(call)) return false;
  return true;
}

bool BlockEvents::add_text(const char* type, std::string_view text) {
  if (text.empty()) return true;
  if (type_ != type && !open(type, text_block(type, ""))) return false;
  return send_delta({{"type", fmt::format("{}_delta", type)}, {type, text}});
}

bool BlockEvents::add_call(const ToolCall& call) {
  return open("tool_use", call_block(call, Json::object())) &&
         send_delta({{"type", "input_json_delta"}, {"partial_json", json_text(call.arguments)}}) &&
         close();
}

bool BlockEvents::open(const char* type, Json block) {
  if (!close()) return false;
  type_ = type;
  return send_(
      {{"type", "content_block_start"}, {"index", ++index_}, {"content_block", std::move(block)}});
}

bool BlockEvents::send_delta(Json delta) {
  return send_({{"type", "content_block_delta"}, {"index", index_}, {"delta", std::move(delta)}});
}

bool BlockEvents::close() {
  if (type_.empty()) return true;
  const bool was_thinking = type_ == kThinking;
  if (was_thinking && !send_delta({{"type", "signature_delta"}, {"signature", ""}})) return false;
  type_ = {};
  return send_({{"type", "content_block_stop"}, {"index", index_}});
}

}  // namespace hearth::serve::anthropic
