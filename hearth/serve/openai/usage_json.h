// What an answer has cost, as chat and text completions say it.
#pragma once
#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve::openai {

struct Usage {
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of the prompt's, not computed again
  int generated_tokens = 0;
  int thinking_tokens = 0;  // of the generated ones, estimated
};

/// OpenAI's `usage`; details of the completion only where there were thoughts.
Json usage_json(const Usage& usage);

/// llama-server's `timings`: tokens, milliseconds and tokens per second of prompt and answer. A
/// rate over no time is absent.
Json timings_json(const AnswerEnd& end);

}  // namespace hearth::serve::openai
