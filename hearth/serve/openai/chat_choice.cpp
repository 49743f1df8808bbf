#include "hearth/serve/openai/chat_choice.h"

#include <utility>

#include "hearth/serve/api/json_text.h"
#include "hearth/serve/openai/logprobs_json.h"

namespace hearth::serve::openai {
namespace {

Json thinking_delta(const std::string& text) {
  return {{"reasoning", text}, {"reasoning_content", text}};
}

}  // namespace

ChatChoice::ChatChoice(int index, const AnswerRequest& request)
    : index_(index), wants_logprobs_(request.logprobs >= 0) {
  const auto& prompt = std::get<ChatPrompt>(request.prompt);
  tools_ = prompt.tools;
  tool_choice_ = prompt.tool_choice;
}

Json ChatChoice::choice(Json delta) const {
  return {{"index", index_},
          {"delta", std::move(delta)},
          {"logprobs", nullptr},
          {"finish_reason", nullptr}};
}

std::vector<Json> ChatChoice::begin() { return {choice({{"role", "assistant"}, {"content", ""}})}; }

Json ChatChoice::call_json(const ToolCall& call, size_t index) const {
  return {{"index", index},
          {"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", json_text(call.arguments)}}}};
}

void ChatChoice::add_calls(const std::vector<ToolCall>& calls, std::vector<Json>& out) {
  Json list = Json::array();
  for (const ToolCall& call : calls) {
    if (tool_choice_.allows_parallel || calls_sent_ == 0)
      list.push_back(call_json(call, calls_sent_++));
    answer_.tool_calls.push_back(call);
  }
  if (list.empty()) return;
  Json delta;
  delta["tool_calls"] = std::move(list);
  out.push_back(choice(std::move(delta)));
}

std::vector<Json> ChatChoice::chunk(const AnswerChunk& chunk) {
  const AnswerDelta& delta = chunk.delta;
  std::vector<Json> out;
  answer_.thinking += delta.thinking;
  answer_.content += delta.content;
  if (!delta.thinking.empty()) out.push_back(choice(thinking_delta(delta.thinking)));
  if (!delta.content.empty()) out.push_back(choice({{"content", delta.content}}));
  add_calls(delta.tool_calls, out);
  if (!wants_logprobs_ || chunk.logprobs.empty()) return out;
  if (out.empty()) out.push_back(choice(Json::object()));
  Json tokens = chat_logprobs(chunk.logprobs);
  for (const Json& token : tokens) logprobs_.push_back(token);
  out.front()["logprobs"] = {{"content", std::move(tokens)}, {"refusal", nullptr}};
  return out;
}

Json ChatChoice::finish(const AnswerEnd& end) {
  // An answer that was cut off is not "tool_calls" even if it has made a call: more may be missing.
  finish_reason_ = end.reason == AnswerReason::length ? "length"
                   : calls_sent_ > 0                  ? "tool_calls"
                                                      : "stop";
  thinking_tokens_ = estimate_thinking_tokens(answer_, end.generated_tokens);
  warnings_ = context_warnings(end);
  for (std::string& sentence : violations(answer_, tools_, tool_choice_))
    warnings_.push_back("tool_choice: " + std::move(sentence));
  Json last = choice(Json::object());
  last["finish_reason"] = finish_reason_;
  return last;
}

Json ChatChoice::whole() const {
  Json message = {{"role", "assistant"}, {"content", answer_.content}, {"refusal", nullptr}};
  if (answer_.content.empty() && calls_sent_ > 0) message["content"] = nullptr;
  if (!answer_.thinking.empty()) message.update(thinking_delta(answer_.thinking));
  for (size_t i = 0; i < calls_sent_; ++i)
    message["tool_calls"].push_back(call_json(answer_.tool_calls[i], i));
  Json choice = {{"index", index_},
                 {"message", std::move(message)},
                 {"logprobs", nullptr},
                 {"finish_reason", finish_reason_}};
  if (wants_logprobs_) choice["logprobs"] = {{"content", logprobs_}, {"refusal", nullptr}};
  return choice;
}

}  // namespace hearth::serve::openai
