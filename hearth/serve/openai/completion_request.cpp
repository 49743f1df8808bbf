#include "hearth/serve/openai/completion_request.h"

#include "hearth/serve/openai/limits.h"

namespace hearth::serve::openai {
namespace {

TextPrompt text_prompt(std::string text) { return {.text = std::move(text), .suffix = {}}; }

TextPrompt ids_prompt(const Fields& body, const Json& list, const std::string& where) {
  if (list.empty()) body.wrong("prompt", "must not be an empty list");
  return {.text = read_ids(list, where), .suffix = {}};
}

std::vector<TextPrompt> read_prompts(const Fields& body) {
  const Json* field = body.find("prompt");
  if (!field) body.wrong("prompt", "is required");
  if (field->is_string()) return {text_prompt(field->get<std::string>())};
  if (!field->is_array() || field->empty())
    body.wrong("prompt", "must be a text, or a list of texts or token ids that is not empty");
  if (field->front().is_number()) return {ids_prompt(body, *field, "prompt")};
  std::vector<TextPrompt> prompts;
  const auto items = body.try_list("prompt", kChoicesMax);
  for (const Json* item : *items) {
    const std::string where = fmt::format("prompt[{}]", prompts.size());
    if (item->is_string())
      prompts.push_back(text_prompt(item->get<std::string>()));
    else if (item->is_array())
      prompts.push_back(ids_prompt(body, *item, where));
    else
      throw FieldError(where, "must be a text or a list of token ids");
  }
  return prompts;
}

int read_logprobs(const Fields& body) {
  const auto count = body.try_integer("logprobs");
  if (!count) return -1;
  if (*count < 0 || *count > kTopLogprobsMax)
    body.wrong("logprobs", fmt::format("must be from 0 to {}", kTopLogprobsMax));
  return static_cast<int>(*count);
}

void check_echo(const Fields& body, const CompletionCall& call) {
  if (call.answer.request.logprobs >= 0)
    body.wrong("echo", "cannot stand beside logprobs: those of a prompt are not computed");
  for (const TextPrompt& prompt : call.prompts)
    if (!std::holds_alternative<std::string>(prompt.text))
      body.wrong("echo", "needs a prompt of text, not of token ids");
}

}  // namespace

CompletionCall read_completion_request(const Json& json) {
  const Fields body(json);
  CompletionCall call{.answer = read_answer_call(body), .prompts = read_prompts(body)};
  call.answer.request.logprobs = read_logprobs(body);
  call.echoes = body.try_bool("echo").value_or(false);
  if (call.echoes) check_echo(body, call);
  if (static_cast<int>(call.prompts.size()) * call.answer.choices > kChoicesMax)
    body.wrong("n", fmt::format("asks for {} answers to each of {} prompts, at most {} in all",
                                call.answer.choices, call.prompts.size(), kChoicesMax));
  const auto suffix = body.try_string("suffix");
  if (suffix && !suffix->empty())
    for (TextPrompt& prompt : call.prompts) prompt.suffix = suffix;
  return call;
}

}  // namespace hearth::serve::openai
