#include "hearth/serve/openai/chat_request.h"

#include <algorithm>

#include "hearth/serve/openai/limits.h"
#include "hearth/serve/openai/messages.h"

namespace hearth::serve::openai {
namespace {

// `reasoning_effort` (OpenAI), `reasoning.effort` (OpenRouter, Responses), or what templates call
// it in `chat_template_kwargs`.
std::optional<Thinking> read_thinking(const Fields& body, const Json& template_arguments) {
  if (const auto effort = read_effort(body, "reasoning_effort")) return effort;
  if (const auto reasoning = body.try_object("reasoning"))
    if (const auto effort = read_effort(*reasoning, "effort")) return effort;
  const Fields arguments(template_arguments, "chat_template_kwargs");
  for (const std::string_view key : {"enable_thinking", "thinking"})
    if (const Json* thinks = arguments.find(key); thinks && thinks->is_boolean())
      return thinks->get<bool>() ? Thinking::on : Thinking::off;
  return std::nullopt;
}

// vLLM's way to let the model go on with the assistant's last words.
bool read_continues_last(const Fields& body, const ChatPrompt& prompt) {
  if (!body.try_bool("continue_final_message").value_or(false)) {
    if (!body.try_bool("add_generation_prompt").value_or(true))
      body.wrong("add_generation_prompt", "may be false only with continue_final_message");
    return false;
  }
  if (prompt.messages.back().role != Role::assistant)
    body.wrong("continue_final_message", "needs a last message of the assistant");
  return true;
}

// OpenAI: logprobs and top_logprobs; llama-server: n_probs.
int read_logprobs(const Fields& body) {
  const int64_t top = body.try_integer("top_logprobs").value_or(0);
  const int64_t probs = body.try_integer("n_probs").value_or(0);
  for (const auto& [key, count] : {std::pair{"top_logprobs", top}, {"n_probs", probs}})
    if (count < 0 || count > kTopLogprobsMax)
      body.wrong(key, fmt::format("must be from 0 to {}", kTopLogprobsMax));
  const bool wants = body.try_bool("logprobs").value_or(probs > 0);
  if (!wants && top > 0) body.wrong("top_logprobs", "needs logprobs to be true");
  return wants ? static_cast<int>(std::max(top, probs)) : -1;
}

void check_forms(const Fields& body) {
  if (body.try_string("reasoning_format") == "none")
    body.wrong("reasoning_format", "'none' is not supported: thoughts are always apart");
  const auto modalities = body.try_list("modalities", 8);
  if (modalities)
    for (const Json* modality : *modalities)
      if (*modality != "text") body.wrong("modalities", "may hold nothing but 'text'");
}

}  // namespace

ChatPrompt read_chat_prompt(const Fields& body) {
  ChatPrompt prompt;
  prompt.messages = read_messages(body);
  prompt.tools = read_tools(body);
  prompt.tool_choice = read_tool_choice(body, prompt.tools);
  if (body.try_object("chat_template_kwargs"))
    prompt.template_arguments = *body.find("chat_template_kwargs");
  prompt.thinking = read_thinking(body, prompt.template_arguments);
  prompt.continues_last = read_continues_last(body, prompt);
  return prompt;
}

AnswerCall read_chat_request(const Json& json) {
  const Fields body(json);
  AnswerCall answer = read_answer_call(body);
  check_forms(body);
  answer.request.prompt = read_chat_prompt(body);
  answer.request.logprobs = read_logprobs(body);
  return answer;
}

}  // namespace hearth::serve::openai
