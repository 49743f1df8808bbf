// The probability of a token in the form that Ollama's API and OpenAI's share.
#pragma once
#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// -9999, which OpenAI writes for what cannot be, instead of an infinity, which JSON has no word
/// for: a constraint leaves many tokens without any probability.
float finite_logprob(float logprob);

/// {token, logprob, bytes}. `bytes` is exact where `token` is only part of a character.
Json token_json(const TokenProbability& token);

}  // namespace hearth::serve
