// POST /v1/completions: its body, typed.
#pragma once
#include <vector>

#include "hearth/serve/openai/answer_call.h"

namespace hearth::serve::openai {

struct CompletionCall {
  AnswerCall answer;                // without a prompt; `choices` are those of each prompt
  std::vector<TextPrompt> prompts;  // at least one
  bool echoes = false;              // the prompt's text stands before the answer's
};

/// `prompt` is a text, a list of texts, of ids, or of lists of ids. Errors: FieldError, also for
/// what only scoring a prompt could answer (echo of ids, echo with logprobs) and best_of.
CompletionCall read_completion_request(const Json& body);

}  // namespace hearth::serve::openai
