#include "hearth/serve/ollama/answer_lines.h"

#include <random>
#include <utility>

#include "hearth/base/rng.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/api/logprobs_json.h"
#include "hearth/serve/api/rfc3339.h"

namespace hearth::serve::ollama {
namespace {

// Ids tell calls apart and guard nothing.
std::string make_call_id() {
  constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyz";
  thread_local Rng rng = [] {
    std::random_device device;
    return Rng((uint64_t{device()} << 32) | device());
  }();
  std::string id = "call_";
  for (int i = 0; i < 8; ++i) id += kLetters[rng.next_u64() % kLetters.size()];
  return id;
}

Json logprobs_json(const std::vector<TokenLogprobs>& logprobs) {
  Json list = Json::array();
  for (const TokenLogprobs& token : logprobs) {
    Json entry = token_json(token.chosen);
    if (!token.top.empty()) entry["top_logprobs"] = Json::array();
    for (const TokenProbability& other : token.top)
      entry["top_logprobs"].push_back(token_json(other));
    list.push_back(std::move(entry));
  }
  return list;
}

std::string_view done_reason(AnswerReason reason) {
  return reason == AnswerReason::length ? "length" : "stop";
}

void add_unless_zero(Json& line, const char* key, int64_t value) {
  if (value != 0) line[key] = value;
}

}  // namespace

Json AnswerLines::calls(const std::vector<ToolCall>& calls) {
  Json list = Json::array();
  for (const ToolCall& call : calls)
    list.push_back(
        {{"id", call.id.empty() ? make_call_id() : call.id},
         {"function",
          {{"index", calls_count_++}, {"name", call.name}, {"arguments", call.arguments}}}});
  return list;
}

Json AnswerLines::begin(const AnswerDelta& delta, Time created) {
  Json line = {{"model", model_}, {"created_at", rfc3339(created)}};
  const bool is_chat = form_ == AnswerForm::chat;
  Json text = is_chat ? Json::object({{"role", "assistant"}, {"content", delta.content}})
                      : Json::object({{"response", delta.content}});
  if (!delta.thinking.empty()) text["thinking"] = delta.thinking;
  if (!delta.tool_calls.empty()) text["tool_calls"] = calls(delta.tool_calls);
  if (is_chat)
    line["message"] = std::move(text);
  else
    line.update(text);
  return line;
}

std::string AnswerLines::chunk(const AnswerChunk& chunk, Time created) {
  Json line = begin(chunk.delta, created);
  line["done"] = false;
  if (!chunk.logprobs.empty()) line["logprobs"] = logprobs_json(chunk.logprobs);
  return json_text(line);
}

std::string AnswerLines::end(const AnswerEnd& end, const AnswerTimes& times,
                             const AnswerChunk& text, Time created) {
  Json line = begin(text.delta, created);
  line["done"] = true;
  line["done_reason"] = done_reason(end.reason);
  if (!end.ids.empty()) line["context"] = end.ids;
  if (!text.logprobs.empty()) line["logprobs"] = logprobs_json(text.logprobs);
  add_unless_zero(line, "total_duration", times.total.count());
  add_unless_zero(line, "load_duration", times.load.count());
  add_unless_zero(line, "prompt_eval_count", end.prompt_tokens);
  add_unless_zero(line, "prompt_eval_duration", end.prompt_time.count());
  add_unless_zero(line, "eval_count", end.generated_tokens);
  add_unless_zero(line, "eval_duration", end.decode_time.count());
  // Ollama keeps these to itself; whoever asks why the model has forgotten finds it here.
  add_unless_zero(line, "messages_forgotten", end.messages_forgotten);
  add_unless_zero(line, "context_shifts", end.context_shifts);
  return json_text(line);
}

std::string AnswerLines::nothing(std::string_view reason, Time created) {
  Json line = begin({}, created);
  line["done"] = true;
  line["done_reason"] = reason;
  return json_text(line);
}

}  // namespace hearth::serve::ollama
