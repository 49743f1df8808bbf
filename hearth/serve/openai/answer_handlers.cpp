// POST /v1/chat/completions and /v1/completions: parse, submit; choices_answer.h writes.
#include <utility>

#include "hearth/serve/openai/chat_choice.h"
#include "hearth/serve/openai/chat_request.h"
#include "hearth/serve/openai/choices_answer.h"
#include "hearth/serve/openai/completion_choice.h"
#include "hearth/serve/openai/completion_request.h"
#include "hearth/serve/openai/handlers.h"

namespace hearth::serve::openai {
namespace {

using Choices = std::vector<std::unique_ptr<Choice>>;

// For several answers without a seed of their own; a model's own `seed` would make them equal.
int64_t random_seed() { return static_cast<int64_t>(std::hash<std::string>()(make_id("")) >> 1); }

AnswerForm form_of(const AnswerCall& answer, const char* id_prefix) {
  return {.id = make_id(id_prefix),
          .created = unix_now(),
          .whole_object = {},
          .chunk_object = {},
          .is_streamed = answer.is_streamed,
          .includes_usage = answer.includes_usage,
          .choices_per_prompt = answer.choices};
}

void submit_choices(const Deps& deps, const AnswerCall& answer, AnswerForm form, Choices choices,
                    std::vector<AnswerRequest> requests, const http::Request& request,
                    http::Responder& responder) {
  ChoicesAnswer::submit(
      deps.models, with_client(answer.call, request), std::move(requests),
      std::make_shared<ChoicesAnswer>(std::move(form), std::move(choices),
                                      Reply(std::move(responder)), request.closed));
}

std::string echo_of(const CompletionCall& call, const TextPrompt& prompt) {
  return call.echoes ? std::get<std::string>(prompt.text) : std::string();
}

}  // namespace

ModelCall with_client(ModelCall call, const http::Request& request) {
  call.caller = request.caller;
  call.closed = request.closed;
  return call;
}

void post_chat(const http::Request& request, http::Responder& responder, const Deps& deps) {
  const AnswerCall answer = read_chat_request(parse_body(request.body));
  Choices choices;
  for (int i = 0; i < answer.choices; ++i)
    choices.push_back(std::make_unique<ChatChoice>(i, answer.request));
  AnswerForm form = form_of(answer, "chatcmpl-");
  form.whole_object = "chat.completion";
  form.chunk_object = "chat.completion.chunk";
  submit_choices(deps, answer, std::move(form), std::move(choices),
                 spread_choices(answer, random_seed()), request, responder);
}

void post_completion(const http::Request& request, http::Responder& responder, const Deps& deps) {
  const CompletionCall call = read_completion_request(parse_body(request.body));
  const bool wants_logprobs = call.answer.request.logprobs >= 0;
  Choices choices;
  std::vector<AnswerRequest> requests;
  for (const TextPrompt& prompt : call.prompts)
    for (AnswerRequest& one : spread_choices(call.answer, random_seed())) {
      one.prompt = prompt;
      requests.push_back(std::move(one));
      choices.push_back(std::make_unique<CompletionChoice>(static_cast<int>(choices.size()),
                                                           echo_of(call, prompt), wants_logprobs));
    }
  AnswerForm form = form_of(call.answer, "cmpl-");
  form.whole_object = form.chunk_object = "text_completion";
  submit_choices(deps, call.answer, std::move(form), std::move(choices), std::move(requests),
                 request, responder);
}

}  // namespace hearth::serve::openai
